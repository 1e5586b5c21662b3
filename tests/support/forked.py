"""Commands as processes of their own, forked from one that has imported them: to import takes each two seconds of work.

What is forked is a process as any other: its own memory, streams, signals and exit code. It does not show what the
interpreter reads at its own start: variables PYTHON..., a stream that is closed, a signal that is ignored.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from services.cli import build

ROOT = Path(__file__).resolve().parents[2]

LARGEST = 128 * 1024  # bytes of a request: the arguments and the environment
STATUS = 4  # bytes of an exit code


class Forked:
    """A process with what a `subprocess.Popen` can do to it."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid, self._status = pid, status
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code once it has ended, negative for a signal."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int.from_bytes(os.read(self._status, STATUS), "big", signed=True)
            os.close(self._status)
        return self.returncode


class _Forker:
    """The process that has imported the commands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        atexit.register(self.close)

    def fork(self, asked: bytes, output: IO[bytes], errors: IO[bytes]) -> Forked:
        """A new process."""
        status, told = os.pipe()
        with self._lock:
            socket.send_fds(self._door, [asked], [output.fileno(), errors.fileno(), told])
            pid = int.from_bytes(self._door.recv(STATUS), "big")
        os.close(told)
        assert pid, "the process that forks has ended; why, it has said"
        return Forked(pid, status)

    def close(self) -> None:
        """End it, and what it forked."""
        self._door.close()
        self._process.wait()


@functools.cache
def _forker() -> _Forker:
    return _Forker()


def start(arguments: list[str], environment: Mapping[str, str], output: IO[bytes], errors: IO[bytes]) -> Forked:
    """Begin a command of `doithoai`."""
    asked = json.dumps([arguments, dict(environment), os.getcwd()])
    return _forker().fork(asked.encode(), output, errors)


def run(*arguments: str, env: Mapping[str, str], timeout: float = 120) -> "subprocess.CompletedProcess[str]":
    """Run a command of `doithoai` to its end. Raises TimeoutExpired."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start(list(arguments), env, output, errors)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        texts = [(stream.seek(0), stream.read().decode())[1] for stream in (output, errors)]
    return subprocess.CompletedProcess(["doithoai", *arguments], code, *texts)


# --- in the process that forks -------------------------------------------------------------------------------------


def _forked(door: socket.socket) -> bool:
    """Fork what is asked for until nobody asks any more, and end what still runs. True in what was forked."""
    running: dict[int, tuple[int, int]] = {}  # process and where its exit code is told, by the descriptor of its end
    while True:
        for ready in select.select([door, *running], [], [])[0]:
            if ready in running:
                pid, told = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with contextlib.suppress(BrokenPipeError):  # nobody wants to know
                    os.write(told, code.to_bytes(STATUS, "big", signed=True))
                os.close(told)
                os.close(ready)
                continue
            asked, streams, *_ = socket.recv_fds(door, LARGEST, 3)
            if not asked:
                for pid, _ in running.values():
                    os.kill(pid, signal.SIGKILL)
                return False
            arguments, environment, folder = json.loads(asked)
            _import(arguments)
            pid = os.fork()
            if pid == 0:
                door.detach()
                _become(arguments, environment, folder, *streams[:2])
                return True
            os.close(streams[0])
            os.close(streams[1])
            running[os.pidfd_open(pid)] = (pid, streams[2])
            door.send(pid.to_bytes(STATUS, "big"))


def _import(arguments: list[str]) -> None:
    """Import what a command imports, once for all that run it."""
    build(arguments[0] if arguments else "")
    if arguments[1:2] == ["serve"]:
        importlib.import_module(f"services.{arguments[0]}.bootstrap")
    gc.freeze()  # a collection would copy into each child what it walks


def _become(arguments: list[str], environment: dict[str, str], folder: str, output: int, errors: int) -> None:
    """Make the fork what was asked for."""
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    # Opened anew: a stream keeps what it finds out at its beginning of the file below it.
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = arguments


if __name__ == "__main__" and _forked(socket.socket(fileno=int(sys.argv[1]))):
    runpy.run_module("services.cli", run_name="__main__", alter_sys=True)
