"""PostgreSQL's programs get no secret on their command line, and those of the right version are found."""

from pathlib import Path

import pytest

from services.backups import programs
from services.backups.errors import BackupFailed, WrongTarget

WRITES = {"PGTARGETSESSIONATTRS": "read-write"}


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("postgresql://u:p%40ss%2F%3A1@h:5433/x?sslmode=require", "postgresql://u@h:5433/x?sslmode=require", "p@ss/:1"),
        ("postgresql://u:secret@h1:5432,h2:5433/x", "postgresql://u@h1:5432,h2:5433/x", "secret"),
        ("postgresql://u@h/x", "postgresql://u@h/x", ""),
        ("postgresql://u@/x?host=/run/postgresql", "postgresql://u@/x?host=/run/postgresql", ""),
    ],
)
def test_url__is_shown_without_its_password(url: str, shown: str, password: str) -> None:
    carried = WRITES | ({"PGPASSWORD": password} if password else {})
    assert programs.without_password(url) == (shown, carried)


def test_url__that_names_a_file_takes_its_password(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("aus der Datei\n")
    found = programs.without_password(f"postgresql://u@h/x?password_file={tmp_path / 'pw'}&sslmode=require")
    assert found == ("postgresql://u@h/x?sslmode=require", WRITES | {"PGPASSWORD": "aus der Datei"})


def test_program__of_another_version_is_none() -> None:
    with pytest.raises(WrongTarget, match="there is no such program of PostgreSQL 9"):
        programs.found("pg_basebackup", 9)


def test_program__that_fails_says_why_in_one_line() -> None:
    with pytest.raises(BackupFailed, match=r"^sh: has failed: no luck$"):
        programs.run(["/bin/sh", "-c", "echo no luck >&2; exit 3"])
