"""A deadline as it ought to stand by what is known: its day, its debtor, its outcome, and why."""

from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from services.followup.domain.wording.notes import recorded_note
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
    length_of,
    rule_that_applies,
    variant_of,
    warn_days_before,
    warning_days,
)

#: Days of a count that need no telling.
PLAIN = frozenset({WORKING_DAY, CALENDAR_DAY})


class ExpectedDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """What one deadline ought to be. `outcome` is "", "met", "met_late" or "waived"."""

    deadline_id: UUID
    source: str
    subject: Subject
    subject_id: UUID
    duty: str
    part: str
    start: Fact
    debtor: str
    jurisdiction: str
    rule_in_force: RuleInForce
    counted_from: date
    clock: RunningClock
    occurrence: Occurrence | None
    due_on: date | None
    stages: tuple[date, ...]
    provisional: bool
    outcome: str = ""
    done_on: date | None = None
    ground: str = ""
    expected_on: date | None = None
    notes: tuple[Note, ...] = ()


@lru_cache(maxsize=8_192)  # asked again at every event of the subject, most of which come close together
def deadline_id(source: str, subject_id: UUID, duty: str, part: str, start_id: UUID, start_stamp: datetime) -> UUID:
    """Stable over moves, complexity, extension and reassignment; time-ordered by the start's recording."""
    return ordered_derived_id(start_stamp, "deadline", source, subject_id, duty, part, start_id)


class Judged(msgspec.Struct, frozen=True):
    """A duty under one calendar: the rule that holds, where its clock stands, how it ended."""

    rule_in_force: RuleInForce
    clock: RunningClock
    end: Done | Waived | None
    moved_by: RuleInForce | None = None

    @property
    def in_time(self) -> bool:
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


def settle(duty: Duty, regulation: RegulationLog) -> ExpectedDeadline:
    """Count the duty's day and judge its outcome. Raises CalendarMissing.

    A deed is held to the calendar known on its day or to any later one, whichever is first to find it in time: a later
    publication can turn late into in time, never the reverse.
    """
    calendar = regulation.calendar
    judged = judge(duty, regulation, calendar)
    if judged.end is not None and judged.clock.due_on is not None:
        judged, calendar = _fairest(duty, regulation, judged.end.on)
    end, due = judged.end, judged.clock.due_on
    outcome, done_on, ground = "", None, ""
    if isinstance(end, Done):
        outcome, done_on = ("met" if judged.in_time else "met_late"), end.on
    elif isinstance(end, Waived):
        outcome, done_on, ground = "waived", end.on, end.reason
    on = end.on if end is not None else None
    provisional = due is not None and _provisional(duty, judged, calendar)
    notes = (*duty.notes, *judged.clock.notes, *_moved(judged))
    return ExpectedDeadline(
        deadline_id=deadline_id(
            duty.source, duty.subject_id, duty.duty, duty.part, duty.start.event_id, duty.start.recorded_at
        ),
        source=duty.source,
        subject=duty.subject,
        subject_id=duty.subject_id,
        duty=duty.duty,
        part=duty.part,
        start=duty.start,
        debtor=regulation.successor_of_agency(duty.debtor, on, judged.rule_in_force.policy.heirs),
        jurisdiction=_place(duty, regulation, on),
        rule_in_force=judged.rule_in_force,
        counted_from=duty.counted_from,
        clock=judged.clock,
        occurrence=duty.occurrence,
        due_on=due,
        stages=_stages(duty, judged, calendar),
        provisional=provisional,
        outcome=outcome,
        done_on=done_on,
        ground=ground,
        expected_on=judged.clock.expected_on,
        notes=(*notes, Note(NoteKind.PROVISIONAL)) if provisional else notes,
    )


def _place(duty: Duty, regulation: RegulationLog, on: date | None) -> str:
    if duty.subject == "jurisdiction":
        return duty.jurisdiction
    return regulation.successor_of_jurisdiction(duty.jurisdiction, on)


def _moved(judged: Judged) -> tuple[Note, ...]:
    if judged.moved_by is None:
        return ()
    policy = judged.moved_by.policy
    return (Note(NoteKind.POLICY_MOVED, policy.valid_from, document=policy.document.number),)


def _fairest(duty: Duty, regulation: RegulationLog, on: date) -> tuple[Judged, Calendar]:
    held_to = [(judge(duty, regulation, calendar), calendar) for calendar in regulation.calendars_since(on)]
    in_time = [pair for pair in held_to if pair[0].in_time]
    return (in_time or held_to)[0]


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
    counted = _counted(expected, expected.rule_in_force, expected.clock, calendar)
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
    )


def _name(expected: ExpectedDeadline, rule: Rule) -> str:
    variant = variant_of(rule, expected.clock.traits)
    return "_".join((expected.duty, *sorted(variant.when))) if variant else expected.duty


def _days(expected: ExpectedDeadline, rule: Rule, policy: Policy) -> int | None:
    return length_of(rule, expected.clock.traits) if expected.due_on is not None else None
