"""How a deadline stands on a day: what time alone has brought, whether it was raised already or not. Pure."""

from datetime import date
from enum import StrEnum

from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.duty import DutyOutcome


class Status(StrEnum):
    """How a deadline stands on a day."""

    #: It is open, and no warning has been reached; or it has no date.
    ON_TRACK = "on_track"
    #: It is open, and its first warning has been reached.
    DUE_SOON = "due_soon"
    #: It is open, and its due date has passed.
    BREACHED = "breached"
    #: The duty was done in time.
    MET = "met"
    #: The duty was done after its due date.
    MET_LATE = "met_late"
    #: The duty is owed no more.
    WAIVED = "waived"


#: Those that are outcomes: time does not change them.
ENDED: tuple[Status, ...] = (Status.MET, Status.MET_LATE, Status.WAIVED)


def status_of(raised: DeadlineState, today: date) -> Status:
    """The outcome, or while open: past its due date, past its first warning, or on track. Undated ones are on track."""
    match raised.outcome:
        case DutyOutcome.MET:
            return Status.MET
        case DutyOutcome.MET_LATE:
            return Status.MET_LATE
        case DutyOutcome.WAIVED:
            return Status.WAIVED
        case DutyOutcome.OPEN:
            if raised.due_on is not None and raised.due_on < today:
                return Status.BREACHED
            return Status.DUE_SOON if raised.stages and min(raised.stages) <= today else Status.ON_TRACK
