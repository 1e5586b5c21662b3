"""How far behind followup says that it is."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.followup.adapters.inbox import SourceInbox
from services.followup.adapters.projection import StoredProjection
from services.followup.application import following
from services.followup.application.following import Following
from shared.envelope import FeedPage
from shared.rabbit.consumer import Bell
from shared.rabbit.topology import EVENTS
from tests.support.following import MemoryFeed, projection_pool, recorded
from tests.support.history import History


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


async def test_lag__shows_while_pages_are_read(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    for number in range(20):
        history.receive(f"p{number}", "2019-07-01")
    monkeypatch.setattr(following, "BATCH", 10)
    lags: list[int] = []
    done = asyncio.Event()

    class Slow(MemoryFeed):
        async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
            if after and after < len(self.events):
                lags.append(await pool.fetchval("SELECT head - position FROM sources"))
            if after == len(self.events):
                done.set()
            return await super().page(after, epoch, limit, wait)

    async def mine(source: str) -> bool:
        return True

    async def led(source: str, leads: bool) -> None:
        pass

    events = recorded(history)
    inbox = SourceInbox(Bell("", EVENTS))
    task = asyncio.create_task(Following(Slow(events), StoredProjection(pool), lambda _: inbox, mine, led).run())
    try:
        await asyncio.wait_for(done.wait(), 20)
    finally:
        task.cancel()
    assert lags == [len(events) - at for at in range(10, len(events), 10)]
