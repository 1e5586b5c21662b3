"""The clock of a petition's written reply as it stands now: what the next act may still change."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.conference import ConferenceEnd
from services.intake.domain.context import DecisionContext, unreachable
from services.intake.domain.facts import NEXT, AnyFact, unrecorded
from services.intake.domain.petition import ClockEvent, Petition
from shared.calendar import CalendarMissing
from shared.cases.reply_clock import MergedPetition, ReplyBasis, ReplyRules, answered, reply_basis, running_clock
from shared.cases.rounds import fold_reply_case
from shared.events.conference import ConferenceClosed
from shared.policy import Rule, RuleInForce, RunningClock


class ReplyClock(msgspec.Struct, frozen=True):
    """A clock that runs or stands still: its rule, and where its steps have left it.

    Without a clock of its own a petition owes only the dates of those that were merged into it.
    """

    rule: Rule
    state: RunningClock
    has_own_clock: bool


def reply_due(petition: Petition, context: DecisionContext) -> date | None:
    """The due date of the reply to the target of the decision; None where no clock runs. Raises CalendarYearMissing."""
    clock = reply_clock(petition, context)
    return clock.state.due_on if clock else None


def reply_due_once_closed(petition: Petition, context: DecisionContext, day: date) -> date | None:
    """The same, where no clock runs yet because the conference is still open, as if it closed as planned.

    Planned for days before `day`, it closes on that day. Raises CalendarYearMissing.
    """
    if (due := reply_due(petition, context)) is not None:
        return due
    closed = dict(context.conferences)
    for conference_id in petition.raised:
        conference = closed.get(conference_id)
        if conference is not None and not conference.cancelled and conference.closed_on is None:
            ended_on = max(conference.last_day or day, day)
            closed[conference_id] = conference.with_fact(unrecorded(ConferenceClosed(effective_on=ended_on), NEXT))
    return reply_due(petition, msgspec.structs.replace(context, conferences=closed))


def reply_clock(petition: Petition, context: DecisionContext, more: Iterable[ClockEvent] = ()) -> ReplyClock | None:
    """The reply's clock, as it would stand after some `more` acts. Raises CalendarYearMissing."""
    case, merged_petitions = petition.reply_case, merged_petitions_of(context.target_id, context)
    if after := [unrecorded(event, NEXT + number) for number, event in enumerate(more)]:
        found = fold_reply_case((*petition.facts, *after))
        assert found is not None
        case = found
    basis = reply_basis(case, len(case.rounds) - 1, merged_petitions, _rules(context))
    if basis is None:
        return None
    end = answered(case, case.round, merged_petitions) or case.round.end
    try:
        rule_in_force, state = _settled(basis, context, end.on if end else None)
    except CalendarMissing as missing:
        raise unreachable("reply", basis.start.on, missing) from missing
    return ReplyClock(rule_in_force.rule, state, basis.has_own_clock)


def reply_rule(petition: Petition, context: DecisionContext) -> Rule | None:
    """The rule of the clock that runs; while none runs, that of the receipt. Raises CalendarYearMissing."""
    if (clock := reply_clock(petition, context)) is not None:
        return clock.rule
    rule_in_force = context.regulation.rule_in_force(petition.jurisdiction, "reply", petition.received_on)
    return rule_in_force.rule if rule_in_force else None


def merged_petitions_of(petition_id: UUID, context: DecisionContext) -> tuple[MergedPetition[AnyFact], ...]:
    """The petitions merged into one, and those merged into them."""
    found = []
    for merged_id, merged in context.petitions.items():
        if merged.merged_into == petition_id:
            case = merged.reply_case
            assert case.round.end is not None
            found.append(MergedPetition(case, case.round.end, merged_petitions_of(merged_id, context)))
    return tuple(found)


def _settled(
    basis: ReplyBasis[AnyFact], context: DecisionContext, ended_on: date | None
) -> tuple[RuleInForce, RunningClock]:
    regulation = context.regulation
    clock = running_clock(basis, regulation.in_force, regulation.calendar, ended_on)
    if ended_on is None or clock[1].due_on is None:
        return clock
    fairest, _ = regulation.calendars.fairest(
        ended_on,
        lambda calendar: running_clock(basis, regulation.in_force, calendar, ended_on),
        lambda each: each[1].due_on is None or ended_on <= each[1].due_on,
    )
    return fairest


def _rules(context: DecisionContext) -> ReplyRules[AnyFact]:
    def end_of(conference_id: UUID) -> ConferenceEnd | None:
        conference = context.conferences.get(conference_id)
        return conference.end if conference is not None else None

    return ReplyRules(context.regulation.in_force, end_of)
