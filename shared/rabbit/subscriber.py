"""The subscriber to RabbitMQ, which notifies of new events and usually brings them, in order."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import aio_pika
import msgspec
import structlog

from shared.envelope import from_message
from shared.events import Recorded
from shared.rabbit.consumer import Consumer
from shared.rabbit.delivery_frames import properties_of
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.topology import CONNECT_TIMEOUT, Route, declare, waiting_in
from shared.tasks import cancel_and_wait

PREFETCH = 2000  # bounds the memory, and the scan that an acknowledgement of many costs
DROP_EVERY = 60.0  # seconds between two looks for the queue of an earlier version

log = structlog.get_logger("bell")


class Delivery(msgspec.Struct, frozen=True):
    """An event as it came, with its tag to acknowledge. The event is None where the message only notifies."""

    recorded: Recorded | None
    tag: int
    connection: int


class Subscriber:
    """Consumes a queue into memory with manual acknowledgement, for as long as the process lives.

    Only what the broker vouches for as sent by the user `publisher` is taken for an event; without one it is the user
    of `url`. The queue of an earlier version is dropped once nobody consumes it: the feed has what is in it.
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
        self.undecodable_total = 0
        self._hosts, self._route, self._decode = BrokerHosts(url), route, decode
        self._publisher = publisher or self._hosts.user
        self._waiting: deque[Delivery] = deque()
        self._consumer = Consumer(url, route.queue, self._declared, self._keep, prefetch=prefetch)
        self._dropping: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pushed events may be expected."""
        return self._consumer.is_connected

    @property
    def queue(self) -> str:
        """The name of the queue."""
        return self._route.queue

    @property
    def hindrance(self) -> str:
        """Why nothing is consumed; empty while it is, and without a broker."""
        return self._consumer.hindrance

    async def start(self) -> None:
        """Start in the background. Without a broker's URL it stays silent, and the feed brings the events."""
        if self._hosts.is_named:
            await self._consumer.start()
            self._dropping = asyncio.create_task(self._drop_for_ever(), name=f"dropping-{self._route.replaces}")

    async def close(self) -> None:
        """Stop. What is not acknowledged comes again."""
        await cancel_and_wait(self._dropping)
        await self._consumer.close()

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
        await self._consumer.ack(delivery.connection, delivery.tag, multiple=True)

    async def _declared(self, connection: aio_pika.abc.AbstractConnection) -> bool:
        await declare(await connection.channel(), self._route)
        # What was delivered on the old connection is delivered again: keeping both would double it.
        self._waiting.clear()
        return True

    async def _drop_for_ever(self) -> None:
        """Delete the queue of an earlier version again and again: a relay of that version declares it."""
        while self._route.replaces:
            if self.is_connected:
                with contextlib.suppress(Exception):  # the next round tries again
                    await self._drop(self._route.replaces)
            await asyncio.sleep(DROP_EVERY if self.is_connected else 1.0)

    async def _drop(self, queue: str) -> None:
        async with await self._hosts.connect() as connection:
            found = await waiting_in(connection, queue)
            if found is not None and not found[1]:  # a process of that version may still consume it
                await (await connection.channel()).queue_delete(queue, timeout=CONNECT_TIMEOUT)
                log.info("old_queue_dropped", queue=queue, messages=found[0])

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
