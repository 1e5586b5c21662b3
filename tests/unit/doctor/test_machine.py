"""The disks are told once each, with what lies on them; a folder that its service cannot write to, too."""

import os
from collections import namedtuple
from pathlib import Path

import pytest

from services.doctor import machine
from services.doctor.findings import State
from services.doctor.machine import OurFolder
from services.doctor.system import ServiceUser

Usage = namedtuple("Usage", ("total", "free"))


def told(kept: list[OurFolder]) -> list[tuple[State, str]]:
    return [(finding.state, finding.said.en) for finding in machine._disks(kept)]


@pytest.mark.parametrize(("free", "state"), [(50, State.RIGHT), (10, State.NOTE), (4, State.WRONG), (0, State.WRONG)])
def test_disk__is_told_once_with_what_lies_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(100 << 30, free << 30))
    kept = [OurFolder("PostgreSQL", tmp_path), OurFolder("PostgreSQL", tmp_path), OurFolder("RabbitMQ", tmp_path)]
    said = f"disk of PostgreSQL, RabbitMQ: {free:.1f} GiB are free ({free}%)"
    assert told(kept) == [(state, said)]


def test_backups__on_the_disk_of_what_they_are_of_are_told(tmp_path: Path) -> None:
    kept = [OurFolder("PostgreSQL", tmp_path), OurFolder("--backups", tmp_path, is_backup=True)]
    assert (State.NOTE, "the backups are on the same disk as PostgreSQL: who loses it loses both") in told(kept)
    assert len(told(kept[1:])) == 1


def test_folder__that_is_not_there_is_told(tmp_path: Path) -> None:
    ((state, said),) = told([OurFolder("INTAKE_FILES", tmp_path / "none", ServiceUser())])
    assert state is State.WRONG and said == f"INTAKE_FILES: there is no folder {tmp_path}/none"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root tries what another user may do")
def test_folder__that_the_service_cannot_write_to_is_told(tmp_path: Path) -> None:
    nobody = ServiceUser(user="nobody", group="nogroup", uid=65534, gid=65534)
    first, *_ = machine._disks([OurFolder("INTAKE_FILES", tmp_path, nobody)])
    assert first.state is State.WRONG and "nobody, as whom the service runs, cannot write" in first.said.en
    assert first.remedy is not None and first.remedy.en.startswith(f"chown -R nobody {tmp_path}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root tries what another user may do")
def test_folder__whose_copy_root_has_made_is_told(reached: Path) -> None:
    nobody = ServiceUser(user="nobody", group="nogroup", uid=65534, gid=65534)
    for name, owner in (("lost+found", 0), ("aa", 65534)):
        (reached / name).mkdir(0o700)
        os.chown(reached / name, owner, owner)
    os.chown(reached, 65534, 65534)
    (right,) = machine._disks([OurFolder("INTAKE_FILES", reached, nobody)])
    assert right.state is not State.WRONG or "cannot write" not in right.said.en
    (reached / "ab").mkdir(0o700)
    first, *_ = machine._disks([OurFolder("INTAKE_FILES", reached, nobody)])
    assert first.state is State.WRONG and f"cannot write to {reached}/ab" in first.said.en
