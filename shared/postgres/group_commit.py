"""Group commit: commands wait in a queue and go in together, one round trip for the batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from shared.postgres.append import Append, Appended, append_in
from shared.postgres.errors import NotRecorded, Overloaded, StoreUnavailable

LARGEST_BATCH = 128  # commands
LONGEST_QUEUE = 4096  # commands
RETRY_FOR = 10.0  # seconds for which a command is retried while the store is away
RETRY_PAUSE = 0.1  # seconds

BROKEN = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, TimeoutError, asyncpg.InternalClientError)
PASSING = (
    *BROKEN,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
)

_log = structlog.get_logger(__name__)


class _Waiting:
    __slots__ = ("append", "deadline", "done")

    def __init__(self, append: Append, done: "asyncio.Future[Appended]", deadline: float) -> None:
        self.append, self.done, self.deadline = append, done, deadline


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

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="group-commit")

    async def close(self) -> None:
        """Record what is waiting, then stop."""
        self._closing = True
        self._more.set()
        if self._task is not None:
            await self._task

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
        written: set[UUID] = set()
        keys: set[object] = set()
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue.popleft()
            append = waiting.append
            streams = {e.originator_id for e in append.events}
            claims: set[object] = set(append.references)
            if append.key:
                claims.add((append.caller, append.key))
            if append.erase_owner or written & (streams | append.expected.keys()) or keys & claims:
                if append.erase_owner and not batch:
                    return [waiting]
                later.append(waiting)
                # What comes after must not overtake it on the same streams.
                written |= streams
                keys |= claims
                continue
            batch.append(waiting)
            written |= streams
            keys |= claims
        self._queue.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        pending = batch
        while pending:
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    outcomes = await append_in(connection, [w.append for w in pending])
            except PASSING as error:
                _log.warning("append_interrupted", error=type(error).__name__, commands=len(pending))
                pending = await self._after_interruption(pending)
                continue
            for waiting, outcome in zip(pending, outcomes, strict=True):
                _answer(waiting, outcome)
            return

    async def _after_interruption(self, pending: Sequence[_Waiting]) -> list[_Waiting]:
        """What must be tried again: an interrupted COMMIT may have gone through, so the event ids are looked up."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(RETRY_PAUSE)
            try:
                recorded = await self._recorded([w.append.events[0].event_id for w in pending])
                break
            except PASSING as error:
                if all(loop.time() >= w.deadline for w in pending) or self._closing:
                    for waiting in pending:
                        _answer(waiting, StoreUnavailable(type(error).__name__))
                    return []
        left = []
        for waiting in pending:
            found = recorded.get(waiting.append.events[0].event_id)
            if found is not None:
                last = found.first_position + len(waiting.append.events) - 1
                _answer(waiting, Appended(found.first_position, last, found.recorded_at))
            elif loop.time() >= waiting.deadline:
                _answer(waiting, StoreUnavailable("the store stayed away"))
            else:
                left.append(waiting)
        return left

    async def _recorded(self, event_ids: list[UUID]) -> dict[UUID, Appended]:
        rows = await self._pool.fetch(
            "SELECT event_id, notification_id, recorded_at FROM stored_events WHERE event_id = ANY($1)", event_ids
        )
        return {r["event_id"]: Appended(r["notification_id"], r["notification_id"], r["recorded_at"]) for r in rows}


def _answer(waiting: _Waiting, outcome: Appended | NotRecorded) -> None:
    if waiting.done.done():
        return  # its caller gave up; what was recorded stays recorded
    if isinstance(outcome, Appended):
        waiting.done.set_result(outcome)
    else:
        waiting.done.set_exception(outcome)
