"""What is said of a database that cannot be reached, in either language."""

from services.doctor import databases


async def test_list_of_hosts_that_are_away__is_told_in_both_languages() -> None:
    url = "postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/db"
    (found,) = await databases.look("intake", url, 1, lambda: 0.0)
    assert "127.0.0.1:1 không nối được (Connection refused); 127.0.0.1:2 không nối được" in found.said.vi
    assert "127.0.0.1:1 cannot be reached (Connection refused); 127.0.0.1:2 cannot be reached" in found.said.en
    assert "cannot be reached" not in found.said.vi and "secret" not in found.said.vi + found.said.en
