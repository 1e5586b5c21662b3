"""The chair plans a conference, gives it other days, or cancels it (plan II.4.1)."""

from collections.abc import Iterator
from datetime import date

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, ConferenceAct, CreatingAct, any_body
from services.intake.domain.conference import Conference, require_not_cancelled, require_not_opened
from services.intake.domain.context import DecisionContext, require_countable_backward
from services.intake.domain.facts import AnyFact
from shared.cases.facts import standing
from shared.events.conference import ConferenceCancelled, ConferencePlanned, ConferenceRescheduled


def _check_plan(event: ConferencePlanned, context: DecisionContext) -> None:
    """The jurisdiction and the bodies exist, the days are in order, and the clocks back from them can be counted."""
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    for field, code in (("office", event.office), ("station", event.station)):
        if code:
            context.regulation.agency_on(code, event.effective_on, field)
    _check_days(event.first_day, event.last_day, event.effective_on)
    require_countable_backward(context, event.jurisdiction, event.first_day, event.effective_on, event.audience)


def _possible_plan(conference: Conference) -> None:
    require_not_cancelled(conference)
    if conference.planned_on is not None:
        raise errors.AlreadyPlanned
    if (conference.proposed and conference.accepted is not True) or conference.accepted is False:
        raise errors.ProposalNotAccepted


def _check_plan_of(conference: Conference, event: ConferencePlanned, context: DecisionContext) -> None:
    if conference.jurisdiction != event.jurisdiction:
        raise errors.InvalidValue("jurisdiction", "other-jurisdiction", jurisdiction=conference.jurisdiction)
    _check_plan(event, context)
    if conference.requested and event.audience != conference.audience:
        raise errors.InvalidValue("audience", "other-audience", audience=conference.audience)


def _check_days(first_day: date, last_day: date, act_day: date) -> None:
    if last_day < first_day:
        raise errors.InvalidValue("last_day", "last-before-first", last_day=last_day, first_day=first_day)
    if first_day < act_day:
        raise errors.PlannedAfterItsDay("first_day", first_day=first_day, act_day=act_day)


def _check_new_days(conference: Conference, event: ConferenceRescheduled, context: DecisionContext) -> None:
    _check_days(event.first_day, event.last_day, event.effective_on)
    # The clocks keep the rules that were in force on the day of the planning.
    act_on = conference.planned_on or event.effective_on
    require_countable_backward(context, conference.jurisdiction, event.first_day, act_on, conference.audience)


def _planned(conference: Conference, event: ConferencePlanned) -> Conference:
    return replace(
        conference,
        jurisdiction=event.jurisdiction,
        kind=event.kind,
        planned_on=event.effective_on,
        first_days=(event.first_day,),
        last_day=event.last_day,
        office=event.office,
        station=event.station,
        audience=event.audience,
    )


def _rescheduled(conference: Conference, event: ConferenceRescheduled) -> Conference:
    if conference.rescheduled_on is not None and event.effective_on < conference.rescheduled_on:
        # Recorded late, it is overtaken by the rescheduling dated after it; its day was told all the same.
        return replace(conference, first_days=(event.first_day, *conference.first_days))
    first_days = (*conference.first_days, event.first_day)
    return replace(conference, first_days=first_days, last_day=event.last_day, rescheduled_on=event.effective_on)


def later_in_petitions(record: AnyFact, context: DecisionContext) -> Iterator[AnyFact]:
    """What was done since to the petitions of the conference."""
    for petition in context.petitions.values():
        if context.target_id in petition.conferences:
            yield from (fact for fact in standing(petition.facts) if fact.position > record.position)


CREATING_ACTS = (
    CreatingAct(
        event=ConferencePlanned,
        path="/v1/conferences",
        roles=OFFICE_OR_CHAIR,
        rests_on_rules=True,
        check_in_context=_check_plan,
        begin=lambda event: _planned(Conference(event.jurisdiction, event.effective_on), event),
    ),
)
CONFERENCE_ACTS = (
    ConferenceAct(
        event=ConferencePlanned,
        path="plan",
        roles=OFFICE_OR_CHAIR,
        rests_on_rules=True,
        possible=_possible_plan,
        check=any_body,
        check_in_context=_check_plan_of,
        fold=_planned,
        resting_on=later_in_petitions,
    ),
    ConferenceAct(
        event=ConferenceRescheduled,
        path="rescheduling",
        roles=OFFICE_OR_CHAIR,
        rests_on_rules=True,
        possible=require_not_opened,
        check=any_body,
        check_in_context=_check_new_days,
        fold=_rescheduled,
    ),
    ConferenceAct(
        event=ConferenceCancelled,
        path="cancellation",
        roles=OFFICE_OR_CHAIR,
        possible=require_not_opened,
        check=any_body,
        fold=lambda conference, event: replace(conference, cancelled=True),
    ),
)
