"""The relay publishes the event table, which is the outbox, in order, and advances only after the confirms."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog
from aio_pika.exceptions import PublishError

from shared import telemetry
from shared.envelope import Message, may_be_the_last, to_message
from shared.events import Recorded
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.publish_frames import Batch, forget, publish
from shared.rabbit.topology import ForeignSource, Occupied, Route, claim, declare
from shared.tasks import cancel_and_wait

BATCH = 500  # events
IN_FLIGHT = 8  # batches
RENEW_EVERY = 1.5  # seconds
RELEASE_WITHIN = 2.0  # seconds
REST = 0.02  # seconds without a new event after which the position is written
PUBLISH_TIMEOUT = 30.0  # seconds: `connection.ready()` is awaited outside aio-pika's own timeout
PAUSE = 1.0  # seconds between two looks without a notification
PATIENCE = 5.0  # seconds: the longest pause between two tries while messages come back
STANDS_AFTER = 60.0  # seconds of tries in which nothing left
WAITS_AFTER = 10.0  # seconds after which an event should have left

log = structlog.get_logger("relay")


class Outbox(Protocol):
    """Where the relay reads events and keeps its position. The database judges lease and fence."""

    async def lease(self, holder: str) -> int | None:
        """Take or renew the lease and return its fence, or None while another process holds it."""

    async def release(self, holder: str) -> None:
        """Give the lease back."""

    async def take_over(self, fence: int) -> int | None:
        """The position under a fence, or None if a later fence has taken over."""

    async def page(self, after: int, limit: int) -> Sequence[Recorded]:
        """The next events in order."""

    async def advance(self, fence: int, before: int, after: int) -> bool:
        """Move the position, unless the fence or the position is no longer ours."""

    def subscribed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set when events were recorded."""


class LostLease(Exception):
    """Another process relays now."""


def waiting(pending: int, oldest: float, now: float) -> str:
    """What waits to leave by the store's own figures, which any process knows, whichever of them relays."""
    seconds = now - oldest
    return f"{pending} events wait to leave, the first for {seconds:.0f} s" if pending and seconds > WAITS_AFTER else ""


class Relay:
    """The relay of one process. Of several processes only the holder of the lease publishes."""

    def __init__(
        self,
        outbox: Outbox,
        url: str,
        route: Route,
        *,
        name: str,
        source: str = "",
        birth: UUID | None = None,
        encode: Callable[[Recorded], Message] = to_message,
    ) -> None:
        """With a `source` the virtual host must be that source's and that store's, or nobody's yet."""
        self.name = name
        self.hindrance = ""  # what only a person can mend
        self.unroutable_total = 0
        self.published_total = 0
        self.is_leader = False
        self._outbox, self._hosts, self._route, self._encode = outbox, BrokerHosts(url), route, encode
        self._source, self._birth = source, birth
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._task: asyncio.Task[None] | None = None
        self._leased = 0.0
        self._stands_since: float | None = None  # when the first try failed after which nothing left

    @property
    def standstill(self) -> str:
        """Why nothing leaves, and has not for a while; empty while it does, and where another process relays."""
        if self.hindrance or self._stands_since is None:
            return self.hindrance
        seconds = monotonic() - self._stands_since
        return f"nothing has left for {seconds:.0f} s" if seconds > STANDS_AFTER else ""

    async def start(self) -> None:
        """Start in the background. Without a broker's URL events leave by the feed alone."""
        if self._hosts.is_named:
            self._task = asyncio.create_task(self._run(), name=f"relay-{self.name}")

    async def close(self) -> None:
        """Stop, and let another process take over at once."""
        if self._task is None:
            return
        await cancel_and_wait(self._task)
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
            self._stands_since = (self._stands_since or monotonic()) if stuck else None
            # Who merely waits for the lease looks often: a dead leader is replaced soon after its lease has run out.
            pause = min(pause * 1.5, PATIENCE) if stuck else PAUSE
            await asyncio.sleep(pause)

    async def _turn(self) -> bool:
        """Relay while the lease is ours. True means that something hindered it."""
        try:
            if (fence := await self._outbox.lease(self._holder)) is not None:
                await self._relay(fence)
        except LostLease:
            log.info("relay_handed_over", relay=self.name)
        except PublishError:
            # Returned: no queue takes it. It is tried again for ever, since skipping it would lose it.
            log.error("event_unroutable", relay=self.name, exchange=self._route.exchange)
            return True
        except (Occupied, ForeignSource) as error:
            self.hindrance = str(error)
            log.error("relay_refused", relay=self.name, why=self.hindrance)
            await self._give_back()
            return True
        except Exception as error:  # the broker or the database is away: the relay may fail, it may not end
            log.warning("relay_interrupted", relay=self.name, kind=type(error).__name__)
            # Another process may reach the broker that this one does not.
            await self._give_back()
            return True
        return False

    async def _give_back(self) -> None:
        with contextlib.suppress(Exception):  # a lease that cannot be given back runs out
            async with asyncio.timeout(RELEASE_WITHIN):
                await self._outbox.release(self._holder)

    async def _relay(self, fence: int) -> None:
        position = await self._outbox.take_over(fence)
        if position is None:
            raise LostLease
        connection = await self._hosts.connect()
        async with connection, self._outbox.subscribed() as recorded:
            # A channel of its own: a publish to a missing exchange closes the channel and fails all in flight.
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            if self._source:
                await claim(await connection.channel(), self._source, self._birth)
            await declare(channel, self._route)
            self.hindrance = ""
            underlay = await channel.get_underlay_channel()
            self.is_leader, self._leased = True, monotonic()
            log.info("relay_started", relay=self.name, after=position)
            while not connection.is_closed and not channel.is_closed:
                position = await self._publish_after(position, fence, underlay, recorded)
                self._stands_since = None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(recorded.wait(), PAUSE)
        raise ConnectionResetError("the broker went away")

    async def _publish_after(self, position: int, fence: int, channel: Any, recorded: asyncio.Event) -> int:
        """Publish what follows a position and return the new one. What is recorded meanwhile waits for no confirm."""
        sent, in_flight, more = position, deque[_InFlight](), True
        while more or in_flight:
            await self._renew(fence)
            if more and len(in_flight) < IN_FLIGHT:
                recorded.clear()
                if events := await self._outbox.page(sent, BATCH):
                    in_flight.append(await self._send(events, channel))
                    sent = events[-1].position
                more = not may_be_the_last(events, BATCH) or recorded.is_set()
                continue
            if not more and len(in_flight) < IN_FLIGHT:
                more = await self._at_rest(in_flight[-1].batch, recorded)
            oldest = in_flight[0]
            is_quiet = not more and oldest.batch.is_settled
            if is_quiet or len(in_flight) == IN_FLIGHT or monotonic() > oldest.until:
                position = await self._confirm(in_flight, position, fence, channel)
        return position

    async def _at_rest(self, newest: Batch, recorded: asyncio.Event) -> bool:
        """Wait for the newest confirmation, then a moment for what comes next. True means that something was recorded.

        Where events come one by one, the position is written once for several of them.
        """
        await newest.settled_or(recorded, RENEW_EVERY)
        if newest.is_settled and not recorded.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(recorded.wait(), REST)
        return recorded.is_set()

    async def _send(self, events: Sequence[Recorded], channel: Any) -> "_InFlight":
        messages = [self._encode(event) for event in events]
        if telemetry.is_on():
            for message in messages:
                if traceparent := message.headers.get("traceparent"):
                    with telemetry.span("publish", "producer", traceparent):
                        pass
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            batch = await publish(channel, self._route.exchange, messages, self._hosts.user)
        return _InFlight(batch, messages, events[-1].position, monotonic() + PUBLISH_TIMEOUT)

    async def _confirm(self, in_flight: "deque[_InFlight]", position: int, fence: int, channel: Any) -> int:
        """Advance past the oldest batch, and past those behind it that are confirmed too."""
        count, after = 0, position
        while in_flight and (not count or in_flight[0].batch.is_confirmed):
            sent = in_flight.popleft()
            try:
                await sent.batch.wait(max(0.0, sent.until - monotonic()))
            except PublishError:
                self.unroutable_total += sent.batch.returned
                raise
            forget(channel, sent.messages)
            count, after = count + len(sent.messages), sent.position
        if not await self._outbox.advance(fence, position, after):
            raise LostLease
        self.published_total += count
        return after

    async def _renew(self, fence: int) -> None:
        """Renew the lease when it is time. Each advance checks by its fence that no other process has it."""
        if monotonic() - self._leased >= RENEW_EVERY:
            if await self._outbox.lease(self._holder) != fence:
                raise LostLease
            self._leased = monotonic()


class _InFlight(msgspec.Struct):
    """A batch that was sent, the position that its last message stands for, and until when it may be confirmed."""

    batch: Batch
    messages: Sequence[Message]
    position: int
    until: float
