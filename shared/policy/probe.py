"""Counts with a policy what a clock may ask of it, before it is adopted. Pure.

Each rule is counted under each of its variants from the first and the last day of the years that have a calendar, and
of the year after them. What fails even where every year has a calendar is a problem of the policy. What fails only for
want of a calendar is counted once that year is published.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from shared.calendar import Calendar, CalendarMissing, CalendarYear
from shared.identifiers import FIRST_YEAR, LAST_YEAR
from shared.policy.checking import ImpossibleDay, counted_from
from shared.policy.counting import NO_TRAITS, Traits
from shared.policy.problem import PolicyProblem, policy_problem
from shared.policy.recurrence import count_occurrence, occurrences, warning_days
from shared.policy.running_clock import Step, StepKind, clock_after
from shared.policy.schema import Policy, Rule
from shared.sentences import Sentence

#: So many of the latest years with a calendar are counted in: the rules of a policy are the same in each of them.
YEARS = 10
SPAN = 4  # years that the longest limit with its extension takes


class MissingYear(msgspec.Struct, frozen=True):
    """A rule that waits for the calendar of a year: its place in the document, its duty, the year."""

    path: str
    duty: str
    year: int


def uncountable_rules(policy: Policy, calendar: Calendar) -> tuple[PolicyProblem, ...]:
    """The rules that no calendar can make countable, each with a day from which its count fails."""
    known = calendar.years
    blank = (CalendarYear(year=year, holidays=()) for year in range(FIRST_YEAR, LAST_YEAR + 1) if year not in known)
    complete = Calendar((*known.values(), *blank))
    found = []
    for index, rule in enumerate(policy.rules):
        for start, traits in _starts(rule, calendar):
            try:
                _count(rule, start, traits, complete)
            except (ValueError, OverflowError) as error:
                found.append(
                    policy_problem(
                        f"rules[{index}]",
                        Sentence(
                            f"không tính được từ {start}: {_reason(error)}", f"cannot be counted from {start}: {error}"
                        ),
                        Sentence(
                            "hãy ghi ngày và độ dài nằm trong những năm có thể có lịch",
                            "name days and lengths within the calendars",
                        ),
                    )
                )
                break
    return tuple(found)


def _reason(error: ValueError | OverflowError) -> str:
    """Why a count fails, in Vietnamese; in English the error says so itself."""
    match error:
        case CalendarMissing():
            return f"năm {error.year} không có lịch"
        case ImpossibleDay():
            return f"không có ngày {error.year_day} trong năm {error.year}"
        case _:
            return "ngày vượt quá giới hạn tính được"


def missing_years(policy: Policy, calendar: Calendar) -> tuple[MissingYear, ...]:
    """The rules that count from a year with a calendar into one that nobody will publish soon.

    The year after the last is left out: every clock reaches it, and it is asked for each autumn.
    """
    found: dict[MissingYear, None] = {}
    soon = max(calendar.years, default=FIRST_YEAR) + 1
    for index, rule in enumerate(policy.rules):
        for start, traits in _starts(rule, calendar):
            try:
                _count(rule, start, traits, calendar)
            except CalendarMissing as missing:
                if start.year < soon < missing.year:
                    found[MissingYear(f"rules[{index}]", rule.duty, missing.year)] = None
    return tuple(found)


def _starts(rule: Rule, calendar: Calendar) -> Iterator[tuple[date, Traits]]:
    years = sorted(calendar.years)[-YEARS:]
    for year in (*years, *(year + 1 for year in years[-1:])):
        if year > LAST_YEAR - SPAN:
            continue  # a count may reach past the last year that can have a calendar
        for start in (date(year, 1, 1), date(year, 12, 31)):
            yield start, NO_TRAITS
            yield from ((start, frozenset(variant.when)) for variant in rule.variants)


def _count(rule: Rule, start: date, traits: Traits, calendar: Calendar) -> None:
    """Count as a clock from `start` would be, extended and suspended for a day where that is provided."""
    if rule.frequency is not None:
        for each in occurrences(rule.frequency, start, start):
            due_on = count_occurrence(rule, each, start, calendar).due_on
            warning_days(rule, each, (), due_on, calendar)
        return
    steps = []
    if rule.extension is not None:
        told = dict.fromkeys(rule.extension.told, start)
        is_bounded = rule.extension.each is not None or rule.extension.in_total is not None
        steps.append(Step(kind=StepKind.EXTENSION, on=start, day=date.max if is_bounded else start, told=told))
    if rule.pause is not None:
        told = dict.fromkeys(rule.pause.told, start)
        steps.append(Step(kind=StepKind.SUSPENDED, on=start, told=told))
        steps.append(Step(kind=StepKind.RESUMED, on=start))
    clock_after(rule, counted_from(rule, start), steps, calendar, traits)
