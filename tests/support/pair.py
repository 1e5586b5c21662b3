"""The pair as processes of its own, with what tests do to processes: kill, stop, start again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from services.dev.rabbitmq import free_ports
from tests.support import forked
from tests.support.forked import Forked
from tests.support.office import Office, bearer
from tests.support.postgres import MASTER_KEY, TestServer

READY_WITHIN = 60.0  # seconds
LOOK_EVERY = 0.05  # seconds
PROBES = {"intake": "readyz", "followup": "progressz"}  # what a test waits for

T = TypeVar("T")


def until(question: Callable[[], T], within: float = READY_WITHIN, what: str = "") -> T:
    """Ask until the answer is true, with a bound."""
    deadline = time.monotonic() + within
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {within} s: {what or question}; last answer {answer!r}"
        time.sleep(LOOK_EVERY)


def get(url: str, **options: Any) -> httpx.Response:
    """An answer over plain HTTP, without reading every root certificate first."""
    return httpx.get(url, verify=False, **options)


class Service:
    """One service process that can be ended in every way and started again on the same port."""

    def __init__(self, name: str, settings: dict[str, str], folder: Path) -> None:
        self.name = name
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}-{self.port}.log"
        own = {f"{name.upper()}_{key}": value for key, value in (settings | {"PORT": str(self.port)}).items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("INTAKE_", "FOLLOWUP_"))}
        self.environment = kept | own
        #: What runs it in an interpreter of its own; without one it is forked.
        self.program: list[str] = []
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.token = ""  # to look at it, where it has a tokens file

    def start(self, wait: bool = True) -> "Service":
        """Start it; by default wait until it says that it is ready."""
        with self.log.open("ab") as output:
            if self.program:
                self.process = subprocess.Popen(
                    [sys.executable, *self.program, self.name, "serve"],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            else:
                self.process = forked.start([self.name, "serve"], self.environment, output, output)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until it says that it is ready."""
        until(self.is_ready, what=f"{self.name} ready, see {self.log}:\n{self.tail()}")

    def is_ready(self) -> bool:
        """Whether it says so; a followup also that it follows."""
        assert self.process is not None and self.process.poll() is None, f"{self.name} ended:\n{self.tail()}"
        try:
            return get(f"{self.url}/{PROBES[self.name]}", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process and no other."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def stop(self) -> int:
        """End it in good order; its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.process.wait(30) if self.process is not None else 0

    def tail(self, characters: int = 3000) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-characters:] if self.log.exists() else ""

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of an answer that must be 200."""
        answer = get(f"{self.url}{path}", params=query, timeout=30, headers=bearer(self.token))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics`, by name with its labels as they are written."""
        lines = get(f"{self.url}/metrics", timeout=30, headers=bearer(self.token)).text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


class Pair:
    """Databases, and services made on them; everything that was started is ended with it."""

    def __init__(self, server: TestServer, folder: Path, amqp_url: str = "", intake_dsn: str = "") -> None:
        self.folder, self.amqp_url = folder, amqp_url
        self.server = server
        self.intake_dsn = intake_dsn or server.database("shared.postgres")
        self.services: list[Service] = []
        self.master_key = folder / "master.key"
        self.master_key.write_bytes(MASTER_KEY)
        self._offices: list[Office] = []

    def intake(self, **settings: str) -> Service:
        """An intake on the pair's store; of several one relays."""
        chosen = {"DATABASE_URL": self.intake_dsn, "MASTER_KEY_FILE": str(self.master_key), "AMQP_URL": self.amqp_url}
        return self._made("intake", chosen | {"SOURCE": "local"} | settings)

    def followup(self, intake: Service, dsn: str = "", **settings: str) -> Service:
        """A followup of an intake, on a database of its own unless `dsn` names one."""
        chosen = {"DATABASE_URL": dsn or self.followup_dsn(), "SOURCES": intake.url, "AMQP_URL": self.amqp_url}
        chosen["SOURCE"] = "followup"  # a list of hosts asks for a name
        return self._made("followup", chosen | settings)

    def followup_dsn(self) -> str:
        """A fresh database for a followup."""
        return self.server.database("shared.postgres", "services.followup")

    def _made(self, name: str, settings: dict[str, str]) -> Service:
        service = Service(name, settings, self.folder)
        self.services.append(service)
        return service

    def office(self, intake: Service, seed: int = 0) -> Office:
        """An office that works through an intake."""
        made = Office(lambda: intake.url, seed)
        self._offices.append(made)
        return made

    def close(self) -> None:
        """End what still runs."""
        for office in self._offices:
            office.close()
        for service in self.services:
            with contextlib.suppress(ProcessLookupError):
                service.signal(signal.SIGCONT)
                service.kill()


@contextlib.contextmanager
def pair(server: TestServer, folder: Path, amqp_url: str = "", intake_dsn: str = "") -> Iterator[Pair]:
    """A pair until the block ends; its store is a fresh one unless `intake_dsn` names one."""
    made = Pair(server, folder, amqp_url, intake_dsn)
    try:
        yield made
    finally:
        made.close()
