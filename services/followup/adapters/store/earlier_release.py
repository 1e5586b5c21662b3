"""What release 0.4.0 has followed, in the tables of its own that no source has to itself.

Their facts are those of each source, whatever was derived from them: they are folded again into tables by source. That
release may go on meanwhile, until the source is taken over under the lock of its cursor.
"""

from datetime import datetime
from itertools import accumulate

import asyncpg
import msgspec

from services.followup.adapters.store.projection import recorded_of
from services.followup.adapters.store.rebuild_tables import RebuildTables
from shared.envelope import PAGE_BYTES, FeedPage
from shared.events import Recorded

SCHEMA = "projection"

_IS_THERE = f"SELECT to_regclass('{SCHEMA}.sources') IS NOT NULL"
_SOURCES = f"""
SELECT source FROM {SCHEMA}.sources o WHERE position > 0
AND NOT EXISTS (SELECT 1 FROM followed.sources f WHERE f.source = o.source) ORDER BY source
"""
_STANDS = f"SELECT epoch, position, horizon FROM {SCHEMA}.sources WHERE source = $1"
_FACTS = f"""
SELECT position, event_id, originator_id, version, topic, recorded_at, state FROM {SCHEMA}.facts
WHERE source = $1 AND position >= $2 ORDER BY position LIMIT $3
"""


class EarlierRelease:
    """The tables of that release, behind a pool of a rebuild."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @property
    def target(self) -> RebuildTables:
        """Return the tables that are filled in the place of its own."""
        return RebuildTables(self._pool, SCHEMA)

    async def sources(self) -> list[str]:
        """Return the sources that were followed there and are not taken over yet."""
        if not await self._pool.fetchval(_IS_THERE):
            return []
        return [row["source"] for row in await self._pool.fetch(_SOURCES)]

    def feed(self, source: str) -> "EarlierFacts":
        """Return what was read of a source."""
        return EarlierFacts(self._pool, source)


class EarlierFacts:
    """The facts of a source as its feed gave them, up to where they were read."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", source: str) -> None:
        self._pool, self._source = pool, source

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """Return the page after a position, as the feed would."""
        stands = await self._pool.fetchrow(_STANDS, self._source)
        assert stands is not None, "what is taken over was followed"
        rows = await self._pool.fetch(_FACTS, self._source, max(after, 1), limit + 1)
        events: list[Recorded] = []
        so_far = accumulate((len(row["state"]) for row in rows), initial=0)
        previous = None
        for row, before in zip(rows, so_far, strict=False):
            if row["position"] > after and before < PAGE_BYTES and len(events) < limit:
                event = recorded_of(self._source, row)
                events.append(msgspec.structs.replace(event, epoch=stands["epoch"], previous_id=previous))
            previous = row["event_id"]
        last = events[-1].position if events else after
        complete_to: datetime | None = stands["horizon"] if last >= stands["position"] else None
        return FeedPage(
            source=self._source,
            epoch=stands["epoch"],
            previous_id=events[0].previous_id if events else previous,
            head=stands["position"],
            complete_to=complete_to,
            events=events,
        )
