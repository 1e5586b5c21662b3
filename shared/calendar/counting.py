"""Counts of working days, forwards and backwards, that explain each of their days. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

import msgspec

from shared.calendar.day_reasons import CALENDAR_DAY, START_DAY, WEEKEND, WORKING_DAY, holiday_reason, makeup_reason
from shared.calendar.years import SATURDAY, CalendarYear, Day

Direction = Literal[1, -1]

_DAY = timedelta(days=1)
#: Walks kept in memory for each calendar: the petitions of one conference all ask for the same count.
_MAX_WALKS_KEPT = 4096


class CountedDay(msgspec.Struct, frozen=True, gc=False):
    """One day of a count: whether it counted, and why. `day_text` puts the reason into words."""

    date: Day
    counted: bool
    reason: str


class Count(msgspec.Struct, frozen=True):
    """A count with each day on its way, in the order of the count, and the calendar of each year it touched."""

    due_on: date
    days: tuple[CountedDay, ...] = ()
    versions: dict[int, str] = {}
    provisional: bool = False


class CalendarMissing(ValueError):
    """A count reached a year without a calendar."""

    def __init__(self, year: int) -> None:
        super().__init__(f"there is no calendar for the year {year}: publish one first")
        self.year = year


class Calendar:
    """The working days of the given years. A later entry for the same year replaces the earlier one."""

    def __init__(self, years: Iterable[CalendarYear] = ()) -> None:
        self._years = {year.year: year for year in years}
        # Filled year by year when first asked for: most calendars are consulted for one or two of their years.
        self._days: dict[int, tuple[CountedDay, ...]] = {}
        self._working: dict[int, list[date]] = {}
        self._walks: dict[tuple[date, int, int, bool], Count] = {}

    @property
    def years(self) -> dict[int, CalendarYear]:
        """The calendar of each year that has one."""
        return dict(self._years)

    def require(self, day: date) -> CalendarYear:
        """The calendar of the year of `day`. Raises CalendarMissing."""
        if (year := self._years.get(day.year)) is None:
            raise CalendarMissing(day.year)
        return year

    def is_working_day(self, day: date) -> bool:
        """Whether the state sector works on `day`. Raises CalendarMissing."""
        return self.counted_day(day).counted

    def day_reason(self, day: date) -> str | None:
        """Why `day` is no ordinary working day; None when it is one. Raises CalendarMissing."""
        reason = self.counted_day(day).reason
        return None if reason == WORKING_DAY else reason

    def add_working_days(self, start: date, n: int) -> date:
        """The n-th working day after `start`, which is never counted itself; `start` when n is 0."""
        _check_length(n)
        self.require(start)
        year, left, working = start.year, n, self._working_days(start.year)
        first = bisect_right(working, start)
        while first + left > len(working):
            left -= len(working) - first
            year, first = year + 1, 0
            working = self._working_days(year)
        return working[first + left - 1] if left else start

    def subtract_working_days(self, day: date, n: int) -> date:
        """The n-th working day before `day`, which is never counted itself; `day` when n is 0."""
        _check_length(n)
        self.require(day)
        year, left, working = day.year, n, self._working_days(day.year)
        end = bisect_left(working, day)
        while left > end:
            left -= end
            year -= 1
            working = self._working_days(year)
            end = len(working)
        return working[end - left] if left else day

    def last_working_day_before(self, day: date) -> date:
        """The last working day before `day`."""
        return self.subtract_working_days(day, 1)

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie after `first` up to and including `last`; 0 when `last` is not after it."""
        self.require(first)
        self.require(last)
        if last <= first:
            return 0
        total = sum(len(self._working_days(year)) for year in range(first.year, last.year))
        before = bisect_right(self._working_days(first.year), first)
        return total + bisect_right(self._working_days(last.year), last) - before

    def walk(self, start: date, n: int, direction: Direction) -> Count:
        """Count n working days from `start`, forwards (1) or backwards (-1), and list every day on the way.

        The start day is listed and never counted (Civil Code 2015, art. 147). Raises CalendarMissing.
        """
        key = (start, n, direction, True)
        if (kept := self._walks.get(key)) is None:
            due_on = self.add_working_days(start, n) if direction == 1 else self.subtract_working_days(start, n)
            kept = self._kept(key, self._from_start(start, due_on, self._between(start, due_on)))
        return kept

    def walk_calendar_days(self, start: date, n: int, direction: Direction) -> Count:
        """Count n calendar days from `start`. A year without a calendar is refused here too. Raises CalendarMissing."""
        key = (start, n, direction, False)
        if (kept := self._walks.get(key)) is None:
            _check_length(n)
            self.require(start)
            days = []
            day = start
            for _ in range(n):
                # One day at a time: a count towards the end of time stops at the first year without a calendar.
                day += direction * _DAY
                days.append(self.calendar_day(day))
            kept = self._kept(key, self._from_start(start, day, tuple(days)))
        return kept

    def walk_to(self, start: date, end_day: date) -> Count:
        """A count that ends on a fixed day whatever the calendar says. It consults no year."""
        return Count(end_day, (CountedDay(start, False, START_DAY),) if start == end_day else ())

    def counted_day(self, day: date) -> CountedDay:
        """The day as a count of working days meets it. Raises CalendarMissing."""
        return self._year_days(day.year)[_index(day)]

    def calendar_day(self, day: date) -> CountedDay:
        """The day as a count of calendar days meets it. Raises CalendarMissing."""
        self.require(day)
        return CountedDay(day, True, CALENDAR_DAY)

    def counted(self, first: date, due_on: date, days: tuple[CountedDay, ...]) -> Count:
        """Make a count of days that were counted elsewhere, with the calendar of each year that it touched."""
        years = sorted((first.year, due_on.year))
        touched = [self._years[year] for year in range(years[0], years[1] + 1)]
        versions = {year.year: year.version for year in touched}
        return Count(due_on, days, versions, any(year.provisional for year in touched))

    def _from_start(self, start: date, due_on: date, days: tuple[CountedDay, ...]) -> Count:
        return self.counted(start, due_on, (CountedDay(start, False, START_DAY), *days))

    def _kept(self, key: tuple[date, int, int, bool], count: Count) -> Count:
        if len(self._walks) >= _MAX_WALKS_KEPT:
            self._walks.clear()
        self._walks[key] = count
        return count

    def _between(self, start: date, due_on: date) -> tuple[CountedDay, ...]:
        """The days after `start` up to `due_on`, in the direction of the count."""
        if due_on < start:
            return tuple(reversed(self._span(due_on, start - _DAY)))
        return self._span(start + _DAY, due_on) if due_on > start else ()

    def _span(self, first: date, last: date) -> tuple[CountedDay, ...]:
        if first.year == last.year:
            return self._year_days(first.year)[_index(first) : _index(last) + 1]
        middle = (day for year in range(first.year + 1, last.year) for day in self._year_days(year))
        return (*self._year_days(first.year)[_index(first) :], *middle, *self._year_days(last.year)[: _index(last) + 1])

    def _working_days(self, year: int) -> list[date]:
        if (kept := self._working.get(year)) is None:
            kept = self._working[year] = [day.date for day in self._year_days(year) if day.counted]
        return kept

    def _year_days(self, year: int) -> tuple[CountedDay, ...]:
        if (kept := self._days.get(year)) is None:
            if year not in self._years:
                raise CalendarMissing(year)
            kept = self._days[year] = _days_of(self._years[year])
        return kept


def _days_of(year: CalendarYear) -> tuple[CountedDay, ...]:
    holidays = {holiday.date: holiday for holiday in year.holidays}
    makeup = {day.date: day.instead_of for day in year.makeup_days}
    days = []
    day = date(year.year, 1, 1)
    for _ in range(date(year.year, 12, 31).timetuple().tm_yday):
        if day in holidays:
            days.append(CountedDay(day, False, holiday_reason(holidays[day].name, holidays[day].name_en)))
        elif day in makeup:
            days.append(CountedDay(day, True, makeup_reason(makeup[day])))
        else:
            free = day.weekday() >= SATURDAY
            days.append(CountedDay(day, not free, WEEKEND if free else WORKING_DAY))
        day += _DAY
    return tuple(days)


def _index(day: date) -> int:
    """The place of a day in its year, from 0."""
    return day.toordinal() - date(day.year, 1, 1).toordinal()


def _check_length(n: int) -> None:
    if n < 0:
        raise ValueError(f"a count of {n} days: give a number from 0 up and a direction")
