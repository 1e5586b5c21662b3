"""Batches on one channel: what arrives is what was sent; returned, refused and cut-off messages are told."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aio_pika.exceptions import DeliveryError, PublishError

from shared.envelope import Message
from shared.rabbit.publish_frames import forget, publish

EXCHANGE = "tested"
USER = "guest"


def message(number: int, body: bytes = b"{}", key: str = "a.b") -> Message:
    return Message(key, {"ce-id": str(number), "ce-subject": "kiến nghị"}, body, f"m{number}")


@contextlib.asynccontextmanager
async def channel_of(url: str, arguments: dict[str, Any] | None = None) -> AsyncIterator[tuple[Any, Any]]:
    """A channel with a queue that takes `a.#`."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.declare_exchange(EXCHANGE, "topic", durable=True)
        queue = await channel.declare_queue("tested", durable=True, arguments=arguments)
        await queue.bind(exchange, "a.#")
        yield await channel.get_underlay_channel(), queue


async def test_batches__arrive_in_order_and_as_they_were_sent(amqp_url: str) -> None:
    async with channel_of(amqp_url) as (channel, queue):
        bodies = [b"{}", b"", b"x" * 500_000, "địa bàn".encode()]
        sent = [message(n, body) for n, body in enumerate(bodies)]
        first, second = (
            await publish(channel, EXCHANGE, sent[:2], USER),
            await publish(channel, EXCHANGE, sent[2:], USER),
        )
        await first.wait(10)
        await second.wait(10)
        forget(channel, sent)
        assert not channel.message_id_delivery_tag and not channel.confirmations
        for number, body in enumerate(bodies):
            got = await queue.get(timeout=5)
            await got.ack()
            assert (got.message_id, got.body) == (f"m{number}", body)
            assert got.headers == {"ce-id": str(number), "ce-subject": "kiến nghị"}
            assert (got.content_type, got.user_id) == ("application/json", USER)
            assert got.delivery_mode is aio_pika.DeliveryMode.PERSISTENT


async def test_returned__the_batch_says_so_and_how_many(amqp_url: str) -> None:
    async with channel_of(amqp_url) as (channel, _):
        batch = await publish(channel, EXCHANGE, [message(1), message(2, key="nobody.takes.it"), message(3)], USER)
        with pytest.raises(PublishError):
            await batch.wait(10)
        assert batch.returned == 1
        await (await publish(channel, EXCHANGE, [message(4)], USER)).wait(10)


async def test_refused__a_full_queue_fails_the_batch(amqp_url: str) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    async with channel_of(amqp_url, full) as (channel, _):
        with pytest.raises(DeliveryError):
            for number in range(3):
                await (await publish(channel, EXCHANGE, [message(number)], USER)).wait(10)


async def test_missing_exchange__closes_the_channel_and_fails_the_batch(amqp_url: str) -> None:
    async with channel_of(amqp_url) as (channel, _):
        batch = await publish(channel, "nowhere", [message(1)], USER)
        with pytest.raises(Exception, match="no exchange"):
            await batch.wait(10)


async def test_closed_under_it__fails_without_ending_who_waits(amqp_url: str) -> None:
    async with channel_of(amqp_url) as (channel, _):
        batch = await publish(channel, "nowhere", [message(1)], USER)
        await channel.connection.close()
        with pytest.raises(Exception):  # noqa: B017 - whichever comes first; never CancelledError, which is no Exception
            await batch.wait(10)
