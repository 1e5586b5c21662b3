"""Groups of processes that a run starts: ended whole, and by a later run where this one was killed."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "DOITHOAI_STARTED_IN"  # in the environment of what was started: how a later run knows its own
GONE_WITHIN = 5.0  # seconds after which a killed group is no longer waited for


def end_group(process: subprocess.Popen[bytes], with_signal: signal.Signals, timeout: float) -> None:
    """End a process that leads its own group, and everything in the group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, with_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_leftovers(pids: Path, folder: Path) -> None:
    """Kill the groups that a killed run left, by the file of their leaders: those that were started in this folder."""
    with contextlib.suppress(OSError, ValueError):
        for pid in map(int, pids.read_text("utf-8").split()):
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if f"{MARK}={folder}".encode() in environment:
                    os.killpg(pid, signal.SIGKILL)
                    _until_gone(pid)


def _until_gone(group: int) -> None:
    until = time.monotonic() + GONE_WITHIN
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.05)
