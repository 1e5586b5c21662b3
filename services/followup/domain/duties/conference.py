"""The duties that a conference brings: before it (counted back), after it, and around a proposal."""

from collections.abc import Callable, Sequence
from datetime import date

import msgspec

from services.followup.domain.cases import BackwardPeriod, ConferenceCase
from services.followup.domain.duties.anchors import conference_anchor, first
from services.followup.domain.duties.due_dates import ExpectedDeadline, settle
from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.calendar import Calendar
from shared.cases.facts import by_effect
from shared.events.conference import (
    ComplexityDetermined,
    ConferenceProposalDecided,
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
    RequestAnswered,
)
from shared.policy import Rule, RuleInForce, Step, anchor_of, count, counted_from
from shared.policy.schema import Channel

OFFICE, CHAIR = "office", "chair"
#: Where a notice appears if a rule names no channels (plan II.4.1).
CHANNELS: tuple[Channel, ...] = ("media", "portal")
#: What must stay posted where a rule names no channels.
POSTED: tuple[Channel, ...] = ("posting",)

Deeds = Callable[[BackwardPeriod], list[Fact]]


def stretches(conference: ConferenceCase, start: Fact, rule: Rule, regulation: RegulationLog) -> list[BackwardPeriod]:
    """The stretches of a backward duty: a rescheduling dated by the due date moves it, a later one ends it."""
    planned, plan = conference.planned, conference.plan
    if planned is None or plan is None:
        return []
    found = [BackwardPeriod(start, planned, plan.first_day)]
    for fact in by_effect(conference.rescheduled):
        assert isinstance(fact.event, ConferenceRescheduled)
        last = found[-1]
        before_start = (fact.on, fact.position) < (start.on, start.position)
        if before_start or fact.on <= _due(rule, last.first_day, regulation.calendar):
            last.first_day = fact.event.first_day
        else:
            last.overtaken = fact
            found.append(BackwardPeriod(fact, planned, fact.event.first_day))
    return found


def _due(rule: Rule, first_day: date, calendar: Calendar) -> date:
    counted = count(rule, first_day, calendar)
    # What has no number is owed until the conference itself.
    return counted.due_on if counted else first_day


def conference_duties(case: ConferenceCase, source: str, regulation: RegulationLog) -> list[ExpectedDeadline]:
    """Every deadline that the conference ought to have. Raises CalendarMissing."""
    owing = _Owing(case, source, regulation)
    duties = [*_proposal(owing)]
    if case.planned is not None:
        duties += _before(owing, case.planned)
    if case.closed is not None:
        duties += _after(owing, case.closed)
    duties += _postings(owing)
    return [settle(duty, regulation) for duty in duties]


class _Owing(msgspec.Struct, frozen=True):
    """A conference, and how a duty on it is put."""

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


def _done(events: Sequence[Fact]) -> Done | None:
    event = first(list(events))
    return Done(event.on, event) if event is not None else None


# --- around a proposal -----------------------------------------------------------------------------------------------


def _proposal(owing: _Owing) -> list[Duty]:
    case = owing.case
    if case.proposed is None:
        return []
    duties = []
    cancelled = Waived(case.cancelled.on, case.cancelled, "cancelled") if case.cancelled else None
    rule_in_force = owing.rule_in_force("proposal_decision", case.proposed.on)
    if rule_in_force is not None and (start := conference_anchor(case, anchor_of(rule_in_force.rule))) is not None:
        decided = Done(case.decided.on, case.decided) if case.decided else cancelled
        duties.append(owing.duty("proposal_decision", rule_in_force, start, CHAIR, start.on, decided))
    return [*duties, *_convening(owing, case.proposed, cancelled)]


def _convening(owing: _Owing, proposed: Fact, cancelled: Waived | None) -> list[Duty]:
    """A dialogue is held as asked: counted from the request where a law says so, else from the chair's decision."""
    case = owing.case
    asked = owing.rule_in_force("convene", proposed.on)
    by_request = asked is not None and anchor_of(asked.rule) == "request"
    is_request = isinstance(proposed.event, DialogueRequested)
    held = Done(case.closed.on, case.closed) if case.closed else cancelled
    if asked is not None and by_request and is_request:
        refused = Waived(case.decided.on, case.decided, "declined") if case.decided and not _accepted(case) else None
        return [owing.duty("convene", asked, proposed, CHAIR, proposed.on, held or refused)]
    if case.decided is None or not _accepted(case):
        return []
    rule_in_force = owing.rule_in_force("convene", case.decided.on)
    return [owing.duty("convene", rule_in_force, case.decided, CHAIR, case.decided.on, held)] if rule_in_force else []


def _accepted(case: ConferenceCase) -> bool:
    decision = case.decided.event if case.decided else None
    return isinstance(decision, ConferenceProposalDecided | RequestAnswered) and decision.accepted


# --- before the conference -------------------------------------------------------------------------------------------


def _before(owing: _Owing, planned: Fact) -> list[Duty]:
    case = owing.case
    plan = case.plan
    assert plan is not None
    duties: list[Duty] = []

    def add(name: str, start: Fact, debtor: str, part: str, events: Deeds) -> None:
        rule_in_force = owing.rule_in_force(name, planned.on)
        if rule_in_force is None:
            return
        for stretch in stretches(case, start, rule_in_force.rule, owing.regulation):
            end = _discharge(case, stretch, events(stretch))
            duties.append(owing.duty(name, rule_in_force, stretch.start, debtor, stretch.first_day, end, part=part))

    add("invitation", planned, OFFICE, "", _naming(case, InvitationsSent))
    notice = owing.rule_in_force("public_notice", planned.on)
    for part, channels in _parts(notice.rule if notice else None, CHANNELS):
        debtor = plan.station if part == "media" and plan.station else OFFICE
        add("public_notice", planned, debtor, part, _naming(case, PublicNoticePublished, channels))
    add("preparation_report", planned, OFFICE, "", lambda _: case.of(PreparationReported))
    for fact in case.of(PreparationTaskAssigned):
        task = fact.event
        assert isinstance(task, PreparationTaskAssigned)
        add("preparation_task", fact, task.agency, task.task, _task_done(case, task.task))
    return duties


def _parts(rule: Rule | None, usual: tuple[Channel, ...]) -> list[tuple[str, tuple[Channel, ...]]]:
    """Where all channels are needed each is a duty of its own; where one is enough, they are one duty together."""
    channels = rule.channels if rule else None
    if channels is not None and channels.any_of:
        return [("", channels.names)]
    return [(channel, (channel,)) for channel in (channels.names if channels else usual)]


def _naming(
    case: ConferenceCase,
    kind: type[InvitationsSent] | type[PublicNoticePublished],
    channels: tuple[Channel, ...] = (),
) -> Deeds:
    """Only what names the new date discharges the duty for it."""

    def events(stretch: BackwardPeriod) -> list[Fact]:
        return [
            fact
            for fact in case.of(kind)
            if isinstance(fact.event, InvitationsSent | PublicNoticePublished)
            and fact.event.for_date == stretch.first_day
            and (isinstance(fact.event, InvitationsSent) or fact.event.channel in channels)
        ]

    return events


def _task_done(case: ConferenceCase, task: str) -> Deeds:
    return lambda _: [
        f for f in case.of(PreparationTaskDone) if isinstance(f.event, PreparationTaskDone) and f.event.task == task
    ]


def _discharge(case: ConferenceCase, stretch: BackwardPeriod, events: list[Fact]) -> Done | Waived | None:
    if events:
        return _done(events)
    if stretch.overtaken is not None:
        return Waived(stretch.overtaken.on, stretch.overtaken, "rescheduled")
    if case.cancelled is not None:
        return Waived(case.cancelled.on, case.cancelled, "cancelled")
    return None


# --- after the conference --------------------------------------------------------------------------------------------


def _after(owing: _Owing, closed: Fact) -> list[Duty]:
    case = owing.case
    duties: list[Duty] = []

    def add(name: str, debtor: str, part: str, events: Sequence[Fact]) -> None:
        rule_in_force = owing.rule_in_force(name, closed.on)
        start = _after_anchor(case, rule_in_force, closed)
        if rule_in_force is not None and start is not None:
            since = counted_from(rule_in_force.rule, start.on)
            steps = _complexity(case) if rule_in_force.rule.variants else None
            duties.append(owing.duty(name, rule_in_force, start, debtor, since, _done(events), part=part, steps=steps))

    add("internal_review", CHAIR, "", case.of(InternalReviewHeld))
    add("conclusion_notice", CHAIR, "", [case.concluded] if case.concluded else [])
    results = owing.rule_in_force("result_publication", closed.on)
    for part, channels in _parts(results.rule if results else None, CHANNELS):
        debtor = case.plan.station if part == "media" and case.plan and case.plan.station else OFFICE
        add("result_publication", debtor, part, [f for f in case.published if _is_result(f, channels)])
    return duties


def _after_anchor(case: ConferenceCase, rule_in_force: RuleInForce | None, closed: Fact) -> Fact | None:
    anchor = anchor_of(rule_in_force.rule) if rule_in_force else None
    return closed if anchor == "fixed_date" else conference_anchor(case, anchor)


def _is_result(fact: Fact, channels: tuple[Channel, ...]) -> bool:
    event = fact.event
    return isinstance(event, PublicationStarted) and event.what == "result" and event.channel in channels


def _complexity(case: ConferenceCase) -> Callable[[Calendar], Sequence[Step]] | None:
    steps = [
        Step(kind="trait", on=fact.on, trait=fact.event.variant)
        for fact in by_effect(case.complexity)
        if isinstance(fact.event, ComplexityDetermined)
    ]
    return (lambda _: steps) if steps else None


# --- what must stay posted -------------------------------------------------------------------------------------------


def _postings(owing: _Owing) -> list[Duty]:
    """What is posted must stay for its time; posted anew after it was taken down, it has a new time."""
    duties = []
    published = by_effect(owing.case.published)
    for index, start in enumerate(published):
        rule_in_force = owing.rule_in_force("posting", start.on)
        if rule_in_force is None or not isinstance(start.event, PublicationStarted):
            continue
        if start.event.channel not in (rule_in_force.rule.channels.names if rule_in_force.rule.channels else POSTED):
            continue
        anew = next((fact for fact in published[index + 1 :] if _same(fact, start)), None)
        down = next((f for f in by_effect(owing.case.taken_down) if _same(f, start) and _between(start, f, anew)), None)
        end = Waived(anew.on, anew, "posted_anew") if anew is not None else None
        part = f"{start.event.what}:{start.event.channel}"
        duties.append(owing.duty("posting", rule_in_force, start, OFFICE, start.on, end, part=part, taken_down=down))
    return duties


def _same(fact: Fact, start: Fact) -> bool:
    event, begun = fact.event, start.event
    assert isinstance(begun, PublicationStarted)
    if not isinstance(event, PublicationStarted | PublicationEnded):
        return False
    return (event.what, event.channel) == (begun.what, begun.channel)


def _between(start: Fact, fact: Fact, until: Fact | None) -> bool:
    after = (fact.on, fact.position) > (start.on, start.position)
    return after and (until is None or (fact.on, fact.position) < (until.on, until.position))
