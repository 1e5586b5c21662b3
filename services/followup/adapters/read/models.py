"""What the queries answer with."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.status import Status
from services.followup.domain.wording.names import Bilingual
from shared.events.deadline import Subject


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source is read. `now` is its clock: `complete_to` and the time since it was read."""

    source: str
    epoch: str
    position: int
    event_id: UUID | None
    instant: datetime | None
    horizon: datetime | None
    complete_to: datetime | None
    head: int
    lag_events: int
    state: str
    reason: str
    now: datetime | None


class Progress(msgspec.Struct, frozen=True):
    """Whether a source is followed, and for how long it has been silent."""

    source: str
    state: str  # following or stopped
    silent_for: float | None  # seconds since it last said up to when it is complete; None before it ever did
    sweeping_for: float  # seconds since the oldest event of the regulation came that has not reached every case; or 0


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a list."""

    source: str
    row: CaseRow
    due_on: date | None  # the earliest open due date of all its duties
    overdue: bool  # that date has passed on the source's day
    field_title: Bilingual  # what its field is called by the catalogue, or as it was written


class Retraction(msgspec.Struct, frozen=True):
    """A breach that was none: when that came to be known, and why."""

    at: datetime
    reason: str


class SeveralSources(Exception):
    """Several sources have a case of one id, and none of them was named."""

    def __init__(self, sources: Sequence[str]) -> None:
        super().__init__(f"it is in {', '.join(sources)}: name one of them")
        self.sources = tuple(sources)


class Deadline(msgspec.Struct, frozen=True):
    """A deadline, how it stands on its source's day, and what its debtor has heard of it."""

    raised: DeadlineState
    status: Status
    urged_on: date | None = None  # the day on which its debtor was last reminded
    warned_on: tuple[date, ...] = ()  # the stages of which it has warned, in that order
    retracted: tuple[Retraction, ...] = ()  # the breaches that were none, in the order of their retraction


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was recorded."""

    position: int
    event_id: UUID
    topic: str
    recorded_at: datetime
    state: bytes
    waits: str = ""  # why it is not applied yet; empty when it is


class RaisedDeadlineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a deadline, as followup raised it."""

    deadline_id: UUID
    event: StoredEvent


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one case."""

    case: Case
    deadlines: list[Deadline]
    events: list[StoredEvent]
    uncountable: list["Uncountable"]  # what it owes and nobody can count yet
    difference: str  # why its raised deadlines are not the expected ones; empty when they are


class Agency(msgspec.Struct, frozen=True, kw_only=True):
    """A body that can owe something, and when it existed."""

    code: str
    name: str
    jurisdiction: str
    valid_from: date
    closed_on: date | None
    successor: str
    source: str


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be applied, or that waits behind one."""

    source: str
    position: int
    event_id: UUID
    petition_id: UUID
    topic: str
    reason: str
    parked_at: datetime


class Uncountable(msgspec.Struct, frozen=True, kw_only=True):
    """A duty whose days cannot be counted: a year has no calendar, or a document names an impossible day."""

    deadline_id: UUID
    subject: Subject
    subject_id: UUID
    source: str
    jurisdiction: str
    duty: str
    part: str
    document: str
    reason: str
    found_at: datetime


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A case whose raised deadlines are not the expected ones."""

    subject_id: UUID
    source: str
    reason: str
    found_at: datetime
