"""What following a source needs from outside; the adapters bring it."""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.raised import DeadlineState
from shared.envelope import FeedPage
from shared.events import Recorded
from shared.events.deadline import Subject
from shared.events.regulation import AgencyClosed, AgencyRegistered


class SourceStopped(Exception):
    """Going on could make everything after wrong: the source stops loudly; the message says why."""


class StaleEpoch(Exception):
    """The source has a new epoch."""

    def __init__(self, epoch: str) -> None:
        super().__init__(f"the source has the new epoch {epoch}")
        self.epoch = epoch


class HistoryDiffers(SourceStopped):
    """The source's log is not the one that was read before: restored, or shorter."""


class UnreadablePush(Exception):
    """An event that the broker brought cannot be read: the feed tells what stands at its position."""


class FencedOut(Exception):
    """Another writer has moved the cursor: what this one holds in memory is worth nothing."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source was read and its timers fired. `instant` is the stamp of the last event."""

    source: str
    epoch: str = ""
    position: int = 0
    event_id: UUID | None = None
    instant: datetime | None = None
    horizon: datetime | None = None
    complete_to: datetime | None = None
    head: int = 0
    revision: int = 0


class CaseRecord(msgspec.Struct, frozen=True):
    """A subject's row with the deadlines that order it in a listing."""

    row: CaseRow
    raised: tuple[DeadlineState, ...]


class ParkedRecord(msgspec.Struct, frozen=True):
    """An event that could not be applied, or that waits behind one."""

    recorded: Recorded
    petition_id: UUID
    reason: str


class LoadedCase(msgspec.Struct, frozen=True):
    """One petition or conference as the projection keeps it."""

    facts: list[Recorded]
    raised: list[DeadlineState]


class Request(msgspec.Struct, frozen=True):
    """What an operator asked of the writer."""

    request_id: UUID
    kind: str
    subject_id: UUID | None
    reason: str


class Changes(msgspec.Struct, kw_only=True):
    """What one transaction writes. `waiting`: subjects whose timers wait, parked or listed as a difference."""

    facts: list[Recorded] = []
    petition_facts: set[int] = set()
    links: list[tuple[UUID, UUID, bool]] = []
    cases: list[CaseRecord] = []
    deadlines: list[DeadlineState] = []
    overdue: Collection[UUID] = ()
    waiting: Collection[UUID] = ()
    agencies: list[AgencyRegistered | AgencyClosed] = []
    differences: dict[UUID, str] = {}
    settled: Collection[UUID] = ()
    parked: list[ParkedRecord] = []
    released: Collection[UUID] = ()
    emitted: list[Emitted] = []

    @property
    def is_rare(self) -> bool:
        """Whether it holds what the writer seldom writes."""
        return bool(self.agencies or self.differences or self.settled or self.parked or self.released)


class Writing(Protocol):
    """An open transaction of the writer."""

    async def write(self, changes: Changes) -> None:
        """Write some changes; may be called again."""
        ...

    async def answer(self, request: Request, text: str) -> None:
        """Say what became of a request."""
        ...


class Projection(Protocol):
    """The projection of one source, and the log of what was raised on it."""

    async def cursor(self, source: str) -> Cursor:
        """Where the source stands; a new one at the beginning."""
        ...

    def shared_streams(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """The facts of the regulation and of conferences by stream, some streams at a time, as they began."""
        ...

    async def raised_on(self, subject_ids: Collection[UUID]) -> list[DeadlineState]:
        """What was raised on some subjects."""
        ...

    async def petitions(self, petition_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """These petitions and all that are merged with them, without their parked events."""
        ...

    async def conferences(self, conference_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """These conferences; those that have facts."""
        ...

    async def petitions_at(self, conference_ids: Collection[UUID]) -> list[UUID]:
        """The petitions that belong to some conferences."""
        ...

    def subjects(self, source: str, kind: Subject, chunk: int) -> AsyncIterator[list[UUID]]:
        """Every subject of a kind that a source has, some at a time."""
        ...

    async def differences(self, source: str) -> dict[UUID, str]:
        """The subjects listed as differences."""
        ...

    async def parked(self, source: str) -> list[UUID]:
        """The petitions with events that wait."""
        ...

    async def next_fire_at(self, source: str) -> datetime | None:
        """When the earliest timer falls."""
        ...

    async def due(self, source: str, to: datetime, limit: int) -> list[DeadlineState]:
        """Deadlines with a timer up to an instant, earliest first."""
        ...

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        """Every fact of a petition and its kin, the parked ones too."""
        ...

    async def raised_ids(self, deadline_ids: Collection[UUID]) -> set[UUID]:
        """The ids of the events recorded on some deadlines."""
        ...

    async def requests(self, source: str) -> list[Request]:
        """What operators ask and is not answered yet."""
        ...

    async def tell(self, source: str, state: str, reason: str, gaps: int = 0) -> None:
        """Show whether the source is followed, and count gaps; outside the writer's transactions."""
        ...

    def writing(self, before: Cursor, after: Cursor) -> AbstractAsyncContextManager[Writing]:
        """A transaction that moves the cursor; `after.revision` is one more. Raises FencedOut."""
        ...

    async def commit(self, before: Cursor, after: Cursor, changes: Changes) -> datetime | None:
        """The same with one set of changes, at once; when the earliest timer falls. Raises FencedOut."""
        ...


class Feed(Protocol):
    """A source's `GET /v1/events`."""

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position. Raises StaleEpoch, HistoryDiffers, SourceAway."""
        ...


class SourceUnavailable(Exception):
    """The source cannot be reached now."""


class PrefetchBuffer(Protocol):
    """What the broker has brought of one source."""

    @property
    def is_connected(self) -> bool:
        """Whether pushed events may be expected."""
        ...

    def take(self, cursor: Cursor, limit: int) -> tuple[list[Recorded], bool]:
        """The events that are exactly next, and whether later ones came: then the feed must be read."""
        ...

    async def wait(self, timeout: float) -> None:
        """Return when something came, or after `timeout` seconds."""
        ...
