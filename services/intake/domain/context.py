"""What a decision rests on: the regulation, the store's day, and the aggregates beside the target."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.errors import CalendarYearMissing, UnknownConference, UnknownPetition
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from shared.calendar import CalendarMissing
from shared.policy import ImpossibleDay, anchor_of, count, counted_from

#: What must precede a conference.
BACKWARD_DUTIES = ("invitation", "public_notice", "preparation_report", "prepared_answer", "preparation_task")
#: What the end of a conference sets.
CLOSING_DUTIES = ("internal_review", "conclusion_notice", "result_publication", "result_report")


class DecisionContext(msgspec.Struct, frozen=True):
    """Everything that a decision may look at besides its event and the state of the aggregate that it is done to."""

    regulation: Regulation
    #: The store's day.
    today: date
    conferences: Mapping[UUID, Conference]
    petitions: Mapping[UUID, Petition]
    #: The aggregate that the event is done to.
    target_id: UUID = UUID(int=0)
    #: Whether what is decided comes from a register of the past, which may lack what is asked for today.
    historic: bool = False
    #: The names under which petitions may have attributes of the province's own.
    attributes: frozenset[str] = frozenset()

    def conference(self, conference_id: UUID, field: str = "conference_id") -> Conference:
        """A loaded conference. Raises UnknownConference."""
        if (found := self.conferences.get(conference_id)) is None:
            raise UnknownConference(field, conference_id=conference_id)
        return found

    def petition(self, petition_id: UUID, field: str) -> Petition:
        """A loaded petition. Raises UnknownPetition."""
        if (found := self.petitions.get(petition_id)) is None:
            raise UnknownPetition(field, petition_id=petition_id)
        return found


def counted(context: DecisionContext, jurisdiction: str, duty: str, start: date, audience: str = "") -> date | None:
    """The due date of a duty from `start` under the rule in force then. Raises CalendarYearMissing."""
    return counted_under(context, jurisdiction, duty, start, start, audience)


def counted_under(
    context: DecisionContext, jurisdiction: str, duty: str, start: date, act_on: date, audience: str = ""
) -> date | None:
    """The same under the rule in force on the day of the act that starts the clock (a planning act, say).

    None where nobody owes the duty, or it has no number. Each of its variants must find its calendars too.
    """
    rule_in_force = context.regulation.rule_in_force(jurisdiction, duty, act_on, audience)
    if rule_in_force is None:
        return None
    rule, calendar = rule_in_force.rule, context.regulation.calendar
    try:
        since = counted_from(rule, start)
        found = count(rule, since, calendar)
        for variant in rule.variants:
            count(rule, since, calendar, frozenset(variant.when))
    except CalendarMissing as missing:
        if anchor_of(rule) == "fixed_date":
            # The day stands, whatever the act's; followup lists the duty until that year is published.
            return None
        raise unreachable(duty, start, missing) from missing
    except ImpossibleDay:
        # Of a policy recorded before such days were refused: the duty has no date, and followup lists it.
        return None
    return found.due_on if found else None


def require_countable(
    context: DecisionContext, jurisdiction: str, duties: Iterable[str], start: date, audience: str = ""
) -> None:
    """The clocks that an act starts find their calendars. Raises CalendarYearMissing."""
    for duty in duties:
        counted(context, jurisdiction, duty, start, audience)


def require_countable_backward(
    context: DecisionContext, jurisdiction: str, first_day: date, act_on: date, audience: str
) -> None:
    """So do the clocks that are counted back from a conference's first day. Raises CalendarYearMissing."""
    context.regulation.require_calendar(first_day, "first_day")
    for duty in BACKWARD_DUTIES:
        counted_under(context, jurisdiction, duty, first_day, act_on, audience)


def reply_anchor(context: DecisionContext, jurisdiction: str, received_on: date) -> str | None:
    """From what the reply to a petition received on a day is counted; None where nobody owes it."""
    rule_in_force = context.regulation.rule_in_force(jurisdiction, "reply", received_on)
    return anchor_of(rule_in_force.rule) if rule_in_force else None


def unreachable(duty: str, start: date, missing: CalendarMissing) -> CalendarYearMissing:
    """The refusal of a command whose clock reaches a year without a calendar."""
    return CalendarYearMissing("effective_on", "clock", duty=duty, start=start, year=missing.year)
