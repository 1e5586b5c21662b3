"""What a restore finds in its target: refused, or moved aside, the log of a restore that was killed too."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.backups.errors import WrongTarget
from services.backups.recovery import check_target
from services.backups.restoring import move_aside

NOW = datetime(2026, 11, 30, 18, tzinfo=UTC)


@pytest.mark.parametrize("name", ["intake", "intake.wal", "followup", "followup.wal", "files"])
def test_target__that_holds_something_is_refused_until_it_is_moved_aside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "kept").write_text("kept")
    with pytest.raises(WrongTarget):
        check_target(tmp_path / name)
    assert move_aside(tmp_path, NOW) == [tmp_path / f"{name}.before-2026-11-30T180000Z"]
    check_target(tmp_path / name)
    assert (tmp_path / f"{name}.before-2026-11-30T180000Z" / "kept").read_text() == "kept"


def test_target__that_is_empty_stays(tmp_path: Path) -> None:
    (tmp_path / "intake").mkdir()
    check_target(tmp_path / "intake")
    assert move_aside(tmp_path, NOW) == []
