"""What a decision rests on: the regulation, the store's day, and the aggregates beside the target."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.errors import CalendarYearMissing, UnknownConference, UnknownPetition
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from shared.calendar import CalendarMissing
from shared.policy import count, counted_from


class DecisionContext(msgspec.Struct, frozen=True):
    """Everything that a decision may look at besides its deed."""

    regulation: Regulation
    today: date
    conferences: Mapping[UUID, Conference]
    petitions: Mapping[UUID, Petition]

    def conference(self, conference_id: UUID, field: str = "conference_id") -> Conference:
        """A loaded conference. Raises UnknownConference."""
        if (found := self.conferences.get(conference_id)) is None:
            raise UnknownConference(f"{field}: there is no conference {conference_id}")
        return found

    def petition(self, petition_id: UUID, field: str) -> Petition:
        """A loaded petition. Raises UnknownPetition."""
        if (found := self.petitions.get(petition_id)) is None:
            raise UnknownPetition(f"{field}: there is no petition {petition_id}")
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
        raise unreachable(duty, start, missing) from missing
    return found.due_on if found else None


def unreachable(duty: str, start: date, missing: CalendarMissing) -> CalendarYearMissing:
    """The refusal of an act whose clock reaches a year without a calendar."""
    return CalendarYearMissing(
        f"effective_on: the clock {duty!r} from {start} reaches {missing.year}, which has no calendar; publish one"
    )
