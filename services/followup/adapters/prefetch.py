"""What the broker brings, sorted by source: consumed while this process leads one, acknowledged at once.

Acknowledged before it is applied, because nothing depends on the broker keeping it: what is lost here is read from the
feed.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import structlog

from services.followup.application.ports import Cursor
from shared.envelope import PAGE_BYTES
from shared.events import Recorded
from shared.rabbit.subscriber import Subscriber
from shared.tasks import cancel_and_wait

LARGEST = 10_000  # events waiting of one source; beyond that the feed brings them
LARGEST_BYTES = 32 * 1024 * 1024  # bytes of these

log = structlog.get_logger("inbox")


class SourcePrefetch:
    """The events of one source that have come and are not applied yet."""

    def __init__(self, bell: Subscriber) -> None:
        self._bell = bell
        self._waiting: deque[Recorded] = deque()
        self._bytes = 0  # of what is waiting
        self._more = asyncio.Event()
        self._is_rung = False

    @property
    def is_connected(self) -> bool:
        """Whether pushed events may be expected."""
        return self._bell.is_connected

    def put(self, recorded: Recorded) -> None:
        """Keep one that came."""
        if len(self._waiting) < LARGEST and self._bytes < LARGEST_BYTES:
            self._waiting.append(recorded)
            self._bytes += len(recorded.state)
            self._more.set()
        else:
            self.ring()

    def ring(self) -> None:
        """Have the feed read."""
        self._is_rung = True
        self._more.set()

    def pop(self, cursor: Cursor, limit: int) -> tuple[list[Recorded], bool]:
        """Remove and return the events that follow the cursor, and whether the feed must be read instead.

        They end at `limit`, or with the event that fills a page of the feed. The feed must be read when only later
        events came, or when a message said that something was recorded.
        """
        events: list[Recorded] = []
        taken = 0  # bytes
        position, event_id, gap = cursor.position, cursor.event_id, self._is_rung
        while self._waiting and len(events) < limit and taken < PAGE_BYTES:
            event = self._waiting[0]
            if event.position > position:
                fits = event.position == position + 1 and event.previous_id == event_id and event.epoch == cursor.epoch
                if not fits:
                    gap = True
                    if events:
                        break  # what fits is applied first; the rest is looked at again
                else:
                    events.append(event)
                    taken += len(event.state)
                    position, event_id = event.position, event.event_id
            self._bytes -= len(self._waiting.popleft().state)
        if not events:
            self._is_rung = False
        if not self._waiting:
            self._more.clear()
        return events, gap and not events

    async def wait(self, timeout: float) -> None:
        """Return when something came, or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), timeout)


class PrefetchBuffers:
    """A consumer a source; it consumes while this process leads that source, so that idle ones take nothing away."""

    def __init__(self, bell_of: Callable[[str], Subscriber]) -> None:
        self._bell_of = bell_of
        self._bells: dict[str, Subscriber] = {}
        self._sources: dict[str, SourcePrefetch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def hindrances(self) -> dict[str, str]:
        """Why a queue is not consumed, by its name; empty where it is, or need not be."""
        return {bell.queue: bell.hindrance for s, bell in self._bells.items() if s in self._tasks}

    def of(self, source: str) -> SourcePrefetch:
        """The inbox of a source."""
        if source not in self._sources:
            bell = self._bells[source] = self._bell_of(source)
            self._sources[source] = SourcePrefetch(bell)
        return self._sources[source]

    async def lead(self, source: str, leads: bool) -> None:
        """Say whether this process applies the events of a source."""
        if leads and source not in self._tasks:
            inbox = self.of(source)
            await self._bells[source].start()
            self._tasks[source] = asyncio.create_task(self._sort(source, inbox), name=f"inbox-{source}")
        elif not leads and source in self._tasks:
            await self._cease(source)

    async def close(self) -> None:
        """Stop consuming."""
        for source in list(self._tasks):
            await self._cease(source)

    async def _cease(self, source: str) -> None:
        await cancel_and_wait(self._tasks.pop(source))
        await self._bells[source].close()

    async def _sort(self, source: str, inbox: SourcePrefetch) -> None:
        bell = self._bells[source]
        while True:
            if not await bell.wait(1.0):
                continue
            taken, rings = bell.take(), 0
            for delivery in taken:
                if delivery.recorded is not None and delivery.recorded.source == source:
                    inbox.put(delivery.recorded)
                else:
                    rings += 1
            if rings:
                # Not vouched for by the broker, of another source, or damaged: it may say nothing of its own.
                log.warning("messages_not_applied", source=source, count=rings)
                inbox.ring()
            if taken:
                await bell.ack_through(taken[-1])
