"""Consumes one queue for as long as the process lives, by deliveries as they came: nothing in them is decoded here.

What a library cannot decode would otherwise end the connection, be delivered again, and hold up everything behind it.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import structlog

from shared.rabbit.delivery_frames import DeliveryFrames
from shared.rabbit.hosts import BrokerHosts, told
from shared.rabbit.topology import CONNECT_TIMEOUT, ForeignSource, Occupied
from shared.tasks import cancel_and_wait

ACK_TIMEOUT = 10.0  # seconds
SHORTEST, LONGEST = 0.2, 5.0  # seconds between two tries to connect
LOOK_EVERY = 30.0  # seconds between two looks for a queue that is not there

#: Makes sure that the queue exists; False where it is not there and need not be.
Prepare = Callable[[aio_pika.abc.AbstractConnection], Awaitable[bool]]
#: Called for each delivery with the number of its connection, its tag, its content header and its body.
OnRaw = Callable[[int, int, bytes, bytes], None]

log = structlog.get_logger("consumer")


class Consumer:
    """Takes deliveries, to be acknowledged by hand, and connects again. `hindrance` says why it does not."""

    def __init__(self, url: str, queue: str, prepare: Prepare, on_delivery: OnRaw, *, prefetch: int) -> None:
        self.is_connected = False
        self.is_absent = False  # there is no such queue, and none is needed
        self.hindrance = ""
        self.connection = 0  # counts connections: a delivery of an old one is not acknowledged, it comes again
        self.channel: Any = None
        self._hosts, self._queue, self._prepare = BrokerHosts(url), queue, prepare
        self._on_delivery, self._prefetch = on_delivery, prefetch
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start in the background."""
        self._task = asyncio.create_task(self._run(), name=f"consumer-{self._queue}")

    async def close(self) -> None:
        """Stop. What is not acknowledged comes again."""
        await cancel_and_wait(self._task)
        self._task, self.is_connected = None, False

    async def ack(self, connection: int, tag: int, *, multiple: bool = False) -> None:
        """Acknowledge a delivery, or it and all before it. One of a lost connection comes again anyway."""
        if connection != self.connection or not self.is_connected:
            return
        with contextlib.suppress(Exception):  # the connection has just gone: it comes again
            async with asyncio.timeout(ACK_TIMEOUT):
                await self.channel.basic_ack(tag, multiple=multiple)

    async def _run(self) -> None:
        pause = SHORTEST
        while True:
            try:
                await self._consume()
            except (Occupied, ForeignSource) as error:  # nothing mends this but a person
                self.hindrance = str(error)
                log.error("queue_not_consumed", queue=self._queue, why=self.hindrance)
            except Exception as error:  # refused, starting, gone: the next try may do
                self.hindrance = told(error)
                log.warning("broker_away", queue=self._queue, kind=type(error).__name__)
            pause = SHORTEST if self.is_connected else min(pause * 2, LONGEST)
            self.is_connected = False
            await asyncio.sleep(LOOK_EVERY if self.is_absent else pause)

    async def _consume(self) -> None:
        async with await self._hosts.connect() as preparing:
            self.is_absent = not await self._prepare(preparing)
        if self.is_absent:
            self.hindrance = ""
            return
        # Not a robust connection: after a reconnect old deliveries must be distinguished from new ones.
        frames = DeliveryFrames()
        connection = await self._hosts.connect_raw(frames)
        try:
            channel: Any = await connection.channel(publisher_confirms=False, timeout=CONNECT_TIMEOUT)
            await channel.basic_qos(prefetch_count=self._prefetch, timeout=CONNECT_TIMEOUT)
            self.connection += 1
            self.channel = channel
            frames.open(channel.number, functools.partial(self._on_delivery, self.connection))
            consumed = await channel.basic_consume(self._queue, _never_called, timeout=CONNECT_TIMEOUT)
            self.is_connected, self.hindrance = True, ""
            log.info("queue_consumed", queue=self._queue)
            lost = {connection.closing, channel.closing}
            # A queue deleted under its consumer cancels it silently: the count shows it.
            while not any(each.done() for each in lost) and consumed.consumer_tag in channel.consumers:
                await asyncio.wait(lost, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await connection.close()
        raise ConnectionResetError("the broker went away")


async def _never_called(_: Any) -> None:
    """The callback that aiormq requires and never calls, since `DeliveryFrames` takes every delivery before it."""
