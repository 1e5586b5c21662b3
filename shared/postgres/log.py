"""The stored events as a log behind `GET /v1/events`: its pages, up to when it is complete, and a wait for the next."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.events import Recorded
from shared.host_walk import why_not
from shared.postgres import store
from shared.postgres.durable import DurableHead
from shared.postgres.pool import POLL, Notifications
from shared.postgres.transient_errors import TRANSIENT_ERRORS
from shared.sentences import Sentence

PROBE_TIMEOUT = 3.0  # seconds


class StoredLog:
    """The log of one store."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", notifications: Notifications, durable: DurableHead
    ) -> None:
        self._pool = pool
        self._notifications = notifications
        self._durable = durable

    async def identity(self) -> tuple[str, str]:
        """Return the source and its epoch, as they are now."""
        row = await self._pool.fetchrow("SELECT source, epoch FROM store_state")
        assert row is not None
        return row["source"], row["epoch"]

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        """Return the events after a position, in order, at most `limit`, and none that a fail-over may take back."""
        return await self._durable.durable(await store.read_named_page(self._pool, position, limit))

    async def event_id_at(self, position: int) -> UUID | None:
        """Return the id of the event at a position; None when there is none."""
        return await store.event_id_at(self._pool, position)

    async def cursor_key(self) -> bytes:
        """Return the key under which this store signs the cursors of its feed."""
        # Asked for each time: another store may stand behind the address after a restore.
        found: bytes = await self._pool.fetchval("SELECT cursor_key FROM store_state")
        return found

    async def last_event_until(self, instant: datetime) -> Recorded | None:
        """Return the last event recorded at or before an instant; None where all came later."""
        return await store.last_event_until(self._pool, instant)

    async def head(self) -> int:
        """Return the last position; 0 when the log is empty."""
        return await store.head(self._pool)

    async def state_complete_to(self) -> tuple[datetime, int] | None:
        """Return an instant at or before which no further event will be stamped, and the head at that time.

        None while that cannot be said.
        """
        return await store.state_complete_to(self._pool)

    async def wait_for_events(self, timeout: float) -> None:
        """Return when something may have been appended, or after `timeout` seconds.

        A lost notification costs one poll.
        """
        async with self._notifications.subscribed() as event:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), min(timeout, POLL))

    async def is_reachable(self) -> Sentence | None:
        """Return why the store cannot be used now; None when it can."""
        try:
            await self._pool.fetchval("SELECT 1", timeout=PROBE_TIMEOUT)
        except (asyncpg.PostgresError, *TRANSIENT_ERRORS) as error:
            return self._notifications.trouble or why_not(error, PROBE_TIMEOUT)
        return None
