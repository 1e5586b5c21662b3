"""Projecting: live from RabbitMQ, and by the feed when behind.

Fairness. Both sides consume the same messages, published by the relay, from a quorum queue of a virtual host of their
own, with manual acknowledgement and the same prefetch. Ours decodes each event, folds its case, derives its deadlines
with their explanations, and commits facts, cases, deadlines and deadline events to PostgreSQL; the other side is an
aio-pika callback as its documentation has it that acknowledges and does nothing else. The ceiling is a blocking socket
that acknowledges in bulk and does not look at what comes. The drain reads the same events over HTTP from an intake in a
process of its own, on the same PostgreSQL.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import structlog
import uvloop

from benchmarks.following import PACKAGES, GrowingFeed, following, reached
from benchmarks.history import SOURCE, SyntheticHistory
from benchmarks.intake import intake_on, stored
from benchmarks.lines import Line, at_least, interleaved
from benchmarks.peers.raw_amqp import RawChannel
from benchmarks.servers import broker, database, postgres
from services.followup.adapters.feed_client import FeedClient
from shared.envelope import to_message
from shared.events import Recorded
from shared.rabbit.publish_frames import publish
from shared.rabbit.subscriber import PREFETCH
from shared.rabbit.topology import declare, events_of, user_of

EVENTS = events_of("local")

CONFERENCES = 32
LIVE_ROUNDS, DRAIN_ROUNDS = 5, 3
DRAIN_TARGET = 30_000  # events/s
HEAD = 2  # events that are projected before the clock starts: the calendars


def measure() -> list[Line]:
    """Medians of the rounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres() as dsn, broker() as vhost, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, vhost, Path(folder)))


async def _measure(dsn: Callable[[str], str], vhost: Callable[[], str], folder: Path) -> list[Line]:
    events = list(SyntheticHistory().events(CONFERENCES))
    numbers = iter(range(1_000_000))

    async def queued() -> str:
        url = await asyncio.to_thread(vhost)
        await _fill(url, events[HEAD:])
        return url

    async def live() -> float:
        url = await queued()
        return await _live(await database(dsn, f"live{next(numbers)}", *PACKAGES), url, events)

    async def bare() -> float:
        return await _bare(await queued(), len(events) - HEAD)

    async def raw() -> float:
        url = await queued()
        channel = await asyncio.to_thread(RawChannel, url)
        return await asyncio.to_thread(channel.consume, EVENTS.queue, len(events) - HEAD, PREFETCH)

    medians = await interleaved({"ours": live, "aio-pika": bare, "raw socket": raw}, LIVE_ROUNDS)
    source = await database(dsn, "source", "shared.postgres", "services.intake")
    await stored(source, events)
    with intake_on(source, folder, SOURCE=SOURCE, SEED_CALENDARS="false") as url:

        async def drain() -> float:
            return await _drain(await database(dsn, f"drain{next(numbers)}", *PACKAGES), url, events)

        drained = await interleaved({"drain": drain}, DRAIN_ROUNDS)
    return [
        at_least(
            "live projection from RabbitMQ / bare aio-pika consume", medians["ours"], medians["aio-pika"], 0.8,
            ceiling=medians["raw socket"],
        ),
        at_least("drain by the feed when behind / the target's 30 k", drained["drain"], DRAIN_TARGET, 1),
    ]  # fmt: skip


async def _fill(url: str, events: Sequence[Recorded]) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await declare(channel, EVENTS)
        underlay: Any = await channel.get_underlay_channel()
        for start in range(0, len(events), 500):
            batch = [to_message(event) for event in events[start : start + 500]]
            await (await publish(underlay, EVENTS.exchange, batch, user_of(url))).wait(60)


async def _live(dsn: str, url: str, events: Sequence[Recorded]) -> float:
    feed = GrowingFeed(events, shown=HEAD)
    async with following(dsn, feed, "") as pool:
        await reached(pool, HEAD)
    began = time.perf_counter()
    async with following(dsn, feed, url) as pool:
        await reached(pool, len(events))
        return (len(events) - HEAD) / (time.perf_counter() - began)


async def _bare(url: str, count: int) -> float:
    began = time.perf_counter()
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        _, queue = await declare(channel, EVENTS)
        seen, done = 0, asyncio.Event()

        async def on_message(message: Any) -> None:
            nonlocal seen
            await message.ack()
            seen += 1
            if seen == count:
                done.set()

        await queue.consume(on_message)
        async with asyncio.timeout(120):
            await done.wait()
        return count / (time.perf_counter() - began)


async def _drain(dsn: str, url: str, events: Sequence[Recorded]) -> float:
    async with httpx.AsyncClient() as client:
        began = time.perf_counter()
        async with following(dsn, FeedClient(url, client)) as pool:
            await reached(pool, len(events))
            return len(events) / (time.perf_counter() - began)
