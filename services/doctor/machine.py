"""This machine: whether its time is synchronised, and the room in the folders."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from services.doctor.findings import Finding, note, right, wrong

ANSWERS = 3.0  # seconds
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
LITTLE, VERY_LITTLE = 0.15, 0.05  # of a disk that is free


async def look(folders: Mapping[str, Path]) -> Sequence[Finding]:
    """The time and the folders, by the setting that names each."""
    works: list[Callable[[], Finding]] = [
        _time,
        *(partial(_folder, variable, folder) for variable, folder in folders.items()),
    ]
    return await asyncio.gather(*map(asyncio.to_thread, works))


def _time() -> Finding:
    synchronised = SYNCHRONISED.exists() or _asked("timedatectl", "show", "-p", "NTPSynchronized", "--value") == "yes"
    if synchronised or "Leap status     : Normal" in _asked("chronyc", "-n", "tracking"):
        return right("thời gian được đồng bộ", "the time is synchronised")
    return note(
        "không thấy đồng bộ thời gian trên máy này",
        "nothing is seen to synchronise the time of this machine",
        "bật systemd-timesyncd hoặc chrony; trong container thì xem máy chủ",
        "start systemd-timesyncd or chrony; in a container look at its host",
    )


def _asked(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS / 2, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _folder(variable: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return wrong(
            f"{variable}: không có thư mục {folder}",
            f"{variable}: there is no folder {folder}",
            "tạo hoặc gắn thư mục này",
            "make it, or mount it",
        )
    if not os.access(folder, os.W_OK):
        return wrong(
            f"{variable}: không ghi được vào {folder}",
            f"{variable}: {folder} cannot be written to",
            "giao thư mục cho người chạy dịch vụ",
            "give it to whom the service runs as",
        )
    usage = shutil.disk_usage(folder)
    free, gib = usage.free / usage.total, usage.free / 2**30
    said = f"{variable}: còn {gib:.0f} GiB ({free:.0%})", f"{variable}: {gib:.0f} GiB are free ({free:.0%})"
    room = "thêm đĩa, hoặc dọn", "give it a larger disk, or make room"
    if free < VERY_LITTLE:
        return wrong(*said, *room)
    return note(*said, *room) if free < LITTLE else right(*said)
