"""The logs whose events are delivered: what was read of each source, and followup's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.followup.adapters.read.pagination import read
from services.followup.application.webhook_ports import LogHead, LogPlace
from services.followup.application.webhook_sender import place_at
from shared.envelope import PAGE_BYTES
from shared.events import Recorded
from shared.postgres.durable import DurableHead
from shared.postgres.log import StoredLog

_SOURCES = "SELECT source, epoch, position FROM sources"
_PAGE = f"""
SELECT position, event_id, originator_id, version, topic, recorded_at, state FROM (
    SELECT *, sum(octet_length(state)) OVER (ORDER BY position) - octet_length(state) AS bytes FROM (
        SELECT * FROM facts WHERE source = $1 AND position > $2 ORDER BY position LIMIT $3
    ) AS following
) AS page WHERE bytes < {PAGE_BYTES} ORDER BY position
"""
_EVENT_AT = "SELECT event_id FROM facts WHERE source = $1 AND position = $2"
_EPOCH = "SELECT epoch FROM sources WHERE source = $1"
_LAST_UNTIL = """
SELECT position, event_id, recorded_at FROM facts WHERE source = $1 AND recorded_at <= $2
ORDER BY position DESC LIMIT 1
"""


class DeliveredLogs:
    """Reads them by their names."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", own: StoredLog, durable: DurableHead) -> None:
        self._pool, self._own, self._durable = pool, own, durable

    async def heads(self) -> Mapping[str, LogHead]:
        """The end of each log."""
        rows = await read(self._pool, lambda connection: connection.fetch(_SOURCES))
        name, epoch = await self._own.identity()
        found = {row["source"]: LogHead(row["epoch"], row["position"]) for row in rows}
        # This log and the places in it are restored together: only where a standby must confirm is nothing lost.
        return found | {name: LogHead(epoch, await self._own.head(), is_kept=self._durable.is_required)}

    async def events_after(self, place: LogPlace, limit: int) -> Sequence[Recorded]:
        """The events after a place, in order, as the feed of that log has them."""
        if await self._is_own(place.log):
            return await self._own.events_after(place.position, limit)

        async def work(connection: Any) -> tuple[str, list[Any]]:
            epoch = await connection.fetchval(_EPOCH, place.log)
            return epoch or "", await connection.fetch(_PAGE, place.log, place.position, limit)

        epoch, rows = await read(self._pool, work)
        previous, found = place.event_id, list[Recorded]()
        for row in rows:
            found.append(Recorded(source=place.log, epoch=epoch, previous_id=previous, **dict(row)))
            previous = row["event_id"]
        return found

    async def place_at(self, log: str, position: int) -> LogPlace | None:
        """The place of the event at a position, 0 for the beginning; None where there is no such event."""
        if position == 0:
            return LogPlace(log=log, epoch=(await self.heads())[log].epoch)
        events = await self.events_after(LogPlace(log=log, position=position - 1), 1)
        return place_at(events[0]) if events and events[0].position == position else None

    async def event_id_at(self, log: str, position: int) -> UUID | None:
        """The event at a position; None where there is none."""
        if await self._is_own(log):
            return await self._own.event_id_at(position)
        found: UUID | None = await read(self._pool, lambda c: c.fetchval(_EVENT_AT, log, position))
        return found

    async def last_until(self, log: str, instant: datetime) -> LogPlace:
        """The place of the last event that was recorded at or before an instant."""
        if await self._is_own(log):
            last = await self._own.last_event_until(instant)
            return LogPlace(log=log) if last is None else place_at(last)

        async def work(connection: Any) -> LogPlace:
            row = await connection.fetchrow(_LAST_UNTIL, log, instant)
            epoch = await connection.fetchval(_EPOCH, log)
            return LogPlace(log=log) if row is None else LogPlace(log=log, epoch=epoch or "", **dict(row))

        return await read(self._pool, work)

    async def _is_own(self, log: str) -> bool:
        return log == (await self._own.identity())[0]
