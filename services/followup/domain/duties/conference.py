"""The duties that a conference brings: on its proposal, before it (counted back), after it, and on what is posted."""

from collections.abc import Callable, Sequence
from datetime import date

import msgspec

from services.followup.domain.cases import BackwardPeriod, ConferenceCase
from services.followup.domain.duties.anchors import conference_anchor
from services.followup.domain.duties.due_dates import ExpectedDeadline, UncountableDuty, count_duties
from services.followup.domain.duties.duty import Done, Duty, Waived, WaiverGround
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.calendar import Calendar, CalendarMissing
from shared.cases.facts import by_effect
from shared.cases.successors import CHAIR, OFFICE
from shared.events.conference import (
    ComplexityDetermined,
    ConferenceRescheduled,
    DialogueRequested,
    InternalReviewHeld,
    InvitationsSent,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicationEnded,
    PublicationStarted,
    PublicNoticePublished,
)
from shared.policy import Rule, RuleInForce, Step, StepKind, anchor_of, count
from shared.policy.schema import Channel

#: Where a notice appears if a rule names no channels (plan II.4.1).
CHANNELS: tuple[Channel, ...] = ("media", "portal")
#: What must stay posted where a rule names no channels.
POSTED: tuple[Channel, ...] = ("posting",)

#: The facts by which a duty is done, in one period that counts back.
Discharging = Callable[[BackwardPeriod], Sequence[Fact]]


def backward_periods(
    conference: ConferenceCase, start: Fact, rule: Rule, regulation: RegulationLog
) -> list[BackwardPeriod]:
    """The periods of a duty counted back: a rescheduling dated by the due date moves its day, a later one ends it."""
    plan = conference.plan
    if plan is None:
        return []
    found = [BackwardPeriod(start, plan.first_day)]
    for fact in by_effect(conference.of(ConferenceRescheduled)):
        last = found[-1]
        before_start = (fact.on, fact.position) < (start.on, start.position)
        if before_start or fact.on <= _due(rule, last.first_day, regulation.calendar):
            last.first_day = fact.event.first_day
        else:
            last.overtaken = fact
            found.append(BackwardPeriod(fact, fact.event.first_day))
    return found


def _due(rule: Rule, first_day: date, calendar: Calendar) -> date:
    try:
        counted = count(rule, first_day, calendar)
    except CalendarMissing:
        counted = None
    # What has no number, or cannot be counted yet, is owed until the conference itself.
    return counted.due_on if counted else first_day


def conference_duties(
    case: ConferenceCase, source: str, regulation: RegulationLog
) -> list[ExpectedDeadline | UncountableDuty]:
    """Every deadline that the conference should have, and the duties that cannot be counted."""
    of = _DutyOf(case, source, regulation)
    duties = [*_proposal(of)]
    if case.planned is not None:
        duties += _before(of, case.planned)
    if case.closed is not None:
        duties += _after(of, case.closed)
    duties += _postings(of)
    return count_duties(duties, regulation)


class _DutyOf(msgspec.Struct, frozen=True):
    """A conference, its rules in force, and what its duties have in common."""

    case: ConferenceCase
    source: str
    regulation: RegulationLog

    def rule_in_force(self, name: str, day: date) -> RuleInForce | None:
        return self.regulation.rule_in_force(self.case.jurisdiction, name, day, self.case.audience)

    def duty(
        self,
        name: str,
        rule_in_force: RuleInForce,
        start: Fact,
        debtor: str,
        since: date,
        end: Done | Waived | None,
        **more: object,
    ) -> Duty:
        return Duty(
            source=self.source,
            subject="conference",
            subject_id=self.case.conference_id,
            duty=name,
            start=start,
            debtor=debtor,
            jurisdiction=self.case.jurisdiction,
            rule_in_force=rule_in_force,
            counted_from=since,
            audience=self.case.audience,
            end=end,
            **more,  # type: ignore[arg-type]
        )


def _done(facts: Sequence[Fact]) -> Done | None:
    """The duty done by the first of the facts that took effect; None where there are none."""
    return Done(first.on, first) if (first := next(iter(by_effect(facts)), None)) is not None else None


# --- around a proposal -----------------------------------------------------------------------------------------------


def _proposal(of: _DutyOf) -> list[Duty]:
    case = of.case
    if case.proposed is None:
        return []
    duties = []
    cancelled = Waived(case.cancelled.on, case.cancelled, WaiverGround.CANCELLED) if case.cancelled else None
    rule_in_force = of.rule_in_force("proposal_decision", case.proposed.on)
    if rule_in_force is not None and (start := conference_anchor(case, anchor_of(rule_in_force.rule))) is not None:
        decided = Done(case.decided.on, case.decided) if case.decided else cancelled
        duties.append(of.duty("proposal_decision", rule_in_force, start, CHAIR, start.on, decided))
    return [*duties, *_convening(of, case.proposed, cancelled)]


def _convening(of: _DutyOf, proposed: Fact, cancelled: Waived | None) -> list[Duty]:
    """A dialogue is held as asked: counted from the request where a law says so, else from the chair's decision."""
    case = of.case
    asked = of.rule_in_force("convene", proposed.on)
    by_request = asked is not None and anchor_of(asked.rule) == "request"
    is_request = isinstance(proposed.event, DialogueRequested)
    held = Done(case.closed.on, case.closed) if case.closed else cancelled
    if asked is not None and by_request and is_request:
        declined = None
        if case.decided is not None and not _accepted(case):
            declined = Waived(case.decided.on, case.decided, WaiverGround.DECLINED)
        return [of.duty("convene", asked, proposed, CHAIR, proposed.on, held or declined)]
    if case.decided is None or not _accepted(case):
        return []
    rule_in_force = of.rule_in_force("convene", case.decided.on)
    return [of.duty("convene", rule_in_force, case.decided, CHAIR, case.decided.on, held)] if rule_in_force else []


def _accepted(case: ConferenceCase) -> bool:
    return case.decided is not None and case.decided.event.accepted


# --- before the conference -------------------------------------------------------------------------------------------


def _before(of: _DutyOf, planned: Fact) -> list[Duty]:
    case = of.case
    plan = case.plan
    assert plan is not None
    duties: list[Duty] = []

    def add(name: str, start: Fact, debtor: str, part: str, discharging: Discharging) -> None:
        rule_in_force = of.rule_in_force(name, planned.on)
        if rule_in_force is None:
            return
        for period in backward_periods(case, start, rule_in_force.rule, of.regulation):
            end = _discharge(case, period, discharging(period))
            duties.append(of.duty(name, rule_in_force, period.start, debtor, period.first_day, end, part=part))

    add("invitation", planned, OFFICE, "", _invitations(case))
    notice = of.rule_in_force("public_notice", planned.on)
    for part, channels in _parts(notice.rule if notice else None, CHANNELS):
        debtor = plan.station if part == "media" and plan.station else OFFICE
        add("public_notice", planned, debtor, part, _notices(case, channels))
    add("preparation_report", planned, OFFICE, "", lambda _: case.of(PreparationReported))
    for fact in case.of(PreparationTaskAssigned):
        task = fact.event
        add("preparation_task", fact, task.agency, task.task, _task_done(case, task.task))
    return duties


def _parts(rule: Rule | None, usual: tuple[Channel, ...]) -> list[tuple[str, tuple[Channel, ...]]]:
    """Where all channels are needed each is a duty of its own; where one is enough, they are one duty together."""
    channels = rule.channels if rule else None
    if channels is not None and channels.any_of:
        return [("", channels.names)]
    return [(channel, (channel,)) for channel in (channels.names if channels else usual)]


def _invitations(case: ConferenceCase) -> Discharging:
    """The invitations that name the first day: those for a day that was moved since do not count."""
    return lambda period: [fact for fact in case.of(InvitationsSent) if fact.event.for_date == period.first_day]


def _notices(case: ConferenceCase, channels: tuple[Channel, ...]) -> Discharging:
    """The notices in one of the channels that name the first day."""
    return lambda period: [
        fact
        for fact in case.of(PublicNoticePublished)
        if fact.event.for_date == period.first_day and fact.event.channel in channels
    ]


def _task_done(case: ConferenceCase, task: str) -> Discharging:
    return lambda _: [fact for fact in case.of(PreparationTaskDone) if fact.event.task == task]


def _discharge(case: ConferenceCase, period: BackwardPeriod, facts: Sequence[Fact]) -> Done | Waived | None:
    if facts:
        return _done(facts)
    if period.overtaken is not None:
        return Waived(period.overtaken.on, period.overtaken, WaiverGround.RESCHEDULED)
    if case.cancelled is not None:
        return Waived(case.cancelled.on, case.cancelled, WaiverGround.CANCELLED)
    return None


# --- after the conference --------------------------------------------------------------------------------------------


def _after(of: _DutyOf, closed: Fact) -> list[Duty]:
    case = of.case
    duties: list[Duty] = []

    def add(name: str, debtor: str, part: str, facts: Sequence[Fact]) -> None:
        rule_in_force = of.rule_in_force(name, closed.on)
        start = _after_anchor(case, rule_in_force, closed)
        if rule_in_force is not None and start is not None:
            steps = _complexity(case) if rule_in_force.rule.variants else None
            duties.append(of.duty(name, rule_in_force, start, debtor, start.on, _done(facts), part=part, steps=steps))

    add("internal_review", CHAIR, "", case.of(InternalReviewHeld))
    add("conclusion_notice", CHAIR, "", [case.concluded] if case.concluded else [])
    results = of.rule_in_force("result_publication", closed.on)
    for part, channels in _parts(results.rule if results else None, CHANNELS):
        debtor = case.plan.station if part == "media" and case.plan and case.plan.station else OFFICE
        published = [f for f in case.of(PublicationStarted) if f.event.what == "result" and f.event.channel in channels]
        add("result_publication", debtor, part, published)
    return duties


def _after_anchor(case: ConferenceCase, rule_in_force: RuleInForce | None, closed: Fact) -> Fact | None:
    anchor = anchor_of(rule_in_force.rule) if rule_in_force else None
    return closed if anchor == "fixed_date" else conference_anchor(case, anchor)


def _complexity(case: ConferenceCase) -> Callable[[Calendar], Sequence[Step]] | None:
    steps = [
        Step(kind=StepKind.TRAIT, on=fact.on, trait=fact.event.variant)
        for fact in by_effect(case.of(ComplexityDetermined))
    ]
    return (lambda _: steps) if steps else None


# --- what must stay posted -------------------------------------------------------------------------------------------


def _postings(of: _DutyOf) -> list[Duty]:
    """What is posted must stay for its time; posted again after it was taken down, it has a new time."""
    duties = []
    published = by_effect(of.case.of(PublicationStarted))
    taken_down = by_effect(of.case.of(PublicationEnded))
    for index, start in enumerate(published):
        rule_in_force = of.rule_in_force("posting", start.on)
        if rule_in_force is None:
            continue
        if start.event.channel not in (rule_in_force.rule.channels.names if rule_in_force.rule.channels else POSTED):
            continue
        again = next((fact for fact in published[index + 1 :] if _same(fact, start)), None)
        down = next((fact for fact in taken_down if _same(fact, start) and _between(start, fact, again)), None)
        end = Waived(again.on, again, WaiverGround.POSTED_AGAIN) if again is not None else None
        part = f"{start.event.what}:{start.event.channel}"
        duties.append(of.duty("posting", rule_in_force, start, OFFICE, start.on, end, part=part, taken_down=down))
    return duties


def _same(fact: Fact[PublicationStarted | PublicationEnded], start: Fact[PublicationStarted]) -> bool:
    """Whether both concern the same thing in the same channel."""
    return (fact.event.what, fact.event.channel) == (start.event.what, start.event.channel)


def _between(start: Fact, fact: Fact, until: Fact | None) -> bool:
    after = (fact.on, fact.position) > (start.on, start.position)
    return after and (until is None or (fact.on, fact.position) < (until.on, until.position))
