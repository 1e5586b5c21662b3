"""A deadline as its events have left it, and the next thing that time alone will raise on it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from services.followup.domain.duties.duty import OPEN, DutyOutcome
from shared.events import PetitionReference
from shared.events.deadline import (
    Explanation,
    Subject,
)
from shared.identifiers import breach_instant, midnight


class DeadlineState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A deadline as its events have left it. The projection stores it as JSON under these names."""

    #: Its stream, derived from source, subject, duty, part and the start first known; never changes.
    deadline_id: UUID
    #: The source whose facts made it; never changes.
    source: str
    #: What kind of case owes it; never changes.
    subject: Subject
    #: The stream of that case; never changes.
    subject_id: UUID
    #: The name of its rule: `reply`, `invitation`, …; never changes.
    duty: str
    #: The id of the fact that made it arise; changes without an event when an earlier one comes to be known.
    starting_event: UUID
    #: The code of the body that owes it; changes with a reassignment or a successor, without an event.
    debtor: str
    #: The code of the authority whose case it is; changes when a successor takes over, without an event.
    jurisdiction: str
    #: The id of the event that last set, moved or restarted the clock: what time raises names it as its cause.
    clock_cause: UUID
    #: The event-time instant of that event, or of a later one that changed the warnings alone: no timer is earlier.
    clock_stamp: datetime
    #: Under which reference its petition was pushed; None where it was not, and of other cases; never changes.
    reference: PetitionReference | None = None
    #: Which of several alike it is; "" where there is one only; never changes.
    part: str = ""
    #: The last day on which it can be done in time; None while it is undated or its clock stands still.
    due_on: date | None = None
    #: The days on whose local midnight a warning falls, earliest first; changes with the due date.
    stages: tuple[date, ...] = ()
    #: The index in `stages` of the next warning; as many as there are stages once none is left.
    stage: int = 0
    #: Whether a breach was raised and stands; a retraction takes it back.
    breached: bool = False
    #: How it ended; open again after it was reinstated.
    outcome: DutyOutcome = OPEN
    #: The day on which it was done or waived; None while it is open, and where no fact asks for it any more.
    done_on: date | None = None
    #: The value of the `WaiverGround` on which it was waived; "" where it was not. A later release may know more.
    ground: str = ""
    #: Why the due date is that day; changes with it. None only before the deadline was set.
    explanation: Explanation | None = None
    #: Whether a calendar in the count is only proposed, so that the date may still move.
    provisional: bool = False
    #: A day on which it is only expected: of an extension without effect, or to which a posting must stay.
    expected_on: date | None = None
    #: Whether the event that last set the clock or its warnings was recorded while old cases were taken over.
    backfilled: bool = False
    #: How many events its stream has.
    version: int = 0
    #: What last moved the due date: the value of a `Reason`, or an operator's words; "" while nothing has.
    clock_reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the duty is still owed."""
        return self.outcome == OPEN

    @property
    def breached_at(self) -> datetime | None:
        """The local midnight after the due date."""
        return breach_instant(self.due_on) if self.due_on is not None else None

    @property
    def next_fire_at(self) -> datetime | None:
        """When the next warning or the breach is raised in event time; None when nothing more is to come."""
        timer = next_timer(self)
        return timer.fire_at if timer else None


class TimerKind(StrEnum):
    """What a timer raises."""

    #: A warning stage is reached.
    DUE_SOON = "due_soon"
    #: The due date has passed.
    BREACHED = "breached"


class Timer(msgspec.Struct, frozen=True):
    """The next thing that time alone will raise on a deadline."""

    #: The instant of event time at which it is raised.
    fire_at: datetime
    kind: TimerKind
    #: The index of the warning stage; 0 for a breach.
    stage: int = 0


def next_timer(raised: DeadlineState) -> Timer | None:
    """The next timer: of the stages already past when the clock started only the last, none once it is overdue.

    A timer at T, set by an event stamped S, fires at max(T, S).
    """
    breached_at = raised.breached_at
    if raised.outcome != OPEN or raised.breached or breached_at is None:
        return None
    set_at = raised.clock_stamp
    for stage in range(raised.stage, len(raised.stages)):
        falls_at = midnight(raised.stages[stage])
        if falls_at > set_at:
            return Timer(falls_at, TimerKind.DUE_SOON, stage)
        last_past = stage + 1 == len(raised.stages) or midnight(raised.stages[stage + 1]) > set_at
        if last_past and set_at < breached_at:
            return Timer(set_at, TimerKind.DUE_SOON, stage)
    return Timer(max(breached_at, set_at), TimerKind.BREACHED)
