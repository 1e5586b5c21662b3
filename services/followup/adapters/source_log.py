"""A source's whole log for a replay: over its feed, or straight from its event store with a role that may select."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import asyncpg

from services.followup.adapters.feed_client import FeedClient
from shared.events import Recorded
from shared.postgres import store
from shared.postgres.store import StoreIdentity
from shared.server_urls import current

PAGE = 2000  # events


class FeedHistory:
    """The log over `GET /v1/events`."""

    def __init__(self, feed: FeedClient) -> None:
        self.complete_to: datetime | None = None
        self.head = 0
        self._feed = feed

    async def pages(self) -> AsyncIterator[Sequence[Recorded]]:
        """The events in order. Raises SourceUnavailable, HistoryDiffers."""
        after, epoch = 0, ""
        while self.complete_to is None:
            page = await self._feed.page(after, epoch, PAGE)
            self.complete_to, self.head, epoch = page.complete_to, page.head, page.epoch
            if page.events:
                after = page.events[-1].position
                yield page.events


class StoreHistory:
    """The log in its table: `stored_events` and `store_state` are all that the role must be able to read."""

    def __init__(self, dsn: str) -> None:
        self.complete_to: datetime | None = None
        self._dsn = dsn

    async def pages(self) -> AsyncIterator[Sequence[Recorded]]:
        """The events in order, as of one moment."""
        connection = await asyncpg.connect(current(self._dsn), timeout=10)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                row = await connection.fetchrow("SELECT source, epoch, complete_to FROM store_state")
                assert row is not None
                identity, after, last = StoreIdentity(row["source"], row["epoch"]), 0, None
                while page := await store.read_page(connection, identity, after, PAGE):
                    after, last = page[-1].position, page[-1].recorded_at
                    yield page
                # Nothing is stamped before the last event any more, whatever was stated.
                self.complete_to = max((at for at in (row["complete_to"], last) if at is not None), default=None)
        finally:
            await connection.close()
