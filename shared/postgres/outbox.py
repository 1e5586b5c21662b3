"""The event table as an outbox: what a relay needs of it (a lease, a position under a fence, pages)."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import asyncpg

from shared.events import Recorded
from shared.postgres import lease, store
from shared.postgres.durable import DurableHead
from shared.postgres.pool import Notifications

_TAKE_OVER = """
INSERT INTO relay_position AS r (name, position, fence) VALUES ($1, 0, $2)
ON CONFLICT (name) DO UPDATE SET fence = excluded.fence WHERE r.fence <= excluded.fence RETURNING position
"""
_ADVANCE = "UPDATE relay_position SET position = $3 WHERE name = $1 AND fence = $2 AND position = $4 RETURNING position"


class StoredOutbox:
    """The outbox of one relay; `name` tells the relays of one store apart."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", notifications: Notifications, name: str, durable: DurableHead
    ) -> None:
        self._pool, self._notifications, self._name = pool, notifications, name
        self._durable = durable

    async def lease(self, holder: str) -> int | None:
        """Acquire or renew the lease; return its fence, or None while another holds it."""
        return await lease.acquire(self._pool, f"relay:{self._name}", holder)

    async def release(self, holder: str) -> None:
        """Release the lease, so that another relay acquires it at once."""
        await lease.release(self._pool, f"relay:{self._name}", holder)

    async def take_over(self, fence: int) -> int | None:
        """Put the position under a fence and return it; None when a later fence has taken over."""
        position: int | None = await self._pool.fetchval(_TAKE_OVER, self._name, fence)
        return position

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        """Return the events after a position, in order, under the source and epoch of the moment.

        None that a fail-over may take back: what was published cannot be called back.
        """
        return await self._durable.durable(await store.read_named_page(self._pool, after, limit))

    async def advance(self, fence: int, before: int, after: int) -> bool:
        """Move the position; False when another fence holds it or it is not at `before` any more."""
        return await self._pool.fetchval(_ADVANCE, self._name, fence, after, before) is not None

    def subscribed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """Open a subscription: an event that is set when events were recorded."""
        return self._notifications.subscribed()
