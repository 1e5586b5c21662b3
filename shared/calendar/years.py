"""A year of the state sector's calendar with its days off and make-up days, and what makes it invalid. Pure."""

from datetime import date

import msgspec

from shared.calendar.reasons import NAMES

Day = date  # the type beside fields that are themselves called `date`
FIRST_YEAR, LAST_YEAR = 1900, 2100
SATURDAY = 5  # as date.weekday() numbers it


class DayOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A day without work: a public holiday, its observed day, or the day off of a swap."""

    date: Day
    name: str
    name_en: str = ""


class MakeUpDay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A Saturday or Sunday worked in place of a day off (hoán đổi ngày làm việc)."""

    date: Day
    instead_of: Day


class CalendarYear(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The days off and make-up days of one year; `version` names the record that states them."""

    year: int
    holidays: tuple[DayOff, ...]
    makeup_days: tuple[MakeUpDay, ...] = ()
    version: str = ""
    provisional: bool = False
    confirmed: bool = False
    document: str = ""


class ContradictoryCalendar(ValueError):
    """A calendar that contradicts itself. The message names the field."""


def validate(year: CalendarYear) -> None:
    """Refuse a calendar that contradicts itself. Raises ContradictoryCalendar."""
    if not FIRST_YEAR <= year.year <= LAST_YEAR:
        raise ContradictoryCalendar(f"year: {year.year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    holidays: set[date] = set()
    for index, holiday in enumerate(year.holidays):
        _check_holiday(f"holidays[{index}]", holiday, year.year, holidays)
        holidays.add(holiday.date)
    worked: set[date] = set()
    exchanged: set[date] = set()
    for index, makeup in enumerate(year.makeup_days):
        _check_makeup(f"makeup_days[{index}]", makeup, year.year, holidays, worked, exchanged)
        worked.add(makeup.date)
        exchanged.add(makeup.instead_of)


def _check_holiday(field: str, holiday: DayOff, year: int, seen: set[date]) -> None:
    if holiday.date.year != year:
        raise ContradictoryCalendar(f"{field}.date: {holiday.date} is not a day of {year}")
    if holiday.date in seen:
        raise ContradictoryCalendar(f"{field}.date: {holiday.date} is listed twice")
    if not holiday.name.strip():
        raise ContradictoryCalendar(f"{field}.name: the day off {holiday.date} needs a name")
    for name, text in (("name", holiday.name), ("name_en", holiday.name_en)):
        if NAMES in text:
            raise ContradictoryCalendar(f"{field}.{name}: may not contain {NAMES!r}, which parts the two languages")


def _check_makeup(
    field: str, makeup: MakeUpDay, year: int, holidays: set[date], worked: set[date], exchanged: set[date]
) -> None:
    if makeup.date.year != year:
        raise ContradictoryCalendar(f"{field}.date: {makeup.date} is not a day of {year}")
    if makeup.date.weekday() < SATURDAY:
        raise ContradictoryCalendar(
            f"{field}.date: {makeup.date} is a {makeup.date:%A}; only a Saturday or Sunday makes up"
        )
    if makeup.date in worked:
        raise ContradictoryCalendar(f"{field}.date: {makeup.date} is listed twice")
    if makeup.date in holidays:
        raise ContradictoryCalendar(f"{field}.date: {makeup.date} is also listed as a day off")
    if makeup.instead_of.weekday() >= SATURDAY:
        raise ContradictoryCalendar(
            f"{field}.instead_of: {makeup.instead_of} is a {makeup.instead_of:%A}, free without it"
        )
    if makeup.instead_of in exchanged:
        raise ContradictoryCalendar(f"{field}.instead_of: {makeup.instead_of} is made up for twice")
    # The swap may cross the year (Monday 31 December 2018 for Saturday 5 January 2019): then the other year says so.
    if makeup.instead_of.year == year and makeup.instead_of not in holidays:
        raise ContradictoryCalendar(
            f"{field}.instead_of: {makeup.instead_of} is not among the days off; add it to holidays"
        )
