"""Words that mean something else to an office: none of them stands where the product speaks to people."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("services", "shared", "deploy", "docs")
KINDS = {".py", ".html", ".txt", ".md", ".yml", ".yaml", ".json"}
#: The word, and why it is wrong.
WRONG = {
    r"nhập (kiến nghị|chung|vào)": "is to type in: petitions are merged by gộp",
    r"tạm giữ": "is police custody: what waits is chờ xử lý",
    r"tạm giam": "is detention",
}


def spoken() -> Iterator[Path]:
    for place in PLACES:
        yield from (path for path in (ROOT / place).rglob("*") if path.suffix in KINDS and "images" not in path.parts)


@pytest.mark.parametrize("word", WRONG)
def test_word__that_means_something_else_is_not_used(word: str) -> None:
    found = [
        str(path.relative_to(ROOT)) for path in spoken() if re.search(word, path.read_text("utf-8"), re.IGNORECASE)
    ]
    assert found == [], WRONG[word]
