"""Acts that are owed again and again: their periods, the day by which each is owed, the days that warn of it. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from shared.calendar import ROLLED, Calendar, Count, CountedDay
from shared.policy.checking import day_in
from shared.policy.schema import Frequency, Per, Rule, Window

_DAY = timedelta(days=1)
_MONTHS: dict[Per, int] = {"year": 12, "half_year": 6, "quarter": 3, "month": 1}


class Occurrence(msgspec.Struct, frozen=True):
    """One time that the act is owed: the `nth` of the period that runs from `first` to `last`; `part` names it."""

    part: str
    first: date
    last: date
    nth: int
    window: Window | None = None


def occurrences(frequency: Frequency, since: date, until: date) -> Iterator[Occurrence]:
    """Every time that the act is owed in the periods that touch the days from `since` to `until`."""
    first = _first_day(frequency.per, since)
    while first <= until:
        last = next_period(frequency.per, first) - _DAY
        name = _name(frequency.per, first)
        for nth in range(1, frequency.times + 1):
            part = name if frequency.times == 1 else f"{name}/{nth}"
            window = frequency.windows[nth - 1] if nth <= len(frequency.windows) else None
            yield Occurrence(part, first, last, nth, window)
        first = last + _DAY


def next_period(per: Per, day: date) -> date:
    """The first day of the period after the one in which `day` lies."""
    first = _first_day(per, day)
    if per == "week":
        return first + timedelta(weeks=1)
    months = first.year * 12 + first.month - 1 + _MONTHS[per]
    return date(months // 12, months % 12 + 1, 1)


def _first_day(per: Per, day: date) -> date:
    if per == "week":
        return day - timedelta(days=day.weekday())
    return date(day.year, (day.month - 1) // _MONTHS[per] * _MONTHS[per] + 1, 1)


def _name(per: Per, first: date) -> str:
    match per:
        case "year":
            return str(first.year)
        case "half_year":
            return f"{first.year}-H{1 if first.month == 1 else 2}"
        case "quarter":
            return f"{first.year}-Q{first.month // 3 + 1}"
        case "month":
            return f"{first:%Y-%m}"
        case "week":
            year, week, _ = first.isocalendar()
            return f"{year}-W{week:02d}"


def count_occurrence(rule: Rule, occurrence: Occurrence, start: date, calendar: Calendar) -> Count:
    """The count of one time: the period's end whatever the calendar says, or its day of the month, rolled.

    Raises CalendarMissing where a day that may roll is in a year without a calendar.
    """
    assert rule.frequency is not None
    if rule.frequency.day is None:
        return calendar.walk_to(start, occurrence.last)
    end = _day_of_month(occurrence.first, rule.frequency.day)
    if rule.roll == "stay" or calendar.is_working_day(end):
        return calendar.walk_to(start, end)
    step = 1 if rule.roll == "next_working_day" else -1
    due_on = calendar.add_working_days(end, 1) if step == 1 else calendar.subtract_working_days(end, 1)
    between = range(step, (due_on - end).days + step, step)
    days = [calendar.counted_day(end), *(CountedDay(end + n * _DAY, False, ROLLED) for n in between)]
    return calendar.counted(end, due_on, tuple(days))


def _day_of_month(first: date, day: int) -> date:
    """That day of the month; the last one of a month that has it not (Civil Code 2015, art. 147)."""
    return first.replace(day=min(day, monthrange(first.year, first.month)[1]))


def warning_days(
    rule: Rule, occurrence: Occurrence, warn_days: tuple[int, ...], due_on: date, calendar: Calendar
) -> tuple[date, ...]:
    """The days on whose local midnight a warning falls, earliest first: those that the rule names, and the day after a
    window in which the act was expected; where there are none, so many working days before the due date."""
    named = {day_in(occurrence.first.year, _existing(day)) for day in rule.warn_on}
    if occurrence.window is not None:
        named.add(day_in(occurrence.first.year, _existing(occurrence.window.last)) + _DAY)
    if not named:
        days_before = warn_days if rule.warn_days is None else rule.warn_days
        named = {calendar.subtract_working_days(due_on, days) for days in days_before}
    return tuple(sorted(day for day in named if day <= due_on))


def _existing(day: str) -> str:
    """29 February is 28 February where the year may have none."""
    return "02-28" if day == "02-29" else day
