"""A computed calendar for a year that nobody has published yet: from `holidays`, provisional until published."""

import re
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version

from shared.calendar import DayOff, MakeUpDay
from shared.events.regulation import CalendarProposed

# The package tells a swap in the name of the day off alone: "Ngày nghỉ (thay cho ngày 26/04/2025)".
_IN_PLACE_OF = re.compile(r"\(thay cho ngày (\d\d)/(\d\d)/(\d{4})\)")
_SATURDAY = 5


def proposed_calendar(year: int, effective_on: date) -> CalendarProposed:
    """What the package knows of a year; extrapolated where nothing has been announced yet."""
    # Slow to load, and hardly any start finds a year without a calendar.
    import holidays

    # A swap may cross the turn of the year, so the neighbours are asked too.
    found = holidays.country_holidays("VN", years=(year - 1, year, year + 1), language="vi")
    english = holidays.country_holidays("VN", years=year, language="en_US")
    off = {day: name for day, name in sorted(found.items()) if day.year == year}
    return CalendarProposed(
        effective_on=effective_on,
        year=year,
        holidays=tuple(DayOff(date=d, name=_plain(n), name_en=_plain(english.get(d, ""))) for d, n in off.items()),
        makeup_days=tuple(m for m in _swaps(found) if m.date.year == year and m.date not in off),
        basis=f"holidays {version('holidays')}",
    )


def _swaps(found: Mapping[date, str]) -> list[MakeUpDay]:
    swaps = []
    for day, name in sorted(found.items()):
        if (told := _IN_PLACE_OF.search(name)) is None or day.weekday() >= _SATURDAY:
            continue
        worked = date(int(told[3]), int(told[2]), int(told[1]))
        if worked.weekday() >= _SATURDAY:
            swaps.append(MakeUpDay(date=worked, instead_of=day))
    return swaps


def _plain(name: str) -> str:
    # The pure calendar keeps " / " for itself, between the two languages of a name.
    return name.replace(" / ", "; ").strip()
