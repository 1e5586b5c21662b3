"""Following one source: the broker brings the next event or rings; the feed brings everything else, and the time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

import msgspec
import structlog

from services.followup.application.ports import (
    Feed,
    FencedOut,
    HistoryDiffers,
    PrefetchBuffer,
    Projection,
    SourceStopped,
    SourceUnavailable,
    StaleEpoch,
    UnreadablePush,
)
from services.followup.application.projector import Projector
from shared.envelope import FeedPage
from shared.events import Recorded
from shared.tasks import cancel_and_wait

BATCH = 1000  # events of a page, or of what the broker brings, taken at once
ASK_EVERY = 1.0  # seconds between two questions for complete_to
WAIT = 1.0  # seconds that the feed holds a call open where no broker rings
RENEW_EVERY = 1.5  # seconds
AGAIN = 1.0  # seconds before another try, of the lease or of a source that is away
STOPPED_AGAIN = 5.0  # seconds before a stopped source is tried again: it may have been mended

#: Takes or renews the lease of a source; False while another process holds it.
Lease = Callable[[str], Awaitable[bool]]
#: Says whether this process applies the events of a source.
Lead = Callable[[str, bool], Awaitable[None]]

log = structlog.get_logger("following")


class SourceReader:
    """One source for the life of the process: leads when it gets the lease, stands by when not."""

    def __init__(
        self, feed: Feed, projection: Projection, inbox_of: Callable[[str], PrefetchBuffer], lease: Lease, lead: Lead
    ) -> None:
        self.source = ""
        self.is_leading = False
        self.stopped = ""
        self.away = ""
        self._feed, self._projection, self._inbox_of = feed, projection, inbox_of
        self._lease, self._lead = lease, lead
        self._ahead: tuple[int, asyncio.Task[FeedPage]] | None = None

    async def run(self) -> None:
        """Follow for ever; whatever fails, what is in memory is thrown away and loaded again."""
        while True:
            pause = AGAIN
            try:
                await self._follow()
            except SourceStopped as error:
                self.stopped, pause = str(error), STOPPED_AGAIN
                log.error("source_stopped", source=self.source, why=self.stopped)
                await self._tell("stopped", self.stopped)
            except SourceUnavailable as error:
                await self._is_away(error)
            except FencedOut:
                log.info("fenced_out", source=self.source)
            except Exception as error:  # the database may be away: following may fail, it may not end
                log.warning("following_interrupted", source=self.source, kind=type(error).__name__)
            finally:
                await self._taken_ahead(None)
            self.is_leading = False
            if self.source:
                await self._lead(self.source, False)
            await asyncio.sleep(pause)

    async def _is_away(self, error: SourceUnavailable) -> None:
        self.away = str(error)
        log.warning("source_away", source=self.source, why=self.away)
        if self.source and not self.stopped:
            await self._tell("following", f"away: {self.away}")  # the loop runs, the source is silent

    async def _tell(self, state: str, reason: str) -> None:
        try:
            await self._projection.tell(self.source, state, reason)
        except Exception as error:
            log.warning("state_not_shown", source=self.source, kind=type(error).__name__)

    async def _follow(self) -> None:
        if not self.source:
            self.source = (await self._feed.page(0, limit=1)).source
            self.away = ""
        if not await self._lease(self.source):
            return
        writer = Projector(self.source, self._projection)
        await writer.open()
        await self._lead(self.source, True)
        self.is_leading = True
        log.info("leading", source=self.source, position=writer.cursor.position)
        await self._apply_for_ever(writer, self._inbox_of(self.source))

    async def _apply_for_ever(self, writer: Projector, inbox: PrefetchBuffer) -> None:
        renewed, asked, behind = monotonic(), 0.0, True
        while True:
            if monotonic() - renewed > RENEW_EVERY:
                if not await self._lease(self.source):
                    raise FencedOut(self.source)
                renewed = monotonic()
                await writer.answer_requests()
            events, gap = inbox.take(writer.cursor, BATCH)
            if events:
                behind = not await self._applied(writer, events) or behind
                continue
            if gap:
                await self._projection.tell(self.source, "following", "", gaps=1)
            if gap or behind or monotonic() - asked >= ASK_EVERY:
                asked = monotonic()
                try:
                    behind = await self._read(writer, 0.0 if inbox.is_connected or behind else WAIT)
                except SourceUnavailable as error:
                    # What was loaded is still true, and the broker may go on bringing what comes next.
                    await self._is_away(error)
                    await asyncio.sleep(AGAIN)
                continue
            await inbox.wait(ASK_EVERY - (monotonic() - asked))

    async def _applied(self, writer: Projector, events: Sequence[Recorded]) -> bool:
        """Apply what the broker brought; False where it was damaged on the way, so that the feed must be read."""
        try:
            await writer.apply(events, pushed=True)
        except UnreadablePush:
            log.warning("pushed_event_unreadable", source=self.source, after=writer.cursor.position)
            return False
        return True

    async def _read(self, writer: Projector, wait: float) -> bool:
        """Apply one page of the feed and the time that it states; whether more is to be read."""
        cursor = writer.cursor
        page = await self._page(writer, wait)
        self.away = ""
        if cursor.position and page.previous_id != cursor.event_id:
            raise HistoryDiffers(f"the event at {cursor.position} is no longer the one that was read")
        if page.epoch != cursor.epoch:
            # The event that was read last still stands, so this is the same history under a new name.
            log.info("epoch_adopted", source=self.source, epoch=page.epoch)
            writer.cursor = msgspec.structs.replace(cursor, epoch=page.epoch)
        # Kept with what is applied of this page: a lag shows while there is one.
        writer.cursor = msgspec.structs.replace(writer.cursor, head=page.head)
        if page.events:
            await writer.apply(page.events)
        if page.complete_to is not None:
            await writer.advance(page.complete_to, page.head)
        self.stopped = ""
        return page.complete_to is None

    async def _page(self, writer: Projector, wait: float) -> FeedPage:
        """The next page. Behind a full one the next is fetched while this one is applied."""
        after = writer.cursor.position
        try:
            ahead = await self._taken_ahead(after)
            page = await (ahead or self._feed.page(after, writer.cursor.epoch, BATCH, wait))
        except StaleEpoch:
            # Without the epoch: whether the last event still stands decides.
            return await self._feed.page(after, "", BATCH)
        if len(page.events) == BATCH:
            last = page.events[-1].position
            self._ahead = last, asyncio.create_task(self._feed.page(last, page.epoch, BATCH))
        return page

    async def _taken_ahead(self, after: int | None) -> "asyncio.Task[FeedPage] | None":
        """The page after a position, if it is being fetched; another is let go."""
        if self._ahead is None:
            return None
        (position, page), self._ahead = self._ahead, None
        if position == after:
            return page
        await cancel_and_wait(page)
        return None
