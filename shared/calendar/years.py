"""A year of the state sector's calendar with its days off and make-up days, and what makes it invalid. Pure."""

from collections.abc import Collection, Mapping
from datetime import date

import msgspec

from shared.calendar.day_reasons import NAMES
from shared.identifiers import FIRST_YEAR, LAST_YEAR
from shared.sentences import Sentence

Day = date  # the type beside fields that are themselves called `date`
ASKED_FROM = 10  # the month from which the next year's calendar is asked for
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


#: What a calendar may contradict itself in, by the rule that says so.
CONTRADICTIONS: Mapping[str, Sentence] = {
    "year": Sentence(
        "Năm {year} nằm ngoài khoảng từ năm {first} đến năm {last}.", "{year} is outside {first} to {last}"
    ),
    "other-year": Sentence(
        "Ngày {day} không thuộc năm {year}; hãy ghi vào lịch của năm đó.",
        "{day} is not a day of {year}; list it in its own year",
    ),
    "listed-twice": Sentence("Ngày {day} được nêu hai lần; chỉ giữ một.", "{day} is listed twice; keep one"),
    "name-missing": Sentence("Ngày nghỉ {day} chưa có tên; hãy ghi tên ngày nghỉ.", "the day off {day} needs a name"),
    "separator": Sentence(
        "Tên ngày nghỉ không được chứa “{separator}”, vì dấu này ngăn cách hai ngôn ngữ.",
        "may not contain '{separator}', which parts the two languages",
    ),
    "not-a-weekend": Sentence(
        "Ngày {day} không phải thứ Bảy hoặc Chủ nhật; chỉ làm bù vào thứ Bảy hoặc Chủ nhật.",
        "{day} is a {weekday}; only a Saturday or Sunday makes up",
    ),
    "worked-and-off": Sentence(
        "Ngày làm bù {day} cũng được nêu là ngày nghỉ; chỉ giữ một.", "{day} is also listed as a day off; keep one"
    ),
    "free-anyway": Sentence(
        "Ngày {day} là thứ Bảy hoặc Chủ nhật, vốn đã được nghỉ; hãy ghi một ngày làm việc được nghỉ.",
        "{day} is a {weekday}, free without it; name a day from Monday to Friday",
    ),
    "made-up-twice": Sentence(
        "Ngày nghỉ {day} được làm bù hai lần; chỉ giữ một.", "{day} is made up for twice; keep one"
    ),
    "not-a-day-off": Sentence(
        "Ngày {day} chưa có trong danh sách ngày nghỉ; hãy bổ sung vào danh sách.",
        "{day} is not among the days off; add it to holidays",
    ),
}


class ContradictoryCalendar(ValueError):
    """A calendar that contradicts itself in a field. `said` says how; the message also in which, in English."""

    def __init__(self, field: str, rule: str, **values: object) -> None:
        self.field, self.rule, self.values = field, rule, values
        self.said = CONTRADICTIONS[rule].filled(values, {})
        super().__init__(f"{field}: {self.said.en}")


def unpublished_year(today: date, published: Collection[int]) -> int | None:
    """The next year, from the first of October on while nobody has published its calendar; None otherwise."""
    return today.year + 1 if today.month >= ASKED_FROM and today.year + 1 not in published else None


def validate(year: CalendarYear) -> None:
    """Refuse a calendar that contradicts itself. Raises ContradictoryCalendar."""
    if not FIRST_YEAR <= year.year <= LAST_YEAR:
        raise ContradictoryCalendar("year", "year", year=year.year, first=FIRST_YEAR, last=LAST_YEAR)
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
        raise ContradictoryCalendar(f"{field}.date", "other-year", day=holiday.date, year=year)
    if holiday.date in seen:
        raise ContradictoryCalendar(f"{field}.date", "listed-twice", day=holiday.date)
    if not holiday.name.strip():
        raise ContradictoryCalendar(f"{field}.name", "name-missing", day=holiday.date)
    for name, text in (("name", holiday.name), ("name_en", holiday.name_en)):
        if NAMES in text:
            raise ContradictoryCalendar(f"{field}.{name}", "separator", separator=NAMES)


def _check_makeup(
    field: str, makeup: MakeUpDay, year: int, holidays: set[date], worked: set[date], exchanged: set[date]
) -> None:
    if makeup.date.year != year:
        raise ContradictoryCalendar(f"{field}.date", "other-year", day=makeup.date, year=year)
    if makeup.date.weekday() < SATURDAY:
        raise ContradictoryCalendar(f"{field}.date", "not-a-weekend", day=makeup.date, weekday=f"{makeup.date:%A}")
    if makeup.date in worked:
        raise ContradictoryCalendar(f"{field}.date", "listed-twice", day=makeup.date)
    if makeup.date in holidays:
        raise ContradictoryCalendar(f"{field}.date", "worked-and-off", day=makeup.date)
    if makeup.instead_of.weekday() >= SATURDAY:
        raise ContradictoryCalendar(
            f"{field}.instead_of", "free-anyway", day=makeup.instead_of, weekday=f"{makeup.instead_of:%A}"
        )
    if makeup.instead_of in exchanged:
        raise ContradictoryCalendar(f"{field}.instead_of", "made-up-twice", day=makeup.instead_of)
    # The swap may cross the year (Monday 31 December 2018 for Saturday 5 January 2019): then the other year says so.
    if makeup.instead_of.year == year and makeup.instead_of not in holidays:
        raise ContradictoryCalendar(f"{field}.instead_of", "not-a-day-off", day=makeup.instead_of)
