"""The movable clock of a development store."""

from datetime import datetime

import asyncpg

from shared.postgres import store


class StoreClock:
    """The store's clock."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def now(self) -> datetime:
        """What it shows."""
        return await store.store_now(self._pool)

    async def is_movable(self) -> bool:
        """Whether this is a development store."""
        return await store.is_clock_movable(self._pool)

    async def move(self, to: datetime) -> datetime:
        """Forwards only. Raises OutOfYears, MovedBackwards."""
        return await store.move_clock(self._pool, to)
