"""A duty before its days are counted: what started it, who owes it, how it ended."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from services.followup.domain.facts import Fact
from shared.calendar import Calendar
from shared.events.deadline import Subject
from shared.policy import (
    NO_TRAITS,
    Note,
    Occurrence,
    RuleInForce,
    Step,
    Traits,
)

#: What happened to a clock, in order; the dates that other clocks bring along depend on the calendar.
StepsUnder = Callable[[Calendar], Sequence[Step]]


class DutyOutcome(StrEnum):
    """How a duty ended. The value of one that is still owed is stored as the empty text."""

    #: The duty is still owed, whether its due date has passed or not.
    OPEN = ""
    #: The duty was done by its due date, or had none.
    MET = "met"
    #: The duty was done after its due date.
    MET_LATE = "met_late"
    #: The duty is owed no more, though nobody did it: `WaiverGround` says why.
    WAIVED = "waived"


#: The same member under a name of its own: the rules ask for it several times an event, and a look-up in an enum takes
#: longer than the comparison.
OPEN = DutyOutcome.OPEN


class WaiverGround(StrEnum):
    """Why a duty is owed no more."""

    #: The petition was answered at the conference.
    ANSWERED_AT_CONFERENCE = "answered_at_conference"
    #: The petition was merged into another, which is owed the reply.
    MERGED = "merged"
    #: The petitioner withdrew the petition.
    WITHDRAWN = "withdrawn"
    #: The petition belongs to another procedure.
    REDIRECTED = "redirected"
    #: The case was closed.
    CLOSED = "closed"
    #: The matter was not taken up.
    REFUSED = "refused"
    #: The conference was cancelled.
    CANCELLED = "cancelled"
    #: The conference was moved to another day after the due date, which has a duty of its own.
    RESCHEDULED = "rescheduled"
    #: The request for a dialogue was declined.
    DECLINED = "declined"
    #: What had been taken down was posted again, for a time of its own.
    POSTED_AGAIN = "posted_anew"
    #: A decision waived a periodic duty for one period.
    WAIVED_BY_DECISION = "waived_by_decision"
    #: The authority that owed the duty was abolished.
    JURISDICTION_CLOSED = "jurisdiction_closed"
    #: The fact that started the duty was annulled: it was never owed.
    START_ANNULLED = "start_annulled"
    #: The fact that started the duty was not annulled, but by what is known now nothing is owed.
    NO_LONGER_OWED = "no_longer_owed"


class Done(msgspec.Struct, frozen=True):
    """The duty was done: on which day, and by which fact."""

    on: date
    by: Fact


class Waived(msgspec.Struct, frozen=True):
    """The duty is owed no more: since which day, by which fact, and why."""

    on: date
    by: Fact
    ground: WaiverGround


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """One duty before its days are counted."""

    #: The source whose facts made it.
    source: str
    #: What kind of case owes it.
    subject: Subject
    #: The stream of that case.
    subject_id: UUID
    #: The name of its rule: `reply`, `invitation`, …
    duty: str
    #: The fact that made it arise; with `part` it tells duties of one kind apart.
    start: Fact
    #: The code of the body that owes it, as the facts name it: a successor may have taken over since.
    debtor: str
    #: The code of the authority whose case it was.
    jurisdiction: str
    #: The rule that held on the day of its start, with its document.
    rule_in_force: RuleInForce
    #: The day from which its days are counted, forward or back; where the rule names a fixed date, the day of the act.
    counted_from: date
    #: Whom the dialogue is for; "" is everyone.
    audience: str = ""
    #: Which of several alike it is: a channel, an agency, a period, a task; "" where there is one only.
    part: str = ""
    #: How it ended; None while it is owed.
    end: Done | Waived | None = None
    #: What is to be said of its due date besides the count.
    notes: tuple[Note, ...] = ()
    #: What the case is from its receipt on, where that has a limit of its own.
    traits: Traits = NO_TRAITS
    #: What happened to its clock; None where nothing did.
    steps: StepsUnder | None = None
    #: False where only the dates of other clocks are owed.
    own_clock: bool = True
    #: Which time it is of a duty that is owed again and again.
    occurrence: Occurrence | None = None
    #: The fact that ended what had to stay posted for a time.
    taken_down: Fact | None = None
