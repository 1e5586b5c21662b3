"""Runs a whole pair on one machine with its own PostgreSQL and RabbitMQ, and stops all that it started."""

import asyncio
import contextlib
import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import httpx

from services.dev.postgres import ensure_database, start_embedded
from services.dev.process_groups import MARK, end_group, end_leftovers
from services.dev.rabbitmq import BrokerUnavailable, PrivateBroker, find_broker, free_ports
from services.intake.settings import SANDBOX_SOURCE
from services.sandbox.acts import SandboxActs
from services.sandbox.callers import (
    BROKER_USER,
    PORTAL,
    READER,
    kept_tokens,
    known_callers,
    take_over,
    token_file,
    tokens_file,
)
from services.sandbox.desk import SandboxDesk, sandbox_app, serving
from services.sandbox.page import environment_file, environment_of, page_of
from services.sandbox.seed import BEGINS, seed
from services.sandbox.store import SeedStore
from services.story import play
from shared.http.auth import lesser_token
from shared.http.tokens import ROLE_TITLES
from shared.rabbit.topology import user_of

HOST = "127.0.0.1"
SERVICES = ("intake", "followup")
INTAKE_PORT, FOLLOWUP_PORT, SANDBOX_PORT = 8570, 8571, 8572
STORY_BEGINS = "2019-06-24T08:00:00+07:00"
READY_TIMEOUT = 90.0  # seconds
STOP_TIMEOUT = 15.0  # seconds
COMMANDS_WITHIN = 20.0  # seconds for intake to find a broker that is there
PORTS_TRIED = 10
LOOPBACK = "127.0.0.0/8,::1,localhost"
RUNNING = "Running; Ctrl-C stops everything."
PORTAL_URL = "portal.url"  # a file in the data folder
DATABASE_URL = "intake-database.url"  # a file in the data folder, for `doithoai import`
BROKER_PAUSE, LONGEST_BROKER_PAUSE = 5.0, 300.0  # seconds before a broker that ended is started again


class DevFailed(RuntimeError):
    """The pair does not start or has stopped. The message says what to do."""


class Interrupted(KeyboardInterrupt):
    """A run is to end.

    Not KeyboardInterrupt itself: where that has left a text that Python runs, as those of which data classes are made,
    the process ends by SIGINT though it was handled.
    """


class Interruption:
    """A signal that ends the run: an exception at once, and once more where a destructor has swallowed that."""

    def __init__(self) -> None:
        self._is_asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        self._is_asked = True
        raise Interrupted

    def check(self) -> None:
        """Raise Interrupted where the signal has come."""
        if self._is_asked:
            raise Interrupted


class Child:
    """A service as a process group of its own."""

    def __init__(self, name: str, environment: dict[str, str], data: Path) -> None:
        self.name, self.log, self._data = name, data / "logs" / f"{name}.log", data
        self._environment = environment | {MARK: str(data)}
        self.start()

    def start(self) -> None:
        """Start it, the first time or again."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", self.name, "serve"],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _pid_file(self._data, self.name).write_text(f"{self.process.pid}", "utf-8")

    def require(self) -> None:
        """Check that it still runs. Raises DevFailed."""
        if self.process.poll() is not None:
            raise DevFailed(f"{self.name} ended with code {self.process.returncode}; see {self.log}")

    def ask_to_stop(self) -> None:
        """Begin to stop it, without waiting."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Let it finish its requests, then end it."""
        end_group(self.process, signal.SIGTERM, STOP_TIMEOUT)
        _pid_file(self._data, self.name).unlink(missing_ok=True)


def _pid_file(data: Path, name: str) -> Path:
    return data / f"{name}.pid"


class DevPair:
    """Everything that one run starts. The stack stops it in the opposite order."""

    def __init__(self, data: Path, stack: contextlib.ExitStack, interruption: Interruption) -> None:
        self.data, self._stack, self._interruption = data, stack, interruption
        self.broker: PrivateBroker | None = None
        self.portal_url = ""  # of a private broker, with a password
        self.children: list[Child] = []
        self._broker_again = 0.0  # when a broker that ended is started again; 0: it runs
        self._broker_pause = BROKER_PAUSE
        (data / "logs").mkdir(parents=True, exist_ok=True)

    def databases(self) -> Callable[[str], str]:
        """Start PostgreSQL with the two services' databases; the answer gives the DSN of each by its name."""
        dsn, stop = start_embedded(self.data / "postgres")
        self._stack.callback(stop)
        for name in SERVICES:
            asyncio.run(ensure_database(dsn("postgres"), name))
        _write_secret(self.data / DATABASE_URL, dsn("intake").encode())
        return dsn

    def amqp_urls(self, choice: str, source: str) -> dict[str, str]:
        """The broker's URL of each service, empty if events travel by the feed alone; a private one may be starting."""
        found = find_broker(self.data / "rabbitmq", choice, _say, source=source)
        if isinstance(found, PrivateBroker):
            self._stack.callback(found.stop)
            urls = {name: found.url_of(name) for name in SERVICES}
            self.portal_url = found.url_of(BROKER_USER)
            _write_secret(self.data / PORTAL_URL, self.portal_url.encode())
            found.launch()
            self.broker = found
            return urls
        if found is None:
            _say("No broker: the feed alone carries the events.")
        return dict.fromkeys(SERVICES, found or "")

    def serve(self, name: str, environment: dict[str, str]) -> None:
        """Start a service, which is stopped with the rest."""
        child = Child(name, environment, self.data)
        self._stack.callback(child.stop)
        self.children.append(child)

    def require(self) -> None:
        """Check that both services still run, and start a broker that ended again.

        Raises DevFailed, and Interrupted where the run is to end.
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

    def wait_until_all_run(self, urls: tuple[str, str]) -> None:
        """Wait until both services and the broker are there. Raises DevFailed."""
        self.wait_ready(f"{urls[0]}/readyz", f"{urls[1]}/progressz")  # followup reads what intake has
        if self.broker is not None:
            with contextlib.suppress(BrokerUnavailable):  # it is started again, and the feed carries the events
                self.broker.wait_ready()
                self._wait_for_commands(f"{urls[0]}/progressz")

    def _wait_for_commands(self, probe: str) -> None:
        """Wait for a while until intake takes commands: whoever reads that all runs may queue one at once."""
        until = time.monotonic() + COMMANDS_WITHIN
        while not _is_well(probe) and time.monotonic() < until:
            self.require()
            time.sleep(0.1)

    @contextlib.contextmanager
    def paused(self, urls: tuple[str, str]) -> Iterator[None]:
        """Both services are stopped until the block ends, and run again then. Raises DevFailed."""
        for child in self.children:  # both at once
            child.ask_to_stop()
        for child in self.children:
            child.stop()
        yield
        for child in self.children:
            child.start()
        self.wait_until_all_run(urls)

    def wait_ready(self, *probes: str) -> None:
        """Wait until every probe is answered well. Raises DevFailed."""
        until = time.monotonic() + READY_TIMEOUT
        for probe in probes:
            while not _is_well(probe):
                self.require()
                if time.monotonic() > until:
                    raise DevFailed(f"{probe} is not well after {READY_TIMEOUT:.0f} s; see {self.data / 'logs'}")
                time.sleep(0.1)


class DevOptions(NamedTuple):
    """What a run is asked for; a port that is None is any that is free."""

    data: Path
    intake_port: int | None
    followup_port: int | None
    sandbox_port: int | None
    story: bool
    sandbox: bool
    broker: str


def run_pair(stack: contextlib.ExitStack, interruption: Interruption, options: DevOptions) -> None:
    """Start everything and stay. Raises DevFailed, EmbeddedUnavailable, BrokerUnavailable, Interrupted."""
    data = options.data
    stack.enter_context(_locked(data))
    for name in SERVICES:
        end_leftovers(_pid_file(data, name), data)
    end_leftovers(data / "rabbitmq" / "pids", data / "rabbitmq")  # also where this run has no broker
    if (data / "postgres").exists() and tokens_file(data).exists() != options.sandbox:
        which = "a sandbox: add --sandbox" if not options.sandbox else "no sandbox: leave --sandbox out"
        raise DevFailed(f"--data: {data} holds {which}, or name another folder")
    ports = (
        _port(stack, "--intake-port", options.intake_port, INTAKE_PORT),
        _port(stack, "--followup-port", options.followup_port, FOLLOWUP_PORT),
    )
    urls = f"http://{HOST}:{ports[0]}", f"http://{HOST}:{ports[1]}"
    tokens = kept_tokens(data) if options.sandbox else {}  # before the databases: it marks the folder
    pair = DevPair(data, stack, interruption)
    master_key = kept_master_key(data)
    source = SANDBOX_SOURCE if options.sandbox else os.environ.get("INTAKE_SOURCE") or "local"
    amqp = pair.amqp_urls(options.broker, source)
    dsn = pair.databases()
    wanted = {
        "intake": {"MASTER_KEY_FILE": str(master_key), "FILES": str(data / "files"), "SOURCE": source}
        | ({"CLOCK_START": STORY_BEGINS} if options.story else {}),
        "followup": {
            "SOURCES": urls[0],
            "BROKER_PUBLISHER": user_of(amqp["intake"]) if amqp["intake"] else "",
            "WEBHOOK_KEY_FILE": str(_webhook_key(data)),
            "WEBHOOK_ALLOWED": LOOPBACK,  # what is developed runs on this machine
        },
    }
    kept = SeedStore(data, dsn)
    if options.sandbox:
        if kept.is_half_back:
            asyncio.run(kept.put_back())
        for name, own in _sandbox_settings(data).items():
            wanted[name] |= own
    for name, port in zip(SERVICES, ports, strict=True):
        own = {"HOST": HOST, "PORT": str(port), "AMQP_URL": amqp[name], "DATABASE_URL": dsn(name)}
        settings = own | wanted[name]
        pair.serve(name, {f"{name.upper()}_{key}": value for key, value in settings.items()})
    pair.wait_until_all_run(urls)
    _say(f"Intake {urls[0]}  Followup {urls[1]}  Data {data}")
    if options.sandbox:
        _run_sandbox(stack, pair, options, urls, tokens, kept)
    _say(f"Nhập sổ / import a register: INTAKE_DATABASE_URL=$(cat {data / DATABASE_URL}); docs/howto/import.md")
    if options.story:
        play(urls[0], urls[1], _say)
    if not os.environ.get("FOLLOWUP_ISSUER"):  # at which people sign in: then nobody comes in by a door
        _say(f"Bạn là ai? Who are you? {urls[1]}/doors")
        for role, title in ROLE_TITLES.items():
            if role != "system":  # which has no use for pages
                _say(f"  {urls[1]}/doors/{role:<12} {title.both}")
    _say_what_to_try(urls, pair.portal_url)
    _say(RUNNING)
    while True:
        pair.require()
        time.sleep(0.5)


def _say_what_to_try(urls: tuple[str, str], portal_url: str) -> None:
    """The first three commands of a connected system; a token is needed where the pair has been given some."""
    _say("Kết nối hệ thống / connect a system: docs/howto/connect-a-system.md")
    if portal_url:
        _say(f"  BROKER='{portal_url}'")
    if os.environ.get("INTAKE_TOKENS_FILE") or os.environ.get("INTAKE_TOKENS"):
        _say("  TOKEN=...   (của tệp mã truy cập / of the tokens file)")
    else:
        _say(f"  TOKEN='{lesser_token('system', 'VN')}'")
    with_token = '-H "Authorization: Bearer $TOKEN"'
    body = '{"jurisdiction": "H35.10.31", "source": "thu", "external_id": "TN-1", "text": "Rác ở chợ."}'
    _say(f"  curl {urls[0]}/v1/petitions {with_token} -H 'Content-Type: application/json' -d '{body}'")
    _say(f"  curl '{urls[0]}/v1/petitions?source=thu&external_id=TN-1' {with_token}")
    _say(f"  curl '{urls[1]}/v1/deadlines?limit=3' {with_token}")


def _sandbox_settings(data: Path) -> dict[str, dict[str, str]]:
    """What the services of a sandbox have beside the settings of every pair."""
    tokens = str(tokens_file(data))
    return {
        "intake": {"SANDBOX": "true", "CLOCK_START": BEGINS.isoformat(), "TOKENS_FILE": tokens},
        "followup": {"TOKENS_FILE": tokens, "SOURCE_TOKEN_FILE": str(token_file(data, READER))},
    }


def _run_sandbox(
    stack: contextlib.ExitStack,
    pair: DevPair,
    options: DevOptions,
    urls: tuple[str, str],
    tokens: dict[str, str],
    kept: SeedStore,
) -> None:
    """Seed the pair where it is new, open the sandbox's own port, and stay."""
    data = options.data
    port = _port(stack, "--sandbox-port", options.sandbox_port, SANDBOX_PORT)
    acts = SandboxActs(*urls, tokens)
    stack.callback(acts.close)

    def reset() -> None:
        with pair.paused(urls):
            asyncio.run(kept.put_back())

    if not kept.is_taken:
        _say("Chuẩn bị dữ liệu mẫu / making the seed ...")
        seed(acts)
        with pair.paused(urls):
            asyncio.run(kept.take())
    broker = pair.portal_url.partition("@")[2]
    page = page_of(data, *urls, f"http://{HOST}:{port}", f"amqp://{BROKER_USER}@{broker}" if broker else "")
    _write_secret(environment_file(data), environment_of(page, tokens, pair.portal_url).encode())
    callers, desk = known_callers(data), SandboxDesk(acts)
    stack.enter_context(serving(sandbox_app(desk, callers, page), port))
    pair.wait_ready(f"{page.sandbox}/sandbox")
    _say(f"Sandbox {page.sandbox}/sandbox")
    if pair.portal_url:
        _say(f"  BROKER='{pair.portal_url}'")
    _say(f"  TOKEN='{tokens[PORTAL.name]}'")
    _say(f"Thử trong một cửa sổ khác / try in another shell:\n  . {shlex.quote(page.environment)}")
    for step in page.next_steps:
        _say(f"  # {step.vi} / {step.en}\n  {step.command}")
    _say(RUNNING)
    while True:
        pair.require()
        take_over(callers, data)
        desk.turn(0.5, reset)


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


def _webhook_key(data: Path) -> Path:
    """The key that seals the secrets of webhooks; with another one their owners ask for new secrets."""
    path = data / "webhooks.key"
    if not path.exists():
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
