"""Why a day counts or does not, as a stored code and its text in Vietnamese and English. Pure."""

from datetime import date
from typing import Literal

Language = Literal["vi", "en"]

START_DAY = "start day, not counted"
WORKING_DAY = "working day"
WEEKEND = "weekend"
CALENDAR_DAY = "calendar day"
ROLLED = "the end fell on a rest day"
CLOCK_SUSPENDED = "clock suspended"
MAKEUP = "make-up working day for "
HOLIDAY = "holiday: "
NAMES = " / "  # stands between the English and the Vietnamese name of a holiday

_TEXTS: dict[str, dict[Language, str]] = {
    START_DAY: {"en": START_DAY, "vi": "ngày bắt đầu, không tính"},
    WORKING_DAY: {"en": WORKING_DAY, "vi": "ngày làm việc"},
    WEEKEND: {"en": WEEKEND, "vi": "nghỉ cuối tuần"},
    CALENDAR_DAY: {"en": CALENDAR_DAY, "vi": "ngày theo lịch"},
    ROLLED: {"en": ROLLED, "vi": "ngày cuối rơi vào ngày nghỉ, chuyển sang ngày làm việc liền kề"},
    CLOCK_SUSPENDED: {"en": CLOCK_SUSPENDED, "vi": "tạm đình chỉ, không tính vào thời hạn"},
}


def holiday_reason(name: str, name_en: str) -> str:
    """The code of a day off. It carries both names, so that a record explains itself."""
    return HOLIDAY + (f"{name_en}{NAMES}{name}" if name_en else name)


def makeup_reason(instead_of: date) -> str:
    """The code of a day worked in place of another."""
    return f"{MAKEUP}{instead_of}"


def day_text(reason: str, lang: Language) -> str:
    """The reason of a counted day in Vietnamese or English."""
    if reason in _TEXTS:
        return _TEXTS[reason][lang]
    if reason.startswith(MAKEUP):
        day = date.fromisoformat(reason.removeprefix(MAKEUP))
        return reason if lang == "en" else f"ngày làm bù cho ngày {day:%d/%m/%Y}"
    english, _, vietnamese = reason.removeprefix(HOLIDAY).partition(NAMES)
    return f"day off: {english}" if lang == "en" else f"ngày nghỉ: {vietnamese or english}"
