"""Runs a whole pair on one machine with its own PostgreSQL and RabbitMQ, and stops all that it started."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import httpx

from services.dev.postgres import ensure_database, start_embedded
from services.dev.rabbitmq import BrokerUnavailable, PrivateBroker, end_group, find_broker, free_ports
from services.story import play
from shared.http.tokens import ROLE_TITLES
from shared.rabbit.topology import user_of

HOST = "127.0.0.1"
INTAKE_PORT, FOLLOWUP_PORT = 8570, 8571
STORY_BEGINS = "2019-06-24T08:00:00+07:00"
READY_TIMEOUT = 90.0  # seconds
STOP_TIMEOUT = 15.0  # seconds
PORTS_TRIED = 10
DATABASE_URL = "intake-database.url"  # a file in the data folder, for `doithoai import`
BROKER_PAUSE, LONGEST_BROKER_PAUSE = 5.0, 300.0  # seconds before a broker that ended is started again


class DevFailed(RuntimeError):
    """The pair does not start or has stopped. The message says what to do."""


class Interruption:
    """A signal that ends the run: an exception at once, and once more where a destructor has swallowed that."""

    def __init__(self) -> None:
        self._is_asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        self._is_asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt where the signal has come."""
        if self._is_asked:
            raise KeyboardInterrupt


class Child:
    """A service as a process group of its own."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", name, "serve"],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def require(self) -> None:
        """Check that it still runs. Raises DevFailed."""
        if self.process.poll() is not None:
            raise DevFailed(f"{self.name} ended with code {self.process.returncode}; see {self.log}")

    def stop(self) -> None:
        """Let it finish its requests, then end it."""
        end_group(self.process, signal.SIGTERM, STOP_TIMEOUT)


class DevPair:
    """Everything that one run starts. The stack stops it in the opposite order."""

    def __init__(self, data: Path, stack: contextlib.ExitStack, interruption: Interruption) -> None:
        self.data, self._stack, self._interruption = data, stack, interruption
        self.broker: PrivateBroker | None = None
        self.children: list[Child] = []
        self._broker_again = 0.0  # when a broker that ended is started again; 0: it runs
        self._broker_pause = BROKER_PAUSE
        (data / "logs").mkdir(parents=True, exist_ok=True)

    def databases(self) -> dict[str, str]:
        """Start PostgreSQL and give the DSN of each service's database."""
        dsn, stop = start_embedded(self.data / "postgres")
        self._stack.callback(stop)
        for name in ("intake", "followup"):
            asyncio.run(ensure_database(dsn("postgres"), name))
        urls = {name: dsn(name) for name in ("intake", "followup")}
        _write_secret(self.data / DATABASE_URL, urls["intake"].encode())
        return urls

    def amqp_urls(self, choice: str) -> dict[str, str]:
        """The broker's URL of each service, empty if events travel by the feed alone; a private one may be starting."""
        found = find_broker(self.data / "rabbitmq", choice, _say)
        if isinstance(found, PrivateBroker):
            self._stack.callback(found.stop)
            urls = {name: found.url_of(name) for name in ("intake", "followup")}
            _write_secret(self.data / "portal.url", found.url_of("portal").encode())
            found.launch()
            self.broker = found
            return urls
        if found is None:
            _say("No broker: the feed alone carries the events.")
        return dict.fromkeys(("intake", "followup"), found or "")

    def serve(self, name: str, environment: dict[str, str]) -> None:
        """Start a service, which is stopped with the rest."""
        child = Child(name, environment, self.data / "logs" / f"{name}.log")
        self._stack.callback(child.stop)
        self.children.append(child)

    def require(self) -> None:
        """Check that both services still run, and start a broker that ended again.

        Raises DevFailed, and KeyboardInterrupt where the run is to end.
        """
        self._interruption.check()
        for child in self.children:
            child.require()
        if self.broker is None or self.broker.is_alive():
            return
        # Losing it costs latency and nothing else.
        now = time.monotonic()
        if self._broker_again == 0.0:
            _say(
                f"The broker ended: the feed carries the events, and the broker starts again in "
                f"{self._broker_pause:.0f} s; see {self.data / 'rabbitmq' / 'log'}"
            )
            self._broker_again = now + self._broker_pause
        elif now >= self._broker_again:
            self._broker_again = 0.0
            self._broker_pause = min(self._broker_pause * 2, LONGEST_BROKER_PAUSE)  # one that cannot stay
            self.broker.stop()  # its epmd is there still
            self.broker.launch()
            _say("The broker starts again.")

    def wait_broker(self) -> None:
        """Wait until the private broker takes connections: whoever reads that all runs may queue at once."""
        if self.broker is not None:
            with contextlib.suppress(BrokerUnavailable):  # it is started again, and the feed carries the events
                self.broker.wait_ready()

    def wait_ready(self, *probes: str) -> None:
        """Wait until every probe is answered well. Raises DevFailed."""
        until = time.monotonic() + READY_TIMEOUT
        for probe in probes:
            while not _is_well(probe):
                self.require()
                if time.monotonic() > until:
                    raise DevFailed(f"{probe} is not well after {READY_TIMEOUT:.0f} s; see {self.data / 'logs'}")
                time.sleep(0.1)


def run_pair(
    stack: contextlib.ExitStack,
    interruption: Interruption,
    data: Path,
    intake: int | None,
    followup: int | None,
    story: bool,
    broker: str,
) -> None:
    stack.enter_context(_locked(data))
    ports = _port(stack, "--intake-port", intake, INTAKE_PORT), _port(stack, "--followup-port", followup, FOLLOWUP_PORT)
    urls = [f"http://{HOST}:{port}" for port in ports]
    pair = DevPair(data, stack, interruption)
    master_key = kept_master_key(data)
    amqp = pair.amqp_urls(broker)
    databases = pair.databases()
    wanted = {
        "intake": {
            "MASTER_KEY_FILE": str(master_key),
            "FILES": str(data / "files"),
            "SOURCE": os.environ.get("INTAKE_SOURCE") or "local",
        }
        | ({"CLOCK_START": STORY_BEGINS} if story else {}),
        "followup": {"SOURCES": urls[0], "BROKER_PUBLISHER": user_of(amqp["intake"]) if amqp["intake"] else ""},
    }
    for name, port in zip(wanted, ports, strict=True):
        own = {"HOST": HOST, "PORT": str(port), "AMQP_URL": amqp[name], "DATABASE_URL": databases[name]}
        settings = own | wanted[name]
        pair.serve(name, {f"{name.upper()}_{key}": value for key, value in settings.items()})
    pair.wait_ready(f"{urls[0]}/readyz", f"{urls[1]}/progressz")  # followup reads what intake has
    pair.wait_broker()
    _say(f"Intake {urls[0]}  Followup {urls[1]}  Data {data}")
    _say(f"Nhập sổ / import a register: INTAKE_DATABASE_URL=$(cat {data / DATABASE_URL}); docs/howto/import.md")
    if story:
        play(urls[0], urls[1], _say)
    if not os.environ.get("FOLLOWUP_ISSUER"):  # at which people sign in: then nobody comes in by a door
        _say(f"Bạn là ai? Who are you? {urls[1]}/doors")
        for role, title in ROLE_TITLES.items():
            if role != "system":  # which has no use for pages
                _say(f"  {urls[1]}/doors/{role:<12} {title.both}")
    _say("Running; Ctrl-C stops everything.")
    while True:
        pair.require()
        time.sleep(0.5)


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Hold the folder for one run at a time. The lock ends with the process, however it ends."""
    with (data / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DevFailed(f"--data: another run uses {data}; stop it, or name another folder") from None
        yield


def _port(stack: contextlib.ExitStack, option: str, given: int | None, default: int) -> int:
    if _is_free(given or default) and _claims(stack, given or default):
        return given or default
    if given:
        raise DevFailed(f"{option}: {given} is taken; name another, or leave it out")
    chosen: int = next(port for port in free_ports(PORTS_TRIED) if _claims(stack, port))
    _say(f"Port {default} is taken: using {chosen}.")
    return chosen


def _claims(stack: contextlib.ExitStack, port: int) -> bool:
    """Keep a port from other runs until its service listens: else that of another would answer in its place."""
    file = stack.enter_context((Path(tempfile.gettempdir()) / f"doithoai-port-{os.getuid()}-{port}").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def kept_master_key(data: Path) -> Path:
    """The key of the folder's store, made before the store is. Raises DevFailed."""
    path = data / "master.key"
    if not path.exists():  # never overwritten: with it everything sealed would be lost
        if (data / "postgres").exists():
            raise DevFailed(f"--data: {path} is gone, but not its databases: put it back, or name another folder")
        _write_secret(path, os.urandom(32))
    return path


def _write_secret(path: Path, secret: bytes) -> None:
    """Write a file that its owner alone reads, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secret)
        os.fsync(file.fileno())
    fresh.replace(path)


def _is_well(probe: str) -> bool:
    try:
        return httpx.get(probe, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _say(text: str) -> None:
    print(text, flush=True)
