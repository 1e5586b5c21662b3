"""PostgreSQL's programs get no secret on their command line, and those of the right version are found."""

import re
import subprocess
from pathlib import Path

import pytest

from services.backups import programs, recovery
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


def test_program__that_fails_names_the_cause_before_what_follows_from_it() -> None:
    """As pg_basebackup ends on a full disk."""
    said = [
        "pg_basebackup: initiating base backup, waiting for checkpoint to complete",
        'pg_basebackup: error: could not write to file "pg_wal.tar.gz": No space left on device',
        *(f"pg_basebackup: error: {number}" for number in range(6)),
        "pg_basebackup: error: background process terminated unexpectedly",
        'pg_basebackup: removing data directory "x"',
    ]
    cause = programs.cause_in("\n".join(said))
    assert cause.startswith(said[1]) and cause.endswith("terminated unexpectedly")
    assert programs.cause_in("no luck\n") == "no luck"


def test_program__that_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "STILL", 0.2)
    with pytest.raises(BackupFailed, match=r"^sleep: has stood still for 0 seconds"):
        programs.run(["/bin/sleep", "600"])


@pytest.mark.parametrize("name", ["plain", 'it\'s 100% "$HOME" `x` %f'])
def test_restore_command__finds_a_segment_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """What PostgreSQL replaces, then what the shell reads."""
    folder, taken = tmp_path / name, tmp_path / "taken"
    folder.mkdir()
    (folder / "0001.partial").write_text("log")
    values = {"%%": "%", "%f": "0001", "%p": str(taken)}
    command = re.sub("%[%fp]", lambda found: values[found[0]], recovery.restore_command(folder))
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert taken.read_text() == "log"
