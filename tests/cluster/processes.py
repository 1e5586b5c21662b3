"""The processes of the cluster: started on a host, ended in every way, found again by a later run.

Each carries the folder of its cluster and its own name in its environment, and so does all that it starts; PostgreSQL,
which writes over its environment, is known by its data folder. Nothing else is kept about them: what a harness that
crashed has left behind is found in the same way.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from tests.cluster.hosts import ClusterHosts

FOLDER_MARK, NAME_MARK = "DOITHOAI_CLUSTER", "DOITHOAI_CLUSTER_PART"
STOP_WITHIN = 40.0  # seconds: a service drains, a database writes its last checkpoint
LAST_LINES = 3  # of a log
LOOK_EVERY = 0.05  # seconds


class NotWithin(AssertionError):
    """Something did not come about in its time. The message says what."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it is declared: what runs where, as whom, and how one asks whether it is ready."""

    name: str
    host: str  # empty: outside of all hosts
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    user: str = ""  # for what refuses to run as root; empty: as who runs the cluster
    probe: str = ""  # a URL that answers 200 once it can serve; empty: it has none
    disk: str = ""  # the folder that is gone with its host; empty: it keeps nothing
    stale: tuple[str, ...] = ()  # files of a run that was killed, in the way of the next start


def until(question: Callable[[], object], within: float, what: str) -> None:
    """Ask until the answer is true. Raises NotWithin."""
    deadline = time.monotonic() + within
    while not question():
        if time.monotonic() > deadline:
            raise NotWithin(f"not within {within:g} s: {what}")
        time.sleep(LOOK_EVERY)


class Processes:
    """All processes of one cluster."""

    def __init__(self, folder: Path, hosts: ClusterHosts) -> None:
        self.folder, self._hosts = folder, hosts
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, program: Program) -> None:
        """Start a program on its host, its output into a log of its own."""
        assert not self.pids(program.name), f"{program.name} runs already"
        for file in program.stale:
            Path(file).unlink(missing_ok=True)
        place = self._hosts.inside(program.host) if program.host else []
        command = [*place, *_as_user(program.user), *program.command]
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        marks = {FOLDER_MARK: str(self.folder), NAME_MARK: program.name}
        log = self.log(program.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                env=kept | {"LANG": "C.UTF-8", "HOME": str(self.folder)} | dict(program.environment) | marks,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.folder / "log" / f"{name}.log"

    def last_words(self, name: str) -> str:
        """How a program's output ends."""
        return " / ".join(self.log(name).read_text("utf-8", "replace").splitlines()[-LAST_LINES:])

    def pids(self, name: str = "") -> list[int]:
        """The processes of a program, orphans too; without a name those of all programs."""
        for child in self._children:
            child.poll()  # who has ended is no process any more
        found = []
        for entry in Path("/proc").iterdir():
            # Gone in between, or another user's.
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self._is_ours(entry, name):
                    found.append(int(entry.name))
        return found

    def _is_ours(self, entry: Path, name: str) -> bool:
        marks = {f"{FOLDER_MARK}={self.folder}", *([f"{NAME_MARK}={name}"] if name else [])}
        if {mark.encode() for mark in marks} <= set((entry / "environ").read_bytes().split(b"\0")):
            return True
        is_postgres = (entry / "comm").read_text().startswith("postgres")
        return is_postgres and (entry / "cwd").readlink().is_relative_to(self.folder / name)

    def first(self, name: str) -> int:
        """The process that was started under a name; 0 when none runs."""
        return min(self.pids(name), default=0, key=_started_at)

    def signal_to(self, name: str, number: signal.Signals) -> None:
        """Send a signal to every process of a program."""
        send(self.pids(name), number)

    def kill(self, name: str) -> None:
        """End a program as a power cut would, with all that it has started."""
        while found := self.pids(name):
            send(found, signal.SIGKILL)
            time.sleep(LOOK_EVERY)

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM, within: float = STOP_WITHIN) -> None:
        """End a program in good order; what does not end in time is killed and told. Raises NotWithin."""
        send([self.first(name)], number)
        try:
            until(lambda: not self.pids(name), within, f"{name} ends")
        except NotWithin:
            self.kill(name)
            raise

    def kill_all(self) -> None:
        """End everything at once."""
        self.kill("")


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes that may have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            if pid:
                os.kill(pid, number)


def _as_user(user: str) -> list[str]:
    """PostgreSQL refuses root; the checkout may lie in a folder that is root's alone, so the right to read stays."""
    if not user or os.geteuid() != 0:
        return []
    rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *rights]


def _started_at(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    return sys.maxsize
