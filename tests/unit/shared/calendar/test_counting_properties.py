"""What holds for every calendar: compared with a naive walk, and against added holidays and later starts."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import Calendar, CalendarYear, DayOff, MakeUpDay

YEARS = range(2023, 2027)
FIRST, LAST = date(2023, 1, 1), date(2026, 12, 31)
# Far enough from both ends that no count of at most 60 working days, half of them holidays, leaves the years.
STARTS = st.dates(date(2024, 7, 1), date(2025, 6, 30))
LENGTHS = st.integers(0, 60)
DAYS = st.dates(FIRST, LAST)


def calendar_of(off: set[date], makeup: set[date]) -> Calendar:
    swapped = date(2020, 1, 1)  # the day made up for plays no part in counting
    return Calendar(
        CalendarYear(
            year=year,
            holidays=tuple(DayOff(date=day, name="Ngày nghỉ") for day in sorted(off) if day.year == year),
            makeup_days=tuple(MakeUpDay(date=day, instead_of=swapped) for day in sorted(makeup) if day.year == year),
        )
        for year in YEARS
    )


days_off = st.sets(DAYS, max_size=120)
weekend_days = st.sets(DAYS.filter(lambda day: day.weekday() >= 5), max_size=20)
calendars = st.tuples(days_off, weekend_days).map(lambda sets: (sets[0], sets[1] - sets[0]))


def naively_working(day: date, off: set[date], makeup: set[date]) -> bool:
    return day in makeup or (day.weekday() < 5 and day not in off)


def naive_due(start: date, n: int, step: int, off: set[date], makeup: set[date]) -> date:
    day = start
    while n:
        day += timedelta(days=step)
        n -= naively_working(day, off, makeup)
    return day


@given(calendars, STARTS, LENGTHS)
def test_counts_agree_with_a_day_by_day_walk(sets: tuple[set[date], set[date]], start: date, n: int) -> None:
    calendar = calendar_of(*sets)
    assert calendar.add_working_days(start, n) == naive_due(start, n, 1, *sets)
    assert calendar.subtract_working_days(start, n) == naive_due(start, n, -1, *sets)


@given(calendars, STARTS, LENGTHS, st.sampled_from([1, -1]))
def test_walk_lists_each_day_once_and_counts_as_the_sum(sets, start: date, n: int, direction) -> None:
    count = calendar_of(*sets).walk(start, n, direction)
    length = abs((count.due_on - start).days)
    assert [day.date for day in count.days] == [start + direction * timedelta(days=i) for i in range(length + 1)]
    assert [day.counted for day in count.days] == [
        i > 0 and naively_working(day.date, *sets) for i, day in enumerate(count.days)
    ]
    assert sum(day.counted for day in count.days) == n
    assert count.due_on == naive_due(start, n, direction, *sets)


@given(calendars, STARTS, LENGTHS, DAYS)
def test_adding_a_holiday_never_shortens_a_limit(sets, start: date, n: int, holiday: date) -> None:
    off, makeup = sets
    before = calendar_of(off, makeup)
    after = calendar_of(off | {holiday}, makeup - {holiday})
    assert after.add_working_days(start, n) >= before.add_working_days(start, n)
    assert after.subtract_working_days(start, n) <= before.subtract_working_days(start, n)


@given(calendars, STARTS, st.integers(0, 400), LENGTHS)
def test_a_later_start_never_gives_an_earlier_due_date(sets, start: date, later: int, n: int) -> None:
    calendar = calendar_of(*sets)
    other = min(start + timedelta(days=later), date(2025, 6, 30))
    first, second = sorted((start, other))
    assert calendar.add_working_days(first, n) <= calendar.add_working_days(second, n)
    assert calendar.subtract_working_days(first, n) <= calendar.subtract_working_days(second, n)


@given(calendars, STARTS, LENGTHS)
def test_subtracting_undoes_adding_from_a_working_day(sets, start: date, n: int) -> None:
    calendar = calendar_of(*sets)
    working = calendar.add_working_days(start, 1)
    assert calendar.subtract_working_days(calendar.add_working_days(working, n), n) == working
    assert calendar.add_working_days(calendar.subtract_working_days(working, n), n) == working


@given(calendars, STARTS, st.integers(1, 60))
def test_a_counted_due_date_is_a_working_day_at_that_distance(sets, start: date, n: int) -> None:
    calendar = calendar_of(*sets)
    due = calendar.add_working_days(start, n)
    assert calendar.is_working_day(due)
    assert calendar.working_days_between(start, due) == n
