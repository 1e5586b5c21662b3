"""The relay on a real broker and a real store: in order, persistent, advanced only after the confirms, fenced."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest

from services.dev.rabbitmq import PrivateBroker, free_ports
from shared.envelope import Message
from shared.event_store.append import Append, NewEvent
from shared.events import Recorded
from shared.identifiers import derived_id, ordered_id
from shared.postgres.append import append_in
from shared.postgres.durable import DurableHead
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, create_pool
from shared.rabbit import relay as relaying
from shared.rabbit.relay import Relay
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import claim, events_of
from tests.support.waiting import until

EVENTS = events_of("local")

NAME = "tested"


def encode(event: Recorded) -> Message:
    return Message("petition.tested.H35", {"ce-position": str(event.position)}, event.state, str(event.event_id))


class Store:
    """A store that is written to by number."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", notifications: Notifications) -> None:
        self.pool, self.notifications = pool, notifications
        self.written = 0

    def outbox(self) -> StoredOutbox:
        return StoredOutbox(self.pool, self.notifications, NAME, DurableHead())

    def relay(self, url: str) -> Relay:
        return Relay(self.outbox(), url, EVENTS, name=NAME, encode=encode)

    async def write(self, count: int) -> None:
        appends = []
        for number in range(self.written + 1, self.written + count + 1):
            stream = derived_id("stream", number)
            event = NewEvent(
                originator_id=stream,
                version=1,
                topic="Tested",
                state=b"{}",
                event_id=ordered_id(datetime.now(UTC), os.urandom(10)),
            )
            appends.append(Append(events=(event,), expected={stream: 0}))
        async with self.pool.acquire() as connection, connection.transaction():
            await append_in(connection, appends)
        self.written += count

    async def position(self) -> int:
        return await self.pool.fetchval("SELECT position FROM relay_position WHERE name = $1", NAME) or 0


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    pool = await create_pool(database, application="test")
    notifications = Notifications(database)
    await notifications.start()
    yield Store(pool, notifications)
    await notifications.close()
    await pool.close()


async def relayed(store: Store) -> bool:
    return await store.position() == store.written


@contextlib.asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[Any]:
    connection = await aio_pika.connect(url)
    async with connection:
        yield await connection.channel()


async def drained(url: str) -> list[Any]:
    async with channel_to(url) as channel:
        queue = await channel.get_queue(EVENTS.queue)
        found = []
        while (message := await queue.get(fail=False, timeout=5)) is not None:
            await message.ack()
            found.append(message)
        return found


def positions(messages: list[Any]) -> list[int]:
    return [int(message.headers["ce-position"]) for message in messages]


async def test_everything_leaves_in_order_and_persistent(store: Store, amqp_url: str) -> None:
    await store.write(700)
    relay = store.relay(amqp_url)
    await relay.start()
    await until(lambda: relayed(store))
    await store.write(10)
    await until(lambda: relayed(store))
    await relay.close()
    messages = await drained(amqp_url)
    assert positions(messages) == list(range(1, 711))
    assert {m.delivery_mode for m in messages} == {aio_pika.DeliveryMode.PERSISTENT}
    assert {m.user_id for m in messages} == {"guest"}
    assert relay.published_total == 710 and relay.unroutable_total == 0


async def test_events_that_come_one_by_one__leave_at_once_and_the_position_is_written_for_several(
    store: Store, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "REST", 60.0)
    relay = store.relay(amqp_url)
    await relay.start()
    await until(lambda: relay.is_leader)
    async with channel_to(amqp_url) as channel:
        queue = await channel.get_queue(EVENTS.queue)
        for number in range(1, relaying.IN_FLIGHT + 1):
            assert await store.position() == 0
            await store.write(1)
            store.notifications.wake()  # the listener may still be connecting
            message = await until(lambda: queue.get(fail=False))
            assert int(message.headers["ce-position"]) == number
            await message.ack()
    await until(store.position)  # of as many as were confirmed by then
    await relay.close()


async def test_unroutable_is_tried_again_and_nothing_is_lost(store: Store, amqp_url: str) -> None:
    relay = store.relay(amqp_url)
    await relay.start()
    await until(lambda: relay.is_leader)
    async with channel_to(amqp_url) as channel:
        queue = await channel.get_queue(EVENTS.queue)
        await queue.unbind(EVENTS.exchange, EVENTS.pattern)
        await store.write(5)
        await until(lambda: relay.unroutable_total > 0)
        assert await store.position() == 0
    await until(lambda: relayed(store))
    await relay.close()
    assert positions(await drained(amqp_url)) == [1, 2, 3, 4, 5]


async def test_of_two_relays_one_is_active_and_the_other_takes_over(store: Store, amqp_url: str) -> None:
    first, second = store.relay(amqp_url), store.relay(amqp_url)
    await first.start()
    await until(lambda: first.is_leader)
    await second.start()
    await store.write(20)
    await until(lambda: relayed(store))
    assert not second.is_leader
    await first.close()
    await until(lambda: second.is_leader)
    await store.write(20)
    await until(lambda: relayed(store))
    await second.close()
    assert positions(await drained(amqp_url)) == list(range(1, 41))


async def test_a_leader_that_slept_through_its_lease_cannot_move_the_position(store: Store) -> None:
    await store.write(5)
    sleeper, other = store.outbox(), store.outbox()
    old = await sleeper.lease("sleeper")
    assert old is not None and await sleeper.take_over(old) == 0
    await sleeper.release("sleeper")
    new = await other.lease("other")
    assert new is not None and new > old and await other.take_over(new) == 0
    assert not await sleeper.advance(old, 0, 5)
    assert await sleeper.take_over(old) is None
    assert await other.advance(new, 0, 3)
    assert not await other.advance(new, 0, 5)
    assert await store.position() == 3


@pytest.mark.slow
async def test_relay_and_bell_survive_a_broker_that_is_killed(store: Store, tmp_path: Path) -> None:
    broker = PrivateBroker(tmp_path)
    await asyncio.to_thread(broker.start)
    numbers = iter(range(10**6))

    def decode(headers: Any, body: bytes) -> Any:
        next(numbers)
        return int(headers["ce-position"])

    relay, bell = store.relay(broker.url), Subscriber(broker.url, EVENTS, decode=decode)
    seen: list[int] = []

    async def read() -> bool:
        if taken := bell.take():
            # At least once: what was taken but not acknowledged in time comes again.
            seen.extend(d.recorded for d in taken)  # type: ignore[misc]
            await bell.ack_through(taken[-1])
        return max(seen, default=0) == store.written

    try:
        await relay.start()
        await bell.start()
        await store.write(50)
        await until(read)
        assert seen == list(range(1, 51))
        # RabbitMQ 3.10 was seen to hang on a quorum queue whose node was killed right after declaring it.
        await asyncio.sleep(6)
        await asyncio.to_thread(broker.kill)
        await store.write(50)
        await until(lambda: not bell.is_connected and not relay.is_leader)
        await asyncio.to_thread(broker.start)
        await until(read, 60)
        assert list(dict.fromkeys(seen)) == list(range(1, 101))
        await until(lambda: relayed(store))
    finally:
        await relay.close()
        await bell.close()
        await asyncio.to_thread(broker.stop)


async def test_virtual_host_of_another_source__publishes_nothing_and_says_so(store: Store, amqp_url: str) -> None:
    await store.write(3)
    async with channel_to(amqp_url) as channel:
        await claim(channel, "tam-duong")
        relay = Relay(store.outbox(), amqp_url, EVENTS, name=NAME, source="local", encode=encode)
        await relay.start()
        await until(lambda: "'tam-duong'" in relay.hindrance and "'local'" in relay.hindrance)
        await relay.close()
    assert (await store.position(), relay.published_total) == (0, 0)


async def test_broker_that_stays_away__is_a_standstill_until_something_leaves(
    store: Store, rabbit_server: PrivateBroker, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "STANDS_AFTER", 0.5)
    (port,) = free_ports(1)
    here = amqp_url.partition("@")[2].partition("/")[0]
    relay = store.relay(amqp_url.replace(here, f"127.0.0.1:{port}"))
    assert relay.standstill == ""
    await relay.start()
    await until(lambda: relay.standstill.startswith("nothing has left for"))
    await relay.close()

    relay = store.relay(amqp_url)
    relay._stands_since = 0.0
    await relay.start()
    await until(lambda: relay.is_leader and relay.standstill == "")
    await relay.close()
