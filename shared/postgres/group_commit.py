"""Group commit: commands wait in a queue and are appended together, with one round trip for the batch.

An append is never cancelled: one that waits for a standby would be committed on this server alone, and a fail-over
would take it back. Its callers do not wait for ever: after `ANSWER_WITHIN` they are told that it may still be recorded.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from shared.event_store.append import Append, Appended
from shared.event_store.errors import NotConfirmed, NotRecorded, Overloaded, StoreUnavailable, Unrecordable
from shared.postgres.append import append_in
from shared.postgres.durable import EMIT, DurableHead, confirmed, is_given_up
from shared.postgres.transient_errors import TRANSIENT_ERRORS, Unconfirmed
from shared.tasks import cancel_and_wait

LARGEST_BATCH = 128  # commands
LONGEST_QUEUE = 4096  # commands; beyond that they are refused at once, since they would wait too long
ANSWER_WITHIN = 10.0  # seconds after which a caller is answered, and no try of its command begins any more
RETRY_PAUSE = 0.1  # seconds
ACQUIRE_TIMEOUT = 10.0  # seconds to wait for a connection
LOOK_EVERY = 0.5  # seconds between two looks at whom to answer
STANDS_AFTER = 5.0  # seconds without a command that is recorded, after which it is told
FORGOTTEN_AFTER = 60.0  # seconds after the last try: whether it would go on now is not known

POSITION = "stored_events_position"  # the unique index of positions

_RECORDED = "SELECT event_id, notification_id, recorded_at FROM stored_events WHERE event_id = ANY($1)"

_log = structlog.get_logger(__name__)


class _Waiting:
    """A command in the queue."""

    __slots__ = ("append", "deadline", "done", "reads", "writes")

    def __init__(self, append: Append, done: "asyncio.Future[Appended]", deadline: float) -> None:
        self.append = append
        self.done = done  # its caller waits for this
        self.deadline = deadline  # by the loop's clock: no try begins after it
        # The streams, idempotency keys and references that it writes, and the streams that its decision has read.
        # Streams as numbers: a UUID computes its hash in Python each time.
        self.writes: list[object] = [e.originator_id.int for e in append.events]
        self.reads = [stream.int for stream in append.expected]
        if append.key:
            self.writes.append((append.caller, append.key))
        for reference in append.references:
            self.writes.append(("", *reference))
        for source, name, _ in append.references_at:
            self.writes.append(("", source, name))


class GroupCommit:
    """Appends the commands of one process. A command that conflicts is rejected whole, and no other with it.

    A batch is what has come while the previous one was committed. Two commands on one stream never share a batch. After
    an interrupted commit the first event id of each command is looked up before it is tried again, so that none
    is recorded twice; what is found is told once something committed after it is where no fail-over takes it back.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", durable: DurableHead) -> None:
        self._pool = pool
        self._durable = durable
        self._queue: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closing = False
        self._batch: Sequence[_Waiting] = ()  # being appended
        self._connection: Any = None  # kept from batch to batch
        self._is_given_up = False  # the server has not waited for the standby with the last statement
        self._stands_since: float | None = None  # when the first command came after which none was recorded
        self._tried_at = 0.0  # when the last batch ended
        self._why = ""  # it stands

    async def start(self) -> None:
        """Begin to append."""
        self._task = asyncio.create_task(self._run(), name="group-commit")
        self._watching = asyncio.create_task(self._watch(), name="group-commit-watch")

    async def close(self) -> None:
        """Append what is waiting, then stop. What a standby has not acknowledged in time is not waited for."""
        self._closing = True
        self._more.set()
        if self._task is not None:
            await self._task
        await cancel_and_wait(self._watching)
        await self._let_go()

    async def append(self, append: Append) -> Appended:
        """Record one command durably. Raises NotRecorded, NotConfirmed after a while.

        A caller that is cancelled does not take its command back: it may be recorded all the same.
        """
        if self._closing:
            raise StoreUnavailable("the writer is closing")
        if len(self._queue) >= LONGEST_QUEUE:
            raise Overloaded(f"{LONGEST_QUEUE} commands are waiting")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(append, loop.create_future(), loop.time() + ANSWER_WITHIN)
        self._queue.append(waiting)
        self._more.set()
        return await waiting.done

    @property
    def standstill(self) -> str:
        """Why no command has been recorded for a while though some came; empty where they are, and where none come."""
        if (since := self._standing_since()) is None:
            return ""
        seconds = monotonic() - since
        why = f" ({self._why})" if self._why else ""
        return f"no command has been recorded for {seconds:.0f} s{why}" if seconds > STANDS_AFTER else ""

    def _standing_since(self) -> float | None:
        is_forgotten = not self._batch and monotonic() - self._tried_at > FORGOTTEN_AFTER
        return None if is_forgotten else self._stands_since

    async def _run(self) -> None:
        while not (self._closing and not self._queue):
            if not self._queue:
                self._more.clear()
                await self._more.wait()
                continue
            # Commands that are about to come join the batch: a moment later they would wait for the whole commit.
            seen = 0
            while seen < len(self._queue) < LARGEST_BATCH:
                seen = len(self._queue)
                await asyncio.sleep(0)
            since, self._batch = self._standing_since(), self._next_batch()
            if self._batch:
                self._stands_since = since or monotonic()
            try:
                await self._commit(self._batch)
            except Exception as error:  # every command gets an answer, and the next batch is appended
                _log.exception("append_failed")
                for waiting in self._batch:
                    _answer(waiting, StoreUnavailable(type(error).__name__))
            self._batch, self._tried_at = (), monotonic()

    def _next_batch(self) -> list[_Waiting]:
        """Remove and return the next commands that may share a batch. An erasure is alone in its batch.

        Commands whose callers have been answered or have gone are not begun.
        """
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        touched: set[object] = set()  # what a later command may not touch in the same batch
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue.popleft()
            if waiting.done.done():
                continue
            writes, reads = waiting.writes, waiting.reads
            if waiting.append.erase_owner or not touched.isdisjoint(writes) or not touched.isdisjoint(reads):
                if waiting.append.erase_owner and not batch:
                    return [waiting]
                later.append(waiting)
            else:
                batch.append(waiting)
            # Also for one that waits: what comes after it must not overtake it on the same streams.
            touched.update(writes)
        self._queue.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: Sequence[_Waiting], *, tried: bool = False) -> None:
        pending = list(batch)
        while pending:
            try:
                # One statement is a transaction of its own: begin and commit would be two more round trips.
                connection, self._is_given_up = await self._connected(), False
                outcomes = await append_in(connection, [w.append for w in pending])
                if self._is_given_up:
                    raise Unconfirmed
                if tried:
                    outcomes = await self._settled(pending, outcomes)
            except TRANSIENT_ERRORS as error:
                tried = True
                await self._let_go()
                self._why = type(error).__name__
                _log.warning("append_interrupted", error=self._why, commands=len(pending))
                pending = await self._after_interruption(pending)
            except asyncpg.PostgresError as error:
                if getattr(error, "constraint_name", None) == POSITION:
                    # Somebody has appended without the function and its lock. The next try finds the new head.
                    _log.warning("position_taken", commands=len(pending))
                    await asyncio.sleep(RETRY_PAUSE)
                    pending = self._in_time(pending, "positions are taken by another")
                    continue
                await self._one_by_one(pending, error)
                return
            else:
                self._answer_all(pending, outcomes)
                return

    def _answer_all(self, pending: Sequence[_Waiting], outcomes: Sequence[Appended | NotRecorded]) -> None:
        """Answer what a call came to. It has returned, so the standby has what was appended."""
        self._goes_on()
        for waiting, outcome in zip(pending, outcomes, strict=True):
            if isinstance(outcome, Appended):
                self._acknowledge(waiting, outcome)
            _answer(waiting, outcome)

    def _goes_on(self) -> None:
        self._stands_since, self._why = None, ""

    def _acknowledge(self, waiting: _Waiting, appended: Appended) -> None:
        self._durable.acknowledged(appended.first_position, appended.last_position, waiting.append.events[0].event_id)

    async def _connected(self) -> Any:
        """Return the connection, kept from batch to batch: giving it back to the pool costs a round trip."""
        if self._connection is None or self._connection.is_closed():
            await self._let_go()
            connection: Any = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT)
            self._connection = connection
            connection.add_log_listener(self._note)
        return self._connection

    def _note(self, _: Any, message: Any) -> None:
        self._is_given_up |= is_given_up(message)

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*TRANSIENT_ERRORS):
                connection.remove_log_listener(self._note)
            with contextlib.suppress(*TRANSIENT_ERRORS):
                await self._pool.release(connection, timeout=ACQUIRE_TIMEOUT)

    async def _watch(self) -> None:
        """Answer callers in time. A server that was replaced ends nothing by itself: whoever finds the new one does."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self._answer_late()
            is_answered = bool(self._batch) and all(waiting.done.done() for waiting in self._batch)
            if self._closing and is_answered and self._connection is not None:
                self._connection.terminate()  # and no cancellation is sent: the standby may still acknowledge it

    def _answer_late(self) -> None:
        """Answer whom no standby and no store has answered: what was begun may still be recorded."""
        now = asyncio.get_running_loop().time()
        for waiting in self._batch:
            if now >= waiting.deadline:
                _answer(waiting, NotConfirmed("it takes too long"))
        for waiting in self._queue:
            if now < waiting.deadline:
                break  # those behind it came later
            _answer(waiting, StoreUnavailable("the commands before it take too long"))

    async def _one_by_one(self, pending: Sequence[_Waiting], error: asyncpg.PostgresError) -> None:
        """Find the command that the store refuses: its neighbours in the batch are recorded without it."""
        _log.error("append_refused", error=type(error).__name__, commands=len(pending))
        if len(pending) == 1:
            self._goes_on()  # it is this command alone
            _answer(pending[0], Unrecordable(type(error).__name__))
            return
        for waiting in pending:
            await self._commit([waiting], tried=True)

    async def _after_interruption(self, pending: Sequence[_Waiting]) -> list[_Waiting]:
        """Answer the commands that an interrupted COMMIT has recorded, and return those to be tried again."""
        recorded: dict[UUID, Appended] | None = None
        pending = [waiting for waiting in pending if not waiting.done.done()]
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
                self._goes_on()
                self._acknowledge(waiting, found)
                _answer(waiting, found)
            else:
                left.append(waiting)
        return self._in_time(left, "the store stayed away")

    async def _settled(
        self, pending: Sequence[_Waiting], outcomes: Sequence[Appended | NotRecorded]
    ) -> list[Appended | NotRecorded]:
        """Return the outcomes of a second try.

        The first may have been recorded after all: then what rejects the command now is the command itself.
        """
        doubtful = [w for w, o in zip(pending, outcomes, strict=True) if isinstance(o, NotRecorded)]
        recorded = await self._recorded(doubtful) if doubtful else {}
        return [recorded.get(w.append.events[0].event_id, o) for w, o in zip(pending, outcomes, strict=True)]

    def _in_time(self, pending: Sequence[_Waiting], reason: str) -> list[_Waiting]:
        """Return the commands that may be tried once more; the others are answered with StoreUnavailable."""
        now = asyncio.get_running_loop().time()
        for waiting in pending:
            if self._closing or now >= waiting.deadline:
                _answer(waiting, StoreUnavailable(reason))
        return [waiting for waiting in pending if not waiting.done.done()]

    async def _recorded(self, doubtful: Sequence[_Waiting]) -> dict[UUID, Appended]:
        """Return which of these commands are in the store, by the id of their first event. Raises Unconfirmed."""
        lengths = {w.append.events[0].event_id: len(w.append.events) for w in doubtful}
        connection = await self._connected()
        async with confirmed(connection), connection.transaction():
            # A statement that was given up may still be running. It holds the lock until it has committed.
            await connection.execute("SELECT ordering_lock()")
            rows = await connection.fetch(_RECORDED, list(lengths))
            if rows:
                # They may be on this server alone. Where a standby is required it has them once it has this.
                await connection.execute(EMIT)
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
