"""The store, many cases at a time: what is known of them, and their append in one transaction."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from shared.event_store.append import Append, Appended
from shared.event_store.errors import NotRecorded, StoreUnavailable
from shared.postgres.append import append_in
from shared.postgres.transient_errors import TRANSIENT_ERRORS

RETRY_FOR = 60.0  # seconds for which a batch is tried while the store is away
RETRY_PAUSE = 0.5  # seconds

_log = structlog.get_logger(__name__)


class BulkStore:
    """Bulk access to PostgreSQL."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def recorded(self, caller: str, keys: Sequence[str]) -> set[str]:
        """Which idempotency keys were used before."""
        rows = await self._pool.fetch(
            "SELECT key FROM idempotency_keys WHERE caller = $1 AND key = ANY($2)", caller, list(keys)
        )
        return {row["key"] for row in rows}

    async def originators(self, source: str, names: Sequence[str]) -> dict[str, UUID]:
        """The aggregates behind external references."""
        rows = await self._pool.fetch(
            "SELECT external_id, originator_id FROM external_references WHERE source = $1 AND external_id = ANY($2)",
            source,
            list(names),
        )
        return {row["external_id"]: row["originator_id"] for row in rows}

    async def append(self, appends: Sequence[Append]) -> Sequence[Appended | NotRecorded]:
        """One transaction; one outcome a command. Raises StoreUnavailable.

        Every command carries its idempotency key: what an interrupted commit recorded answers the next attempt with
        its replay.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + RETRY_FOR
        while True:
            try:
                # One statement: it needs no transaction around it.
                async with self._pool.acquire() as connection:
                    return await append_in(connection, appends)
            except TRANSIENT_ERRORS as error:
                _log.warning("import_interrupted", error=type(error).__name__, commands=len(appends))
                if loop.time() >= until:
                    raise StoreUnavailable(type(error).__name__) from error
                await asyncio.sleep(RETRY_PAUSE)
