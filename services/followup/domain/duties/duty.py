"""A duty before its days are counted: what started it, who owes it, how it ended."""

from collections.abc import Callable, Sequence
from datetime import date
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


class Done(msgspec.Struct, frozen=True):
    """The duty was done, on a day, by a fact."""

    on: date
    by: Fact


class Waived(msgspec.Struct, frozen=True):
    """The duty is owed no more since a day, and why."""

    on: date
    by: Fact
    reason: str


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """One duty before its day is counted: what started it, who owes it, how it ended.

    `own_clock` is false where only other clocks' dates are owed; `taken_down` ends what had to stay for a time.
    """

    source: str
    subject: Subject
    subject_id: UUID
    duty: str
    start: Fact
    debtor: str
    jurisdiction: str
    rule_in_force: RuleInForce
    counted_from: date
    audience: str = ""
    part: str = ""
    end: Done | Waived | None = None
    notes: tuple[Note, ...] = ()
    traits: Traits = NO_TRAITS
    steps: StepsUnder | None = None
    own_clock: bool = True
    occurrence: Occurrence | None = None
    taken_down: Fact | None = None
