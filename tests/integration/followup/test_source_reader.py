"""What followup says of its following: how far behind it is, and that it runs though its source is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from services.followup.adapters.prefetch import SourcePrefetch
from services.followup.adapters.store.projection import StoredProjection
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.adapters.store.writer_leases import WriterLeases
from services.followup.application import source_reader
from services.followup.application.ports import SourceUnavailable
from services.followup.application.source_names import SourceNames
from services.followup.application.source_reader import SourceReader
from shared.envelope import FeedPage
from shared.event_store.loss import Loss
from shared.events import Recorded
from shared.postgres.losses import keep_loss, losses
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import events_of
from tests.support.following import MemoryFeed, projection_pool, recorded
from tests.support.history import History
from tests.support.postgres import TestServer
from tests.support.restored import copied, in_its_place
from tests.support.waiting import until

EVENTS = events_of("local")


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


async def led(source: str, leads: bool) -> None:
    pass


def reader_of(feed: MemoryFeed, pool: asyncpg.Pool) -> SourceReader:
    inbox = SourcePrefetch(Subscriber("", EVENTS))
    claim = partial(SourceNames(StoredBirths(pool)).claim, "http://one")
    lost = partial(keep_loss, pool)
    return SourceReader(feed, StoredProjection(pool), lambda _: inbox, WriterLeases(pool), led, claim, lost)


def follow(feed: MemoryFeed, pool: asyncpg.Pool) -> "asyncio.Task[None]":
    return asyncio.create_task(reader_of(feed, pool).run())


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


async def test_source_that_went_back_with_our_own_store__is_missed_by_who_had_read_more(
    pg_server: TestServer, followup_dsn: str, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_reader, "AGAIN", 0.02)
    earlier = await copied(pg_server, followup_dsn)
    async with all_read(pool) as (feed, read):
        feed.events, feed.epoch = read[:2], "after the fail-over"
        await in_its_place(pg_server, followup_dsn, earlier)
        (loss,) = await until(lambda: losses_of(pool))
        await until(lambda: is_at(pool, 2))
    assert (loss.loss_id, loss.agrees_to, loss.missing) == (read[-1].event_id, 2, len(read) - 2)
    assert (loss.first_position, loss.last_position) == (3, read[-1].position)


async def test_loss__is_told_by_who_had_read_more_where_another_leads_now(
    pg_server: TestServer, followup_dsn: str, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_reader, "AGAIN", 0.02)
    monkeypatch.setattr(source_reader, "LOOK_EVERY", 0.0)
    earlier = await copied(pg_server, followup_dsn)
    async with all_read(pool) as (feed, read):
        # The log has grown past what it lacks before anybody looks.
        others = [msgspec.structs.replace(each, event_id=uuid4()) for each in read]
        feed.events, feed.epoch = read[:2] + others[2:], "after the fail-over"
        monkeypatch.setattr(WriterLeases, "take", held_by_another)
        await in_its_place(pg_server, followup_dsn, earlier)
        (loss,) = await until(lambda: losses_of(pool))
    assert (loss.loss_id, loss.agrees_to, loss.missing) == (read[-1].event_id, 2, len(read) - 2)


async def held_by_another(*_: object, **__: object) -> bool:
    """No lease is to be had."""
    return False


@contextlib.asynccontextmanager
async def all_read(pool: asyncpg.Pool) -> AsyncIterator[tuple[MemoryFeed, list[Recorded]]]:
    """A feed that is followed, and its events, all of which have been applied."""
    history = History(calendars=[])
    for number in range(5):
        history.receive(f"p{number}", "2019-07-01")
    feed = MemoryFeed(recorded(history))
    read = list(feed.events)
    task = follow(feed, pool)
    try:
        await until(lambda: is_at(pool, read[-1].position))
        yield feed, read
    finally:
        task.cancel()


async def is_at(pool: asyncpg.Pool, position: int) -> bool:
    """Whether the cursor stands there; not while the database is away."""
    try:
        return bool(await pool.fetchval("SELECT true FROM sources WHERE position = $1", position))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return False


async def losses_of(pool: asyncpg.Pool) -> Sequence[Loss]:
    try:
        return await losses(pool)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return ()


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


class Cut(MemoryFeed):
    """A feed that one process may not reach."""

    is_cut = False

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        if self.is_cut:
            raise SourceUnavailable("ConnectError")
        return await super().page(after, epoch, limit, wait)


async def test_process_that_is_cut_off_from_a_source__leaves_it_to_one_that_is_not(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGAIN", "RENEW_EVERY", "AWAY_AT_MOST"):
        monkeypatch.setattr(source_reader, name, 0.02)
    history = History(calendars=[])
    history.receive("p1", "2019-07-01")
    events = recorded(history)
    one, two = Cut(events[:1]), Cut(events[:1])
    first, second = (reader_of(feed, pool) for feed in (one, two))
    tasks = [asyncio.create_task(first.run())]
    try:
        await until(lambda: first.is_leading)
        tasks.append(asyncio.create_task(second.run()))
        await until(lambda: second.source)
        assert first.stands_back == second.stands_back == "" and not second.is_leading
        one.is_cut, one.events, two.events = True, events, events
        await until(lambda: second.is_leading and not first.is_leading)
        await until(lambda: pool.fetchval("SELECT true FROM sources WHERE position = $1", len(events)))
        assert first.stands_back == "this process does not reach it: ConnectError"
        one.is_cut, two.is_cut = False, True
        await until(lambda: first.is_leading and second.stands_back)
    finally:
        for task in tasks:
            task.cancel()


async def test_source_that_no_process_reaches__does_not_go_from_one_to_the_other(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGAIN", "RENEW_EVERY", "AWAY_AT_MOST"):
        monkeypatch.setattr(source_reader, name, 0.02)
    history = History(calendars=[])
    history.receive("p1", "2019-07-01")
    feeds = [Cut(recorded(history)), Cut(recorded(history))]
    readers = [reader_of(feed, pool) for feed in feeds]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        await until(lambda: any(r.is_leading for r in readers) and all(r.source for r in readers))
        for feed in feeds:
            feed.is_cut = True
        # It changes hands once at most: who takes it finds that it is away too.
        await until(lambda: any(r.stands_back for r in readers))
        (leader,) = await until(lambda: [r for r in readers if r.is_leading])
        for _ in range(10):
            told = await pool.fetchval("SELECT ticked_at FROM sources")
            await until(lambda told=told: pool.fetchval("SELECT ticked_at > $1 FROM sources", told))
        assert leader.is_leading, "it goes on with what the broker brings"
        assert await pool.fetchval("SELECT fence FROM leases") <= 2
        for feed in feeds:
            feed.is_cut = False
        await until(lambda: pool.fetchval("SELECT true FROM sources WHERE reason = ''"))
    finally:
        for task in tasks:
            task.cancel()
