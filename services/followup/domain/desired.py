"""A deadline as it ought to stand by what is known: its day, its debtor, its outcome, and why."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.followup.domain.facts import Fact
from services.followup.domain.notes import BY_RULE_ALONE, note
from services.followup.domain.regulation import Regulation
from shared.calendar import Calendar, CalendarMissing
from shared.events.deadline import Explanation, SkippedDay, Subject
from shared.identifiers import ordered_derived_id
from shared.policy import Policy, Rule, count, due_soon_days

#: The due date under one calendar; None for an undated duty.
DueUnder = Callable[[Calendar], date | None]


class Done(msgspec.Struct, frozen=True):
    """The duty was done, on a day, by a fact."""

    on: date
    by: Fact


class Waived(msgspec.Struct, frozen=True):
    """The duty is owed no more since a day, and why."""

    on: date
    by: Fact
    reason: str


class Desired(msgspec.Struct, frozen=True, kw_only=True):
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
    policy: Policy
    rule: Rule
    counted_from: date
    is_complex: bool
    due_on: date | None
    stages: tuple[date, ...]
    provisional: bool
    outcome: str = ""
    done_on: date | None = None
    ground: str = ""
    expected_on: date | None = None
    notes: tuple[str, ...] = ()


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """One duty before its day is counted: what started it, who owes it, how it ended."""

    source: str
    subject: Subject
    subject_id: UUID
    duty: str
    start: Fact
    debtor: str
    jurisdiction: str
    policy: Policy
    counted_from: date
    part: str = ""
    is_complex: bool = False
    end: Done | Waived | None = None
    expected_on: date | None = None
    notes: tuple[str, ...] = ()
    due_under: DueUnder | None = None


def deadline_id(source: str, subject_id: UUID, duty: str, part: str, start: Fact) -> UUID:
    """Stable over moves, complexity, extension and reassignment; time-ordered by the start's recording."""
    return ordered_derived_id(start.recorded_at, "deadline", source, subject_id, duty, part, start.event_id)


def settle(duty: Duty, regulation: Regulation) -> Desired:
    """Count the duty's day and judge its outcome. Raises CalendarMissing.

    A deed is held to the calendar known on its day or to any later one, whichever is first to find it in time: a later
    publication can turn late into in time, never the reverse.
    """
    rule = duty.policy.rule(duty.duty)
    due_under = duty.due_under or _by_rule(duty, rule)
    calendar = regulation.calendar
    due = due_under(calendar)
    outcome, done_on, ground = "", None, ""
    if duty.end is not None:
        if due is not None:
            due, calendar = _fairest(due_under, regulation.calendars_since(duty.end.on), duty.end.on)
        late = due is not None and duty.end.on > due
        if isinstance(duty.end, Done):
            outcome, done_on = ("met_late" if late else "met"), duty.end.on
        else:
            outcome, done_on, ground = "waived", duty.end.on, duty.end.reason
    return Desired(
        deadline_id=deadline_id(duty.source, duty.subject_id, duty.duty, duty.part, duty.start),
        source=duty.source,
        subject=duty.subject,
        subject_id=duty.subject_id,
        duty=duty.duty,
        part=duty.part,
        start=duty.start,
        debtor=duty.debtor,
        jurisdiction=duty.jurisdiction,
        policy=duty.policy,
        rule=rule,
        counted_from=duty.counted_from,
        is_complex=duty.is_complex,
        due_on=due,
        stages=_stages(duty, due, calendar),
        provisional=due is not None and _provisional(rule, duty, calendar),
        outcome=outcome,
        done_on=done_on,
        ground=ground,
        expected_on=duty.expected_on,
        notes=duty.notes,
    )


def _fairest(due_under: DueUnder, calendars: Sequence[Calendar], on: date) -> tuple[date | None, Calendar]:
    held_to = [(due_under(calendar), calendar) for calendar in calendars]
    in_time = [pair for pair in held_to if pair[0] is not None and on <= pair[0]]
    return (in_time or held_to)[0]


def _by_rule(duty: Duty, rule: Rule) -> DueUnder:
    def due_under(calendar: Calendar) -> date | None:
        counted = count(rule, duty.counted_from, calendar, is_complex=duty.is_complex)
        return counted.due_on if counted else None

    return due_under


def _provisional(rule: Rule, duty: Duty, calendar: Calendar) -> bool:
    counted = count(rule, duty.counted_from, calendar, is_complex=duty.is_complex)
    return counted is not None and counted.provisional


def _stages(duty: Duty, due: date | None, calendar: Calendar) -> tuple[date, ...]:
    if due is None:
        return ()
    try:
        return due_soon_days(duty.policy, duty.duty, due, calendar)
    except CalendarMissing:
        # A warning stage may fall before the first year with a calendar; the duty itself does not.
        return ()


def explain(desired: Desired, calendar: Calendar) -> Explanation:
    """Why the due date is that day: the rule, its source, and each day that was not a plain working day."""
    counted = count(desired.rule, desired.counted_from, calendar, is_complex=desired.is_complex)
    days = desired.rule.complex_days if desired.is_complex else desired.rule.days
    exceptions: tuple[SkippedDay, ...] = ()
    versions: tuple[str, ...] = ()
    notes = desired.notes
    if counted is not None:
        start = desired.counted_from
        exceptions = tuple(
            SkippedDay(date=d.date, counted=d.counted, reason=d.reason)
            for d in counted.days
            if d.date != start and (not d.counted or d.reason != PLAIN)
        )
        versions = tuple(f"{year}:{version}" for year, version in sorted(counted.versions.items()))
        if counted.due_on != desired.due_on:
            notes = (*notes, note(BY_RULE_ALONE, counted.due_on))
    if not desired.rule.stated:
        notes = (*notes, note("not_stated"))
    if desired.due_on is not None and desired.due_on < desired.start.on:
        notes = (*notes, note("impossible_from_birth"))
    return Explanation(
        rule=desired.duty + ("_complex" if desired.is_complex else ""),
        policy_id=desired.policy.policy_id,
        document=desired.policy.document.number,
        section=desired.rule.section,
        counted_from=desired.counted_from if desired.due_on is not None else None,
        days=days if desired.due_on is not None else None,
        calendar_versions=versions,
        exceptions=exceptions,
        due_on=desired.due_on,
        notes=notes,
    )


PLAIN = "working day"
