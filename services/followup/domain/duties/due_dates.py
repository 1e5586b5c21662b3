"""A duty's days counted: its due date, its debtor and its outcome by what is known, and why."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from services.followup.domain.duties.duty import OPEN, Done, Duty, DutyOutcome, Waived, WaiverGround
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.calendar import CALENDAR_DAY, START_DAY, WORKING_DAY, Calendar, CalendarMissing, Count
from shared.events.deadline import Explanation, SkippedDay, Subject
from shared.identifiers import ordered_derived_id
from shared.policy import (
    Note,
    NoteKind,
    Occurrence,
    Policy,
    Rule,
    RuleInForce,
    RunningClock,
    clock_after,
    count,
    count_occurrence,
    counted_from,
    length_of,
    recorded_note,
    rule_that_applies,
    variant_of,
    warn_days_before,
    warning_days,
)

#: Days of a count that need no explanation.
PLAIN = frozenset({WORKING_DAY, CALENDAR_DAY})


class ExpectedDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """One deadline as it should stand by the facts, the rules and the calendar that are known."""

    #: Its stream, derived from source, subject, duty, part and start: it stays the same when the date moves.
    deadline_id: UUID
    #: The source whose facts made it.
    source: str
    #: What kind of case owes it.
    subject: Subject
    #: The stream of that case.
    subject_id: UUID
    #: The name of its rule: `reply`, `invitation`, …
    duty: str
    #: Which of several alike it is; "" where there is one only.
    part: str
    #: The fact that made it arise.
    start: Fact
    #: The code of the body that owes it now, or that owed it when it ended.
    debtor: str
    #: The code of the authority whose case it is now, or was when it ended.
    jurisdiction: str
    #: The rule by which it is counted, with its document; a later document may have taken the place of the first.
    rule_in_force: RuleInForce
    #: The day from which its days are counted, forward or back.
    counted_from: date
    #: Where extensions, suspensions and other dates have left its clock.
    clock: RunningClock
    #: Which time it is of a duty that is owed again and again.
    occurrence: Occurrence | None
    #: The last day on which it can be done in time; None where it is undated or its clock stands still.
    due_on: date | None
    #: The days on whose local midnight a warning falls, earliest first.
    stages: tuple[date, ...]
    #: Whether a calendar in the count is only proposed, so that the date may still move.
    provisional: bool
    #: How it ended.
    outcome: DutyOutcome = OPEN
    #: The day on which it was done or waived; None while it is owed.
    done_on: date | None = None
    #: The place in the log of the record by which it was done; None where it was not.
    done_at: int | None = None
    #: Why it was waived; None where it was not.
    ground: WaiverGround | None = None
    #: A day on which it is only expected: of an extension without effect, or to which a posting must stay.
    expected_on: date | None = None
    #: What is to be said of the due date besides the count.
    notes: tuple[Note, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the duty is still owed."""
        return self.outcome == OPEN


class UncountableDuty(msgspec.Struct, frozen=True, kw_only=True):
    """A duty whose days cannot be counted: a year on the way has no calendar, or its document names an impossible day.

    What was raised on it stands and waits until a calendar or a document mends it.
    """

    #: The stream of the deadline that it has, or is going to have.
    deadline_id: UUID
    #: The stream of the case that owes it.
    subject_id: UUID
    #: The name of its rule.
    duty: str
    #: Which of several alike it is; "" where there is one only.
    part: str
    #: The document by whose rule it was to be counted.
    document: str
    #: What is missing, in English.
    reason: str


@lru_cache(maxsize=8_192)  # computed again at every event of the subject, most of which come close together
def deadline_id(source: str, subject_id: UUID, duty: str, part: str, start_id: UUID, start_stamp: datetime) -> UUID:
    """The id of a deadline: the same when its date or debtor changes, and ordered by the recording of its start."""
    return ordered_derived_id(start_stamp, "deadline", source, subject_id, duty, part, start_id)


class Judged(msgspec.Struct, frozen=True):
    """A duty under one calendar."""

    #: The rule that applies.
    rule_in_force: RuleInForce
    #: Where the clock stands.
    clock: RunningClock
    #: How the duty ended; None while it is owed.
    end: Done | Waived | None
    #: The same rule, where it took the place of the one under which the clock started.
    moved_by: RuleInForce | None = None

    @property
    def in_time(self) -> bool:
        """Whether it ended by its due date, or can still do so."""
        return self.end is None or self.clock.due_on is None or self.end.on <= self.clock.due_on


def judge(duty: Duty, regulation: RegulationLog, calendar: Calendar) -> Judged:
    """The duty under a calendar. Raises CalendarMissing.

    A clock keeps the rule of the act that started it, unless a later document moves those that run on its first day.
    """
    later = regulation.in_force.superseding(duty.jurisdiction, duty.duty, duty.start.on, duty.audience)
    ended_on = duty.end.on if duty.end is not None else None
    rule_in_force = rule_that_applies(
        duty.rule_in_force, later, lambda each: _under(duty, each, calendar).clock.due_on, ended_on
    )
    judged = _under(duty, rule_in_force, calendar)
    return judged if rule_in_force is duty.rule_in_force else msgspec.structs.replace(judged, moved_by=rule_in_force)


def _under(duty: Duty, rule_in_force: RuleInForce, calendar: Calendar) -> Judged:
    rule = rule_in_force.rule
    if duty.occurrence is not None:
        return Judged(
            rule_in_force,
            RunningClock(due_on=count_occurrence(rule, duty.occurrence, duty.counted_from, calendar).due_on),
            duty.end,
        )
    if rule.form == "minimum_duration":
        return _standing(duty, rule_in_force, calendar)
    if duty.steps is None and duty.own_clock:
        counted = count(rule, duty.counted_from, calendar, duty.traits)
        return Judged(
            rule_in_force, RunningClock(due_on=counted.due_on if counted else None, traits=duty.traits), duty.end
        )
    steps = duty.steps(calendar) if duty.steps else ()
    start = duty.counted_from if duty.own_clock else None
    return Judged(rule_in_force, clock_after(rule, start, steps, calendar, duty.traits), duty.end)


def _standing(duty: Duty, rule_in_force: RuleInForce, calendar: Calendar) -> Judged:
    """What must stay for a time has no due date until it is taken down too early: then that day is its last."""
    counted = count(rule_in_force.rule, duty.counted_from, calendar)
    assert counted is not None
    stays = Note(NoteKind.MUST_STAY_UNTIL, counted.due_on)
    down = duty.taken_down
    if down is not None and down.on < counted.due_on:
        early = Note(NoteKind.TAKEN_DOWN_EARLY, down.on)
        return Judged(
            rule_in_force, RunningClock(due_on=down.on, expected_on=counted.due_on, notes=(stays, early)), duty.end
        )
    end = Done(down.on, down) if down is not None else duty.end
    return Judged(rule_in_force, RunningClock(due_on=None, expected_on=counted.due_on, notes=(stays,)), end)


def count_duties(duties: Iterable[Duty], regulation: RegulationLog) -> list[ExpectedDeadline | UncountableDuty]:
    """The deadline of each duty, or why it cannot be counted: one such duty holds up no other."""
    return [_counted_or_not(duty, regulation) for duty in duties]


def _counted_or_not(duty: Duty, regulation: RegulationLog) -> ExpectedDeadline | UncountableDuty:
    try:
        return expected_deadline(duty, regulation)
    except (ValueError, OverflowError) as error:  # CalendarMissing, ImpossibleDay, or a day after the year 9999
        return UncountableDuty(
            deadline_id=_deadline_id(duty),
            subject_id=duty.subject_id,
            duty=duty.duty,
            part=duty.part,
            document=duty.rule_in_force.policy.document.number,
            reason=str(error),
        )


def _deadline_id(duty: Duty) -> UUID:
    start = duty.start
    return deadline_id(duty.source, duty.subject_id, duty.duty, duty.part, start.event_id, start.recorded_at)


def expected_deadline(duty: Duty, regulation: RegulationLog) -> ExpectedDeadline:
    """Count the duty's day and judge its outcome. Raises CalendarMissing, ImpossibleDay, OverflowError.

    What was done is judged by the calendar known on its day or by any later one, whichever is the first under which it
    is in time: a later publication can turn late into in time, never the reverse.
    """
    if duty.rule_in_force.rule.fixed_date is not None:
        duty = msgspec.structs.replace(duty, counted_from=counted_from(duty.rule_in_force.rule, duty.counted_from))
    calendar = regulation.calendar
    judged = judge(duty, regulation, calendar)
    if judged.end is not None and judged.clock.due_on is not None:
        judged, calendar = regulation.calendars.fairest(
            judged.end.on, lambda each: judge(duty, regulation, each), lambda each: each.in_time
        )
    end, due = judged.end, judged.clock.due_on
    outcome = OPEN
    if isinstance(end, Done):
        outcome = DutyOutcome.MET if judged.in_time else DutyOutcome.MET_LATE
    elif isinstance(end, Waived):
        outcome = DutyOutcome.WAIVED
    ended_on = end.on if end is not None else None
    provisional = due is not None and _provisional(duty, judged, calendar)
    notes = (*duty.notes, *judged.clock.notes, *_moved(judged))
    return ExpectedDeadline(
        deadline_id=_deadline_id(duty),
        source=duty.source,
        subject=duty.subject,
        subject_id=duty.subject_id,
        duty=duty.duty,
        part=duty.part,
        start=duty.start,
        debtor=regulation.successor_of_agency(duty.debtor, ended_on, judged.rule_in_force.policy.heirs),
        jurisdiction=_jurisdiction(duty, regulation, ended_on),
        rule_in_force=judged.rule_in_force,
        counted_from=duty.counted_from,
        clock=judged.clock,
        occurrence=duty.occurrence,
        due_on=due,
        stages=_stages(duty, judged, calendar),
        provisional=provisional,
        outcome=outcome,
        done_on=ended_on,
        done_at=end.by.position if isinstance(end, Done) else None,
        ground=end.ground if isinstance(end, Waived) else None,
        expected_on=judged.clock.expected_on,
        notes=(*notes, Note(NoteKind.PROVISIONAL)) if provisional else notes,
    )


def _jurisdiction(duty: Duty, regulation: RegulationLog, on: date | None) -> str:
    if duty.subject == "jurisdiction":
        return duty.jurisdiction
    return regulation.successor_of_jurisdiction(duty.jurisdiction, on)


def _moved(judged: Judged) -> tuple[Note, ...]:
    if judged.moved_by is None:
        return ()
    policy = judged.moved_by.policy
    return (Note(NoteKind.POLICY_MOVED, policy.valid_from, document=policy.document.number),)


def _counted(
    expected: Duty | ExpectedDeadline, rule_in_force: RuleInForce, clock: RunningClock, calendar: Calendar
) -> Count | None:
    """The days of the rule's own count."""
    if expected.occurrence is not None:
        return count_occurrence(rule_in_force.rule, expected.occurrence, expected.counted_from, calendar)
    return count(rule_in_force.rule, expected.counted_from, calendar, clock.traits, clock.suspensions)


def _provisional(duty: Duty, judged: Judged, calendar: Calendar) -> bool:
    counted = _counted(duty, judged.rule_in_force, judged.clock, calendar)
    return counted is not None and counted.provisional


def _stages(duty: Duty, judged: Judged, calendar: Calendar) -> tuple[date, ...]:
    due, policy, rule = judged.clock.due_on, judged.rule_in_force.policy, judged.rule_in_force.rule
    if due is None or rule.form == "minimum_duration":
        return ()
    try:
        if duty.occurrence is not None:
            return warning_days(rule, duty.occurrence, policy.warn_days, due, calendar)
        return warn_days_before(policy, rule, due, calendar)
    except CalendarMissing:
        # A warning stage may fall before the first year with a calendar; the duty itself does not.
        return ()


def explain(expected: ExpectedDeadline, calendar: Calendar) -> Explanation:
    """Why the due date is that day: the rule, its source, and each day that was not a plain working day."""
    rule, policy = expected.rule_in_force.rule, expected.rule_in_force.policy
    try:
        counted = _counted(expected, expected.rule_in_force, expected.clock, calendar)
    except CalendarMissing:
        # Without a clock of its own nothing had to be counted from its start.
        counted = None
    exceptions: tuple[SkippedDay, ...] = ()
    versions: tuple[str, ...] = ()
    notes = expected.notes
    if counted is not None:
        exceptions = tuple(
            SkippedDay(date=d.date, counted=d.counted, reason=d.reason)
            for d in counted.days
            if d.reason != START_DAY and (not d.counted or d.reason not in PLAIN)
        )
        versions = tuple(f"{year}:{version}" for year, version in sorted(counted.versions.items()))
        if expected.due_on not in (None, counted.due_on) and rule.form != "minimum_duration":
            notes = (*notes, Note(NoteKind.BY_RULE_ALONE, counted.due_on))
    if not rule.stated:
        notes = (*notes, Note(NoteKind.NOT_STATED))
    if rule.unit == "hours":
        notes = (*notes, Note(NoteKind.HOURS_IN_DAYS))
    if expected.due_on is not None and expected.due_on < expected.start.on:
        notes = (*notes, Note(NoteKind.IMPOSSIBLE_FROM_BIRTH))
    return Explanation(
        rule=_name(expected, rule),
        policy_id=policy.policy_id,
        document=policy.document.number,
        section=rule.section,
        counted_from=expected.counted_from if expected.due_on is not None else None,
        days=_days(expected, rule, policy),
        calendar_versions=versions,
        exceptions=exceptions,
        due_on=expected.due_on,
        notes=tuple(recorded_note(note) for note in notes),
        unit=rule.unit,
        first_day=rule.first_day,
        period=expected.occurrence.part if expected.occurrence else "",
        adopted=expected.rule_in_force.adopted,
    )


def _name(expected: ExpectedDeadline, rule: Rule) -> str:
    variant = variant_of(rule, expected.clock.traits)
    return "_".join((expected.duty, *sorted(variant.when))) if variant else expected.duty


def _days(expected: ExpectedDeadline, rule: Rule, policy: Policy) -> int | None:
    return length_of(rule, expected.clock.traits) if expected.due_on is not None else None
