"""What a decision rests on: the regulation, the store's day, and the aggregates beside the target."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.errors import CalendarYearMissing, UnknownConference, UnknownPetition
from services.intake.domain.petition import Petition, Step
from services.intake.domain.regulation import Regulation
from shared.calendar import CalendarMissing
from shared.policy import count


class World(msgspec.Struct, frozen=True):
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


def counted(world: World, jurisdiction: str, duty: str, start: date, *, is_complex: bool = False) -> date | None:
    """The due date of a duty from `start` under the policy in force then. Raises CalendarYearMissing."""
    return counted_under(world, jurisdiction, duty, start, start, is_complex=is_complex)


def counted_under(
    world: World, jurisdiction: str, duty: str, start: date, act_on: date, *, is_complex: bool = False
) -> date | None:
    """The same under the policy in force on the day of the act that starts the clock (a planning act, say)."""
    rule = world.regulation.policy_in_force(jurisdiction, act_on).rule(duty)
    try:
        found = count(rule, start, world.regulation.calendar, is_complex=is_complex)
    except CalendarMissing as missing:
        raise CalendarYearMissing(
            f"effective_on: the clock {duty!r} from {start} reaches {missing.year}, which has no calendar; publish one"
        ) from missing
    return found.due_on if found else None


def reply_due(petition: Petition, world: World) -> date | None:
    """The current due date of the reply; None where no clock runs. Raises CalendarYearMissing."""
    start = _reply_start(petition, world)
    if start is None:
        return None
    limits = [counted(world, petition.jurisdiction, "reply", start, is_complex=c) for c in (False, True)]
    due, complex_due = limits
    if due is None or complex_due is None:
        return None
    caps: list[date] = []
    extended = date.min
    # In the order in which the steps took effect; of one day, in the order recorded.
    for step in sorted(petition.steps, key=_on):
        match step.kind:
            case "complex" if step.on <= due:
                due = max(extended, min([complex_due, *caps]))
            case "extension" if step.told_on is not None and step.day is not None and step.told_on <= due:
                due = extended = max(due, step.day)
            case "chair_date" if step.day is not None:
                caps.append(step.day)
                due = min(due, step.day)
            case _:
                pass
    return due


def _on(step: Step) -> date:
    return step.on


def _reply_start(petition: Petition, world: World) -> date | None:
    if petition.reopened_on is not None:
        return petition.reopened_on
    policy = world.regulation.policy_in_force(petition.jurisdiction, petition.received_on)
    if policy.rule("reply").counted_from == "receipt":
        return petition.received_on
    known = [world.conferences[c] for c in petition.raised if c in world.conferences]
    closed = [c.closed_on for c in known if c.closed_on is not None and not c.cancelled]
    return min(closed, default=None)
