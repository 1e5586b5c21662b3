"""The bell on a real broker: what is sent arrives whole and in order, whatever its headers, whatever else goes on."""

from collections.abc import Mapping
from typing import Any

import aio_pika
import pytest

from shared.rabbit import subscriber
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import QUORUM, events_of, waiting_in
from tests.support.waiting import until

EVENTS = events_of("local")

Came = tuple[Mapping[str, Any], bytes]


def taken_as_it_is(headers: Mapping[str, Any], body: bytes) -> Any:
    return dict(headers), body


async def bell_on(url: str, prefetch: int = 100) -> Subscriber:
    bell = Subscriber(url, EVENTS, decode=taken_as_it_is, prefetch=prefetch)
    await bell.start()
    await until(lambda: bell.is_connected)
    return bell


async def came(bell: Subscriber, count: int) -> list[Came]:
    found: list[Any] = []

    async def enough() -> bool:
        if taken := bell.take():
            found.extend(delivery.recorded for delivery in taken)
            await bell.ack_through(taken[-1])
        return len(found) >= count

    await until(enough)
    return found


async def test_messages__arrive_whole_and_in_order(amqp_url: str) -> None:
    bell = await bell_on(amqp_url)
    texts: dict[str, Any] = {"ce-id": "1", "ce-subject": "kiến nghị", "empty": ""}
    mixed: dict[str, Any] = {"ce-id": "2", "count": 7, "yes": True}
    sent: list[Came] = [(texts, b"{}"), (mixed, b""), ({}, b"x" * 700_000), (texts, "địa".encode())]
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EVENTS.exchange)
        for headers, body in sent:  # with and without a property before the headers
            for encoding in (None, "utf-8"):
                made = aio_pika.Message(body, headers=dict(headers), content_encoding=encoding, user_id="guest")
                await exchange.publish(made, "a.b")
    assert await came(bell, 2 * len(sent)) == [each for each in sent for _ in range(2)]
    await bell.close()


async def test_acknowledged__does_not_come_again_and_the_rest_does(amqp_url: str) -> None:
    bell = await bell_on(amqp_url, prefetch=4)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EVENTS.exchange)
        for number in range(10):
            await exchange.publish(aio_pika.Message(str(number).encode(), headers={}, user_id="guest"), "a.b")
        first = []

        async def two_came() -> bool:
            first.extend(bell.take(2 - len(first)))
            return len(first) == 2

        await until(two_came)
        await bell.ack_through(first[-1])
        await bell.close()
    again = await bell_on(amqp_url)
    assert [body for _, body in await came(again, 8)] == [str(n).encode() for n in range(2, 10)]
    await again.close()


async def test_consumer_cancelled_by_the_broker__connects_again(amqp_url: str) -> None:
    bell = await bell_on(amqp_url)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        await channel.queue_delete(EVENTS.queue)
        await until(lambda: not bell.is_connected)
        await until(lambda: bell.is_connected)
        exchange = await channel.get_exchange(EVENTS.exchange)
        await exchange.publish(aio_pika.Message(b"back", headers={}, user_id="guest"), "a.b")
    assert [body for _, body in await came(bell, 1)] == [b"back"]
    await bell.close()


async def test_queue_of_the_version_before__is_dropped_once_nobody_consumes_it(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "DROP_EVERY", 0.1)
    looks: list[str] = []

    async def looked(connection: Any, queue: str) -> Any:
        looks.append(queue)
        return await waiting_in(connection, queue)

    monkeypatch.setattr(subscriber, "waiting_in", looked)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        arguments: Any = dict(QUORUM)
        await channel.declare_queue(EVENTS.replaces, durable=True, arguments=arguments)
        await channel.default_exchange.publish(aio_pika.Message(b"in the feed too"), EVENTS.replaces)

        async def ignored(_: Any) -> None:
            pass

        async with await aio_pika.connect(amqp_url) as other:  # as a process of that version does
            consumed = await (await other.channel()).get_queue(EVENTS.replaces)
            await consumed.consume(ignored)
            bell = await bell_on(amqp_url)
            await until(lambda: len(looks) > 2)
            assert await waiting_in(connection, EVENTS.replaces) is not None
        await until(lambda: _is_gone(connection, EVENTS.replaces))
        await bell.close()


async def _is_gone(connection: Any, queue: str) -> bool:
    return await waiting_in(connection, queue) is None
