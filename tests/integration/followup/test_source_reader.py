"""What followup says of its following: how far behind it is, and that it runs though its source is away."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from services.followup.adapters.prefetch import SourcePrefetch
from services.followup.adapters.store.projection import StoredProjection
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.application import source_reader
from services.followup.application.ports import SourceUnavailable
from services.followup.application.source_names import SourceNames
from services.followup.application.source_reader import SourceReader
from shared.envelope import FeedPage
from shared.postgres.losses import keep_loss
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import events_of
from tests.support.following import MemoryFeed, projection_pool, recorded
from tests.support.history import History

EVENTS = events_of("local")


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


async def mine(source: str) -> bool:
    return True


async def led(source: str, leads: bool) -> None:
    pass


def follow(feed: MemoryFeed, pool: asyncpg.Pool) -> "asyncio.Task[None]":
    inbox = SourcePrefetch(Subscriber("", EVENTS))
    claim = partial(SourceNames(StoredBirths(pool)).claim, "http://one")
    lost = partial(keep_loss, pool)
    return asyncio.create_task(
        SourceReader(feed, StoredProjection(pool), lambda _: inbox, mine, led, claim, lost).run()
    )


async def test_lag__shows_while_pages_are_read(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(calendars=[])  # each of which would be applied alone
    for number in range(40):
        history.receive(f"p{number}", "2019-07-01")
    monkeypatch.setattr(source_reader, "BATCH", 10)
    lags: list[int] = []
    done = asyncio.Event()

    class Slow(MemoryFeed):
        async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
            if after and after < len(self.events):
                lags.append(await pool.fetchval("SELECT head - position FROM sources"))
            if after == len(self.events):
                done.set()
            return await super().page(after, epoch, limit, wait)

    events = recorded(history)
    task = follow(Slow(events), pool)
    try:
        await asyncio.wait_for(done.wait(), 20)
    finally:
        task.cancel()
    # Each page is asked for while the one before it is applied, so that the first may show nothing yet.
    assert len(lags) == 3 and all(lag > 0 for lag in lags[1:])


async def test_source_away__is_told_by_a_loop_that_runs(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    monkeypatch.setattr(source_reader, "AGAIN", 0.01)
    ticks: list[object] = []
    done = asyncio.Event()

    class Away(MemoryFeed):
        async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
            if not after:
                return await super().page(after, epoch, limit, wait)
            ticks.append(await pool.fetchval("SELECT ticked_at FROM sources"))
            if len(ticks) > 3:
                done.set()
            raise SourceUnavailable("ConnectError")

    task = follow(Away(recorded(history)), pool)
    try:
        await asyncio.wait_for(done.wait(), 20)
    finally:
        task.cancel()
    assert len(set(ticks[1:])) == len(ticks) - 1
    assert await pool.fetchval("SELECT (state, reason) FROM sources") == ("following", "away: ConnectError")
