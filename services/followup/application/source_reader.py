"""Follows one source: reads its events and hands them to the projector.

Events come from the broker while they are in order, otherwise from the feed, which also gives `complete_to`. Of several
processes one leads: it holds the lease of the source and applies its events, and the others wait for the lease.

Who leads and does not reach the source any more gives the lease back after some seconds, and goes on with what the
broker brings until another takes it. Only who reaches the source does: two that are cut off do not take it in turn.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from uuid import UUID

import msgspec
import structlog

from services.followup.application.ports import (
    Feed,
    FencedOut,
    HistoryDiffers,
    PrefetchBuffer,
    Projection,
    SourceLease,
    SourceStopped,
    SourceUnavailable,
    StaleEpoch,
    UnreadablePush,
)
from services.followup.application.projector import Projector
from services.followup.application.source_names import SourceRefused
from shared.envelope import FeedPage, may_be_the_last
from shared.event_store.loss import Loss
from shared.events import Recorded
from shared.tasks import cancel_and_wait

BATCH = 1000  # events of a page of the feed, or popped at once of what the broker has brought
ASK_EVERY = 1.0  # seconds between two questions for complete_to
WAIT = 1.0  # seconds that the feed holds a call open while the broker is not connected
RENEW_EVERY = 1.5  # seconds between two renewals of the lease
AGAIN = 1.0  # seconds before the lease, or a source that is away, is tried again
STOPPED_AGAIN = 5.0  # seconds before a stopped source is tried again: it may have been repaired
LOOK_EVERY = 10.0  # seconds between two looks of a process that does not lead at what it had applied
REMEMBERED = 2000  # events
AWAY_AT_MOST = 5.0  # seconds that a source is away before its lease is given back: another process may reach it

#: Is called with True when this process begins to apply the events of a source, and with False when it ceases.
Lead = Callable[[str, bool], Awaitable[None]]

#: Is called with the first page of a feed, and with the one that brings the first event. Raises SourceRefused when its
#: source would be read into another.
Claim = Callable[[FeedPage], Awaitable[None]]

#: Keeps what the source has lost of what was read from it.
KeepLoss = Callable[[Loss], Awaitable[None]]

log = structlog.get_logger("following")


class SourceReader:
    """Follows one source for the life of the process: it leads while it holds the lease, and stands by otherwise."""

    def __init__(
        self,
        feed: Feed,
        projection: Projection,
        buffer_of: Callable[[str], PrefetchBuffer],
        lease: SourceLease,
        lead: Lead,
        claim: Claim,
        keep_loss: KeepLoss,
    ) -> None:
        self.source = ""  # its name, empty until the feed has answered for the first time
        self.is_leading = False
        self.stopped = ""  # why it is stopped; empty while it is followed
        self.refused = ""  # why it is not followed at all: it is, or is called like, another one
        self.away = ""  # why the source cannot be reached; empty while it can
        self._away_since = 0.0  # when that began
        self._feed, self._projection, self._buffer_of = feed, projection, buffer_of
        self._lease, self._lead, self._claim = lease, lead, claim
        self._keep_loss = keep_loss
        self._applied_lately = deque[tuple[int, UUID]](maxlen=REMEMBERED)  # by this process
        self._looked = 0.0  # when it was last looked whether they still stand
        self._ahead: tuple[int, asyncio.Task[FeedPage]] | None = None  # the page after a position, being fetched

    async def run(self) -> None:
        """Follow for ever. After any failure what is in memory is thrown away and loaded again."""
        while True:
            pause = AGAIN
            try:
                await self._follow()
            except SourceStopped as error:
                self.stopped, pause = str(error), STOPPED_AGAIN
                log.error("source_stopped", source=self.source, why=self.stopped)
                await self._show("stopped", self.stopped)
            except SourceRefused as error:
                self.refused, pause = str(error), STOPPED_AGAIN
                log.error("source_refused", why=self.refused)
            except SourceUnavailable as error:
                await self._is_away(error)
            except FencedOut:
                log.info("fenced_out", source=self.source)
            except Exception as error:  # the database may be away; following goes on
                log.warning("following_interrupted", source=self.source, kind=type(error).__name__)
            finally:
                await self._fetched_ahead(None)
            if self.refused and self.is_leading:
                await self._lead(self.source, False)
            self.is_leading = False
            if self.refused:
                self.source = ""  # the name is another's: nothing is shown or given up under it
            if self.source:
                await self._lead(self.source, False)
            await asyncio.sleep(pause)

    @property
    def stands_back(self) -> str:
        """Why this process leaves the source to another; empty while it leads or could."""
        if self.is_leading:
            return ""
        return self.refused or (f"this process does not reach it: {self.away}" if self.away else "")

    async def _is_away(self, error: SourceUnavailable) -> None:
        if not self.away:
            self._away_since = monotonic()
        if str(error) != self.away:
            log.warning("source_away", source=self.source, why=str(error))
        self.away = str(error)
        if self.is_leading and not self.stopped:
            await self._show("following", f"away: {self.away}")  # the loop runs, the source is silent

    async def _reaches(self) -> bool:
        """Whether the source answers again, if it was away."""
        if self.away:
            try:
                await self._feed.page(0, limit=1)
            except SourceUnavailable as error:
                await self._is_away(error)
                return False
            self.away = ""
        return True

    async def _show(self, state: str, reason: str) -> None:
        try:
            await self._projection.set_state(self.source, state, reason)
        except Exception as error:
            log.warning("state_not_shown", source=self.source, kind=type(error).__name__)

    async def _follow(self) -> None:
        if not self.source:
            page = await self._feed.page(0, limit=1)
            await self._claim(page)
            self.source, self.away, self.refused = page.source, "", ""
        is_reached = await self._reaches()
        if not await self._lease.take(self.source, is_reached=is_reached):
            if is_reached:
                await self._look_beside_the_leader()
            return
        projector = Projector(self.source, self._projection)
        await projector.open()
        await self._look_for_loss(projector.cursor.position)
        await self._lead(self.source, True)
        self.is_leading = True
        log.info("leading", source=self.source, position=projector.cursor.position)
        await self._apply_for_ever(projector, self._buffer_of(self.source))

    async def _apply_for_ever(self, projector: Projector, buffer: PrefetchBuffer) -> None:
        renewed, asked, behind = monotonic(), 0.0, True
        while True:
            if monotonic() - renewed > RENEW_EVERY:
                is_reached = not self.away or monotonic() - self._away_since <= AWAY_AT_MOST
                if not await self._lease.renew(self.source, is_reached=is_reached):
                    raise FencedOut(self.source)
                renewed = monotonic()
                await projector.answer_requests()
            if projector.is_sweeping:
                await projector.sweep()
            events, gap = buffer.pop(projector.cursor, BATCH)
            if events:
                behind = not await self._applied(projector, events) or behind
                continue
            if gap:
                await self._projection.set_state(self.source, "following", "", gaps=1)
            if gap or behind or monotonic() - asked >= ASK_EVERY:
                asked = monotonic()
                try:
                    at_once = buffer.is_connected or behind or projector.is_sweeping
                    behind = await self._read(projector, 0.0 if at_once else WAIT)
                except SourceUnavailable as error:
                    # What was loaded is still true, and the broker may go on bringing what comes next.
                    await self._is_away(error)
                    await asyncio.sleep(AGAIN)
                continue
            if not projector.is_sweeping:
                await buffer.wait(ASK_EVERY - (monotonic() - asked))

    async def _look_for_loss(self, kept: int) -> None:
        """Ask for the newest event that this process has applied, where our own store does not have it any more.

        If the source has gone back too, the cursor agrees with it, and nobody else would miss what both have lost. Our
        store is `kept` up to a position.
        """
        newer = [each for each in self._applied_lately if each[0] > kept]
        if not newer or await self._stands(*newer[-1]):
            return
        # By now the log may have grown past what it lacks: its end says nothing. The first that is missing is searched.
        first, last = 0, len(newer) - 1
        while first < last:
            middle = (first + last) // 2
            if await self._stands(*newer[middle]):
                first = middle + 1
            else:
                last = middle
        agrees_to = newer[first - 1][0] if first else kept
        position, event_id = newer[-1]
        loss = Loss(
            loss_id=event_id,
            source=self.source,
            epoch=(await self._feed.page(0, limit=1)).epoch,
            agrees_to=agrees_to,
            first_position=agrees_to + 1,
            last_position=position,
            missing=position - agrees_to,
            event_ids=[each for _, each in newer[first:]],
        )
        await self._keep_loss(loss)
        self._applied_lately.clear()

    async def _look_beside_the_leader(self) -> None:
        """Look now and then whether what this process applied before another led is still there."""
        if self._applied_lately and monotonic() - self._looked > LOOK_EVERY:
            self._looked = monotonic()
            await self._look_for_loss(self._applied_lately[0][0] - 1)

    async def _stands(self, position: int, event_id: UUID) -> bool:
        """Whether an event is still at its position in the source's log."""
        try:
            page = await self._feed.page(position - 1, limit=1)
        except HistoryDiffers:  # the log ends before
            return False
        return bool(page.events) and page.events[0].event_id == event_id

    def _remember(self, events: Sequence[Recorded]) -> None:
        self._applied_lately.extend((each.position, each.event_id) for each in events)

    async def _applied(self, projector: Projector, events: Sequence[Recorded]) -> bool:
        """Apply what the broker brought; False when it cannot be read, so that the feed must be."""
        try:
            await projector.apply(events, pushed=True)
        except UnreadablePush:
            log.warning("pushed_event_unreadable", source=self.source, after=projector.cursor.position)
            return False
        self._remember(events)
        return True

    async def _read(self, projector: Projector, wait: float) -> bool:
        """Apply one page of the feed and its `complete_to`; return whether more is to be read."""
        cursor = projector.cursor
        page = await self._page(projector, wait)
        self.away = ""
        if page.source != self.source:
            raise HistoryDiffers(f"the feed is that of {page.source} now")
        if not cursor.position and page.events:
            await self._claim(page)
        if cursor.position and page.previous_id != cursor.event_id:
            raise HistoryDiffers(f"the event at {cursor.position} is no longer the one that was read")
        if page.epoch != cursor.epoch:
            # The event that was read last still stands, so this is the same history under a new name.
            log.info("epoch_adopted", source=self.source, epoch=page.epoch)
            projector.cursor = msgspec.structs.replace(cursor, epoch=page.epoch)
        # It is written with the events of this page, so that a lag shows while there is one.
        projector.cursor = msgspec.structs.replace(projector.cursor, head=page.head)
        if page.events:
            await projector.apply(page.events)
            self._remember(page.events)
        if page.complete_to is not None:
            await projector.advance(page.complete_to, page.head)
        self.stopped = ""
        return page.complete_to is None

    async def _page(self, projector: Projector, wait: float) -> FeedPage:
        """Return the next page. After a full page the one behind it is fetched while this one is applied."""
        after = projector.cursor.position
        try:
            ahead = await self._fetched_ahead(after)
            page = await (ahead or self._feed.page(after, projector.cursor.epoch, BATCH, wait))
        except StaleEpoch:
            # Asked without the epoch: whether the last event still stands decides.
            return await self._feed.page(after, "", BATCH)
        if not may_be_the_last(page.events, BATCH):
            last = page.events[-1].position
            self._ahead = last, asyncio.create_task(self._feed.page(last, page.epoch, BATCH))
        return page

    async def _fetched_ahead(self, after: int | None) -> "asyncio.Task[FeedPage] | None":
        """Return the page after a position if it is being fetched; any other is cancelled."""
        if self._ahead is None:
            return None
        (position, page), self._ahead = self._ahead, None
        if position == after:
            return page
        await cancel_and_wait(page)
        return None
