"""The sealed content of a case, and the record of each reading of it."""

from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg
import msgspec


class SealedRow(msgspec.Struct, frozen=True):
    """An event with something sealed in it."""

    event_id: UUID
    originator_id: UUID
    version: int
    topic: str
    sealed: bytes


class StoredContents:
    """Reads sealed bytes; every reading is recorded first."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._new_id = new_id

    async def record_reading(self, caller: str, on_behalf_of: str, subject_id: UUID) -> None:
        """Write down who reads, before anything is read."""
        await self._pool.execute(
            "INSERT INTO content_reads (read_id, read_at, caller, on_behalf_of, subject_id) "
            "VALUES ($1, store_now(), $2, $3, $4)",
            self._new_id(),
            caller,
            on_behalf_of,
            subject_id,
        )

    async def sealed_of(self, *originator_ids: UUID) -> Sequence[SealedRow]:
        """The events of aggregates that hold something sealed, each aggregate's in order."""
        rows = await self._pool.fetch(
            "SELECT event_id, originator_id, originator_version, topic, sealed FROM stored_events "
            "WHERE originator_id = ANY($1) AND sealed IS NOT NULL ORDER BY originator_id, originator_version",
            originator_ids,
        )
        return [SealedRow(*row.values()) for row in rows]
