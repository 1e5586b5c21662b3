"""Up to where the log is on every standby that must have it, so that no fail-over takes back what was given out.

Where `synchronous_standby_names` requires a standby, a commit returns once the standby has it. What is in the log all
the same may be on this server alone: a commit that was cancelled or interrupted while it waited, and what a restart has
recovered. Whoever gives out something that it did not append just now therefore waits for a *barrier*: something of no
content that is committed after it, in a transaction of its own. The standby has the log in order, so it has everything
before the barrier too. One barrier serves all who wait. Where no standby is required there is nothing to wait for.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence, Set
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from shared.event_store.errors import NotConfirmed
from shared.events import Recorded
from shared.postgres.transient_errors import TRANSIENT_ERRORS, Unconfirmed
from shared.tasks import cancel_and_wait

ANSWER_WITHIN = 10.0  # seconds for which an answer waits for a barrier
GIVE_OUT_WITHIN = 2.0  # seconds for which a page waits; afterwards it ends where the log is durable
LOOK_EVERY = 1.0  # seconds between two looks at whether a standby is required
CONFIRM_EVERY = 5.0  # seconds between two barriers that only show that the standby is there
MISSING_AFTER = 15.0  # seconds without a barrier after which an operator is told
RETRY_PAUSE = 0.2  # seconds
REMEMBERED = 1000  # commands

#: Committed, it is acknowledged with everything before it. It writes to the log of the server and to no table.
EMIT = "SELECT pg_logical_emit_message(true, 'doithoai', ''::text)"
# What its snapshot sees was committed before it.
_BARRIER = f"""
SELECT (SELECT coalesce(max(notification_id), 0) FROM stored_events) AS head,
    (SELECT epoch FROM store_state) AS epoch, ({EMIT}) AS emitted
"""
_LOOK = "SELECT btrim(current_setting('synchronous_standby_names')) <> ''"
_IS_THERE = "SELECT EXISTS (SELECT FROM stored_events WHERE event_id = $1)"
#: The function of the server that waits for a standby: it warns where it gives up, and where the connection ends.
_WAITS = "SyncRepWaitForLSN"

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def confirmed(connection: Any) -> AsyncIterator[None]:
    """A block whose commits must have been acknowledged. Raises Unconfirmed where the server gave up waiting.

    Who cancels a commit that waits for a standby gets no error but a warning: it is committed on this server. A block
    of a pool's connection, and each statement of a pool itself, is one of these already.
    """
    given_up: list[Any] = []

    def note(_: Any, message: Any) -> None:
        if is_given_up(message):
            given_up.append(message)

    connection.add_log_listener(note)
    try:
        yield
    finally:
        with contextlib.suppress(asyncpg.InterfaceError):  # a lost connection has left the pool
            connection.remove_log_listener(note)
    if given_up:
        raise Unconfirmed


def is_given_up(message: Any) -> bool:
    """Whether the server says that it waits no longer for the standby.

    It warns of other things too: of transaction ids that run out it does at every statement that writes. Its words
    depend on its language, the name of the function that speaks does not.
    """
    return bool(message.severity_en == "WARNING" and message.server_source_function == _WAITS)


class DurableHead:
    """What one process knows of it. Before `start` no standby is required."""

    def __init__(self) -> None:
        self.epoch = ""  # of the store, as the newest connection has found it
        self.position = 0  # up to here the log of this epoch is on every standby that must have it
        self.is_required = False  # whether the server waits for a standby
        self.lifted_at: float | None = None  # when the server ceased to require one that it had required before
        self.confirmed_at = time.time()  # when a barrier last went through; meaningless where none is required
        self.newest: deque[tuple[int, UUID]] = deque(maxlen=REMEMBERED)  # what this process has acknowledged
        self.doubts = 0  # how often something of that may have gone: in a new epoch, or since the newest is not there
        self._pool: Any = None
        self._begun = self._passed = 0  # barriers
        self._running: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Learn whether a standby is required, and go on looking."""
        self._pool = pool
        await self._look()
        self._watching = asyncio.create_task(self._watch(), name="durable-head")

    async def close(self) -> None:
        """Stop looking."""
        await cancel_and_wait(self._watching)
        await cancel_and_wait(self._running)

    async def see(self, epoch: str, connection: Any) -> None:
        """Take in the store that a new connection has found.

        A volume that went back to an earlier state of itself has the same epoch, and less in it.
        """
        self._enter(epoch)
        if self.newest and not await connection.fetchval(_IS_THERE, self.newest[-1][1]):
            self.position = 0
            self.doubts += 1

    def _enter(self, epoch: str) -> None:
        """In another epoch other events may be at the same positions."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0
            self.doubts += 1

    def acknowledged(self, first: int, last: int, event_id: UUID) -> None:
        """Take in that the append of a command has returned: a required standby has it, and all before it."""
        self.newest.append((first, event_id))
        if self.is_required:
            self.position = max(self.position, last)

    def forget(self, event_ids: Set[UUID]) -> None:
        """Forget commands of which it was found out that they are lost."""
        self.newest = deque((each for each in self.newest if each[1] not in event_ids), REMEMBERED)

    @property
    def trouble(self) -> str:
        """Why nothing is confirmed; empty where all is well."""
        if not self.is_required:
            return ""
        silent = time.time() - self.confirmed_at
        return f"the required standby has acknowledged nothing for {silent:.0f} s" if silent > MISSING_AFTER else ""

    @property
    def notice(self) -> str:
        """What an operator should know besides, though all goes on."""
        if self.lifted_at is None:
            return ""
        at = datetime.fromtimestamp(self.lifted_at, UTC)
        return f"since {at:%Y-%m-%dT%H:%M:%SZ} the server requires no standby: what is recorded is on one disk"

    async def confirm(self, position: int | None, epoch: str) -> None:
        """Return once what was read in an epoch, up to a position or all of it, is where no fail-over takes it back.

        `epoch` is that of before it was read: after a fail-over it would have to be read again. Raises NotConfirmed.
        """
        await self._pass(position, epoch, ANSWER_WITHIN)

    async def _pass(self, position: int | None, epoch: str, within: float) -> None:
        if not self.is_required or self._has(position, epoch):
            return
        number = self._begun + 1
        try:
            async with asyncio.timeout(within):
                while self._must_wait(number, position, epoch):
                    if self._running is None:
                        self._running = asyncio.create_task(self._barrier(), name="barrier")
                    await asyncio.shield(self._running)
        except TimeoutError:
            raise NotConfirmed("the required standby does not acknowledge") from None
        if self.epoch != epoch:
            raise NotConfirmed("the store has failed over or was restored meanwhile")

    async def durable(self, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Those of a page that no fail-over takes back, after a short wait for the others."""
        if not events or not self.is_required:
            return events
        last = events[-1]
        with contextlib.suppress(NotConfirmed):
            await self._pass(last.position, last.epoch, GIVE_OUT_WITHIN)
        if not self.is_required:
            return events
        # Of another epoch is what was read before a fail-over: it is read again.
        return [e for e in events if e.position <= self.position] if last.epoch == self.epoch else []

    def _must_wait(self, number: int, position: int | None, epoch: str) -> bool:
        return self.is_required and self._passed < number and not self._has(position, epoch)

    def _has(self, position: int | None, epoch: str) -> bool:
        return position is not None and position <= self.position and epoch == self.epoch

    async def _barrier(self) -> None:
        """Commit something, and know afterwards what was there before it. A failure is followed by a pause."""
        self._begun += 1
        number, epoch = self._begun, self.epoch
        try:
            row = await self._pool.fetchrow(_BARRIER)
        except TRANSIENT_ERRORS as error:
            _log.info("barrier_interrupted", error=type(error).__name__)
            await asyncio.sleep(RETRY_PAUSE)
        else:
            # Found in the meantime, a new epoch may have begun on another server than this barrier's.
            if self.epoch in (epoch, row["epoch"]):
                self._enter(row["epoch"])
                self.position = max(self.position, row["head"])
                self._passed = max(self._passed, number)
                self.confirmed_at = time.time()
        finally:
            self._running = None

    async def _look(self) -> None:
        is_required = await self._pool.fetchval(_LOOK)
        if is_required == self.is_required:
            return
        if is_required:
            self.position, self.confirmed_at, self.lifted_at = 0, time.time(), None
        else:
            self.lifted_at = time.time()
        self.is_required = is_required
        _log.info("standby_required" if is_required else "standby_not_required")

    async def _watch(self) -> None:
        """Notice when a standby becomes required, or is no longer, and whether it is there."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with contextlib.suppress(*TRANSIENT_ERRORS):
                await self._look()
            if self.is_required and time.time() - self.confirmed_at >= CONFIRM_EVERY:
                with contextlib.suppress(NotConfirmed):
                    await self._pass(None, self.epoch, LOOK_EVERY)
