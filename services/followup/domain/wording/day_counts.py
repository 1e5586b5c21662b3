"""How late something is, or how long it still has, in the unit of its own limit: working days or days. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from services.followup.domain.wording.names import Bilingual
from shared.calendar import Calendar, CalendarMissing
from shared.events.deadline import Explanation

DayUnit = Literal["working_days", "calendar_days"]
#: In the order of the two languages; in English the first is of one day.
_UNITS: Mapping[DayUnit, tuple[str, str, str]] = {
    "working_days": ("ngày làm việc", "working day", "working days"),
    "calendar_days": ("ngày", "day", "days"),
}


class DayCount(msgspec.Struct, frozen=True):
    """The days after one day up to another."""

    days: int
    unit: DayUnit

    @property
    def words(self) -> Bilingual:
        """`11 ngày làm việc`; a weekend after the last day is less than one working day."""
        vi, one, several = _UNITS[self.unit]
        if not self.days:
            return Bilingual(f"chưa đến 01 {vi}", f"less than one {one}")
        return Bilingual(f"{self.days:02d} {vi}", f"{self.days} {one if self.days == 1 else several}")


def days_between(explanation: Explanation | None, first: date, last: date, calendar: Calendar) -> DayCount:
    """The days after `first` up to `last`, in the unit in which the limit was counted.

    In calendar days where the limit was, or is not known, or where a year has no calendar.
    """
    if explanation is not None and explanation.unit == "working_days" and _has_length(explanation):
        try:
            return DayCount(calendar.working_days_between(first, last), "working_days")
        except CalendarMissing:
            pass
    return DayCount((last - first).days, "calendar_days")


def _has_length(explanation: Explanation) -> bool:
    """Whether days were counted at all; a rule that names the last day itself counts none."""
    return not explanation.period and explanation.days is not None
