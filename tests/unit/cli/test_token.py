"""`doithoai token`: what it prints, what it writes, and what it refuses."""

import stat
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from services.cli import build
from services.cli.intake import rights_of
from services.exit_codes import FAILED, WRONG_USE
from shared.http.auth import Callers
from shared.http.tokens import ROLE_RIGHTS, ROLE_TITLES, ROLES, hash_token, load_tokens, mint_token


def token(*arguments: str) -> Result:
    return CliRunner().invoke(build("token"), ["token", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A tokens file that does not exist yet."""
    return tmp_path / "tokens.json"


def test_token__is_printed_once_and_kept_as_a_hash(file: Path) -> None:
    done = token("cổng", "--jurisdiction", "H35", "--source", "cổng", "--source", "đường-dây", "--file", str(file))
    minted, entry = done.stdout.splitlines()
    assert done.exit_code == 0
    (kept,) = load_tokens(str(file))
    assert (kept.hashes, kept.sources, kept.jurisdiction) == ((hash_token(minted),), ("cổng", "đường-dây"), "H35")
    assert msgspec.json.decode(entry)["name"] == "cổng"
    assert minted not in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_token__of_a_name_that_is_there_is_refused(file: Path) -> None:
    assert token("cổng", "--file", str(file)).exit_code == 0
    before = file.read_bytes()
    again = token("cổng", "--file", str(file))
    assert again.exit_code == FAILED
    assert "--rotate" in again.stderr
    assert file.read_bytes() == before


def test_token__that_is_rotated_leaves_the_newest_old_one(file: Path) -> None:
    options = ("--role", "office", "--jurisdiction", "H35.10", "--file", str(file))
    minted = [token("văn phòng", *options).stdout.splitlines()[0]]
    minted += [token("văn phòng", "--rotate", "--file", str(file)).stdout.splitlines()[0] for _ in range(2)]
    (kept,) = load_tokens(str(file))
    assert kept.hashes == tuple(hash_token(each) for each in minted[1:])
    assert (kept.role, kept.jurisdiction) == ("office", "H35.10")
    Callers((kept,), local_allowed=False)


def test_token__to_rotate_must_be_there(file: Path) -> None:
    assert token("cổng", "--rotate").exit_code == WRONG_USE
    missing = token("cổng", "--rotate", "--file", str(file))
    assert missing.exit_code == FAILED
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments", [("a", "--role", "king"), ("a", "--role", "agency"), ("a", "--agency", "H35.10.4")]
)
def test_token__used_wrongly_says_so(arguments: tuple[str, ...]) -> None:
    assert token(*arguments).exit_code == WRONG_USE


def test_token__under_a_name_of_the_product_is_refused() -> None:
    assert token("local").exit_code == WRONG_USE


def test_rights__say_role_place_and_sources() -> None:
    _, entry = mint_token("cong-tinh", "system", "H35", sources=("cong-tinh", "app"))
    assert rights_of(entry).en == (
        "cong-tinh: connected system at H35: pushes, corrects, withdraws and follows its own petitions; "
        "sources cong-tinh, app"
    )
    _, agency = mint_token("so", "agency", "H35", "H35.4")
    assert "H35 H35.4" in rights_of(agency).vi and "nguồn" not in rights_of(agency).vi


def test_rights__are_said_of_every_role() -> None:
    assert ROLE_RIGHTS.keys() == ROLE_TITLES.keys() == ROLES


def test_token__reads_answers_unless_it_may_do_nothing_more(file: Path) -> None:
    for name, given in (("cổng", ()), ("máy-chủ", ("--may", "none")), ("kho", ("--may", "read-answers"))):
        assert token(name, *given, "--file", str(file)).exit_code == 0
    assert {entry.name: entry.may for entry in load_tokens(str(file))} == {
        "cổng": ("read-answers",),
        "máy-chủ": (),
        "kho": ("read-answers",),
    }
    refused = token("khác", "--may", "write-answers")
    assert refused.exit_code == WRONG_USE and "read-answers, none" in refused.stderr
