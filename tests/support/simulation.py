"""A world in simulated time for relay, reader and scheduler as they are in production: clock, store, broker, network.

Every call out of a process passes `World.step`: it takes a random moment, may fail, may be answered by nobody; a
process may be dead or frozen by then. What is imitated here is small: PostgreSQL's transactions and leases, RabbitMQ's
queue, the HTTP in between.
"""

import asyncio
import contextlib
import random
import selectors
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock
from uuid import UUID

import msgspec

from services.followup.adapters.prefetch import PrefetchBuffers
from services.followup.adapters.store.writer_leases import UNLED
from services.followup.application import projector, source_reader
from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    FencedOut,
    HistoryDiffers,
    LoadedCase,
    Request,
    SourceUnavailable,
    StaleEpoch,
    Sweep,
    TimerPlace,
    Visited,
)
from services.followup.application.source_reader import SourceReader
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import UncountableDuty
from shared.envelope import FeedPage, Message, from_message
from shared.event_store.loss import Loss
from shared.events import Recorded
from shared.http.feed import read_feed
from shared.http.problems import ProblemError
from shared.postgres.lease import LEASE_SECONDS
from shared.rabbit import relay as relaying
from shared.rabbit.publish_frames import Batch
from shared.rabbit.relay import Relay
from shared.rabbit.subscriber import Delivery
from shared.rabbit.topology import events_of

EVENTS = events_of("local")

SOURCE, EPOCH = "test", "e1"
T = TypeVar("T")


class _Instantly(selectors.SelectSelector):
    """Waits for nothing: the time that would have passed is added to the loop's clock."""

    loop: "SimulatedLoop"

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everything waits for ever"
        # Computing takes a moment too: without it whoever waits for less than a float can tell waits for ever.
        self.loop.now += max(timeout, 0.0) + 1e-6
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Instantly()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


class Down(ConnectionError):
    """A call that failed, or was not answered in the end."""


class Process:
    """One process: a relay, a reader, or both; dead or frozen it does nothing."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.is_dead = False
        self.going = asyncio.Event()
        self.going.set()
        self.tasks: list[asyncio.Task[Any]] = []
        world.processes.append(self)
        self.connections: list[SimulatedConnection] = []

    def crash(self) -> None:
        """End it as SIGKILL does: nothing that it would do on the way out is done."""
        self.is_dead = True
        for task in self.tasks:
            task.cancel()
        for connection in list(self.connections):
            connection.lose()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in it."""
        self.tasks.append(self.world.loop.create_task(work))


class World:
    """Clock, store, broker and processes; `rng` decides how long things take and which of them fail."""

    def __init__(self) -> None:
        self.loop = SimulatedLoop()
        self.rng = random.Random(0)
        self.failing = 0.0  # share of calls that fail
        self.slowest = 0.05  # seconds for one call
        self.offset = timedelta(0)
        self.base = datetime(2019, 8, 24, 1, tzinfo=UTC)
        self.log = Log(self)
        self.broker = Broker(self)
        self.outbox = OutboxState()
        self.rows = SimulatedRows(self)
        self.broken: list[str] = []
        self.processes: list[Process] = []

    def now(self) -> datetime:
        """The store's clock."""
        return self.base + self.offset + timedelta(seconds=self.loop.now)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the world go on until something is done."""
        return self.loop.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        """Let the world go on for so long."""
        self.run(asyncio.sleep(seconds))

    async def step(self, process: Process) -> None:
        """A call leaves a process: whatever can happen to it happens here. Raises Down."""
        await asyncio.sleep(self.rng.uniform(0, self.slowest) if self.slowest else 0)
        await process.going.wait()
        if process.is_dead:
            raise asyncio.CancelledError
        if self.rng.random() < self.failing:
            raise Down

    # --- processes -------------------------------------------------------------------------------------------------

    def start_relay(self, name: str) -> Process:
        """A process that relays when it gets the lease."""
        process = Process(self, name)
        process.run(Relay(SimulatedOutbox(process), "amqp://simulated", EVENTS, name=SOURCE)._run())
        return process

    def start_reader(self, name: str) -> Process:
        """A process that follows when it gets the lease."""
        process = Process(self, name)
        inboxes = PrefetchBuffers(lambda _: SimulatedBell(process))  # type: ignore[arg-type,return-value]
        lease = SimulatedLease(Leases(process, self.rows.leases), name)

        async def lead(source: str, leads: bool) -> None:
            await inboxes.lead(source, leads)
            process.tasks.extend(task for task in inboxes._tasks.values() if task not in process.tasks)

        async def claim(_: FeedPage) -> None:
            pass

        async def lose(loss: Loss) -> None:
            self.broken.append(f"{loss} is not lost")

        reader = SourceReader(SimulatedFeed(process), MemoryProjection(process), inboxes.of, lease, lead, claim, lose)
        process.run(reader.run())
        return process

    def close(self) -> None:
        """End every task."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        with contextlib.suppress(AssertionError):
            self.run(asyncio.sleep(0.01))
        self.loop.close()


# --- the store ------------------------------------------------------------------------------------------------------


class Log:
    """The store's events, as the feed reads them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[Recorded] = []
        self.complete_to: datetime | None = None
        self.appended: list[asyncio.Event] = []

    def stamp(self) -> datetime:
        """What `append_events` gives the next one."""
        candidates = [self.world.now()]
        if self.events:
            candidates.append(self.events[-1].recorded_at)
        if self.complete_to is not None:
            candidates.append(self.complete_to + timedelta(microseconds=1))
        return max(candidates)

    def append(self, recorded: Recorded) -> None:
        self.events.append(recorded)
        for event in self.appended:
            event.set()

    async def identity(self) -> tuple[str, str]:
        return SOURCE, EPOCH

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        return self.events[position : position + limit]

    async def event_id_at(self, position: int) -> UUID | None:
        return self.events[position - 1].event_id if 0 < position <= len(self.events) else None

    async def head(self) -> int:
        return len(self.events)

    async def state_complete_to(self) -> tuple[datetime, int]:
        last = self.events[-1].recorded_at if self.events else self.world.now()
        # What is appended between the look at the events and this statement is the race that the feed must survive.
        await asyncio.sleep(self.world.rng.uniform(0, self.world.slowest))
        self.complete_to = max(self.world.now(), last, self.complete_to or last, self._last())
        return self.complete_to, len(self.events)

    def _last(self) -> datetime:
        return self.events[-1].recorded_at if self.events else self.world.now()

    async def wait_for_events(self, timeout: float) -> None:
        await asyncio.sleep(timeout)


class SimulatedFeed:
    """`GET /v1/events` over a network."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        world = self._process.world
        try:
            await world.step(self._process)
            page = await read_feed(world.log, after, epoch, limit, wait)
            await world.step(self._process)
        except Down as error:
            raise SourceUnavailable("down") from error
        except ProblemError as problem:
            raise StaleEpoch(EPOCH) if problem.code == "stale-epoch" else HistoryDiffers(problem.code) from problem
        return page


class OutboxState:
    """The relay's rows."""

    def __init__(self) -> None:
        self.leases: dict[str, tuple[str, int, float]] = {}
        self.position = self.fence = 0


class Leases:
    """`shared.postgres.lease` on a table in memory."""

    def __init__(self, process: Process, table: dict[str, tuple[str, int, float]]) -> None:
        self._process, self._table = process, table

    async def acquire(self, name: str, holder: str, idle: float = 0.0) -> int | None:
        await self._process.world.step(self._process)
        now = self._process.world.loop.now
        known, fence, expires = self._table.get(name, ("", 0, -1.0))
        if known not in ("", holder) and expires > now - idle:
            return None
        fence += not (known == holder and expires > now)
        self._table[name] = (holder, fence, now + LEASE_SECONDS)
        return fence

    async def renew(self, name: str, holder: str, seconds: float) -> bool:
        await self._process.world.step(self._process)
        known, fence, _ = self._table.get(name, ("", 0, 0.0))
        if known == holder:
            self._table[name] = (holder, fence, self._process.world.loop.now + seconds)
        return known == holder

    async def release(self, name: str, holder: str) -> None:
        await self._process.world.step(self._process)
        known, fence, _ = self._table.get(name, ("", 0, 0.0))
        if known == holder:
            self._table[name] = (holder, fence, self._process.world.loop.now)


class SimulatedLease:
    """`WriterLeases` in memory, of one source."""

    def __init__(self, leases: Leases, holder: str) -> None:
        self._leases, self._holder = leases, holder

    async def take(self, source: str, *, is_reached: bool) -> bool:
        return await self._leases.acquire(f"source:{source}", self._holder, 0.0 if is_reached else UNLED) is not None

    async def renew(self, source: str, *, is_reached: bool) -> bool:
        return await self._leases.renew(f"source:{source}", self._holder, LEASE_SECONDS if is_reached else 0.0)


class SimulatedOutbox:
    """`StoredOutbox` in memory."""

    def __init__(self, process: Process) -> None:
        self._process, self._state = process, process.world.outbox
        self._leases = Leases(process, self._state.leases)

    async def lease(self, holder: str) -> int | None:
        return await self._leases.acquire("relay", holder)

    async def release(self, holder: str) -> None:
        await self._leases.release("relay", holder)

    async def take_over(self, fence: int) -> int | None:
        await self._process.world.step(self._process)
        if self._state.fence > fence:
            return None
        self._state.fence = fence
        return self._state.position

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        await self._process.world.step(self._process)
        return self._process.world.log.events[after : after + limit]

    async def advance(self, fence: int, before: int, after: int) -> bool:
        world = self._process.world
        await world.step(self._process)
        moved = self._state.fence == fence and self._state.position == before
        if moved:
            self._state.position = after
            unconfirmed = [e.position for e in world.log.events[:after] if e.event_id not in world.broker.stored]
            if unconfirmed:
                world.broken.append(f"the relay stands at {after}, but {unconfirmed} never reached the broker")
        await world.step(self._process)  # the answer may be lost
        return moved

    @contextlib.asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Event]:
        event = asyncio.Event()
        self._process.world.log.appended.append(event)
        try:
            yield event
        finally:
            self._process.world.log.appended.remove(event)


# --- the broker -----------------------------------------------------------------------------------------------------


class SimulatedConnection:
    """One connection of a process to the broker; stands for its channel too."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.is_closed = False
        self.batches: list[Batch] = []
        self.unacked: deque[Message] = deque()
        process.connections.append(self)
        process.world.broker.connections.append(self)

    async def __aenter__(self) -> "SimulatedConnection":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.lose()

    async def channel(self, **_: object) -> "SimulatedConnection":
        return self

    async def get_underlay_channel(self) -> "SimulatedConnection":
        return self

    def lose(self) -> None:
        """The connection is gone: what was not acknowledged is delivered again, what was not confirmed is unknown."""
        if self.is_closed:
            return
        self.is_closed = True
        self.process.connections.remove(self)
        self.process.world.broker.connections.remove(self)
        self.process.world.broker.queue.extendleft(reversed(self.unacked))
        self.unacked.clear()
        for batch in self.batches:
            if not batch._confirmed.done():
                batch._confirmed.cancel()


class Broker:
    """One exchange, one durable queue, confirms."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_up = self.delivers = self.is_orderly = True
        self.queue: deque[Message] = deque()
        self.stored: set[UUID] = set()
        self.connections: list[SimulatedConnection] = []

    def next(self) -> Message:
        """What is delivered next; out of order, perhaps to come again, where it is disorderly."""
        if self.is_orderly:
            return self.queue.popleft()
        index = self.world.rng.randrange(len(self.queue))
        message = self.queue[index]
        if self.world.rng.random() < 0.7:
            del self.queue[index]
        return message

    def stop(self) -> None:
        """It is gone, with every connection; its queue is durable."""
        self.is_up = False
        for connection in list(self.connections):
            connection.lose()

    async def connect(self, process: Process) -> SimulatedConnection:
        await self.world.step(process)
        if not self.is_up:
            raise Down
        return SimulatedConnection(process)

    async def publish(
        self, connection: SimulatedConnection, exchange: str, messages: Sequence[Message], _: str
    ) -> Batch:
        """`shared.rabbit.publish_frames.publish`: a part of the batch may be all that arrives."""
        world = self.world
        await world.step(connection.process)
        if connection.is_closed:
            raise Down
        batch = Batch(world.loop.create_future(), len(messages))
        connection.batches.append(batch)
        arriving = list(messages)
        if world.rng.random() < world.failing:
            arriving = arriving[: world.rng.randrange(len(arriving) + 1)]
        connection.process.run(self._arrive(connection, batch, arriving, len(messages)))
        return batch

    async def _arrive(self, connection: SimulatedConnection, batch: Batch, messages: list[Message], sent: int) -> None:
        for message in messages:
            await asyncio.sleep(self.world.rng.uniform(0, self.world.slowest / 5))
            if connection.is_closed:
                return
            self.queue.append(message)
            self.stored.add(UUID(message.message_id))
        await asyncio.sleep(self.world.rng.uniform(0, self.world.slowest))
        if len(messages) < sent or self.world.rng.random() < self.world.failing:
            connection.lose()
        if connection.is_closed:
            return
        for _ in messages:
            batch.set_result(None)


class SimulatedBell:
    """`shared.rabbit.subscriber.Bell` of one process."""

    def __init__(self, process: Process) -> None:
        self.arrived = asyncio.Event()
        self._process = process
        self._connection: SimulatedConnection | None = None
        self._waiting: deque[Delivery] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        return self._connection is not None and not self._connection.is_closed

    async def start(self) -> None:
        self._task = self._process.world.loop.create_task(self._run())
        self._process.tasks.append(self._task)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._connection.lose()

    async def wait(self, timeout: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.arrived.wait(), timeout)
        return self.arrived.is_set()

    def take(self, limit: int = 2000) -> list[Delivery]:
        taken = list(self._waiting)
        self._waiting.clear()
        self.arrived.clear()
        return taken

    async def ack_through(self, delivery: Delivery) -> None:
        connection = self._connection
        with contextlib.suppress(Down):
            await self._process.world.step(self._process)
            if connection is not None and delivery.tag in connection.unacked:
                while connection.unacked.popleft() is not delivery.tag:
                    pass

    async def _run(self) -> None:
        broker = self._process.world.broker
        while True:
            try:
                self._connection = await broker.connect(self._process)
            except Down:
                await asyncio.sleep(0.5)
                continue
            self._waiting.clear()
            while not self._connection.is_closed:
                for _ in range(len(broker.queue)):
                    if not (broker.queue and broker.delivers and self._process.going.is_set()):
                        break
                    message = broker.next()
                    self._connection.unacked.append(message)
                    self._waiting.append(Delivery(from_message(message.headers, message.body), message, 0))
                    self.arrived.set()
                await asyncio.sleep(self._process.world.rng.uniform(0.001, 0.02))


# --- the projection -------------------------------------------------------------------------------------------------


class SimulatedRows:
    """followup's tables."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.leases: dict[str, tuple[str, int, float]] = {}
        self.lock = asyncio.Lock()
        self.cursor = Cursor(source=SOURCE)
        self.facts: list[tuple[Recorded, bool]] = []
        self.links: set[tuple[UUID, UUID, bool]] = set()
        self.cases: dict[UUID, CaseRecord] = {}
        self.raised: dict[UUID, DeadlineState] = {}
        self.timers: dict[UUID, datetime | None] = {}
        self.listed: dict[UUID, str] = {}
        self.emitted: list[Emitted] = []
        self.uncountable: dict[UUID, list[UncountableDuty]] = {}
        self.sweeps: dict[int, Sweep] = {}
        self.settled_to: dict[UUID, int] = {}
        self.gaps = 0
        self.state = "following"

    def write(self, after: Cursor, changes: Sequence[Changes]) -> None:
        """Commit; what the tables' own keys would refuse is noted, as it can only be a fault of the writer."""
        broken = self.world.broken
        if after.position < self.cursor.position:
            broken.append("the cursor went back")
        if after.position > len(self.world.log.events):
            broken.append("the cursor lies beyond the head")
        self.cursor, self.state = after, "following"
        for change in changes:
            self.facts += [(fact, fact.position in change.petition_facts) for fact in change.facts]
            self.links |= set(change.links)
            self.cases |= {record.row.subject_id: record for record in change.cases}
            for subject_id in change.gone:
                self.cases.pop(subject_id, None)
            for raised in change.deadlines:
                self.raised[raised.deadline_id] = raised
                waits = not {raised.subject_id, raised.deadline_id}.isdisjoint(change.waiting)
                self.timers[raised.deadline_id] = None if waits else raised.next_fire_at
            self.uncountable |= change.uncountable
            self.sweeps |= {sweep.position: sweep for sweep in change.sweeps}
            for position in change.swept:
                del self.sweeps[position]
            if change.settled_to is not None:
                self.settled_to |= {record.row.subject_id: change.settled_to for record in change.cases}
            self.listed |= change.differences
            for subject_id in change.settled:
                self.listed.pop(subject_id, None)
            self.emitted += change.emitted
        if [fact.position for fact, _ in self.facts] != list(range(1, len(self.facts) + 1)):
            broken.append("an event was skipped or applied twice")
        ids = Counter(e.event_id for e in self.emitted)
        if ids and ids.most_common(1)[0][1] > 1:
            broken.append("a deadline event was raised twice")


class MemoryProjection:
    """`StoredProjection` in memory: the cursor's row is locked and compared, all is written or nothing."""

    def __init__(self, process: Process) -> None:
        self._process, self._rows = process, process.world.rows

    async def _step(self) -> None:
        await self._process.world.step(self._process)

    async def cursor(self, source: str) -> Cursor:
        await self._step()
        return self._rows.cursor

    async def shared_streams(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        await self._step()
        found: dict[UUID, list[Recorded]] = {}
        for fact, is_petition in self._rows.facts:
            if not is_petition:
                found.setdefault(fact.originator_id, []).append(fact)
        for stream, facts in found.items():
            yield {stream: facts}

    async def raised_on(self, source: str, subject_ids: Collection[UUID]) -> list[DeadlineState]:
        await self._step()
        return [r for r in self._rows.raised.values() if r.subject_id in subject_ids]

    async def petitions(self, source: str, petition_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        await self._step()
        kin = set(petition_ids)
        merged = [(other, petition) for other, petition, is_merger in self._rows.links if is_merger]
        while more := {p for pair in merged if kin & set(pair) for p in pair} - kin:
            kin |= more
        found: dict[UUID, LoadedCase] = {}
        for petition_id in sorted(kin):
            facts = [f for f, is_petition in self._rows.facts if is_petition and f.originator_id == petition_id]
            found[petition_id] = LoadedCase(
                facts, [r for r in self._rows.raised.values() if r.subject_id == petition_id]
            )
        return {petition_id: loaded for petition_id, loaded in found.items() if loaded.facts}

    async def conferences(self, source: str, conference_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        await self._step()
        found: dict[UUID, LoadedCase] = {}
        for fact, is_petition in self._rows.facts:
            if not is_petition and fact.originator_id in conference_ids:
                found.setdefault(fact.originator_id, LoadedCase([], [])).facts.append(fact)
        for raised in self._rows.raised.values():
            if raised.subject_id in found:
                found[raised.subject_id].raised.append(raised)
        return found

    async def petitions_at(self, source: str, conference_ids: Collection[UUID]) -> list[UUID]:
        await self._step()
        return sorted({p for c, p, merged in self._rows.links if not merged and c in conference_ids})

    async def sweeps(self, source: str) -> list[Sweep]:
        await self._step()
        return [self._rows.sweeps[position] for position in sorted(self._rows.sweeps)]

    async def settled_to(self, source: str, subject_ids: Collection[UUID]) -> dict[UUID, int]:
        await self._step()
        rows = self._rows
        cases = {i for i in subject_ids if i in rows.cases and rows.cases[i].row.subject != "jurisdiction"}
        return {i: rows.settled_to.get(i, 0) for i in cases}

    async def timers_after(self, source: str, sweep: Sweep, limit: int) -> list[TimerPlace]:
        await self._step()
        after = sweep.fire_at, sweep.after_id
        timers = sorted((at, i) for i, at in self._rows.timers.items() if at is not None and (at, i) > after)
        found = [(at, self._rows.raised[i]) for at, i in timers[: min(limit, 2)]]
        return [TimerPlace(at, r.deadline_id, r.subject, r.subject_id) for at, r in found]

    async def cases_after(self, source: str, sweep: Sweep, recorded_on: date, limit: int) -> list[Visited]:
        await self._step()
        rows = self._rows
        moving = {
            r.subject_id
            for r in rows.raised.values()
            if r.is_open or r.breached or (r.done_on is not None and r.done_on >= recorded_on)
        }
        ids = sorted(i for i in rows.cases if i > sweep.after_id)[:limit]
        return [Visited(rows.cases[i].row, rows.settled_to.get(i, 0) >= sweep.position, i in moving) for i in ids]

    async def differences(self, source: str) -> dict[UUID, str]:
        await self._step()
        return dict(self._rows.listed)

    async def uncountable(self, source: str) -> list[UncountableDuty]:
        await self._step()
        return [duty for duties in self._rows.uncountable.values() for duty in duties]

    async def parked(self, source: str) -> list[UUID]:
        return []

    async def next_fire_at(self, source: str) -> datetime | None:
        await self._step()
        return min((at for at in self._rows.timers.values() if at is not None), default=None)

    async def due(self, source: str, to: datetime, limit: int) -> list[DeadlineState]:
        await self._step()
        due = sorted((at, i) for i, at in self._rows.timers.items() if at is not None and at <= to)
        return [self._rows.raised[i] for _, i in due[: min(limit, 3)]]

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        raise NotImplementedError

    async def raised_ids(self, deadline_ids: Collection[UUID]) -> set[UUID]:
        raise NotImplementedError

    async def requests(self, source: str) -> list[Request]:
        await self._step()
        return []

    async def set_state(self, source: str, state: str, reason: str, gaps: int = 0) -> None:
        await self._step()
        self._rows.gaps += gaps
        self._rows.state = f"{state} {reason}".strip()

    @contextlib.asynccontextmanager
    async def writing(self, before: Cursor, after: Cursor) -> "AsyncIterator[MemoryProjection]":
        await self._step()
        async with self._rows.lock:
            if self._rows.cursor.revision != before.revision:
                raise FencedOut
            self._changes: list[Changes] = []
            yield self
            await self._step()  # a COMMIT that never arrives
            self._rows.write(after, self._changes)
        await self._step()  # an answer that never arrives

    async def write(self, changes: Changes) -> None:
        await self._step()
        self._changes.append(msgspec.structs.replace(changes))

    async def commit(self, before: Cursor, after: Cursor, changes: Changes) -> datetime | None:
        async with self.writing(before, after) as writing:
            await writing.write(changes)
        return min((at for at in self._rows.timers.values() if at is not None), default=None)


@contextlib.contextmanager
def simulated() -> Iterator[World]:
    """A world, with the production code's doors to the outside turned to it."""
    world = World()

    async def connect() -> SimulatedConnection:
        return await world.broker.connect(_caller(world))

    async def declare(connection: SimulatedConnection, _: object) -> None:
        await world.step(connection.process)

    doors: dict[str, Any] = {
        "BrokerHosts": lambda _: SimpleNamespace(connect=connect, user="guest", is_named=True),
        "declare": declare,
        "publish": world.broker.publish,
        "forget": lambda *_: None,
        "monotonic": world.loop.time,
        "log": SILENT,
    }
    reader = mock.patch.multiple(source_reader, monotonic=world.loop.time, log=SILENT)
    pace = mock.patch.object(projector, "monotonic", world.loop.time)
    with mock.patch.multiple(relaying, **doors), reader, pace:
        try:
            yield world
        finally:
            world.close()


def _caller(world: World) -> Process:
    """The process whose task runs now."""
    task = asyncio.current_task()
    return next(p for p in world.processes if task in p.tasks)


class _Silent:
    def __getattr__(self, _: str) -> Any:
        return lambda *arguments, **options: None


SILENT = _Silent()
