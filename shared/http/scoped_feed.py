"""A feed for callers who may see a part of a log: they go on by a cursor, which also moves past what is hidden."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.envelope import PAGE_BYTES, to_structured
from shared.events import Recorded
from shared.feed_cursor import MARGIN, FeedCursor, FeedFilter, ForeignCursor, beginning, moved, read, written
from shared.http.auth import AuthenticatedCaller
from shared.http.problems import problem

SCAN = 500  # events that are read at a time, at most
MAX_SCANNED = 5_000  # positions a page
LOOK_EVERY = 1.0  # seconds: a notification may be lost, and a stopping server waits for nobody


class FeedLog(Protocol):
    """The log behind a feed, as far as both ways of reading it ask."""

    async def identity(self) -> tuple[str, str]:
        """The source and its epoch."""
        ...

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        """The events after a position, in order."""
        ...

    async def event_id_at(self, position: int) -> UUID | None:
        """The event at a position; None when there is none."""
        ...

    async def state_complete_to(self) -> tuple[datetime, int] | None:
        """Store and return the instant up to which the log is complete, with the head at that time; None if unknown."""
        ...

    async def wait_for_events(self, timeout: float) -> None:
        """Wait until something may have been appended, or for `timeout` seconds."""
        ...

    async def cursor_key(self) -> bytes:
        """Under which the store signs its cursors."""
        ...

    async def last_event_until(self, instant: datetime) -> Recorded | None:
        """The last event that was recorded at or before an instant; None where all came later."""
        ...


class Visible(Protocol):
    """Says what of some events of a log a caller may see."""

    async def __call__(
        self, caller: AuthenticatedCaller, asked: FeedFilter, events: Sequence[Recorded]
    ) -> Collection[int]:
        """The positions of those that it sees. Raises ProblemError for a caller who sees none, whatever they are."""
        ...


class ScopedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page. `complete_to` stands only where the end of the log was reached."""

    source: str
    epoch: str
    next: str
    complete_to: datetime | None
    events: list[Recorded]


class ScopedReading:
    """Reads one log for such callers."""

    def __init__(self, log: FeedLog, visible: Visible) -> None:
        self._log, self._visible = log, visible

    async def page(
        self,
        caller: AuthenticatedCaller,
        asked: FeedFilter,
        word: str,
        limit: int,
        wait: float,
        is_stopping: Callable[[], bool],
    ) -> ScopedPage:
        """The page after a cursor, "" for the first one. Raises ProblemError.

        It ends at `limit` events, once it has passed 4 MiB or 5,000 positions, what is hidden counted too, or at the
        end of the log once `wait` seconds are over; so it may be empty, and `next` goes on all the same.
        """
        await self._visible(caller, asked, ())
        source, epoch = await self._log.identity()
        key = await self._log.cursor_key()
        cursor = await cursor_of(self._log, word, source, asked, key)
        loop = asyncio.get_running_loop()
        until, found, size, scanned, complete_to = loop.time() + wait, list[Recorded](), 0, 0, None
        while len(found) < limit and size < PAGE_BYTES and scanned < MAX_SCANNED:
            # The first look is as long as the page; while nothing is found, each is as long as all before it.
            look = min(SCAN, max(limit - len(found), scanned), MAX_SCANNED - scanned)
            events = await self._log.events_after(cursor.position, look)
            if not events:
                left = until - loop.time()
                if found or left <= 0 or is_stopping():
                    stated = await self._log.state_complete_to()
                    if stated is not None and stated[1] == cursor.position:
                        complete_to = stated[0]
                    break
                await self._log.wait_for_events(min(left, LOOK_EVERY))
                continue
            wanted = [event for event in events if not asked.types or event.topic in asked.types]
            seen = await self._visible(caller, asked, wanted)
            for event in events:
                scanned, size = scanned + 1, size + len(event.state)
                cursor = moved(cursor, event.position, event.event_id, event.recorded_at)
                if event.position in seen:
                    found.append(event)
                if len(found) == limit or size >= PAGE_BYTES:
                    break
        return ScopedPage(source=source, epoch=epoch, next=written(cursor, key), complete_to=complete_to, events=found)


async def cursor_of(log: FeedLog, word: str, source: str, asked: FeedFilter, key: bytes) -> FeedCursor:
    """The place that a word stands for, in the history that there is. Raises ProblemError."""
    if not word:
        return beginning(source, asked)
    try:
        cursor = read(word, source, asked, key)
    except ForeignCursor:
        raise problem(400, "invalid-cursor", "feed", field="cursor") from None
    if cursor.position == 0 or await log.event_id_at(cursor.position) == cursor.event_id:
        return cursor
    assert cursor.recorded_at is not None
    # What both histories have was recorded before; a promoted server's clock may be a little behind.
    last = await log.last_event_until(cursor.recorded_at - MARGIN)
    anew = beginning(source, asked)
    if last is not None:
        anew = moved(anew, last.position, last.event_id, last.recorded_at)
    raise problem(409, "history-changed", field="cursor", members={"cursor": written(anew, key)})


def scoped_page(page: ScopedPage, prefix: str = "") -> bytes:
    """The JSON of a page: CloudEvents in structured mode, the stored bytes as `data`."""
    return msgspec.json.encode(
        {
            "source": page.source,
            "epoch": page.epoch,
            "next": page.next,
            "complete_to": page.complete_to,
            "events": to_structured(page.events, prefix),
        }
    )
