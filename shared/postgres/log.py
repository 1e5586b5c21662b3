"""The stored events as a log: pages in order behind `GET /v1/events`, completeness, and waiting for the next one."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.events import Recorded
from shared.postgres import store
from shared.postgres.pool import POLL, Notifications
from shared.postgres.transient_errors import TRANSIENT_ERRORS


class StoredLog:
    """Pages of the stored events; a new event or the poll wakes whoever waits."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", notifications: Notifications) -> None:
        self._pool = pool
        self._notifications = notifications

    async def identity(self) -> tuple[str, str]:
        """The source and its epoch, as the store says now."""
        row = await self._pool.fetchrow("SELECT source, epoch FROM store_state")
        assert row is not None
        return row["source"], row["epoch"]

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        """The events after a position, in order."""
        return await store.read_named_page(self._pool, position, limit)

    async def event_id_at(self, position: int) -> UUID | None:
        """The event at a position; None when there is none."""
        return await store.event_id_at(self._pool, position)

    async def head(self) -> int:
        """The last position."""
        return await store.head(self._pool)

    async def state_complete_to(self) -> tuple[datetime, int]:
        """State up to which instant the log is complete, and the head then."""
        return await store.state_complete_to(self._pool)

    async def wait_for_events(self, timeout: float) -> None:
        """Return when something may have been appended; a lost notification costs one poll."""
        async with self._notifications.subscribed() as event:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), min(timeout, POLL))

    async def is_reachable(self) -> str:
        """Why the store cannot be used now; empty when it can."""
        try:
            await self._pool.fetchval("SELECT 1", timeout=3.0)
        except (asyncpg.PostgresError, *TRANSIENT_ERRORS) as error:
            return type(error).__name__
        return ""
