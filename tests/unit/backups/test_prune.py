"""The folder of the backups: in which order they are, what is pruned, what of it is told as damaged."""

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from services.backups import erasures, figures, taking
from services.backups.catalog import (
    ERASURES,
    FILE_NAMES,
    FORMAT,
    MANIFEST,
    BackupPart,
    Catalog,
    Manifest,
    ServerPart,
    chosen,
    digest_of,
)
from services.backups.errors import BackupFailed, WrongTarget

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = tuple(BEGIN + timedelta(days=day) for day in range(3))
CONTENTS = [bytes([number]) for number in range(4)]
NAMES = [hashlib.sha256(content).hexdigest() for content in CONTENTS]
SEGMENT_SIZE = 1 << 20


def take(folder: Path, number: int, began: datetime, starts_in: int, name: str) -> None:
    """A backup whose base backup begins in a segment, with one file."""
    backup = folder / f"{number:04d}-{began:%Y-%m-%dT%H%M%SZ}"
    (backup / "intake").mkdir(parents=True)
    begin = {"WAL-Ranges": [{"Timeline": 1, "Start-LSN": f"0/{starts_in * SEGMENT_SIZE + 40:X}"}]}
    contents = {FILE_NAMES: f"{name}\n", "intake/backup_manifest": json.dumps(begin), ERASURES: "[]"}
    for path, content in contents.items():
        (backup / path).write_text(content)
    manifest = Manifest(
        format=FORMAT,
        version="0",
        began_at=began,
        ended_at=began,
        servers={
            "intake": ServerPart(major=15, system_identifier="1", superuser="postgres", segment_size=SEGMENT_SIZE)
        },
        databases={},
        files=1,
        damaged_files=0,
        keys={},
        parts=tuple(BackupPart(path, len(content), digest_of(backup / path)) for path, content in contents.items()),
    )
    (backup / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def catalog(folder: Path, instants: Sequence[datetime] = DAYS, starts: Sequence[int] = (2, 3, 4)) -> Catalog:
    """Three backups: file n is in backup n, the last file came since; a log from before the first."""
    made = Catalog(folder)
    for number, (instant, segment) in enumerate(zip(instants, starts, strict=True)):
        take(folder, number + 1, instant, segment, NAMES[number])
    for content, name in zip(CONTENTS, NAMES, strict=True):
        place = made.files / name[:2] / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        age = (BEGIN - timedelta(days=1)).timestamp() if name != NAMES[3] else BEGIN.timestamp() + 10 * 86400
        os.utime(place, (age, age))
    made.wal("intake").mkdir(parents=True)
    for number in range(1, 6):
        name = f"00000001{0:08X}{number:08X}{'.partial' if number == 5 else ''}"
        (made.wal("intake") / name).write_bytes(bytes(SEGMENT_SIZE))
    return made


def numbers(made: Catalog) -> list[int]:
    return [int(backup.folder.name[:4]) for backup in made.whole()]


def segments(made: Catalog) -> list[int]:
    return sorted(int(path.name[16:24], 16) for path in made.wal("intake").iterdir())


def test_prune__keeps_what_the_kept_backups_need(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    gone = taking.prune(made, 2)
    assert [path.name for path in gone] == ["0001-2026-11-01T000000Z"]
    assert numbers(made) == [2, 3]
    assert {path.name for path in made.files.rglob("*") if path.is_file()} == set(NAMES[1:])
    assert segments(made) == [3, 4, 5]


def test_prune__removes_nothing_where_there_are_few(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert taking.prune(made, 3) == [] and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("last", [datetime(2011, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)])
def test_prune__keeps_the_one_just_taken_whatever_the_clock_says(tmp_path: Path, last: datetime) -> None:
    made = catalog(tmp_path, (DAYS[0], datetime(2036, 1, 1, tzinfo=UTC), last))
    taking.prune(made, 1)
    assert numbers(made) == [3]
    assert chosen(tmp_path)[1].folder.name.startswith("0003-")


def test_prune__keeps_the_log_of_a_kept_backup_from_after_a_restore(tmp_path: Path) -> None:
    """The later backup begins at an earlier place: its server was restored."""
    made = catalog(tmp_path, starts=(2, 4, 3))
    taking.prune(made, 2)
    assert segments(made) == [3, 4, 5]


def test_prune__does_not_take_a_cut_segment_for_the_size_of_all(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    (made.wal("intake") / f"00000001{0:08X}{1:08X}").write_bytes(b"cut")
    taking.prune(made, 2)
    assert segments(made) == [3, 4, 5]


@pytest.mark.parametrize("part", [FILE_NAMES, "intake/backup_manifest"])
def test_prune__removes_nothing_while_a_kept_backup_lacks_something(tmp_path: Path, part: str) -> None:
    made = catalog(tmp_path)
    (tmp_path / "0003-2026-11-03T000000Z" / part).write_text("")
    with pytest.raises(BackupFailed, match="this part is not what the manifest says"):
        taking.prune(made, 2)
    assert numbers(made) == [1, 2, 3] and segments(made) == [1, 2, 3, 4, 5]


def test_number__is_greater_than_that_of_any_other_folder(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    assert made.next_name(DAYS[0]) == "0004-2026-11-01T000000Z"
    (tmp_path / ".0010-2026-11-03T000000Z").mkdir()
    (tmp_path / "0012-2026-11-03T000000Z").mkdir()
    assert made.next_name(DAYS[0]) == "0013-2026-11-01T000000Z"
    assert [path.name for path in made.halves()] == [".0010-2026-11-03T000000Z"]


def test_newest__is_chosen_and_half_a_one_is_none(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    (tmp_path / "0003-2026-11-03T000000Z").rename(tmp_path / ".0003-2026-11-03T000000Z")
    assert chosen(tmp_path)[1].folder.name == "0002-2026-11-02T000000Z"
    assert chosen(tmp_path / "0001-2026-11-01T000000Z")[0].root == made.root
    with pytest.raises(WrongTarget, match="there is no whole backup there"):
        chosen(tmp_path / "files")


def harm(backup: Path, kind: str) -> None:
    manifest = backup / MANIFEST
    match kind:
        case "other form":
            manifest.write_bytes(manifest.read_bytes().replace(b'"format":1', b'"format":2'))
        case "cut manifest":
            manifest.write_text("{")
        case "no manifest":
            manifest.unlink()
        case "renamed":
            backup.rename(backup.with_name("kept"))
        case "emptied list":
            (backup / ERASURES).write_text("")
        case "cut list":
            (backup / ERASURES).write_text("[{")
        case _:
            (backup / ERASURES).unlink()


DAMAGED = {
    "other form": "restore it with that version",
    "cut manifest": "take another backup",
    "no manifest": "is not a whole backup",
    "renamed": "this backup was renamed",
}
UNKNOWN = DAMAGED | {
    "emptied list": "this part is not what the manifest says",
    "cut list": "this part is not what the manifest says",
    "no list": "this part of the backup cannot be read",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_backup__is_told_and_passed(tmp_path: Path, kind: str) -> None:
    made = catalog(tmp_path)
    backup = tmp_path / "0003-2026-11-03T000000Z"
    harm(backup, kind)
    assert numbers(made) == [1, 2] and chosen(tmp_path)[1].folder.name == "0002-2026-11-02T000000Z"
    (told,) = made.doubts(DAYS[2])
    assert DAMAGED[kind] in str(told) and str(tmp_path) in told.place
    assert [path.name[:4] for path in taking.prune(made, 1)] == ["0001"], "no other backup waits for it"
    if kind not in ("no manifest", "renamed"):
        with pytest.raises(BackupFailed, match=DAMAGED[kind]):
            chosen(backup)


@pytest.mark.parametrize("kind", UNKNOWN)
def test_list_of_erasures__that_its_manifest_does_not_vouch_for_is_told(tmp_path: Path, kind: str) -> None:
    made = catalog(tmp_path)
    assert erasures.of_backups(made) == erasures.ListedErasures((), ())
    harm(tmp_path / "0003-2026-11-03T000000Z", kind)
    (told,) = erasures.of_backups(made).unknown
    assert UNKNOWN[kind] in str(told) and told.place.startswith(str(tmp_path))


def test_figures__tell_of_no_backup_and_of_none_that_a_wrong_clock_dated_ahead(tmp_path: Path) -> None:
    made = catalog(tmp_path, (DAYS[0], DAYS[1], datetime(2036, 1, 1, tzinfo=UTC)))
    log = made.wal("intake")
    os.utime(log / f"00000001{0:08X}{1:08X}", (DAYS[1].timestamp(),) * 2)
    os.utime(log / f"00000001{0:08X}{2:08X}", (datetime(2036, 1, 1, tzinfo=UTC).timestamp(),) * 2)
    made.wal("followup").mkdir()
    figures.write(made, DAYS[2])
    told = (tmp_path / figures.NAME).read_text().splitlines()
    assert f"doithoai_backup_timestamp_seconds {DAYS[1].timestamp():.0f}" in told
    assert f'doithoai_backup_log_timestamp_seconds{{server="intake"}} {DAYS[1].timestamp():.0f}' in told
    assert 'doithoai_backup_log_timestamp_seconds{server="followup"} 0' in told
    (doubt,) = made.doubts(DAYS[2])
    assert "a clock was or is wrong" in str(doubt)
    (tmp_path / "empty").mkdir()
    figures.write(Catalog(tmp_path / "empty"), DAYS[2])
    assert "doithoai_backup_timestamp_seconds 0" in (tmp_path / "empty" / figures.NAME).read_text()


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        ("000000010000000000000006", True),
        ("000000010000000000000006.partial", True),
        ("000000010000000000000006.00000028.backup", True),
        ("00000002.history", True),
        (".nfs0001", True),
        ("000000010000000000000006.gz", False),
        ("000000010000000000000006.gz.partial", False),
        ("000000010000000000000006.zst", False),
        ("000000010000000000000006.lz4", False),
        ("segments.tar", False),
    ],
)
def test_log__that_would_be_read_in_part_is_refused(tmp_path: Path, name: str, is_log: bool) -> None:
    made = catalog(tmp_path)
    (made.wal("intake") / name).touch()
    assert [error.place for error in made.doubts(DAYS[2])] == ([] if is_log else [str(made.wal("intake") / name)])
    if not is_log:
        with pytest.raises(WrongTarget, match="unpack it"):
            made.check_log("intake")


def test_two_at_a_time__are_one(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    with made.locked(), pytest.raises(WrongTarget, match="another backup is being taken"), made.locked():
        pass
