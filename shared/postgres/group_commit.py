"""Group commit: commands wait in a queue and go in together, one round trip for the batch."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from shared.event_store.append import Append, Appended
from shared.event_store.errors import NotRecorded, Overloaded, StoreUnavailable, Unrecordable
from shared.postgres.append import append_in
from shared.postgres.transient_errors import TRANSIENT_ERRORS

LARGEST_BATCH = 128  # commands
LONGEST_QUEUE = 4096  # commands
RETRY_FOR = 10.0  # seconds for which a command is retried while the store is away
RETRY_PAUSE = 0.1  # seconds
ACQUIRE_TIMEOUT = 10.0  # seconds to wait for a connection

POSITION = "stored_events_position"

_RECORDED = "SELECT event_id, notification_id, recorded_at FROM stored_events WHERE event_id = ANY($1)"

_log = structlog.get_logger(__name__)


class _Waiting:
    """A command in the queue: the streams, keys and references that it writes, and the streams that it has read."""

    __slots__ = ("append", "deadline", "done", "reads", "writes")

    def __init__(self, append: Append, done: "asyncio.Future[Appended]", deadline: float) -> None:
        self.append, self.done, self.deadline = append, done, deadline
        # As numbers: a UUID computes its hash in Python each time.
        self.writes: list[object] = [e.originator_id.int for e in append.events]
        self.reads = [stream.int for stream in append.expected]
        if append.key:
            self.writes.append((append.caller, append.key))
        for reference in append.references:
            self.writes.append(("", *reference))
        for source, name, _ in append.references_at:
            self.writes.append(("", source, name))


class GroupCommit:
    """The writer of one process. A command that conflicts is rejected whole and no other with it.

    Batches form by themselves while the previous one commits. Two commands on one stream never share a batch. After an
    interrupted commit each command's first event id is looked up before it is tried again.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._queue: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._connection: Any = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="group-commit")

    async def close(self) -> None:
        """Record what is waiting, then stop."""
        self._closing = True
        self._more.set()
        if self._task is not None:
            await self._task
        await self._let_go()

    async def append(self, append: Append) -> Appended:
        """Record one command durably. Raises NotRecorded."""
        if self._closing:
            raise StoreUnavailable("the writer is closing")
        if len(self._queue) >= LONGEST_QUEUE:
            raise Overloaded(f"{LONGEST_QUEUE} commands are waiting")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(append, loop.create_future(), loop.time() + RETRY_FOR)
        self._queue.append(waiting)
        self._more.set()
        return await waiting.done

    async def _run(self) -> None:
        while not (self._closing and not self._queue):
            if not self._queue:
                self._more.clear()
                await self._more.wait()
                continue
            # What is on its way goes along: a command that comes a moment later would wait for the whole commit.
            seen = 0
            while seen < len(self._queue) < LARGEST_BATCH:
                seen = len(self._queue)
                await asyncio.sleep(0)
            batch = self._next_batch()
            try:
                await self._commit(batch)
            except Exception as error:  # a batch may fail, the writer may not: every command gets an answer
                _log.exception("append_failed")
                for waiting in batch:
                    _answer(waiting, StoreUnavailable(type(error).__name__))

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        taken: set[object] = set()  # what a later command may not touch in the same batch
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue.popleft()
            writes, reads = waiting.writes, waiting.reads
            if waiting.append.erase_owner or not taken.isdisjoint(writes) or not taken.isdisjoint(reads):
                if waiting.append.erase_owner and not batch:
                    return [waiting]
                later.append(waiting)
                # What comes after must not overtake it on the same streams.
            else:
                batch.append(waiting)
            taken.update(writes)
        self._queue.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: Sequence[_Waiting], *, tried: bool = False) -> None:
        pending = list(batch)
        while pending:
            try:
                # One statement is a transaction of its own: begin and commit would be two more round trips.
                outcomes = await append_in(await self._connected(), [w.append for w in pending])
                if tried:
                    outcomes = await self._settled(pending, outcomes)
            except TRANSIENT_ERRORS as error:
                tried = True
                await self._let_go()
                _log.warning("append_interrupted", error=type(error).__name__, commands=len(pending))
                pending = await self._after_interruption(pending)
            except asyncpg.PostgresError as error:
                if getattr(error, "constraint_name", None) == POSITION:
                    # Somebody has appended past the function and its lock: the next try finds the new head.
                    _log.warning("position_taken", commands=len(pending))
                    await asyncio.sleep(RETRY_PAUSE)
                    pending = self._in_time(pending, "positions are taken by another")
                    continue
                await self._one_by_one(pending, error)
                return
            else:
                for waiting, outcome in zip(pending, outcomes, strict=True):
                    _answer(waiting, outcome)
                return

    async def _connected(self) -> Any:
        """The writer's connection, kept from batch to batch: giving one back costs a round trip."""
        if self._connection is None or self._connection.is_closed():
            await self._let_go()
            self._connection = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT)
        return self._connection

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*TRANSIENT_ERRORS):
                await self._pool.release(connection, timeout=ACQUIRE_TIMEOUT)

    async def _one_by_one(self, pending: Sequence[_Waiting], error: asyncpg.PostgresError) -> None:
        """Find the command that the store refuses: its neighbours in the batch are recorded without it."""
        _log.error("append_refused", error=type(error).__name__, commands=len(pending))
        if len(pending) == 1:
            _answer(pending[0], Unrecordable(type(error).__name__))
            return
        for waiting in pending:
            await self._commit([waiting], tried=True)

    async def _after_interruption(self, pending: Sequence[_Waiting]) -> list[_Waiting]:
        """What must be tried again: an interrupted COMMIT may have gone through, so the ids are looked up."""
        recorded: dict[UUID, Appended] | None = None
        while recorded is None and pending:
            await asyncio.sleep(RETRY_PAUSE)
            try:
                recorded = await self._recorded(pending)
            except TRANSIENT_ERRORS as error:
                await self._let_go()
                pending = self._in_time(pending, type(error).__name__)
        left = []
        for waiting in pending:
            if (found := (recorded or {}).get(waiting.append.events[0].event_id)) is not None:
                _answer(waiting, found)
            else:
                left.append(waiting)
        return self._in_time(left, "the store stayed away")

    async def _settled(
        self, pending: Sequence[_Waiting], outcomes: Sequence[Appended | NotRecorded]
    ) -> list[Appended | NotRecorded]:
        """The outcomes of a second try: the first may have arrived after all, and what refuses a command be itself."""
        doubtful = [w for w, o in zip(pending, outcomes, strict=True) if isinstance(o, NotRecorded)]
        recorded = await self._recorded(doubtful) if doubtful else {}
        return [recorded.get(w.append.events[0].event_id, o) for w, o in zip(pending, outcomes, strict=True)]

    def _in_time(self, pending: Sequence[_Waiting], reason: str) -> list[_Waiting]:
        """Those that may be tried once more; the others get their answer."""
        now = asyncio.get_running_loop().time()
        for waiting in pending:
            if self._closing or now >= waiting.deadline:
                _answer(waiting, StoreUnavailable(reason))
        return [waiting for waiting in pending if not waiting.done.done()]

    async def _recorded(self, doubtful: Sequence[_Waiting]) -> dict[UUID, Appended]:
        """What of these commands is in the store, by the id of their first event."""
        lengths = {w.append.events[0].event_id: len(w.append.events) for w in doubtful}
        connection = await self._connected()
        async with connection.transaction():
            # A statement that was given up may be at work still: until it has committed, it holds the lock.
            await connection.execute("SELECT ordering_lock()")
            rows = await connection.fetch(_RECORDED, list(lengths))
        return {
            row["event_id"]: Appended(
                row["notification_id"], row["notification_id"] + lengths[row["event_id"]] - 1, row["recorded_at"]
            )
            for row in rows
        }


def _answer(waiting: _Waiting, outcome: Appended | NotRecorded) -> None:
    if waiting.done.done():
        return  # its caller gave up; what was recorded stays recorded
    if isinstance(outcome, Appended):
        waiting.done.set_result(outcome)
    else:
        waiting.done.set_exception(outcome)
