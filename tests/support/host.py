"""What a test does to the machine under a process: a small disk that fills up, a clock that jumps."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.dev import debian

LIBRARIES = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime")
MB = 1024 * 1024


class Disk:
    """A file system of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, leaving: int = 0) -> None:
        """Use it up but for so many MB."""
        with self._filler.open("ab") as file, contextlib.suppress(OSError):
            while shutil.disk_usage(self.path).free > leaving * MB:
                file.write(bytes(min(MB, shutil.disk_usage(self.path).free - leaving * MB)))
                file.flush()

    def free(self) -> None:
        """Give back what `fill` has used."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(path: Path, size: int) -> Iterator[Disk]:
    """A tmpfs of so many MB; skips the test where it cannot be mounted."""
    path.mkdir(parents=True, exist_ok=True)
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "tmpfs", str(path)],
            capture_output=True,
            check=False,
        ).returncode
    ):
        pytest.skip("a tmpfs cannot be mounted here: it needs root")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)


class FakedClock(dict[str, str]):
    """The environment of a process whose wall clock is another one; its monotonic clock stays."""

    def __init__(self, library: Path, file: Path, offset: str) -> None:
        super().__init__(
            LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(file), FAKETIME_DONT_FAKE_MONOTONIC="1",
            FAKETIME_CACHE_DURATION="1", DONT_FAKE_MONOTONIC="1",
        )  # fmt: skip
        self._file = file
        self.jump(offset)

    def jump(self, offset: str) -> None:
        """Put the clock so far from the right time: `+2h`, `-90`, `+0`."""
        self._file.write_text(offset + "\n")


@contextlib.contextmanager
def faked_clock(offset: str) -> Iterator[FakedClock]:
    """A clock by libfaketime; installed where it may be, else the test is skipped."""
    library = _library()
    if library is None:
        pytest.skip("libfaketime is missing: apt-get install faketime")
    file = Path(f"/tmp/doithoai-clock-{os.getpid()}")
    try:
        yield FakedClock(library, file, offset)
    finally:
        file.unlink(missing_ok=True)


def _library() -> Path | None:
    if _installed_library() is None and debian.can_install():
        debian.install("faketime")
    return _installed_library()


def _installed_library() -> Path | None:
    found = (Path(folder) / "libfaketimeMT.so.1" for folder in LIBRARIES)
    return next((library for library in found if library.exists()), None)
