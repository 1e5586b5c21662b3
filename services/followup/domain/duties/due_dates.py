"""A deadline as it ought to stand by what is known: its day, its debtor, its outcome, and why."""

from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from services.followup.domain.duties.duty import Done, Duty, Waived
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import Regulation
from services.followup.domain.wording.notes import BY_RULE_ALONE, note
from shared.calendar import CALENDAR_DAY, START_DAY, WORKING_DAY, Calendar, CalendarMissing, Count
from shared.events.deadline import Explanation, SkippedDay, Subject
from shared.identifiers import ordered_derived_id
from shared.policy import (
    Occurrence,
    Policy,
    Rule,
    Ruling,
    Run,
    count,
    count_occurrence,
    holding,
    length_of,
    run,
    variant_of,
    warn_days_before,
    warnings,
)

#: Days of a count that need no telling.
PLAIN = frozenset({WORKING_DAY, CALENDAR_DAY})


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
    ruling: Ruling
    counted_from: date
    run: Run
    occurrence: Occurrence | None
    due_on: date | None
    stages: tuple[date, ...]
    provisional: bool
    outcome: str = ""
    done_on: date | None = None
    ground: str = ""
    expected_on: date | None = None
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=8_192)  # asked again at every event of the subject, most of which come close together
def deadline_id(source: str, subject_id: UUID, duty: str, part: str, start_id: UUID, start_stamp: datetime) -> UUID:
    """Stable over moves, complexity, extension and reassignment; time-ordered by the start's recording."""
    return ordered_derived_id(start_stamp, "deadline", source, subject_id, duty, part, start_id)


class Judged(msgspec.Struct, frozen=True):
    """A duty under one calendar: the rule that holds, where its clock stands, how it ended."""

    ruling: Ruling
    run: Run
    end: Done | Waived | None
    moved_by: Ruling | None = None

    @property
    def in_time(self) -> bool:
        return self.end is None or self.run.due_on is None or self.end.on <= self.run.due_on


def judge(duty: Duty, regulation: Regulation, calendar: Calendar) -> Judged:
    """The duty under a calendar. Raises CalendarMissing.

    A clock keeps the rule of the act that started it, unless a later document moves those that run on its first day.
    """
    later = regulation.in_force.taking_over(duty.jurisdiction, duty.duty, duty.start.on, duty.audience)
    ended_on = duty.end.on if duty.end is not None else None
    ruling = holding(duty.ruling, later, lambda each: _under(duty, each, calendar).run.due_on, ended_on)
    judged = _under(duty, ruling, calendar)
    return judged if ruling is duty.ruling else msgspec.structs.replace(judged, moved_by=ruling)


def _under(duty: Duty, ruling: Ruling, calendar: Calendar) -> Judged:
    rule = ruling.rule
    if duty.occurrence is not None:
        return Judged(
            ruling, Run(due_on=count_occurrence(rule, duty.occurrence, duty.counted_from, calendar).due_on), duty.end
        )
    if rule.form == "minimum_duration":
        return _standing(duty, ruling, calendar)
    if duty.steps is None and duty.own_clock:
        counted = count(rule, duty.counted_from, calendar, duty.traits)
        return Judged(ruling, Run(due_on=counted.due_on if counted else None, traits=duty.traits), duty.end)
    steps = duty.steps(calendar) if duty.steps else ()
    start = duty.counted_from if duty.own_clock else None
    return Judged(ruling, run(rule, start, steps, calendar, duty.traits), duty.end)


def _standing(duty: Duty, ruling: Ruling, calendar: Calendar) -> Judged:
    """What must stay for a time has no due date until it is taken down too early: then that day is its last."""
    counted = count(ruling.rule, duty.counted_from, calendar)
    assert counted is not None
    stays = note("must_stay_until", counted.due_on)
    down = duty.taken_down
    if down is not None and down.on < counted.due_on:
        early = note("taken_down_early", down.on)
        return Judged(ruling, Run(due_on=down.on, expected_on=counted.due_on, notes=(stays, early)), duty.end)
    end = Done(down.on, down) if down is not None else duty.end
    return Judged(ruling, Run(due_on=None, expected_on=counted.due_on, notes=(stays,)), end)


def settle(duty: Duty, regulation: Regulation) -> Desired:
    """Count the duty's day and judge its outcome. Raises CalendarMissing.

    A deed is held to the calendar known on its day or to any later one, whichever is first to find it in time: a later
    publication can turn late into in time, never the reverse.
    """
    calendar = regulation.calendar
    judged = judge(duty, regulation, calendar)
    if judged.end is not None and judged.run.due_on is not None:
        judged, calendar = _fairest(duty, regulation, judged.end.on)
    end, due = judged.end, judged.run.due_on
    outcome, done_on, ground = "", None, ""
    if isinstance(end, Done):
        outcome, done_on = ("met" if judged.in_time else "met_late"), end.on
    elif isinstance(end, Waived):
        outcome, done_on, ground = "waived", end.on, end.reason
    on = end.on if end is not None else None
    provisional = due is not None and _provisional(duty, judged, calendar)
    return Desired(
        deadline_id=deadline_id(
            duty.source, duty.subject_id, duty.duty, duty.part, duty.start.event_id, duty.start.recorded_at
        ),
        source=duty.source,
        subject=duty.subject,
        subject_id=duty.subject_id,
        duty=duty.duty,
        part=duty.part,
        start=duty.start,
        debtor=regulation.heir_of_agency(duty.debtor, on, judged.ruling.policy.heirs),
        jurisdiction=_place(duty, regulation, on),
        ruling=judged.ruling,
        counted_from=duty.counted_from,
        run=judged.run,
        occurrence=duty.occurrence,
        due_on=due,
        stages=_stages(duty, judged, calendar),
        provisional=provisional,
        outcome=outcome,
        done_on=done_on,
        ground=ground,
        expected_on=judged.run.expected_on,
        notes=(*duty.notes, *judged.run.notes, *_moved(judged), *((note("provisional"),) if provisional else ())),
    )


def _place(duty: Duty, regulation: Regulation, on: date | None) -> str:
    if duty.subject == "jurisdiction":
        return duty.jurisdiction
    return regulation.heir_of_jurisdiction(duty.jurisdiction, on)


def _moved(judged: Judged) -> tuple[str, ...]:
    if judged.moved_by is None:
        return ()
    policy = judged.moved_by.policy
    return (note("policy_moved", policy.document.number.replace(":", " "), policy.valid_from),)


def _fairest(duty: Duty, regulation: Regulation, on: date) -> tuple[Judged, Calendar]:
    held_to = [(judge(duty, regulation, calendar), calendar) for calendar in regulation.calendars_since(on)]
    in_time = [pair for pair in held_to if pair[0].in_time]
    return (in_time or held_to)[0]


def _counted(desired: Duty | Desired, ruling: Ruling, clock: Run, calendar: Calendar) -> Count | None:
    """The days of the rule's own count."""
    if desired.occurrence is not None:
        return count_occurrence(ruling.rule, desired.occurrence, desired.counted_from, calendar)
    return count(ruling.rule, desired.counted_from, calendar, clock.traits, clock.suspensions)


def _provisional(duty: Duty, judged: Judged, calendar: Calendar) -> bool:
    counted = _counted(duty, judged.ruling, judged.run, calendar)
    return counted is not None and counted.provisional


def _stages(duty: Duty, judged: Judged, calendar: Calendar) -> tuple[date, ...]:
    due, policy, rule = judged.run.due_on, judged.ruling.policy, judged.ruling.rule
    if due is None or rule.form == "minimum_duration":
        return ()
    try:
        if duty.occurrence is not None:
            return warnings(rule, duty.occurrence, policy.warn_days, due, calendar)
        return warn_days_before(policy, rule, due, calendar)
    except CalendarMissing:
        # A warning stage may fall before the first year with a calendar; the duty itself does not.
        return ()


def explain(desired: Desired, calendar: Calendar) -> Explanation:
    """Why the due date is that day: the rule, its source, and each day that was not a plain working day."""
    rule, policy = desired.ruling.rule, desired.ruling.policy
    counted = _counted(desired, desired.ruling, desired.run, calendar)
    exceptions: tuple[SkippedDay, ...] = ()
    versions: tuple[str, ...] = ()
    notes = desired.notes
    if counted is not None:
        exceptions = tuple(
            SkippedDay(date=d.date, counted=d.counted, reason=d.reason)
            for d in counted.days
            if d.reason != START_DAY and (not d.counted or d.reason not in PLAIN)
        )
        versions = tuple(f"{year}:{version}" for year, version in sorted(counted.versions.items()))
        if desired.due_on not in (None, counted.due_on) and rule.form != "minimum_duration":
            notes = (*notes, note(BY_RULE_ALONE, counted.due_on))
    if not rule.stated:
        notes = (*notes, note("not_stated"))
    if rule.unit == "hours":
        notes = (*notes, note("hours_in_days"))
    if desired.due_on is not None and desired.due_on < desired.start.on:
        notes = (*notes, note("impossible_from_birth"))
    return Explanation(
        rule=_name(desired, rule),
        policy_id=policy.policy_id,
        document=policy.document.number,
        section=rule.section,
        counted_from=desired.counted_from if desired.due_on is not None else None,
        days=_days(desired, rule, policy),
        calendar_versions=versions,
        exceptions=exceptions,
        due_on=desired.due_on,
        notes=notes,
        unit=rule.unit,
        first_day=rule.first_day,
        period=desired.occurrence.part if desired.occurrence else "",
    )


def _name(desired: Desired, rule: Rule) -> str:
    variant = variant_of(rule, desired.run.traits)
    return "_".join((desired.duty, *sorted(variant.when))) if variant else desired.duty


def _days(desired: Desired, rule: Rule, policy: Policy) -> int | None:
    return length_of(rule, desired.run.traits) if desired.due_on is not None else None
