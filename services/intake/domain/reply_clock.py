"""The clock of a petition's written reply as it stands now: what the next deed may still change."""

from collections.abc import Iterable
from datetime import date

import msgspec

from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext, unreachable
from services.intake.domain.petition import Petition
from shared.calendar import CalendarMissing
from shared.policy import (
    NO_TRAITS,
    Rule,
    RuleInForce,
    RunningClock,
    Step,
    Traits,
    anchor_of,
    clock_after,
    rule_that_applies,
)

ONLINE: Traits = frozenset({"online"})


class ReplyClock(msgspec.Struct, frozen=True):
    """A clock that runs or stands still: its rule, its start, and where its steps have left it."""

    rule: Rule
    start: date
    state: RunningClock


def reply_due(petition: Petition, context: DecisionContext) -> date | None:
    """The current due date of the reply; None where no clock runs. Raises CalendarYearMissing."""
    clock = reply_clock(petition, context)
    return clock.state.due_on if clock else None


def reply_clock(petition: Petition, context: DecisionContext, more: Iterable[Step] = ()) -> ReplyClock | None:
    """The reply's clock, as it would stand after some `more` steps. Raises CalendarYearMissing."""
    start, audience = reply_start(petition, context)
    first = context.regulation.rule_in_force(petition.jurisdiction, "reply", start, audience) if start else None
    if start is None or first is None:
        return None
    # In the order in which the steps took effect; of one day, in the order recorded.
    steps = sorted((*petition.steps, *more), key=lambda step: step.on)
    traits = ONLINE if petition.channel == "online" else NO_TRAITS
    later = context.regulation.in_force.superseding(petition.jurisdiction, "reply", start, audience)

    def under(rule_in_force: RuleInForce) -> RunningClock:
        return clock_after(rule_in_force.rule, start, steps, context.regulation.calendar, traits)

    try:
        holds = rule_that_applies(first, later, lambda rule_in_force: under(rule_in_force).due_on)
        return ReplyClock(holds.rule, start, under(holds))
    except CalendarMissing as missing:
        raise unreachable("reply", start, missing) from missing


def reply_rule(petition: Petition, context: DecisionContext) -> Rule | None:
    """The rule of the clock that runs; while none runs, that of the receipt. Raises CalendarYearMissing."""
    if (clock := reply_clock(petition, context)) is not None:
        return clock.rule
    rule_in_force = context.regulation.rule_in_force(petition.jurisdiction, "reply", petition.received_on)
    return rule_in_force.rule if rule_in_force else None


def reply_start(petition: Petition, context: DecisionContext) -> tuple[date | None, str]:
    """The day from which the reply is counted, and whom the dialogue was for."""
    held = [context.conferences[c] for c in petition.raised if c in context.conferences]
    if petition.reopened_on is not None:
        return petition.reopened_on, held[0].audience if held else ""
    rule_in_force = context.regulation.rule_in_force(petition.jurisdiction, "reply", petition.received_on)
    match anchor_of(rule_in_force.rule) if rule_in_force else None:
        case "receipt":
            return petition.received_on, ""
        case "acceptance":
            return petition.accepted_on, ""
        case "assignment":
            return petition.assigned_on, ""
        case _:
            starts = [(day, c.audience) for c in held if (day := _conference_start(petition, c, context)) is not None]
            return min(starts, default=(None, ""))


def _conference_start(petition: Petition, conference: Conference, context: DecisionContext) -> date | None:
    if conference.closed_on is None or conference.cancelled:
        return None
    rule_in_force = context.regulation.rule_in_force(
        petition.jurisdiction, "reply", conference.closed_on, conference.audience
    )
    by_notice = rule_in_force is not None and anchor_of(rule_in_force.rule) == "conclusion"
    return conference.concluded_on if by_notice else conference.closed_on
