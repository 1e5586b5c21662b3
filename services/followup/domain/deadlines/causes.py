"""What makes deadlines change, and the reason that is given for it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from services.followup.domain.facts import Fact
from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceRescheduled, PublicationEnded
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionCorrected,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
)
from shared.events.regulation import CalendarProposed, CalendarPublished, PolicyAdopted


class Reason(StrEnum):
    """What moved a due date, took a breach back or reinstated a duty."""

    #: More time was granted.
    EXTENSION = "extension"
    #: The case was found to have another limit.
    COMPLEX = "complex"
    #: A calendar was proposed or published.
    CALENDAR = "calendar"
    #: A document set other rules.
    POLICY = "policy"
    #: A wrong record was taken back.
    ANNULMENT = "annulment"
    #: The conference was moved to other days.
    RESCHEDULED = "rescheduled"
    #: The clock stands still.
    SUSPENDED = "suspended"
    #: The clock runs again.
    RESUMED = "resumed"
    #: A petition with an earlier date was merged into this one.
    MERGED = "merged"
    #: The chair set the date with an assignment.
    CHAIR_DATE = "chair_date"
    #: What was received says something else, such as another day.
    CORRECTED = "corrected"
    #: What was posted was taken down before its time.
    TAKEN_DOWN_EARLY = "taken_down_early"
    #: The period of a periodic duty began.
    NEW_PERIOD = "new_period"
    #: Any other fact, which changes what was raised only because it was recorded late.
    BACKDATED_RECORD = "backdated_record"


#: Why a due date moves, by the event that moves it.
_MOVE_REASONS: dict[type[Event], Reason] = {
    ExtensionGranted: Reason.EXTENSION,
    PetitionMarkedComplex: Reason.COMPLEX,
    CalendarPublished: Reason.CALENDAR,
    CalendarProposed: Reason.CALENDAR,
    PolicyAdopted: Reason.POLICY,
    RecordAnnulled: Reason.ANNULMENT,
    PetitionCorrected: Reason.CORRECTED,
    ConferenceRescheduled: Reason.RESCHEDULED,
    ClockSuspended: Reason.SUSPENDED,
    ClockResumed: Reason.RESUMED,
    PetitionMerged: Reason.MERGED,
    PetitionAssigned: Reason.CHAIR_DATE,
    PetitionReassigned: Reason.CHAIR_DATE,
    PublicationEnded: Reason.TAKEN_DOWN_EARLY,
}
#: Reasons that can move a date but do not make a raised breach wrong: only their late recording does.
_ONLY_MOVES = {Reason.RESUMED, Reason.MERGED, Reason.CHAIR_DATE, Reason.TAKEN_DOWN_EARLY}


class Cause(msgspec.Struct, frozen=True):
    """What makes deadlines change: a fact, the beginning of a period, or an operator's reconciliation."""

    #: The id that the deadline events name as their cause.
    event_id: UUID
    #: The instant of event time at which they are raised.
    at: datetime
    #: Why a breach is taken back or a duty reinstated: the value of a `Reason`, or an operator's words.
    reason: str
    #: Whether it was recorded while old cases were taken over.
    backfilled: bool = False
    #: Why a due date moves, where that has another name than `reason`.
    moves_by: str | None = None

    @property
    def move_reason(self) -> str:
        """Why a due date moves."""
        return self.moves_by if self.moves_by is not None else self.reason


def cause_of(fact: Fact) -> Cause:
    """The cause that a fact is."""
    moves_by = _MOVE_REASONS.get(type(fact.event), Reason.BACKDATED_RECORD)
    reason = Reason.BACKDATED_RECORD if moves_by in _ONLY_MOVES else moves_by
    return Cause(fact.event_id, fact.recorded_at, reason, fact.meta.backfilled, moves_by)
