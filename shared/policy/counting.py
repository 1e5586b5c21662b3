"""The count of one rule from a day: length, unit, first day, roll, variants, time that is left out. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from shared.calendar import CLOCK_SUSPENDED, ROLLED, START_DAY, Calendar, Count, CountedDay, Direction
from shared.policy.checking_parts import weight
from shared.policy.schema import Length, Rule, Trait, Unit, Variant

HOURS_A_DAY = 24
_DAY = timedelta(days=1)

Traits = frozenset[Trait]
NO_TRAITS: Traits = frozenset()


class Suspension(msgspec.Struct, frozen=True):
    """Time that does not count: the days from `since` up to `until`, on which the clock runs again."""

    since: date
    until: date


def variant_of(rule: Rule, traits: Traits) -> Variant | None:
    """The variant for a case with these traits: the one that asks for most of them, or for a very complex one.

    None where none fits.
    """
    if not traits or not rule.variants:
        return None
    fitting = [variant for variant in rule.variants if traits.issuperset(variant.when)]
    return max(fitting, key=lambda variant: weight(variant.when), default=None)


def length_of(rule: Rule, traits: Traits = NO_TRAITS) -> Length:
    """How many units the rule gives a case with these traits; 0 where it gives no number."""
    variant = variant_of(rule, traits)
    if variant is None:
        return rule.length or 0
    return variant.length if variant.length is not None else variant.in_total or 0


def count(
    rule: Rule, start: date, calendar: Calendar, traits: Traits = NO_TRAITS, suspended: tuple[Suspension, ...] = ()
) -> Count | None:
    """The count of a rule from `start`, day by day; None where it gives no number. Raises CalendarMissing.

    The event's own day is not counted unless the rule says so (Civil Code 2015, art. 147). What is known of a deed is
    its day: hours are counted up to the end of the day in which they end, from the end of the day in which they began.
    """
    if rule.form in ("undated", "frequency"):
        return None
    return _rolled(unrolled(rule, start, length_of(rule, traits), calendar, suspended), rule, calendar, suspended)


def rolled(rule: Rule, day: date, calendar: Calendar, suspended: tuple[Suspension, ...] = ()) -> date:
    """The day to which an end moves by the rule's roll: from a rest day to a working day, or nowhere.

    No end moves onto time that is left out, or back over it: then it stays on the day on which the clock runs again.
    """
    if rule.roll == "next_working_day":
        while not calendar.is_working_day(day) or is_left_out(day, suspended):
            day = calendar.add_working_days(day, 1)
    elif rule.roll == "previous_working_day":
        while not calendar.is_working_day(day) and not is_left_out(day - _DAY, suspended):
            day -= _DAY
    return day


def is_left_out(day: date, suspended: tuple[Suspension, ...]) -> bool:
    """Whether the clock stood still on that day."""
    return any(pause.since <= day < pause.until for pause in suspended)


def unrolled(rule: Rule, start: date, length: int, calendar: Calendar, suspended: tuple[Suspension, ...] = ()) -> Count:
    """The count of a length that is given, up to its end as it falls, be that a rest day or not."""
    days = days_of(rule.unit, length)
    if rule.first_day == "excluded" or days == 0:
        return _walk(rule, start, days, calendar, suspended)
    backward = -1 if rule.is_backward else 1
    counted = _walk(rule, start - backward * _DAY, days, calendar, suspended)
    # The day before the first one is no part of the count.
    return msgspec.structs.replace(counted, days=counted.days[1:])


def days_of(unit: Unit, length: int) -> int:
    """A length in days: hours round up to whole ones."""
    return -(-length // HOURS_A_DAY) if unit == "hours" else length


def units_of(suspension: Suspension, unit: Unit, calendar: Calendar) -> int:
    """How many countable days a suspension leaves out."""
    days = (suspension.until - suspension.since).days
    if unit != "working_days":
        return max(0, days)
    return sum(calendar.is_working_day(suspension.since + n * _DAY) for n in range(days))


def moved(day: date, suspension: Suspension, unit: Unit, calendar: Calendar) -> date:
    """A day that was set, later by the countable days that a suspension left out; one that had passed stays."""
    if day < suspension.since:
        return day
    left_out = units_of(suspension, unit, calendar)
    then = calendar.add_working_days(day, left_out) if unit == "working_days" else day + left_out * _DAY
    # From a rest day as many working days may lead back into the time that is left out.
    return max(then, suspension.until)


def _walk(rule: Rule, start: date, days: int, calendar: Calendar, suspended: tuple[Suspension, ...]) -> Count:
    direction: Direction = -1 if rule.is_backward else 1
    if suspended and direction == 1:
        return _walk_around(rule.unit, start, days, calendar, suspended)
    if rule.unit == "working_days":
        return calendar.walk(start, days, direction)
    return calendar.walk_calendar_days(start, days, direction)


def _walk_around(unit: Unit, start: date, days: int, calendar: Calendar, suspended: tuple[Suspension, ...]) -> Count:
    """Forwards, day by day: a suspended day is listed and not counted."""
    met = [CountedDay(start, False, START_DAY)]
    left, plain = days, _days_after(unit, start, calendar)
    while left:
        day = next(plain)
        if is_left_out(day.date, suspended):
            day = CountedDay(day.date, False, CLOCK_SUSPENDED)
        met.append(day)
        left -= day.counted
    while is_left_out(met[-1].date, suspended):
        # Nothing is counted, and the day on which it all ends is left out: it ends when the clock runs again.
        met.append(CountedDay(met[-1].date + _DAY, False, CLOCK_SUSPENDED))
    return calendar.counted(start, met[-1].date, tuple(met))


def _days_after(unit: Unit, start: date, calendar: Calendar) -> Iterator[CountedDay]:
    day = start
    while True:
        day += _DAY
        yield calendar.counted_day(day) if unit == "working_days" else calendar.calendar_day(day)


def _rolled(counted: Count, rule: Rule, calendar: Calendar, suspended: tuple[Suspension, ...]) -> Count:
    """The count with the days over which its end rolls."""
    due_on = rolled(rule, counted.due_on, calendar, suspended)
    if due_on == counted.due_on:
        return counted
    step = _DAY if due_on > counted.due_on else -_DAY
    day, days = counted.due_on, list(counted.days)
    while day != due_on:
        day += step
        days.append(CountedDay(day, False, CLOCK_SUSPENDED if is_left_out(day, suspended) else ROLLED))
    return calendar.counted(days[0].date, due_on, tuple(days))
