"""What no kept backup needs goes: older backups, files that none names, the log from before the oldest."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from services.backups import taking
from services.backups.catalog import FILE_NAMES, FORMAT, MANIFEST, Catalog, Manifest, ServerPart, chosen
from services.backups.errors import BackupFailed, WrongTarget

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
CONTENTS = [bytes([number]) for number in range(4)]
NAMES = [hashlib.sha256(content).hexdigest() for content in CONTENTS]
SEGMENT_SIZE = 1 << 20


def catalog(folder: Path) -> Catalog:
    """Three backups of as many days: file n is in backup n, the last file came since; a log from before the first."""
    made = Catalog(folder)
    for day in range(3):
        backup = folder / f"2026-11-0{day + 1}T000000Z"
        (backup / "intake").mkdir(parents=True)
        began = BEGIN + timedelta(days=day)
        manifest = Manifest(
            format=FORMAT,
            version="0",
            began_at=began,
            ended_at=began,
            servers={"intake": ServerPart(major=15, system_identifier="1", superuser="postgres")},
            databases={},
            files=1,
            damaged_files=0,
            keys={},
            parts=(),
        )
        (backup / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        (backup / FILE_NAMES).write_text(f"{NAMES[day]}\n")
        begin = {"WAL-Ranges": [{"Timeline": 1, "Start-LSN": f"0/{(day + 2) * SEGMENT_SIZE + 40:X}"}]}
        (backup / "intake" / "backup_manifest").write_text(json.dumps(begin))
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


def test_prune__keeps_what_the_kept_backups_need(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    gone = taking.prune(made, 2)
    assert [path.name for path in gone] == ["2026-11-01T000000Z"]
    assert [backup.folder.name for backup in made.whole()] == ["2026-11-02T000000Z", "2026-11-03T000000Z"]
    assert {path.name for path in made.files.rglob("*") if path.is_file()} == set(NAMES[1:])
    assert sorted(int(path.name[16:24], 16) for path in made.wal("intake").iterdir()) == [3, 4, 5]


def test_prune__removes_nothing_where_there_are_few(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert taking.prune(made, 3) == [] and sorted(tmp_path.rglob("*")) == before


def test_newest__is_chosen_and_half_a_one_is_none(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    (tmp_path / "2026-11-03T000000Z").rename(tmp_path / ".2026-11-03T000000Z")
    (tmp_path / "2026-11-09T000000Z").mkdir()
    assert chosen(tmp_path)[1].folder.name == "2026-11-02T000000Z"
    assert chosen(tmp_path / "2026-11-01T000000Z")[0].root == made.root
    with pytest.raises(WrongTarget, match="there is no whole backup there"):
        chosen(tmp_path / "files")


def test_manifest__of_another_form_or_broken_is_refused(tmp_path: Path) -> None:
    catalog(tmp_path)
    manifest = tmp_path / "2026-11-03T000000Z" / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"format":1', b'"format":2'))
    with pytest.raises(BackupFailed, match="restore it with that version"):
        chosen(tmp_path)
    manifest.write_text("{")
    with pytest.raises(BackupFailed, match="take another backup"):
        chosen(tmp_path)


def test_two_at_a_time__are_one(tmp_path: Path) -> None:
    made = catalog(tmp_path)
    with made.locked(), pytest.raises(WrongTarget, match="another backup is being taken"), made.locked():
        pass
