"""This machine: whether its time is synchronised, and the disks: what lies on which, and how much room is left."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from services.doctor.findings import Finding, note, right, wrong
from services.doctor.system import ServiceUser, asked

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
LITTLE, VERY_LITTLE = 0.15, 0.05  # of a disk that is free


class OurFolder(msgspec.Struct, frozen=True):
    """A folder of ours: what lies there, and whom it must let write, where that is ours to say."""

    name: str
    folder: Path
    writer: ServiceUser | None = None
    is_backup: bool = False


async def look(kept: Sequence[OurFolder]) -> Sequence[Finding]:
    """The time, the folders, and the disks that they lie on."""
    time, disks = await asyncio.gather(asyncio.to_thread(_time), asyncio.to_thread(_disks, kept))
    return [time, *disks]


def _time() -> Finding:
    synchronised = SYNCHRONISED.exists() or asked("timedatectl", "show", "-p", "NTPSynchronized", "--value") == "yes"
    if synchronised or "Leap status     : Normal" in asked("chronyc", "-n", "tracking"):
        return right("thời gian được đồng bộ", "the time is synchronised")
    return note(
        "không thấy đồng bộ thời gian trên máy này",
        "nothing is seen to synchronise the time of this machine",
        "bật systemd-timesyncd hoặc chrony; trong container thì xem máy chủ",
        "start systemd-timesyncd or chrony; in a container look at its host",
    )


def _disks(kept: Sequence[OurFolder]) -> list[Finding]:
    found, disks = list[Finding](), dict[int, list[OurFolder]]()
    for each in kept:
        if not each.folder.is_dir():
            found.append(
                wrong(
                    f"{each.name}: không có thư mục {each.folder}",
                    f"{each.name}: there is no folder {each.folder}",
                    "tạo hoặc gắn thư mục này",
                    "make it, or mount it",
                )
            )
            continue
        if each.writer is not None and (closed := _closed_to(each.writer, each.folder)) is not None:
            found.append(_unwritable(each.name, closed, each.writer))
        disks.setdefault(os.stat(each.folder).st_dev, []).append(each)
    return [*found, *(_room(here) for here in disks.values()), *_beside(disks)]


def _closed_to(writer: ServiceUser, folder: Path) -> Path | None:
    """The folder, or the first within it, that the writer cannot write to: a copy made by root leaves such."""
    if not writer.may_write(folder):
        return folder
    try:
        within = [each for each in folder.iterdir() if each.is_dir() and each.name != "lost+found"]
        others = (each for each in within if each.stat().st_uid != writer.uid)
        return next((each for each in others if not writer.may_write(each)), None)
    except OSError:  # it has just gone, or may be written to and not listed
        return None


def _unwritable(name: str, folder: Path, writer: ServiceUser) -> Finding:
    if not writer.is_known:
        return wrong(
            f"{name}: không ghi được vào {folder}",
            f"{name}: {folder} cannot be written to",
            "giao thư mục cho người chạy dịch vụ; nếu chỉ doctor không được ghi, chạy nó bằng root",
            "give it to whom the service runs as; if doctor alone may not write there, run it as root",
        )
    command = f"chown -R {writer.user} {folder}"
    return wrong(
        f"{name}: {writer.user}, người chạy dịch vụ, không ghi được vào {folder}",
        f"{name}: {writer.user}, as whom the service runs, cannot write to {folder}",
        f"{command}; thư mục phía trên phải cho vào, đĩa phải ghi được",
        f"{command}; the folders above must let it in, and the disk must take writes",
    )


def _room(here: Sequence[OurFolder]) -> Finding:
    usage = shutil.disk_usage(here[0].folder)
    free, gib = usage.free / usage.total, usage.free / 2**30
    names = ", ".join(dict.fromkeys(each.name for each in here))
    said = f"đĩa của {names}: còn {gib:.1f} GiB ({free:.0%})", f"disk of {names}: {gib:.1f} GiB are free ({free:.0%})"
    room = f"thêm đĩa cho {here[0].folder}, hoặc dọn", f"give {here[0].folder} a larger disk, or make room"
    if free < VERY_LITTLE:
        return wrong(*said, *room)
    return note(*said, *room) if free < LITTLE else right(*said)


def _beside(disks: Mapping[int, Sequence[OurFolder]]) -> list[Finding]:
    """Backups that are lost with what they are of."""
    found = list[Finding]()
    for here in disks.values():
        backups, others = [each for each in here if each.is_backup], [each for each in here if not each.is_backup]
        if backups and others:
            names = ", ".join(dict.fromkeys(each.name for each in others))
            found.append(
                note(
                    f"bản sao lưu nằm cùng đĩa với {names}: mất đĩa này là mất cả hai",
                    f"the backups are on the same disk as {names}: who loses it loses both",
                    f"gắn đĩa của máy khác vào {backups[0].folder}",
                    f"mount a disk of another machine at {backups[0].folder}",
                )
            )
    return found
