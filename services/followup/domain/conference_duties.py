"""The duties that a conference brings: before it (counted back), after it, and around a proposal."""

from collections.abc import Callable
from datetime import date

from services.followup.domain.cases import ConferenceCase, Stretch
from services.followup.domain.desired import Desired, Done, Duty, Waived, settle
from services.followup.domain.facts import Fact, by_effect
from services.followup.domain.regulation import Regulation
from shared.calendar import Calendar
from shared.events.conference import (
    ConclusionNoticeIssued,
    ConferenceProposalDecided,
    ConferenceRescheduled,
    InternalReviewHeld,
    InvitationsSent,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicNoticePublished,
)
from shared.policy import Policy, Rule, count

OFFICE, CHAIR = "office", "chair"
CHANNELS = ("media", "portal")


def back_from(rule: Rule, first_day: date) -> Callable[[Calendar], date]:
    """The due date of a duty counted back from the first conference day, day 0."""

    def due_under(calendar: Calendar) -> date:
        counted = count(rule, first_day, calendar)
        assert counted is not None, f"{rule.duty} is dated"
        return counted.due_on

    return due_under


def stretches(conference: ConferenceCase, start: Fact, rule: Rule, regulation: Regulation) -> list[Stretch]:
    """The stretches of a backward duty: a rescheduling dated on or before the due date moves it, a later one ends it."""
    planned, plan = conference.planned, conference.plan
    if planned is None or plan is None:
        return []
    found = [Stretch(start, planned, plan.first_day)]
    for fact in by_effect(conference.rescheduled):
        assert isinstance(fact.event, ConferenceRescheduled)
        last = found[-1]
        before_start = (fact.on, fact.position) < (start.on, start.position)
        if before_start or fact.on <= back_from(rule, last.first_day)(regulation.calendar):
            last.first_day = fact.event.first_day
        else:
            last.overtaken = fact
            found.append(Stretch(fact, planned, fact.event.first_day))
    return found


def conference_duties(case: ConferenceCase, source: str, regulation: Regulation) -> list[Desired]:
    """Every deadline that the conference ought to have. Raises CalendarMissing."""
    duties = [*_proposal(case, source, regulation)]
    if case.planned is not None:
        duties += _before(case, case.planned, source, regulation)
    if case.closed is not None:
        duties += _after(case, case.closed, source, regulation)
    return [settle(duty, regulation) for duty in duties]


def _duty(
    case: ConferenceCase,
    source: str,
    policy: Policy,
    name: str,
    start: Fact,
    debtor: str,
    counted_from: date,
    end: Done | Waived | None,
    part: str = "",
    due_under: Callable[[Calendar], date] | None = None,
) -> Duty:
    return Duty(
        source=source,
        subject="conference",
        subject_id=case.conference_id,
        duty=name,
        start=start,
        debtor=debtor,
        jurisdiction=case.jurisdiction,
        policy=policy,
        counted_from=counted_from,
        part=part,
        end=end,
        due_under=due_under,
    )


def _proposal(case: ConferenceCase, source: str, regulation: Regulation) -> list[Duty]:
    duties = []
    cancelled = Waived(case.cancelled.on, case.cancelled, "cancelled") if case.cancelled else None
    if case.proposed is not None:
        policy = regulation.policy(case.jurisdiction, case.proposed.on)
        decided = Done(case.decided.on, case.decided) if case.decided else cancelled
        duties.append(
            _duty(case, source, policy, "proposal_decision", case.proposed, CHAIR, case.proposed.on, decided)
        )
    if case.decided is not None and isinstance(case.decided.event, ConferenceProposalDecided):
        if case.decided.event.accepted:
            policy = regulation.policy(case.jurisdiction, case.decided.on)
            held = Done(case.closed.on, case.closed) if case.closed else cancelled
            duties.append(_duty(case, source, policy, "convene", case.decided, CHAIR, case.decided.on, held))
    return duties


def _before(case: ConferenceCase, planned: Fact, source: str, regulation: Regulation) -> list[Duty]:
    policy = regulation.policy(case.jurisdiction, planned.on)
    plan = case.plan
    assert plan is not None
    duties: list[Duty] = []

    def add(name: str, start: Fact, debtor: str, part: str, deeds: Callable[[Stretch], list[Fact]]) -> None:
        rule = policy.rule(name)
        for stretch in stretches(case, start, rule, regulation):
            end = _discharge(case, stretch, deeds(stretch))
            due_under = back_from(rule, stretch.first_day)
            duties.append(
                _duty(case, source, policy, name, stretch.start, debtor, stretch.first_day, end, part, due_under)
            )

    def invited(stretch: Stretch) -> list[Fact]:
        return [
            f
            for f in case.of(InvitationsSent)
            if isinstance(f.event, InvitationsSent) and f.event.for_date == stretch.first_day
        ]

    def published(channel: str) -> Callable[[Stretch], list[Fact]]:
        return lambda stretch: [
            f
            for f in case.of(PublicNoticePublished)
            if isinstance(f.event, PublicNoticePublished)
            and f.event.channel == channel
            and f.event.for_date == stretch.first_day
        ]

    def done(task: str) -> Callable[[Stretch], list[Fact]]:
        return lambda _: [
            f
            for f in case.of(PreparationTaskDone)
            if isinstance(f.event, PreparationTaskDone) and f.event.task == task
        ]

    add("invitation", planned, OFFICE, "", invited)
    for channel in CHANNELS:
        debtor = plan.station if channel == "media" and plan.station else OFFICE
        add("public_notice", planned, debtor, channel, published(channel))
    add("preparation_report", planned, OFFICE, "", lambda _: case.of(PreparationReported))
    for fact in case.of(PreparationTaskAssigned):
        task = fact.event
        assert isinstance(task, PreparationTaskAssigned)
        add("preparation_task", fact, task.agency, task.task, done(task.task))
    return duties


def _discharge(case: ConferenceCase, stretch: Stretch, deeds: list[Fact]) -> Done | Waived | None:
    if deeds:
        first = by_effect(deeds)[0]
        return Done(first.on, first)
    if stretch.overtaken is not None:
        return Waived(stretch.overtaken.on, stretch.overtaken, "rescheduled")
    if case.cancelled is not None:
        return Waived(case.cancelled.on, case.cancelled, "cancelled")
    return None


def _after(case: ConferenceCase, closed: Fact, source: str, regulation: Regulation) -> list[Duty]:
    policy = regulation.policy(case.jurisdiction, closed.on)
    duties = []
    for name, kind in (("internal_review", InternalReviewHeld), ("conclusion_notice", ConclusionNoticeIssued)):
        deeds = by_effect(case.of(kind))
        end = Done(deeds[0].on, deeds[0]) if deeds else None
        duties.append(_duty(case, source, policy, name, closed, CHAIR, closed.on, end))
    return duties
