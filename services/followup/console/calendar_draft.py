"""A year as twelve months of days, and a draft of it that is corrected day by day. Pure."""

import calendar
from collections.abc import Collection
from datetime import date
from typing import Literal, NamedTuple

import msgspec

from services.followup.console.typed_numbers import typed_number
from services.followup.domain.wording.names import Bilingual
from shared.calendar import CalendarYear, ContradictoryCalendar, DayOff, MakeUpDay, validate
from shared.calendar.diff import DayChange, day_changes
from shared.calendar.years import SATURDAY
from shared.sentences import Sentence

Kind = Literal["work", "weekend", "off", "makeup"]
_KIND_WORDS: dict[Kind, Bilingual] = {
    "work": Bilingual("ngày làm việc", "working day"),
    "weekend": Bilingual("nghỉ cuối tuần", "weekend"),
    "off": Bilingual("ngày nghỉ", "day off"),
    "makeup": Bilingual("làm bù cho ngày", "worked in place of"),
}


class DayCell(NamedTuple):
    """A day of a month: what it is, and in words; `is_changed` from the calendar that is in force."""

    date: date
    kind: Kind
    words: Bilingual
    is_changed: bool


class Month(NamedTuple):
    """A month as weeks from Monday to Sunday, None outside of it, and its days that are no ordinary ones."""

    number: int
    weeks: list[list[DayCell | None]]
    named: list[DayCell]


class DayEntry(NamedTuple):
    """What a day is to be, as it was chosen: the name of a day off, or the day that is made up for."""

    kind: Kind
    name: str = ""
    name_en: str = ""
    instead_of: date | None = None


class ChangedDay(NamedTuple):
    """A day that would count differently, and what of it changes."""

    date: date
    words: Bilingual


class WrongDay(Exception):
    """A year contradicts itself: where, by the input of a day's form, the day in question, and why."""

    def __init__(self, at: str, day: date | None, said: Sentence) -> None:
        super().__init__(said.en)
        self.at, self.day, self.said = at, day, said


def months_of(year: CalendarYear, changed: Collection[date] = ()) -> list[Month]:
    """The twelve months of a year."""
    off = {each.date: each for each in year.holidays}
    made_up = {each.date: each for each in year.makeup_days}

    def cell(day: date) -> DayCell:
        entry = entry_of(year, day)
        words = _KIND_WORDS[entry.kind]
        if entry.kind == "off":
            words = Bilingual(off[day].name, off[day].name_en or off[day].name)
        elif entry.kind == "makeup":
            other = made_up[day].instead_of
            words = Bilingual(f"{words.vi} {other:%d/%m/%Y}", f"{words.en} {other:%d/%m/%Y}")
        return DayCell(day, entry.kind, words, day in changed)

    found = []
    for number in range(1, 13):
        days = calendar.Calendar().monthdatescalendar(year.year, number)
        weeks = [[cell(day) if day.month == number else None for day in week] for week in days]
        named = [
            each for week in weeks for each in week if each and (each.kind in ("off", "makeup") or each.is_changed)
        ]
        found.append(Month(number, weeks, named))
    return found


def entry_of(year: CalendarYear, day: date) -> DayEntry:
    """What a day is in a year."""
    for made_up in year.makeup_days:
        if made_up.date == day:
            return DayEntry("makeup", instead_of=made_up.instead_of)
    for off in year.holidays:
        if off.date == day:
            return DayEntry("off", off.name, off.name_en)
    return DayEntry("weekend" if day.weekday() >= SATURDAY else "work")


def with_day(year: CalendarYear, day: date, entry: DayEntry) -> CalendarYear:
    """The year with one day as it was chosen. Raises WrongDay."""
    holidays = [each for each in year.holidays if each.date != day]
    makeups = [each for each in year.makeup_days if each.date != day]
    match entry.kind:
        case "off":
            holidays.append(DayOff(date=day, name=entry.name, name_en=entry.name_en))
        case "makeup":
            if entry.instead_of is None:
                said = Sentence("Hãy nêu ngày nghỉ được làm bù.", "Name the day off that is made up for.")
                raise WrongDay("instead_of", day, said)
            makeups.append(MakeUpDay(date=day, instead_of=entry.instead_of))
        case _:
            pass
    changed = msgspec.structs.replace(
        year,
        holidays=tuple(sorted(holidays, key=lambda each: each.date)),
        makeup_days=tuple(sorted(makeups, key=lambda each: each.date)),
    )
    check_year(changed)
    return changed


def check_year(year: CalendarYear) -> None:
    """Refuse a year that contradicts itself. Raises WrongDay."""
    try:
        validate(year)
    except ContradictoryCalendar as error:
        raise wrong_day(year, error.field, error.said) from None


def wrong_day(year: CalendarYear, field: str, said: Sentence) -> WrongDay:
    """What is wrong with the day that a refusal names by its place in the year: `makeup_days[2].instead_of`."""
    listed, _, rest = field.partition("[")
    said_number, _, name = rest.partition("]")
    days: dict[str, tuple[DayOff, ...] | tuple[MakeUpDay, ...]] = {
        "holidays": year.holidays,
        "makeup_days": year.makeup_days,
    }
    of_kind = days.get(listed, ())
    number = typed_number(said_number)
    day = of_kind[number].date if number is not None and number < len(of_kind) else None
    at = name.lstrip(".") or field
    return WrongDay("kind" if at == "date" else at, day, said)


def changed_days(before: CalendarYear | None, after: CalendarYear) -> list[ChangedDay]:
    """The days that would count differently, earliest first; all that are named where there was no calendar."""
    known = before or CalendarYear(year=after.year, holidays=())
    return [_changed(each) for each in day_changes(known, after)]


def _changed(change: DayChange) -> ChangedDay:
    if change.kind in ("made_up", "no_longer_made_up"):
        change = msgspec.structs.replace(change, name=f"{date.fromisoformat(change.name):%d/%m/%Y}")
    return ChangedDay(change.date, Bilingual(change.in_words("vi"), change.in_words("en")))
