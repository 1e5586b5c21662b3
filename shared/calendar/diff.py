"""The differences between two versions of a year, day by day. Pure."""

from datetime import date

import msgspec

from shared.calendar.day_reasons import Language
from shared.calendar.years import CalendarYear, Day

_TEXTS: dict[str, tuple[str, str]] = {
    "off": ("thêm ngày nghỉ: {name}", "day off added: {name}"),
    "no_longer_off": ("bỏ ngày nghỉ: {name}", "day off removed: {name}"),
    "made_up": ("thêm ngày làm bù cho {name}", "make-up day added for {name}"),
    "no_longer_made_up": ("bỏ ngày làm bù cho {name}", "make-up day removed for {name}"),
}


class DayChange(msgspec.Struct, frozen=True):
    """One day that counts differently: what changed, and the name of the day off or the day made up for."""

    date: Day
    kind: str
    name: str

    def in_words(self, lang: Language) -> str:
        """The change in words."""
        return _TEXTS[self.kind][0 if lang == "vi" else 1].format(name=self.name)


def day_changes(before: CalendarYear, after: CalendarYear) -> list[DayChange]:
    """The days that are off or worked in one version only, earliest first."""
    off = [{h.date: h.name for h in year.holidays} for year in (before, after)]
    worked = [{m.date: m.instead_of.isoformat() for m in year.makeup_days} for year in (before, after)]
    found = [
        *_changes(off[0], off[1], "off", "no_longer_off"),
        *_changes(worked[0], worked[1], "made_up", "no_longer_made_up"),
    ]
    return sorted(found, key=lambda change: (change.date, change.kind))


def _changes(before: dict[date, str], after: dict[date, str], added: str, removed: str) -> list[DayChange]:
    return [
        *(DayChange(day, added, name) for day, name in after.items() if day not in before),
        *(DayChange(day, removed, name) for day, name in before.items() if day not in after),
    ]
