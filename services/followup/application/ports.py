"""What following a source needs from outside: the ports that the adapters fill, and the errors that they raise.

SourceStopped       going on could make everything after wrong: the source stops loudly
└── HistoryDiffers  the log is not the one that was read before
SourceUnavailable   the source cannot be reached now
StaleEpoch          the source has a new epoch
UnreadablePush      an event that the broker brought cannot be read
StillSweeping       an event of the regulation has not reached every case in time
TablesBusy          the tables of a source are being read, so they cannot be replaced now
RebuildRuns         another rebuild is going on
FencedOut           another projector has moved the cursor
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import UncountableDuty
from shared.envelope import FeedPage
from shared.events import Recorded
from shared.events.deadline import Subject
from shared.events.regulation import AgencyClosed, AgencyRegistered


class SourceStopped(Exception):
    """Going on could make everything after wrong, so the source stops loudly; the message says why."""


class HistoryDiffers(SourceStopped):
    """The source's log is not the one that was read before: it was restored, or is shorter."""


class SourceUnavailable(Exception):
    """The source cannot be reached now, or refuses; the message says why. `status` is 0 where nothing answered."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


class StaleEpoch(Exception):
    """The source has a new epoch: it was restored or promoted, and may still have the same history."""

    def __init__(self, epoch: str) -> None:
        super().__init__(f"the source has the new epoch {epoch}")
        self.epoch = epoch


class UnreadablePush(Exception):
    """An event that the broker brought cannot be read; the feed says what stands at its position."""


class StillSweeping(Exception):
    """An event of the regulation has not reached every case in time; the message names the source."""


class TablesBusy(Exception):
    """The tables of a source are read without a pause, so that they could not be replaced; the message names it."""


class RebuildRuns(Exception):
    """Another rebuild of this database is going on."""


class FencedOut(Exception):
    """Another projector has moved the cursor: what this one holds in memory is worth nothing."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source was read and its timers fired. Instants are in the source's time."""

    source: str
    epoch: str = ""  # of the feed when it was last read
    position: int = 0  # of the last event applied
    event_id: UUID | None = None  # of the last event applied
    instant: datetime | None = None  # the stamp of the last event applied
    horizon: datetime | None = None  # up to here timers have fired
    complete_to: datetime | None = None  # no further event will be stamped at or before this instant
    head: int = 0  # the source's last position when it was last asked
    revision: int = 0  # grows by one with every transaction of the projector


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """How far an event of the regulation has been brought to the cases that it can change.

    First come the deadlines with a timer, in the order of their timers, then every case, in the order of the ids.
    """

    position: int  # of the event
    fire_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # of the last timer that was reached
    is_walking: bool = False  # whether all timers were reached, so that every case is gone through
    after_id: UUID = UUID(int=0)  # the deadline, or when walking the case, that was reached last


class Visited(msgspec.Struct, frozen=True):
    """A case that a sweep comes by."""

    row: CaseRow
    is_settled: bool  # on the sweep's event, because something has touched it since
    can_move: bool  # whether a deadline of it is open, was breached, or ended on the day of the event or later


class TimerPlace(msgspec.Struct, frozen=True):
    """A deadline that a sweep comes by."""

    fire_at: datetime
    deadline_id: UUID
    subject: Subject
    subject_id: UUID


class CaseRecord(msgspec.Struct, frozen=True):
    """A subject's row with the deadlines that order it in a listing."""

    row: CaseRow
    raised: tuple[DeadlineState, ...]


class ParkedRecord(msgspec.Struct, frozen=True):
    """An event that could not be applied, or that waits behind one."""

    recorded: Recorded
    petition_id: UUID
    reason: str  # the error, or for whom it waits


class LoadedCase(msgspec.Struct, frozen=True):
    """One petition or conference as the projection keeps it."""

    facts: list[Recorded]  # in the order recorded, without those parked
    raised: list[DeadlineState]


class Request(msgspec.Struct, frozen=True):
    """What an operator asked of the projector."""

    request_id: UUID
    kind: str  # unpark or reconcile
    subject_id: UUID | None  # None: every subject
    reason: str


class Changes(msgspec.Struct, kw_only=True):
    """What one transaction writes."""

    facts: list[Recorded] = []
    petition_facts: set[int] = set()  # the positions of the facts that are a petition's
    links: list[tuple[UUID, UUID, bool]] = []  # (other, petition, merged), as `links_of` gives them
    cases: list[CaseRecord] = []
    deadlines: list[DeadlineState] = []
    gone: Collection[UUID] = ()  # subjects of which no fact stands that makes them a case: their rows go
    overdue: Collection[UUID] = ()  # subjects whose rows are changed in this alone, that they are overdue now
    # Whose timers wait: subjects that are parked or listed as a difference, deadlines that cannot be counted.
    waiting: Collection[UUID] = ()
    # The duties that cannot be counted, of each subject of which they have changed; none where all can be again.
    uncountable: dict[UUID, list[UncountableDuty]] = {}
    agencies: list[AgencyRegistered | AgencyClosed] = []
    differences: dict[UUID, str] = {}  # subjects to be listed as differences, with the reason
    settled: Collection[UUID] = ()  # subjects that are no longer differences
    parked: list[ParkedRecord] = []
    released: Collection[UUID] = ()  # petitions whose parked events were applied
    emitted: list[Emitted] = []  # deadline events to be appended, in this order
    sweeps: list[Sweep] = []  # that begin or have gone on
    swept: Collection[int] = ()  # the positions of sweeps that have ended
    settled_to: int | None = None  # while there are sweeps: the position on which all of `cases` are settled

    @property
    def is_rare(self) -> bool:
        """Whether it holds what is seldom written."""
        rows = self.agencies or self.differences or self.uncountable or self.settled or self.parked or self.released
        return bool(rows or self.gone or self.sweeps or self.swept or self.settled_to is not None)


class Writing(Protocol):
    """An open transaction of the projector, which has moved the cursor already."""

    async def write(self, changes: Changes) -> None:
        """Write some changes; may be called again."""
        ...

    async def answer(self, request: Request, text: str, *, failed: bool = False) -> None:
        """Mark a request as done and keep the answer to the operator. Raises FencedOut when it was withdrawn."""
        ...


class Projection(Protocol):
    """The projection of sources, each by itself, and the log of what was raised on them."""

    async def cursor(self, source: str) -> Cursor:
        """Return where the source stands; a new cursor at the beginning for a source never seen."""
        ...

    def shared_streams(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """Yield the facts of the regulation and of conferences by stream, `chunk` streams at a time, oldest first."""
        ...

    async def raised_on(self, source: str, subject_ids: Collection[UUID]) -> list[DeadlineState]:
        """Return the deadlines of some subjects."""
        ...

    async def petitions(self, source: str, petition_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """Return these petitions and all that are merged with them, without their parked events."""
        ...

    async def conferences(self, source: str, conference_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """Return those of these conferences that have facts."""
        ...

    async def petitions_at(self, source: str, conference_ids: Collection[UUID]) -> list[UUID]:
        """Return the petitions that belong to some conferences."""
        ...

    async def sweeps(self, source: str) -> list[Sweep]:
        """Return the sweeps that have not ended, by position."""
        ...

    async def settled_to(self, source: str, subject_ids: Collection[UUID]) -> dict[UUID, int]:
        """Return the position up to which each of some petitions and conferences was settled, as far as it is known."""
        ...

    async def timers_after(self, source: str, sweep: Sweep, limit: int) -> list[TimerPlace]:
        """Return the deadlines that a sweep comes by next, in the order of their timers."""
        ...

    async def cases_after(self, source: str, sweep: Sweep, recorded_on: date, limit: int) -> list[Visited]:
        """Return the petitions, conferences and authorities that a sweep comes by next, in the order of their ids.

        `recorded_on` is the day of the sweep's event.
        """
        ...

    async def differences(self, source: str) -> dict[UUID, str]:
        """Return the subjects listed as differences, with the reason."""
        ...

    async def uncountable(self, source: str) -> list[UncountableDuty]:
        """Return the duties that cannot be counted."""
        ...

    async def parked(self, source: str) -> list[UUID]:
        """Return the petitions with events that wait."""
        ...

    async def next_fire_at(self, source: str) -> datetime | None:
        """Return when the earliest timer falls."""
        ...

    async def due(self, source: str, to: datetime, limit: int) -> list[DeadlineState]:
        """Return deadlines with a timer at or before an instant, earliest first."""
        ...

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        """Return every fact of a petition and of those merged with it, the parked ones too."""
        ...

    async def raised_ids(self, deadline_ids: Collection[UUID]) -> set[UUID]:
        """Return the ids of the events recorded on some deadlines."""
        ...

    async def requests(self, source: str) -> list[Request]:
        """Return the requests of operators that are not answered yet, oldest first."""
        ...

    async def set_state(self, source: str, state: str, reason: str, gaps: int = 0) -> None:
        """Show whether the source is followed, and add to its count of gaps; outside the projector's transactions."""
        ...

    def writing(self, before: Cursor, after: Cursor) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that moves the cursor; `after.revision` is one more. Raises FencedOut."""
        ...

    async def commit(self, before: Cursor, after: Cursor, changes: Changes) -> datetime | None:
        """Move the cursor and write in one transaction; return when the earliest timer falls. Raises FencedOut."""
        ...


class Feed(Protocol):
    """A source's `GET /v1/events`."""

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """Return the page after a position, held open up to `wait` seconds while it is empty.

        Raises StaleEpoch, HistoryDiffers, SourceUnavailable.
        """
        ...


class SourceLease(Protocol):
    """Says which of several processes leads a source."""

    async def take(self, source: str, *, is_reached: bool) -> bool:
        """Take the lease of a source; False while another process holds it.

        One that this process does not reach is taken only where nobody has led it for some time.
        """
        ...

    async def renew(self, source: str, *, is_reached: bool) -> bool:
        """Renew the lease of a source that this process leads; False once another process took it.

        Of a source that it does not reach it is given back: whoever reaches it takes it.
        """
        ...


class PrefetchBuffer(Protocol):
    """The events of one source that the broker has brought and that are not applied yet."""

    @property
    def is_connected(self) -> bool:
        """Say whether pushed events may be expected."""
        ...

    def pop(self, cursor: Cursor, limit: int) -> tuple[list[Recorded], bool]:
        """Remove and return the events that follow the cursor, and whether later ones came: then the feed is read."""
        ...

    async def wait(self, timeout: float) -> None:
        """Return when something came, or after `timeout` seconds."""
        ...
