"""What two versions of a year say differently, day by day, in both languages."""

from datetime import date

import msgspec

from shared.calendar import CalendarYear, DayOff, MakeUpDay
from shared.calendar.diff import DayChange, day_changes

NEW_YEAR = DayOff(date=date(2024, 1, 1), name="Tết Dương lịch")
SWAPPED = DayOff(date=date(2024, 4, 29), name="Nghỉ hoán đổi")
SATURDAY = MakeUpDay(date=date(2024, 5, 4), instead_of=date(2024, 4, 29))
PLAIN = CalendarYear(year=2024, holidays=(NEW_YEAR,))
WITH_SWAP = msgspec.structs.replace(PLAIN, holidays=(NEW_YEAR, SWAPPED), makeup_days=(SATURDAY,))


def told(before: CalendarYear, after: CalendarYear) -> list[str]:
    return [
        f"{each.date} {each.kind}: {each.in_words('vi')} / {each.in_words('en')}" for each in day_changes(before, after)
    ]


def test_days_added__earliest_first() -> None:
    assert told(PLAIN, WITH_SWAP) == [
        "2024-04-29 off: thêm ngày nghỉ: Nghỉ hoán đổi / day off added: Nghỉ hoán đổi",
        "2024-05-04 made_up: thêm ngày làm bù cho 2024-04-29 / make-up day added for 2024-04-29",
    ]


def test_days_removed__earliest_first() -> None:
    assert told(WITH_SWAP, PLAIN) == [
        "2024-04-29 no_longer_off: bỏ ngày nghỉ: Nghỉ hoán đổi / day off removed: Nghỉ hoán đổi",
        "2024-05-04 no_longer_made_up: bỏ ngày làm bù cho 2024-04-29 / make-up day removed for 2024-04-29",
    ]


def test_the_same_days__no_change__whatever_they_are_called() -> None:
    assert day_changes(WITH_SWAP, WITH_SWAP) == []
    renamed = msgspec.structs.replace(PLAIN, holidays=(DayOff(date=NEW_YEAR.date, name="New Year"),))
    assert day_changes(PLAIN, renamed) == []


def test_one_day_off_another_added_and_removed__in_the_order_of_the_days() -> None:
    earlier = msgspec.structs.replace(
        PLAIN, holidays=(DayOff(date=date(2024, 2, 9), name="a"),), makeup_days=(SATURDAY,)
    )
    later = msgspec.structs.replace(PLAIN, holidays=(DayOff(date=date(2024, 2, 8), name="b"),))
    assert day_changes(earlier, later) == [
        DayChange(date(2024, 2, 8), "off", "b"),
        DayChange(date(2024, 2, 9), "no_longer_off", "a"),
        DayChange(date(2024, 5, 4), "no_longer_made_up", "2024-04-29"),
    ]
