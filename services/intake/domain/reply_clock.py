"""The clock of a petition's written reply as it stands now: what the next deed may still change."""

from collections.abc import Iterable
from datetime import date

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.context import World, unreachable
from services.intake.domain.petition import Petition
from shared.calendar import CalendarMissing
from shared.policy import NO_TRAITS, Rule, Ruling, Run, Step, Traits, anchor_of, holding, run

ONLINE: Traits = frozenset({"online"})


class ReplyClock(msgspec.Struct, frozen=True):
    """A clock that runs or stands still: its rule, its start, and where its steps have left it."""

    rule: Rule
    start: date
    state: Run


def reply_due(petition: Petition, world: World) -> date | None:
    """The current due date of the reply; None where no clock runs. Raises CalendarYearMissing."""
    clock = reply_clock(petition, world)
    return clock.state.due_on if clock else None


def reply_clock(petition: Petition, world: World, more: Iterable[Step] = ()) -> ReplyClock | None:
    """The reply's clock, as it would stand after some `more` steps. Raises CalendarYearMissing."""
    start, audience = reply_start(petition, world)
    first = world.regulation.ruling(petition.jurisdiction, "reply", start, audience) if start else None
    if start is None or first is None:
        return None
    # In the order in which the steps took effect; of one day, in the order recorded.
    steps = sorted((*petition.steps, *more), key=lambda step: step.on)
    traits = ONLINE if petition.channel == "online" else NO_TRAITS
    later = world.regulation.in_force.taking_over(petition.jurisdiction, "reply", start, audience)

    def under(ruling: Ruling) -> Run:
        return run(ruling.rule, start, steps, world.regulation.calendar, traits)

    try:
        holds = holding(first, later, lambda ruling: under(ruling).due_on)
        return ReplyClock(holds.rule, start, under(holds))
    except CalendarMissing as missing:
        raise unreachable("reply", start, missing) from missing


def reply_rule(petition: Petition, world: World) -> Rule | None:
    """The rule of the clock that runs; while none runs, that of the receipt. Raises CalendarYearMissing."""
    if (clock := reply_clock(petition, world)) is not None:
        return clock.rule
    ruling = world.regulation.ruling(petition.jurisdiction, "reply", petition.received_on)
    return ruling.rule if ruling else None


def reply_start(petition: Petition, world: World) -> tuple[date | None, str]:
    """The day from which the reply is counted, and whom the dialogue was for."""
    held = [world.conferences[c] for c in petition.raised if c in world.conferences]
    if petition.reopened_on is not None:
        return petition.reopened_on, held[0].audience if held else ""
    ruling = world.regulation.ruling(petition.jurisdiction, "reply", petition.received_on)
    match anchor_of(ruling.rule) if ruling else None:
        case "receipt":
            return petition.received_on, ""
        case "acceptance":
            return petition.accepted_on, ""
        case "assignment":
            return petition.assigned_on, ""
        case _:
            starts = [(day, c.audience) for c in held if (day := _conference_start(petition, c, world)) is not None]
            return min(starts, default=(None, ""))


def _conference_start(petition: Petition, conference: Conference, world: World) -> date | None:
    if conference.closed_on is None or conference.cancelled:
        return None
    ruling = world.regulation.ruling(petition.jurisdiction, "reply", conference.closed_on, conference.audience)
    by_notice = ruling is not None and anchor_of(ruling.rule) == "conclusion"
    return conference.concluded_on if by_notice else conference.closed_on
