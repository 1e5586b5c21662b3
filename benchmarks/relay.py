"""The relay's publishing, confirmed, into a quorum queue: against plain aio-pika, pipelined in the same batches."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika

from benchmarks.rows import Row
from shared.envelope import Message
from shared.events import Recorded
from shared.identifiers import derived_id
from shared.rabbit.embedded import PrivateBroker
from shared.rabbit.relay import BATCH, Relay
from shared.rabbit.topology import EVENTS, declare

EVENTS_EACH = 10_000
ROUNDS = 3
BODY = b"{" + b" " * 398 + b"}"
TARGET = 3.0


class Listed:
    """An outbox in memory: only the publishing is measured."""

    def __init__(self, events: Sequence[Recorded]) -> None:
        self._events = events
        self.done = asyncio.Event()

    async def lease(self, holder: str) -> int | None:
        return 1

    async def release(self, holder: str) -> None:
        return None

    async def take_over(self, fence: int) -> int | None:
        return 0

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        return self._events[after : after + limit]

    async def advance(self, fence: int, before: int, after: int) -> bool:
        if after == len(self._events):
            self.done.set()
        return True

    def subscribed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        @asynccontextmanager
        async def never() -> Any:
            yield asyncio.Event()

        return never()


def events() -> list[Recorded]:
    """Events of the usual size."""
    stamp = datetime(2019, 6, 24, tzinfo=UTC)
    return [
        Recorded(
            source="local",
            epoch="1",
            position=number,
            previous_id=None,
            event_id=derived_id("event", number),
            originator_id=derived_id("stream", number),
            version=1,
            topic="PetitionReceived",
            recorded_at=stamp,
            state=BODY,
        )
        for number in range(1, EVENTS_EACH + 1)
    ]


def encode(event: Recorded) -> Message:
    """The same for both sides."""
    return Message("petition.petition_received.H35", {"ce-id": str(event.event_id)}, event.state, str(event.event_id))


async def ours(url: str, found: Sequence[Recorded]) -> float:
    """Through the relay."""
    outbox = Listed(found)
    relay = Relay(outbox, url, EVENTS, name="bench", encode=encode)
    begin = time.perf_counter()
    await relay.start()
    async with asyncio.timeout(120):
        await outbox.done.wait()
    taken = time.perf_counter() - begin
    await relay.close()
    return len(found) / taken


async def plain(url: str, found: Sequence[Recorded]) -> float:
    """aio-pika as its documentation has it, gathered in batches."""
    begin = time.perf_counter()
    connection = await aio_pika.connect(url)
    async with connection:
        exchange, _ = await declare(await connection.channel(), EVENTS)
        for start in range(0, len(found), BATCH):
            await asyncio.gather(*(_plain(exchange, event) for event in found[start : start + BATCH]))
    return len(found) / (time.perf_counter() - begin)


async def _plain(exchange: Any, event: Recorded) -> None:
    message = encode(event)
    headers: Any = message.headers
    made = aio_pika.Message(message.body, headers=headers, message_id=message.message_id, delivery_mode=2)
    await exchange.publish(made, message.routing_key, mandatory=True)


async def _measured(broker: PrivateBroker) -> tuple[float, float]:
    found = events()
    sides: tuple[Callable[[str, Sequence[Recorded]], Awaitable[float]], ...] = (ours, plain)
    rates: dict[str, list[float]] = {side.__name__: [] for side in sides}
    for number in range(ROUNDS):
        for side in sides:
            # A virtual host each, so that no side pays for the other's backlog.
            url = await asyncio.to_thread(broker.add_vhost, f"{side.__name__}{number}")
            rates[side.__name__].append(await side(url, found))
    return statistics.median(rates["ours"]), statistics.median(rates["plain"])


def measure() -> list[Row]:
    """Medians of three rounds."""
    with tempfile.TemporaryDirectory() as folder:
        broker = PrivateBroker(Path(folder))
        try:
            broker.start()
            ours_rate, plain_rate = asyncio.run(_measured(broker))
        finally:
            broker.stop()
    return [Row(work="relay", ours=ours_rate, other=plain_rate, against="aio-pika, gathered batches", target=TARGET)]
