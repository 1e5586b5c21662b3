"""A pair under load with a fault in it, beside a followup that nothing disturbs, and the accounting afterwards."""

import asyncio
import contextlib
import functools
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import aio_pika
import httpx
import psutil
import psycopg
import pytest

from services.dev.rabbitmq import BrokerUnavailable, PrivateBroker
from shared.rabbit.topology import DEADLINES, STORE, commands_of, events_of, user_of
from tests.support import oracle
from tests.support.cluster import Cluster
from tests.support.office import BEGIN, Office
from tests.support.pair import Pair, Service, get, until
from tests.support.postgres import TestServer
from tests.support.proxy import Filter, Proxy
from tests.support.rabbit import private_broker

EVENTS = events_of("local")
COMMANDS = commands_of("local")

RECOVERY = 30.0  # seconds after a fault within which nothing may be left behind, without a human
ELECTS_WITHIN = 12.0  # seconds in which a broker's queues have elected their leaders
ELECT = (
    "[begin ra:trigger_election({N, node()}), N end || Q <- rabbit_amqqueue:list(), {N, _} <- [amqqueue:get_pid(Q)], "
    "ets:lookup(ra_state, N) =/= [{N, leader}]]."
)
LARGEST = 400 * 1024 * 1024  # bytes of memory of one service
WORK_WITHIN = 110.0  # seconds for all commands of a scene
TAP = "chaos.tap"
COUNT = 10  # petitions

T = TypeVar("T")


Tapped: TypeAlias = Any  # a message of aio-pika


def fault(row: str, title: str, how: str, checks: str) -> pytest.MarkDecorator:
    """Names a test as a row of the table: which fault, how it is injected, what must hold beside the accounting."""
    return pytest.mark.fault(row=row, title=title, how=how, checks=checks)


class Ground:
    """What faults happen to: a PostgreSQL and a RabbitMQ; and a quiet server for what stays undisturbed."""

    def __init__(self, quiet: TestServer, folder: Path, seed: str) -> None:
        self.quiet, self.folder, self.seed = quiet, folder, seed
        for name in ("postgres", "rabbit"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        self.broker = private_broker(folder / "rabbit")
        self.broker.launch()
        self.cluster = Cluster(folder / "postgres").start()
        self.broker.wait_ready()

    def close(self) -> None:
        """End both."""
        self.cluster.shut_down()
        self.broker.stop()


class Clerk(Office):
    """An office that counts how it was answered; it can be slow, and be told to pause after so many answers."""

    def __init__(self, url: Callable[[], str], seed: int, pace: float) -> None:
        super().__init__(url, seed)
        self.statuses: Counter[int] = Counter()
        self.limit = sys.maxsize
        self._pace = pace

    def act(self, key: str, path: str, /, **body: Any) -> dict[str, Any]:
        """One command, when it is time."""
        while len(self.accepted) >= self.limit:
            time.sleep(0.01)
        if self._pace:
            time.sleep(self._rng.uniform(0, 2 * self._pace))
        return super().act(key, path, **body)

    def _client(self) -> httpx.Client:
        client = super()._client()
        if not client.event_hooks["response"]:
            client.event_hooks = {"response": [lambda answer: self.statuses.update([answer.status_code])]}
        return client


class Scene:
    """One pair with its load. `proxied` names what is reached through a proxy.

    store: intake to PostgreSQL; projection: followup to PostgreSQL; relay, bell: intake, followup to RabbitMQ; feed:
    followup to intake.
    """

    def __init__(
        self,
        ground: Ground,
        folder: Path,
        name: str,
        *,
        proxied: str = "",
        count: int = COUNT,
        pace: float = 0.0,
        tap: bool = True,
        apart: bool = False,
        cluster: Cluster | None = None,
        broker: PrivateBroker | None = None,
        filter_down: Callable[[], Filter] | None = None,
        intake: dict[str, str] | None = None,
        followup: dict[str, str] | None = None,
        undisturbed: dict[str, str] | None = None,
    ) -> None:
        self.ground, self.folder, self.count = ground, folder, count
        self.cluster, self.broker = cluster or ground.cluster, broker or ground.broker
        self.rng = random.Random(f"{ground.seed}:{name}")
        self.caller = oracle.CALLER  # as whom the office is known
        self.notes: list[str] = []
        self.largest: Counter[str] = Counter()
        self.cursors: list[tuple[Any, ...]] = []
        self.pair = Pair(self.cluster, folder, self.broker.url)
        self.store, self.projection = self.pair.intake_dsn, self.pair.followup_dsn()
        if apart:
            self.projection = ground.cluster.database("shared.postgres", "services.followup")
        self.reference = ground.quiet.database("shared.postgres", "services.followup")
        self.has_tap = tap
        self.proxies: dict[str, Proxy] = {}
        self.taken: list[Tapped] = []
        self.again = 0
        self.beside = 0  # petitions received beside the office's own, which start no clock
        self._proxied, self._filter_down = proxied.split(), filter_down
        self.amqp(self._clear_broker)
        self.intake = self.another_intake(**intake or {})
        self.followup = self.another_followup(**followup or {})
        self.undisturbed = self.pair.followup(self.intake, self.reference, **{"AMQP_URL": ""} | (undisturbed or {}))
        self.office = Clerk(lambda: self.intake.url, self.rng.randrange(10**6), pace)
        self._worker: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._watching = threading.Event()

    # --- the pair --------------------------------------------------------------------------------------------------

    def another_intake(self, **settings: str) -> Service:
        """An intake on the store."""
        own = {"CLOCK_START": BEGIN}
        own["DATABASE_URL"] = self._through("store", self.cluster.port, self.store)
        own["AMQP_URL"] = self._through("relay", _port(self.broker.url), self.broker.url)
        return self.pair.intake(**own | settings)

    def another_followup(self, **settings: str) -> Service:
        """A followup on the projection."""
        own = {"DATABASE_URL": self._through("projection", self.cluster.port, self.projection)}
        own["AMQP_URL"] = self._through("bell", _port(self.broker.url), self.broker.url)
        own["SOURCES"] = self._through("feed", self.intake.port, self.intake.url)
        return self.pair.followup(self.intake, **own | settings)

    def _through(self, name: str, port: int, url: str) -> str:
        if name not in self._proxied:
            return url
        proxy = self.proxies.get(name) or self.proxies.setdefault(name, Proxy(port, self._filter_down))
        return url.replace(f":{port}", f":{proxy.port}")

    def start(self) -> "Scene":
        """Start the three services and wait until they are ready."""
        for service in (self.intake, self.followup, self.undisturbed):
            service.start(wait=False)
        for service in (self.intake, self.followup, self.undisturbed):
            service.wait_ready()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def close(self) -> None:
        """End everything that the scene started."""
        self._watching.set()
        self.pair.close()
        self.office.close()
        for proxy in self.proxies.values():
            proxy.close()

    def command(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a module as a command beside the running pair."""
        environment = {"FOLLOWUP_DATABASE_URL": self.projection, "FOLLOWUP_SOURCES": self.intake.url} | settings
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env=os.environ | environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def doithoai(self, *arguments: str, **settings: str) -> str:
        """What our command line answers; it must succeed."""
        done = self.command("services.cli", *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # --- load ------------------------------------------------------------------------------------------------------

    def work(self, at_least: int = 0, pause: bool = False) -> "Scene":
        """Let the office work through the conference; return when it has so many answers (it goes on, or pauses)."""
        if pause:
            self.office.limit = at_least
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()
        return self.accepted(at_least)

    def go_on(self, more: int) -> "Scene":
        """Let it go on; return when it has so many answers more."""
        self.office.limit = sys.maxsize
        return self.accepted(len(self.office.accepted) + more)

    def accepted(self, at_least: int) -> "Scene":
        """Wait until the office has so many answers."""
        until(lambda: len(self.office.accepted) >= at_least or self.has_ended(), WORK_WITHIN, f"{at_least} accepted")
        return self

    def some(self, first: int = 15, last: int = 60) -> int:
        """A random number of answers, in the middle of the work."""
        return self.rng.randint(first, last)

    def _work(self) -> None:
        try:
            self.office.work(self.count)
        except BaseException as error:
            self._failure = error

    def has_ended(self) -> bool:
        """Whether there is no more work; raises what the work was refused with."""
        if self._failure is not None:
            raise self._failure
        return self._worker is None or not self._worker.is_alive()

    # --- the end ---------------------------------------------------------------------------------------------------

    def check(self, within: float = RECOVERY) -> None:
        """Wait until all work is done and everything has caught up; then account for everything."""
        until(self.has_ended, WORK_WITHIN, "the office has done its work")
        since = time.monotonic()
        with contextlib.suppress(AssertionError):
            until(lambda: not self.behind(), ELECTS_WITHIN)
        if self.behind():
            self._elect()
        until(lambda: not self.behind(), within - ELECTS_WITHIN, "everything has caught up")
        self.note(f"caught up {time.monotonic() - since:.1f} s after the work")
        self.account()

    def _elect(self) -> None:
        """What the runbook says of a queue that elected no leader when its node came back (rabbitmq-server, 10070)."""
        with contextlib.suppress(BrokerUnavailable):
            elected = re.findall(r"'(.+?)'", self.broker.control("eval", ELECT))
            if elected:
                self.note(f"by hand, after {ELECTS_WITHIN:.0f} s: an election of {' and '.join(elected)}")

    def behind(self) -> str:
        """What has not caught up yet; empty when everything has."""
        try:
            ((head, day),) = oracle.rows(
                self.store,
                "SELECT coalesce(max(notification_id), 0), date_trunc('day', store_now(), 'Asia/Ho_Chi_Minh') "
                "FROM stored_events",
            )
            for name, dsn in (("followup", self.projection), ("undisturbed", self.reference)):
                found = oracle.rows(dsn, "SELECT position, horizon, state FROM followed.sources WHERE source = 'local'")
                if not found or found[0][0] != head or found[0][1] is None or found[0][1] < day:
                    return f"{name}: {found}, head {head}"
                if oracle.rows(dsn, "SELECT 1 FROM followed.sweeps"):
                    return f"{name} is sweeping"
            for name, dsn, _ in self._relaying():
                ((pending,),) = oracle.rows(
                    dsn,
                    "SELECT (SELECT coalesce(max(notification_id), 0) FROM stored_events) - "
                    "coalesce((SELECT position FROM relay_position WHERE name = %s), 0)",
                    name,
                )
                if pending:
                    return f"relay of {name}: {pending}"
        except psycopg.Error as error:
            return type(error).__name__
        return ""

    def _relaying(self) -> list[tuple[str, str, str]]:
        """The services that have a broker: name, database, exchange."""
        both = (
            ("intake", self.store, EVENTS.exchange, self.intake),
            ("followup", self.projection, DEADLINES.exchange, self.followup),
        )
        return [(name, dsn, to) for name, dsn, to, made in both if made.environment[f"{name.upper()}_AMQP_URL"]]

    def account(self) -> None:
        """Everything that must hold after whatever happened."""
        oracle.check_store(self.store, self.office.accepted, self.count + self.beside, self.caller)
        oracle.check_projection(self.store, self.projection)
        count = oracle.check_raised(self.store, self.projection, self.reference)
        assert count > self.count, f"{count} deadline events: the scene proves nothing"
        oracle.check_digest(self.store, self.projection, self.reference)
        moved = [c for c in self.cursors if c[1] is not None]
        assert moved == sorted(moved), "the cursor went back"
        if self.has_tap:
            self._check_messages()
        self._check_metrics()
        for name, largest in self.largest.items():
            assert largest < LARGEST, f"{name} took {largest >> 20} MB"
        for service in self.pair.services:
            oracle.check_sealed(service.tail(10**7), f"the log of {service.name}")
        self.note(f"{len(self.office.accepted)} commands, {count} deadline events")

    def _check_messages(self) -> None:
        self.tapped()
        for _, dsn, exchange in self._relaying():
            ought = [str(event[1]) for event in oracle.stored_events(dsn)]
            messages = [(str(m.headers["ce-id"]), m.body) for m in self.taken if m.exchange == exchange]
            self.again += oracle.check_messages(messages, ought, exchange)
        self.note(f"{self.again} messages came again")

    def _check_metrics(self) -> None:
        alive = [s for s in self.pair.services if s.process is not None and s.process.poll() is None]
        for service in alive:
            text = get(f"{service.url}/metrics", timeout=30).text
            oracle.check_sealed(text, "metrics")
        if self.intake in alive:
            # A snapshot that something held up is followed by a pause of up to half a minute.
            until(lambda: self.intake.metrics().get("intake_outbox_pending_events") == 0, 40, "no event waits")
        if self.followup in alive:
            lag = 'followup_reader_lag_events{source="local"}'
            until(lambda: self.followup.metrics().get(lag, 0) == 0, 10, "no lag")

    def note(self, text: str) -> None:
        """Something for the table."""
        self.notes.append(text)

    def _watch(self) -> None:
        """Memory of the services, and that the cursor never goes back."""
        while not self._watching.wait(0.5):
            for service in self.pair.services:
                with contextlib.suppress(psutil.Error, AttributeError):
                    used = psutil.Process(service.process.pid).memory_info().rss  # type: ignore[union-attr]
                    self.largest[service.name] = max(self.largest[service.name], used)
            with contextlib.suppress(psycopg.Error, IndexError):
                self.cursors.append(
                    oracle.rows(
                        self.projection, "SELECT position, horizon FROM followed.sources WHERE source = 'local'"
                    )[0]
                )

    # --- the broker ------------------------------------------------------------------------------------------------

    def amqp(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do something on a channel of its own, past the proxies."""

        async def done() -> T:
            async with await aio_pika.connect(self.broker.url) as connection:
                return await work(await connection.channel())

        return asyncio.run(done())

    async def _clear_broker(self, channel: Any) -> None:
        for queue in (EVENTS.queue, DEADLINES.queue, COMMANDS.queue, TAP):
            await channel.queue_delete(queue)
        for exchange in (EVENTS.exchange, DEADLINES.exchange, STORE):  # each scene has a store of its own
            await channel.exchange_delete(exchange)
        if self.has_tap:
            tap = await channel.declare_queue(TAP, durable=True)
            for name in (EVENTS.exchange, DEADLINES.exchange):
                exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)
                await tap.bind(exchange, "#")

    def tapped(self) -> list[Tapped]:
        """Everything that was published so far, in order."""

        async def drained(channel: Any) -> list[Tapped]:
            tap = await channel.get_queue(TAP)
            found = []
            while (message := await tap.get(no_ack=True, fail=False, timeout=5)) is not None:
                found.append(message)
            return found

        self.taken += self.amqp(drained)
        return self.taken

    def push(self, queue: str, *messages: tuple[dict[str, Any], bytes]) -> None:
        """Put messages (headers, body) straight into a queue, as the user that the relays have."""

        async def pushed(channel: Any) -> None:
            for headers, body in messages:
                message = aio_pika.Message(
                    body, headers=headers, content_type="application/json", user_id=user_of(self.broker.url)
                )
                await channel.default_exchange.publish(message, queue)

        self.amqp(pushed)

    def consumers(self, queue: str) -> int:
        """How many consume a queue; 0 where there is none."""

        async def counted(channel: Any) -> int:
            with contextlib.suppress(aio_pika.exceptions.ChannelClosed):
                found = await channel.declare_queue(queue, passive=True)
                return int(found.declaration_result.consumer_count)
            return 0

        return self.amqp(counted)

    def waiting(self, queue: str) -> int:
        """How many messages wait in a queue, those aside that were delivered."""

        async def counted(channel: Any) -> int:
            found = await channel.declare_queue(queue, passive=True)
            return int(found.declaration_result.message_count)

        return self.amqp(counted)

    # --- the store -------------------------------------------------------------------------------------------------

    def relay_position(self, name: str = "intake") -> int:
        """Up to where a relay's events are confirmed."""
        dsn = self.store if name == "intake" else self.projection
        found = oracle.rows(dsn, "SELECT position FROM relay_position WHERE name = %s", name)
        return int(found[0][0]) if found else 0

    def head(self) -> int:
        """The last position of the store."""
        ((head,),) = oracle.rows(self.store, "SELECT coalesce(max(notification_id), 0) FROM stored_events")
        return int(head)

    def position(self) -> int:
        """Up to where followup has read."""
        found = oracle.rows(self.projection, "SELECT position FROM followed.sources WHERE source = 'local'")
        return int(found[0][0]) if found else 0


#: Makes a scene under the name of a test.
Scenes: TypeAlias = Callable[..., AbstractContextManager[Scene]]


def database_of(dsn: str) -> str:
    """The name of a database."""
    return dsn.rsplit("/", 1)[1]


@contextlib.contextmanager
def scene(ground: Ground, folder: Path, name: str, **options: Any) -> Iterator[Scene]:
    """A scene until the block ends; a failure tells the seed and the ends of the logs."""
    made = Scene(ground, folder, name, **options)
    try:
        yield made
    except BaseException:
        print(f"FAULTS_SEED={ground.seed}; behind: {made.behind()!r}; notes: {made.notes}")
        for service in made.pair.services:
            print(f"--- {service.name} {service.log}\n{service.tail(2000)}")
        raise
    finally:
        made.close()


@functools.cache
def seed() -> str:
    """FAULTS_SEED, or a fresh one, the same for the whole session."""
    return os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(10**6))


def _port(url: str) -> int:
    return int(url.rsplit("@", 1)[1].split(":")[1].split("/")[0])
