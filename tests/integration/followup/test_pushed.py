"""What the broker pushes: applied if the user of intake's relay sent it; from anybody else it only rings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import aio_pika
import asyncpg
import msgspec
import pytest
from aio_pika.exceptions import ChannelPreconditionFailed

from services.followup.adapters.prefetch import PrefetchBuffers
from services.followup.adapters.store.projection import StoredProjection
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.adapters.store.writer_leases import WriterLeases
from services.followup.application import source_reader
from services.followup.application.source_names import SourceNames
from services.followup.application.source_reader import SourceReader
from shared.envelope import to_message
from shared.event_store.loss import Loss
from shared.events import Recorded
from shared.rabbit.relay import Relay
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import events_of, user_of
from tests.support.following import MemoryFeed, projection_pool, recorded
from tests.support.history import History
from tests.support.waiting import until

EVENTS = events_of("local")

HIDDEN = 2  # events at the end that the feed does not show at first


class ListOutbox:
    """What a relay publishes: a list of events, in memory."""

    def __init__(self, events: Sequence[Recorded]) -> None:
        self.events = events

    async def lease(self, holder: str) -> int | None:
        return 1

    async def release(self, holder: str) -> None:
        pass

    async def take_over(self, fence: int) -> int | None:
        return 0

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        return self.events[after : after + limit]

    async def advance(self, fence: int, before: int, after: int) -> bool:
        return True

    @contextlib.asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """A log; the feed is read at the start and at a ring, and not because time passes."""
    monkeypatch.setattr(source_reader, "ASK_EVERY", 3600.0)
    history = History()
    for number in range(1, 5):
        history.receive(f"p{number}", f"2019-07-0{number}")
    return recorded(history)


async def no_loss(_: Loss) -> None:
    raise AssertionError("nothing is lost")


@contextlib.asynccontextmanager
async def followed(feed: MemoryFeed, pool: asyncpg.Pool, bell: Subscriber) -> AsyncIterator[None]:
    """Follow a feed that was read to its end, with the broker's queue connected."""
    inboxes = PrefetchBuffers(lambda _: bell)

    claim = partial(SourceNames(StoredBirths(pool)).claim, "http://one")
    leases = WriterLeases(pool)
    reader = SourceReader(feed, StoredProjection(pool), inboxes.of, leases, inboxes.lead, claim, no_loss)
    task = asyncio.create_task(reader.run())
    try:
        await until(lambda: bell.is_connected)
        await until(lambda: stands_at(pool, feed.events[-1]))
        yield
    finally:
        task.cancel()
        await inboxes.close()


async def stands_at(pool: asyncpg.Pool, event: Recorded) -> bool:
    row = await pool.fetchrow("SELECT position, event_id, state FROM sources")
    return row is not None and tuple(row) == (event.position, event.event_id, "following")


async def gaps(pool: asyncpg.Pool) -> Any:
    return await pool.fetchval("SELECT gaps FROM sources")


async def put(url: str, event: Recorded, **properties: Any) -> None:
    """Put an event straight into followup's queue, confirmed."""
    message = to_message(event)
    headers: Any = message.headers
    async with await aio_pika.connect(url) as connection:
        exchange = (await connection.channel()).default_exchange
        made = aio_pika.Message(message.body, headers=headers, message_id=message.message_id, **properties)
        await exchange.publish(made, EVENTS.queue)


@pytest.mark.parametrize("as_other", [False, True])
async def test_relayed__is_applied_without_the_feed(
    events: list[Recorded], pool: asyncpg.Pool, amqp_url: str, other_user_url: str, as_other: bool
) -> None:
    relay_url, publisher = (other_user_url, user_of(other_user_url)) if as_other else (amqp_url, "")
    feed = MemoryFeed(events[:-HIDDEN])
    relay = Relay(ListOutbox(events), relay_url, EVENTS, name="tested")
    async with followed(feed, pool, Subscriber(amqp_url, EVENTS, publisher=publisher)):
        await relay.start()
        await until(lambda: stands_at(pool, events[-1]))
        await relay.close()
    assert await gaps(pool) == 0


@pytest.mark.parametrize("claims", [False, True])
async def test_forged__is_not_applied_and_the_feed_goes_on(
    events: list[Recorded], pool: asyncpg.Pool, amqp_url: str, other_user_url: str, claims: bool
) -> None:
    feed = MemoryFeed(events[:-HIDDEN])
    # Exactly next: position, epoch and predecessor are right.
    forged = msgspec.structs.replace(events[-2], event_id=uuid4(), originator_id=uuid4())
    async with followed(feed, pool, Subscriber(amqp_url, EVENTS)):
        await put(other_user_url, forged, **({"user_id": user_of(other_user_url)} if claims else {}))
        await until(lambda: gaps(pool))
        assert await stands_at(pool, events[-HIDDEN - 1])
        feed.events = events
        await put(other_user_url, forged)  # rings
        await until(lambda: stands_at(pool, events[-1]))
    with pytest.raises(ChannelPreconditionFailed):
        await put(other_user_url, forged, user_id=user_of(amqp_url))


async def test_without_user__a_backlog_larger_than_the_prefetch_is_taken_and_rings(
    events: list[Recorded], pool: asyncpg.Pool, amqp_url: str
) -> None:
    feed = MemoryFeed(events[:-HIDDEN])
    bell = Subscriber(amqp_url, EVENTS, prefetch=2)
    async with followed(feed, pool, bell):
        for _ in range(5):  # as relays of earlier versions sent them
            await put(amqp_url, events[-2])
        feed.events = events[:-1]
        await put(amqp_url, events[-2])
        await until(lambda: stands_at(pool, events[-2]))
        await put(amqp_url, events[-1], user_id="guest")
        # The feed, which may be asked meanwhile, does not have it: then the source stops as one that was shortened.
        await until(lambda: pool.fetchval("SELECT position = $1 FROM sources", events[-1].position))
