"""followup's own following of a source inside the benchmark's process: its database, its consumer, its writer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg

from benchmarks.history import EPOCH, SOURCE
from benchmarks.servers import pool_of
from services.followup.adapters.prefetch import PrefetchBuffers
from services.followup.adapters.store.projection import StoredProjection
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.adapters.store.writer_leases import WriterLeases
from services.followup.application.ports import Feed
from services.followup.application.source_names import SourceNames
from services.followup.application.source_reader import SourceReader
from shared.envelope import FeedPage
from shared.events import Recorded
from shared.postgres.losses import keep_loss
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import events_of

EVENTS = events_of("local")

PACKAGES = ("shared.postgres", "services.followup")
SEARCH_PATH = "followed, public"
LOOK_EVERY = 0.005  # seconds


class GrowingFeed:
    """A source's feed in memory; what comes after `shown` is not shown yet."""

    def __init__(
        self, events: Sequence[Recorded], shown: int | None = None, complete_to: datetime | None = None
    ) -> None:
        self.events, self.shown, self._complete_to = events, len(events) if shown is None else shown, complete_to

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position."""
        found = self.events[after : min(after + limit, self.shown)]
        last = after + len(found)
        at_head = last >= self.shown
        return FeedPage(
            source=SOURCE, epoch=EPOCH, previous_id=self.events[after - 1].event_id if after else None,
            head=max(self.shown, after), events=list(found),
            complete_to=self._complete_to or (self.events[last - 1].recorded_at if last else None) if at_head else None,
        )  # fmt: skip


@contextlib.asynccontextmanager
async def following(dsn: str, feed: Feed, url: str = "") -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """Follow a feed, and the broker if there is one; yields the pool of the projection."""
    async with pool_of(dsn, search_path=SEARCH_PATH) as pool:
        inboxes = PrefetchBuffers(lambda _: Subscriber(url, EVENTS))

        claim = partial(SourceNames(StoredBirths(pool)).claim, "http://one")
        lost = partial(keep_loss, pool)
        followed = SourceReader(feed, StoredProjection(pool), inboxes.of, WriterLeases(pool), inboxes.lead, claim, lost)
        task = asyncio.create_task(followed.run())
        try:
            yield pool
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await inboxes.close()


async def reached(pool: Any, position: int, within: float = 300.0) -> None:
    """Return once everything up to a position is in the projection."""
    async with asyncio.timeout(within):
        # Another connection commits what is waited for: it can only be asked.
        while (await pool.fetchval("SELECT max(position) FROM sources") or 0) < position:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)
