"""The bell: RabbitMQ says that there is something, and usually brings it, in order. It never ends on broker loss."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import aio_pika
import msgspec
import structlog
from aio_pika.abc import AbstractIncomingMessage

from shared.envelope import from_message
from shared.events import Recorded
from shared.rabbit.topology import CONNECT_TIMEOUT, Route, declare

PREFETCH = 2000  # bounds the memory, and the scan that an acknowledgement of many costs
ACK_TIMEOUT = 10.0  # seconds
SHORTEST, LONGEST = 0.2, 5.0  # seconds between two tries to connect

log = structlog.get_logger("bell")


class Delivery(msgspec.Struct, frozen=True):
    """An event as it came, and where to acknowledge it."""

    recorded: Recorded
    message: Any
    connection: int


class Bell:
    """Consumes a queue into memory with manual acknowledgement, for as long as the process lives."""

    def __init__(
        self,
        url: str,
        route: Route,
        *,
        decode: Callable[[Mapping[str, Any], bytes], Recorded] = from_message,
        prefetch: int = PREFETCH,
    ) -> None:
        self.rung = asyncio.Event()
        self.is_connected = False
        self.undecodable_total = 0
        self._url, self._route, self._decode, self._prefetch = url, route, decode, prefetch
        self._waiting: deque[Delivery] = deque()
        self._connection = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start in the background; without a broker's URL it stays silent and the feed brings the events."""
        if self._url:
            self._task = asyncio.create_task(self._run(), name=f"bell-{self._route.queue}")

    async def close(self) -> None:
        """Stop; what is not acknowledged comes again."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def wait(self, timeout: float) -> bool:
        """Wait until something is there; False when the time is over first."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.rung.wait(), timeout)
        return self.rung.is_set()

    def take(self, limit: int = PREFETCH) -> list[Delivery]:
        """What has come so far, in order of arrival; clears the bell when nothing is left."""
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        if not self._waiting:
            self.rung.clear()
        return taken

    async def ack_through(self, delivery: Delivery) -> None:
        """Acknowledge this delivery and all before it; one of a lost connection comes again anyway."""
        if delivery.connection != self._connection or not self.is_connected:
            return
        with contextlib.suppress(Exception):  # the connection has just gone: it comes again
            async with asyncio.timeout(ACK_TIMEOUT):
                await delivery.message.ack(multiple=True)

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
        # Not a robust connection: after a reconnect old deliveries must be told apart from new ones.
        connection = await aio_pika.connect(self._url, timeout=CONNECT_TIMEOUT)
        async with connection:
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=self._prefetch, timeout=CONNECT_TIMEOUT)
            _, queue = await declare(channel, self._route)
            # What was delivered on the old connection is delivered again: keeping both would double it.
            self._waiting.clear()
            self._connection += 1
            number = self._connection
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def on_closed(*_: Any) -> None:
                if not lost.done():
                    lost.set_result(None)

            connection.close_callbacks.add(on_closed)
            channel.close_callbacks.add(on_closed)

            async def on_message(message: AbstractIncomingMessage) -> None:
                # Nothing is awaited here, so deliveries keep their order.
                self._keep(message, number)

            # A queue deleted under its consumer cancels it silently: the count shows it.
            underlay: Any = await channel.get_underlay_channel()
            tag = await queue.consume(on_message, timeout=CONNECT_TIMEOUT)
            self.is_connected = True
            log.info("bell_connected", queue=self._route.queue)
            while not lost.done() and tag in underlay.consumers:
                await asyncio.wait({lost}, timeout=1.0)
        raise ConnectionResetError("the broker went away")

    def _keep(self, message: AbstractIncomingMessage, number: int) -> None:
        try:
            recorded = self._decode(message.headers, message.body)
        except Exception as error:
            # Not ours, or damaged: the feed brings what belongs here. A later acknowledgement covers it.
            self.undecodable_total += 1
            log.error("message_undecodable", queue=self._route.queue, kind=type(error).__name__)
            return
        self._waiting.append(Delivery(recorded, message, number))
        self.rung.set()
