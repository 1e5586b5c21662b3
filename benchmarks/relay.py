"""Relaying: from the event table into a quorum queue, confirmed.

Fairness. Both sides read the same pages of 500 events from the same table, make the same messages, publish them
persistently and mandatory with confirms into a quorum queue of a virtual host of their own, and move a position in
PostgreSQL after each batch. aio-pika publishes a batch as its documentation pipelines, gathered on one channel. The
ceiling is a blocking socket that writes the same frames, made beforehand, with as many in flight, and no database.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aio_pika
import uvloop

from benchmarks.lines import Line, at_least, interleaved
from benchmarks.payloads import petitions
from benchmarks.peers.raw_amqp import RawChannel
from benchmarks.servers import broker, database, pool_of, postgres
from shared.envelope import CONTENT_TYPE, Message, to_message
from shared.events import Recorded
from shared.postgres.append import append_in
from shared.postgres.durable import DurableHead
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications
from shared.rabbit import publish_frames
from shared.rabbit.relay import BATCH, Relay
from shared.rabbit.topology import declare, events_of, user_of

EVENTS = events_of("local")

COUNT = 10_000  # events a round
ROUNDS = 5
TIMEOUT = 120.0  # seconds


def measure() -> list[Line]:
    """Medians of the rounds."""
    with postgres() as dsn, broker() as vhost:
        return uvloop.run(_measure(dsn, vhost))


async def _measure(dsn: Callable[[str], str], vhost: Callable[[], str]) -> list[Line]:
    async with _filled(await database(dsn, "relay", "shared.postgres")) as (pool, notifications):
        names = iter(range(1_000_000))

        async def ours() -> float:
            outbox = StoredOutbox(pool, notifications, f"ours{next(names)}", DurableHead())
            return await _relayed(outbox, await asyncio.to_thread(vhost))

        async def plain() -> float:
            outbox = StoredOutbox(pool, notifications, f"plain{next(names)}", DurableHead())
            return await _plain(outbox, await asyncio.to_thread(vhost))

        async def raw() -> float:
            url = await asyncio.to_thread(vhost)
            await _declared(url)
            events = await StoredOutbox(pool, notifications, "raw", DurableHead()).page(0, COUNT)
            return await asyncio.to_thread(_raw, url, [to_message(event) for event in events])

        medians = await interleaved({"ours": ours, "aio-pika": plain, "raw socket": raw}, ROUNDS)
    return [
        at_least("relay / aio-pika, pipelined", medians["ours"], medians["aio-pika"], 3, ceiling=medians["raw socket"])
    ]


@contextlib.asynccontextmanager
async def _filled(dsn: str) -> AsyncIterator[tuple[Any, Notifications]]:
    async with pool_of(dsn, largest=4) as pool:
        events = list(petitions(COUNT))
        for start in range(0, COUNT, BATCH):
            await append_in(pool, events[start : start + BATCH])
        notifications = Notifications(dsn)
        await notifications.start()
        yield pool, notifications
        await notifications.close()


class _Watched(StoredOutbox):
    """An outbox that says when its last event was confirmed."""

    def __init__(self, outbox: StoredOutbox) -> None:
        self.__dict__.update(outbox.__dict__)
        self.done = asyncio.Event()

    async def advance(self, fence: int, before: int, after: int) -> bool:
        moved = await super().advance(fence, before, after)
        if after == COUNT:
            self.done.set()
        return moved


async def _relayed(outbox: StoredOutbox, url: str) -> float:
    watched = _Watched(outbox)
    relay = Relay(watched, url, EVENTS, name="bench")
    began = time.perf_counter()
    await relay.start()
    async with asyncio.timeout(TIMEOUT):
        await watched.done.wait()
    taken = time.perf_counter() - began
    await relay.close()
    return COUNT / taken


async def _plain(outbox: StoredOutbox, url: str) -> float:
    began = time.perf_counter()
    fence = await outbox.lease("plain")
    assert fence is not None and await outbox.take_over(fence) == 0
    connection = await aio_pika.connect(url)
    async with connection:
        exchange, _ = await declare(await connection.channel(), EVENTS)
        position = 0
        while events := await outbox.page(position, BATCH):
            await asyncio.gather(*(_publish(exchange, event, user_of(url)) for event in events))
            assert await outbox.advance(fence, position, events[-1].position)
            position = events[-1].position
        taken = time.perf_counter() - began
    return COUNT / taken


async def _publish(exchange: Any, event: Recorded, user_id: str) -> None:
    message = to_message(event)
    headers: Any = message.headers
    made = aio_pika.Message(
        message.body,
        headers=headers,
        message_id=message.message_id,
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        user_id=user_id,
    )
    await exchange.publish(made, message.routing_key, mandatory=True)


async def _declared(url: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        await declare(await connection.channel(), EVENTS)


def _raw(url: str, messages: list[Message]) -> float:
    channel, user = RawChannel(url), user_of(url)
    try:
        return channel.publish(
            [b"".join(publish_frames._frames(1, EVENTS.exchange, m, 100_000, user)) for m in messages]
        )
    finally:
        channel.close()
