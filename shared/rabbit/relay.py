"""The relay: the event table is the outbox. In order, persistent, mandatory, advanced only after the confirms."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import aio_pika
import structlog
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import PublishError

from shared.envelope import CONTENT_TYPE, Message, to_message
from shared.events import Recorded
from shared.rabbit.topology import CONNECT_TIMEOUT, Route, declare

BATCH = 500
PUBLISH_TIMEOUT = 30.0  # seconds: `connection.ready()` is awaited outside aio-pika's own timeout
PAUSE = 1.0  # seconds between two looks without a notification
PATIENCE = 5.0  # seconds: the longest pause between two tries while messages come back

log = structlog.get_logger("relay")


class Outbox(Protocol):
    """Where the relay takes events from, and where it stands; the database judges lease and fence."""

    async def lease(self, holder: str) -> int | None:
        """Take or renew the lease: its fence, or None while another holds it."""

    async def release(self, holder: str) -> None:
        """Give the lease back."""

    async def take_over(self, fence: int) -> int | None:
        """The position under a fence; None if a later fence has taken over."""

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        """The next events in order."""

    async def advance(self, fence: int, before: int, after: int) -> bool:
        """Move the position, unless the fence or the position is no longer ours."""

    def subscribed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set when events were recorded."""


class LostLease(Exception):
    """Another process relays now."""


class Relay:
    """The relay of one process; of several only the holder of the lease publishes."""

    def __init__(
        self,
        outbox: Outbox,
        url: str,
        route: Route,
        *,
        name: str,
        encode: Callable[[Recorded], Message] = to_message,
    ) -> None:
        self.name = name
        self.unroutable_total = 0
        self.published_total = 0
        self.is_leader = False
        self._outbox, self._url, self._route, self._encode = outbox, url, route, encode
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start in the background; without a broker's URL events leave by the feed alone."""
        if self._url:
            self._task = asyncio.create_task(self._run(), name=f"relay-{self.name}")

    async def close(self) -> None:
        """Stop, and let another process take over at once."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self.is_leader = False
        await self._give_back()

    async def _run(self) -> None:
        pause = PAUSE
        while True:
            before = self.published_total
            hindered = await self._turn()
            self.is_leader = False
            stuck = hindered and self.published_total == before
            # Who merely waits for the lease looks often: a dead leader is replaced soon after its lease has run out.
            pause = min(pause * 1.5, PATIENCE) if stuck else PAUSE
            await asyncio.sleep(pause)

    async def _turn(self) -> bool:
        """Relay for as long as it goes well and the lease is ours; whether something hindered it."""
        try:
            if (fence := await self._outbox.lease(self._holder)) is not None:
                await self._relay(fence)
        except LostLease:
            log.info("relay_handed_over", relay=self.name)
        except PublishError:
            # Returned: no queue takes it. It is tried again for ever, since skipping it would lose it.
            log.error("event_unroutable", relay=self.name, exchange=self._route.exchange)
            return True
        except Exception as error:  # the broker or the database is away: the relay may fail, it may not end
            log.warning("relay_interrupted", relay=self.name, kind=type(error).__name__)
            # Another process may reach the broker that this one does not.
            await self._give_back()
            return True
        return False

    async def _give_back(self) -> None:
        with contextlib.suppress(Exception):  # a lease that cannot be given back runs out
            await self._outbox.release(self._holder)

    async def _relay(self, fence: int) -> None:
        position = await self._outbox.take_over(fence)
        if position is None:
            raise LostLease
        connection = await aio_pika.connect(self._url, timeout=CONNECT_TIMEOUT)
        async with connection, self._outbox.subscribed() as recorded:
            # A channel of its own: a publish to a missing exchange closes the channel and fails all in flight.
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            exchange, _ = await declare(channel, self._route)
            self.is_leader = True
            log.info("relay_started", relay=self.name, after=position)
            while not connection.is_closed and not channel.is_closed:
                recorded.clear()
                position = await self._publish_after(position, fence, exchange)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(recorded.wait(), PAUSE)
        raise ConnectionResetError("the broker went away")

    async def _publish_after(self, position: int, fence: int, exchange: AbstractExchange) -> int:
        """Publish everything after a position, batch by batch; the new position."""
        while True:
            if await self._outbox.lease(self._holder) != fence:
                raise LostLease
            events = await self._outbox.page(position, BATCH)
            if not events:
                return position
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                # One channel, so they leave in order; gathered, so that the confirms are awaited together.
                results = await asyncio.gather(*(self._publish(exchange, e) for e in events), return_exceptions=True)
            if failed := [result for result in results if isinstance(result, BaseException)]:
                self.unroutable_total += sum(isinstance(error, PublishError) for error in failed)
                raise failed[0]
            if not await self._outbox.advance(fence, position, events[-1].position):
                raise LostLease
            self.published_total += len(events)
            position = events[-1].position

    async def _publish(self, exchange: AbstractExchange, event: Recorded) -> None:
        message = self._encode(event)
        await exchange.publish(
            aio_pika.Message(
                message.body,
                headers=dict(message.headers),
                content_type=CONTENT_TYPE,
                message_id=message.message_id,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            message.routing_key,
            mandatory=True,
        )
