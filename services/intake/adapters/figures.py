"""The figures behind the metrics, read from the store."""

from typing import Any

import asyncpg
import msgspec


class StoreCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one moment."""

    recorded: dict[str, int]
    pending: int
    oldest_pending: float
    files_unnamed: int
    oldest_conflict: float
    taken_at: float


class StoreFigures:
    """Counts events by topic, adding only what came since the last time."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", relay: str) -> None:
        self._pool = pool
        self._relay = relay
        self._recorded: dict[str, int] = {}
        self._counted_to = 0

    async def read(self) -> StoreCounts:
        """The figures now. Outbox and snapshot are wall time."""
        async with self._pool.acquire() as connection:
            head = await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM stored_events")
            if head < self._counted_to:  # another store, or one restored to an earlier state
                self._recorded, self._counted_to = {}, 0
            rows = await connection.fetch(
                "SELECT topic, count(*) AS n FROM stored_events "
                "WHERE notification_id > $1 AND notification_id <= $2 GROUP BY topic",
                self._counted_to,
                head,
            )
            for row in rows:
                self._recorded[row["topic"]] = self._recorded.get(row["topic"], 0) + row["n"]
            self._counted_to = head
            relayed = await connection.fetchval("SELECT position FROM relay_position WHERE name = $1", self._relay) or 0
            oldest: Any = await connection.fetchval(
                # The store's clock may be moved in development; an age on a dashboard is wall time.
                "SELECT extract(epoch FROM recorded_at - coalesce((SELECT clock_offset FROM store_state), '0'))"
                "::float8 FROM stored_events WHERE notification_id = $1",
                relayed + 1,
            )
            unnamed = await connection.fetchval("SELECT count(*) FROM files WHERE wrapped IS NOT NULL")
            conflict: Any = await connection.fetchval(
                "SELECT extract(epoch FROM min(pushed_at))::float8 FROM conflicts WHERE state = 'open'"
            )
            taken_at = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        return StoreCounts(
            recorded=dict(self._recorded),
            pending=head - relayed,
            oldest_pending=oldest or 0.0,
            files_unnamed=unnamed,
            oldest_conflict=conflict or 0.0,
            taken_at=taken_at,
        )
