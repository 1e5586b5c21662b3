"""The subscriber to RabbitMQ, which notifies of new events and usually brings them, in order."""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import aio_pika
import aiormq
import msgspec
import structlog

from shared.envelope import from_message
from shared.events import Recorded
from shared.rabbit.delivery_frames import DeliveryFrames, properties_of
from shared.rabbit.topology import CONNECT_TIMEOUT, Route, declare, user_of
from shared.tasks import cancel_and_wait

PREFETCH = 2000  # bounds the memory, and the scan that an acknowledgement of many costs
ACK_TIMEOUT = 10.0  # seconds
SHORTEST, LONGEST = 0.2, 5.0  # seconds between two tries to connect

log = structlog.get_logger("bell")


class Delivery(msgspec.Struct, frozen=True):
    """An event as it came, with its tag to acknowledge. The event is None where the message only notifies."""

    recorded: Recorded | None
    tag: int
    connection: int


class Subscriber:
    """Consumes a queue into memory with manual acknowledgement, for as long as the process lives.

    Only what the broker vouches for as sent by the user `publisher` is taken for an event; without one it is the user
    of `url`. Whoever may publish to the default exchange reaches the queue.
    """

    def __init__(
        self,
        url: str,
        route: Route,
        *,
        publisher: str = "",
        decode: Callable[[Mapping[str, Any], bytes], Recorded] = from_message,
        prefetch: int = PREFETCH,
    ) -> None:
        self.arrived = asyncio.Event()
        self.is_connected = False
        self.undecodable_total = 0
        self._url, self._route, self._decode, self._prefetch = url, route, decode, prefetch
        self._publisher = publisher or user_of(url)
        self._waiting: deque[Delivery] = deque()
        self._connection = 0
        self._channel: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start in the background. Without a broker's URL it stays silent, and the feed brings the events."""
        if self._url:
            self._task = asyncio.create_task(self._run(), name=f"bell-{self._route.queue}")

    async def close(self) -> None:
        """Stop. What is not acknowledged comes again."""
        await cancel_and_wait(self._task)
        self._task = None

    async def wait(self, timeout: float) -> bool:
        """Wait until something has come. False means that the time was over first."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.arrived.wait(), timeout)
        return self.arrived.is_set()

    def take(self, limit: int = PREFETCH) -> list[Delivery]:
        """Remove and return what has come so far, in order of arrival."""
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        if not self._waiting:
            self.arrived.clear()
        return taken

    async def ack_through(self, delivery: Delivery) -> None:
        """Acknowledge this delivery and all before it. One of a lost connection comes again anyway."""
        if delivery.connection != self._connection or not self.is_connected:
            return
        with contextlib.suppress(Exception):  # the connection has just gone: it comes again
            async with asyncio.timeout(ACK_TIMEOUT):
                await self._channel.basic_ack(delivery.tag, multiple=True)

    async def _run(self) -> None:
        pause = SHORTEST
        while True:
            try:
                await self._consume()
            except Exception as error:  # refused, starting, gone: the next try may do
                log.warning("broker_away", queue=self._route.queue, kind=type(error).__name__)
            pause = SHORTEST if self.is_connected else min(pause * 2, LONGEST)
            self.is_connected = False
            await asyncio.sleep(pause)

    async def _consume(self) -> None:
        await self._declare()
        # Not a robust connection: after a reconnect old deliveries must be distinguished from new ones.
        frames = DeliveryFrames()
        connection = await asyncio.wait_for(aiormq.connect(self._url, transport_factory=frames), CONNECT_TIMEOUT)
        try:
            channel: Any = await connection.channel(publisher_confirms=False, timeout=CONNECT_TIMEOUT)
            await channel.basic_qos(prefetch_count=self._prefetch, timeout=CONNECT_TIMEOUT)
            # What was delivered on the old connection is delivered again: keeping both would double it.
            self._waiting.clear()
            self._connection += 1
            self._channel = channel
            frames.open(channel.number, functools.partial(self._keep, self._connection))
            consumed = await channel.basic_consume(self._route.queue, _never_called, timeout=CONNECT_TIMEOUT)
            self.is_connected = True
            log.info("bell_connected", queue=self._route.queue)
            lost = {connection.closing, channel.closing}
            # A queue deleted under its consumer cancels it silently: the count shows it.
            while not any(each.done() for each in lost) and consumed.consumer_tag in channel.consumers:
                await asyncio.wait(lost, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await connection.close()
        raise ConnectionResetError("the broker went away")

    async def _declare(self) -> None:
        connection = await aio_pika.connect(self._url, timeout=CONNECT_TIMEOUT)
        async with connection:
            await declare(await connection.channel(), self._route)

    def _keep(self, connection: int, tag: int, header: bytes, body: bytes) -> None:
        recorded = None
        try:
            headers, user_id = properties_of(header)
            if user_id == self._publisher:
                recorded = self._decode(headers, body)
        except Exception as error:
            # Not ours, or damaged: the feed brings what belongs here.
            self.undecodable_total += 1
            log.error("message_undecodable", queue=self._route.queue, kind=type(error).__name__)
        self._waiting.append(Delivery(recorded, tag, connection))
        self.arrived.set()


async def _never_called(_: Any) -> None:
    """The callback that aiormq requires and never calls, since `DeliveryFrames` takes every delivery before it."""
