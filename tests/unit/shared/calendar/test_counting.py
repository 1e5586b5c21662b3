"""Counting working days: known dates, the reasons of each day, years without a calendar, invalid calendars."""

from datetime import date

import msgspec
import pytest

from shared.calendar import (
    START_DAY,
    WEEKEND,
    WORKING_DAY,
    Calendar,
    CalendarMissing,
    CalendarYear,
    ContradictoryCalendar,
    DayOff,
    MakeUpDay,
    day_text,
    validate,
)
from shared.calendar.shipped import seed_years

CALENDAR = Calendar(seed_years())


def day(text: str) -> date:
    return date.fromisoformat(text)


def year(number: int = 2024, **fields: object) -> CalendarYear:
    return msgspec.structs.replace(CalendarYear(year=number, holidays=()), **fields)


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        ("2019-08-23", 5, "2019-08-30"),  # plan 570: conclusion
        ("2019-08-23", 15, "2019-09-16"),  # plan 570: reply, over 2 September
        ("2019-08-23", 30, "2019-10-07"),  # plan 570: complex reply
        ("2019-04-26", 2, "2019-05-03"),  # swap and two holidays
        ("2019-05-03", 1, "2019-05-04"),  # the make-up Saturday
        ("2018-12-31", 1, None),  # no calendar for 2018
        ("2024-12-31", 1, "2025-01-02"),  # over the new year
        ("2026-01-01", 1, "2026-01-05"),  # Friday 2 January is a swapped day off
        ("2026-01-09", 1, "2026-01-10"),  # and Saturday 10 January is worked
        ("2026-11-23", 1, "2026-11-25"),  # Vietnam Culture Day
        ("2019-01-01", 2100, None),  # over the last seed
    ],
)
def test_add_working_days(start: str, n: int, due: str | None) -> None:
    if due is None:
        with pytest.raises(CalendarMissing):
            CALENDAR.add_working_days(day(start), n)
    else:
        assert CALENDAR.add_working_days(day(start), n) == day(due)


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        ("2019-08-23", 7, "2019-08-14"),  # plan 570: invitations
        ("2019-08-23", 1, "2019-08-22"),
        ("2025-01-02", 1, "2024-12-31"),
        ("2019-05-06", 1, "2019-05-04"),  # back over Sunday to the make-up Saturday
        ("2026-02-23", 1, "2026-02-13"),  # back over Tết
    ],
)
def test_subtract_working_days(start: str, n: int, due: str) -> None:
    assert CALENDAR.subtract_working_days(day(start), n) == day(due)


def test_last_working_day_before__a_holiday_week() -> None:
    assert CALENDAR.last_working_day_before(day("2020-01-30")) == day("2020-01-22")


def test_count_of_no_days_ends_on_its_start_even_on_a_day_off() -> None:
    assert CALENDAR.add_working_days(day("2019-09-02"), 0) == day("2019-09-02")
    assert CALENDAR.subtract_working_days(day("2019-09-01"), 0) == day("2019-09-01")
    assert CALENDAR.walk(day("2019-09-02"), 0, 1).due_on == day("2019-09-02")


@pytest.mark.parametrize("walk", [CALENDAR.add_working_days, CALENDAR.subtract_working_days])
def test_negative_count_is_refused(walk) -> None:
    with pytest.raises(ValueError, match="-1 days"):
        walk(day("2019-08-23"), -1)


def test_working_days_between() -> None:
    assert CALENDAR.working_days_between(day("2019-08-23"), day("2019-09-16")) == 15
    assert CALENDAR.working_days_between(day("2024-12-30"), day("2025-01-02")) == 2
    assert CALENDAR.working_days_between(day("2019-09-16"), day("2019-08-23")) == 0


def test_walk_tells_every_day_forwards() -> None:
    count = CALENDAR.walk(day("2019-04-26"), 3, 1)
    assert [(d.date.day, d.counted, d.reason) for d in count.days] == [
        (26, False, START_DAY),
        (27, False, WEEKEND),
        (28, False, WEEKEND),
        (29, False, "holiday: Day off swapped with Saturday 4 May 2019 / Nghỉ hoán đổi, làm bù thứ Bảy 04/05/2019"),
        (30, False, "holiday: Victory Day / Ngày Chiến thắng"),
        (1, False, "holiday: International Labour Day / Ngày Quốc tế Lao động"),
        (2, True, WORKING_DAY),
        (3, True, WORKING_DAY),
        (4, True, "make-up working day for 2019-04-29"),
    ]
    assert count.due_on == day("2019-05-04")
    assert count.versions == {2019: "seed-2019"}


def test_walk_backwards_lists_the_days_in_the_order_of_the_count() -> None:
    count = CALENDAR.walk(day("2019-08-20"), 2, -1)
    assert [d.date.day for d in count.days] == [20, 19, 18, 17, 16]
    assert count.due_on == day("2019-08-16")


def test_walk_over_a_new_year_names_both_calendars() -> None:
    count = CALENDAR.walk(day("2021-12-31"), 1, 1)
    assert count.due_on == day("2022-01-04")
    assert count.versions == {2021: "seed-2021", 2022: "seed-2022"}
    assert [d.date for d in count.days] == sorted(d.date for d in count.days)
    back = CALENDAR.walk(day("2022-01-04"), 1, -1)
    assert (back.due_on, back.versions) == (day("2021-12-31"), count.versions)


def test_walk_on_a_provisional_year_is_provisional() -> None:
    calendar = Calendar([year(2024), year(2025, provisional=True)])
    assert not calendar.walk(day("2024-06-03"), 5, 1).provisional
    assert calendar.walk(day("2024-12-30"), 5, 1).provisional


def test_walk_calendar_days() -> None:
    count = CALENDAR.walk_calendar_days(day("2026-06-18"), 7, -1)
    assert count.due_on == day("2026-06-11")
    assert sum(d.counted for d in count.days) == 7
    with pytest.raises(CalendarMissing, match="2027"):
        CALENDAR.walk_calendar_days(day("2026-12-20"), 30, 1)


def test_walk_to_consults_no_calendar() -> None:
    count = Calendar().walk_to(day("2040-01-01"), day("2040-12-31"))
    assert (count.due_on, count.days, count.provisional) == (day("2040-12-31"), (), False)


@pytest.mark.parametrize("text", ["1899-12-31", "1900-01-01", "2018-12-31", "2027-01-01", "2101-01-01", "9999-12-31"])
def test_every_question_about_a_year_without_calendar_names_it(text: str) -> None:
    for ask in (
        CALENDAR.is_working_day,
        CALENDAR.day_reason,
        CALENDAR.last_working_day_before,
        lambda d: CALENDAR.add_working_days(d, 1),
        lambda d: CALENDAR.walk(d, 0, 1),
        lambda d: CALENDAR.walk_calendar_days(d, 1, -1),
    ):
        with pytest.raises(CalendarMissing, match=text[:4]) as caught:
            ask(day(text))
        assert caught.value.year == int(text[:4])


def test_a_count_stops_at_the_first_year_without_calendar() -> None:
    with pytest.raises(CalendarMissing, match="2027"):
        CALENDAR.add_working_days(day("2026-12-31"), 1000)
    with pytest.raises(CalendarMissing, match="2018"):
        CALENDAR.subtract_working_days(day("2019-01-02"), 1)


def test_a_count_that_ends_on_the_last_working_day_needs_no_next_year() -> None:
    assert CALENDAR.add_working_days(day("2026-12-30"), 1) == day("2026-12-31")


def test_a_count_that_ends_on_the_first_working_day_needs_no_year_before() -> None:
    assert CALENDAR.subtract_working_days(day("2019-01-04"), 2) == day("2019-01-02")
    assert CALENDAR.subtract_working_days(day("2025-01-06"), 2) == day("2025-01-02")


def test_a_later_entry_replaces_a_year() -> None:
    replaced = Calendar([*seed_years(), year(2019, version="other")])
    assert replaced.walk(day("2019-08-23"), 15, 1).due_on == day("2019-09-13")
    assert replaced.years[2019].version == "other"


def test_day_reason() -> None:
    assert CALENDAR.day_reason(day("2019-08-23")) is None
    assert CALENDAR.day_reason(day("2019-08-24")) == WEEKEND
    assert CALENDAR.day_reason(day("2019-01-05")) == "make-up working day for 2018-12-31"
    assert CALENDAR.is_working_day(day("2019-01-05"))


@pytest.mark.parametrize(
    ("reason", "vietnamese", "english"),
    [
        (WORKING_DAY, "ngày làm việc", "working day"),
        (WEEKEND, "nghỉ cuối tuần", "weekend"),
        (START_DAY, "ngày bắt đầu, không tính", "start day, not counted"),
        (
            "make-up working day for 2019-04-29",
            "ngày làm bù cho ngày 29/04/2019",
            "make-up working day for 2019-04-29",
        ),
        ("holiday: National Day / Quốc khánh", "ngày nghỉ: Quốc khánh", "day off: National Day"),
        ("holiday: Ngày nghỉ riêng", "ngày nghỉ: Ngày nghỉ riêng", "day off: Ngày nghỉ riêng"),
    ],
)
def test_day_text(reason: str, vietnamese: str, english: str) -> None:
    assert day_text(reason, "vi") == vietnamese
    assert day_text(reason, "en") == english


OFF = DayOff(date=date(2024, 4, 29), name="Nghỉ hoán đổi")
SWAP = MakeUpDay(date=date(2024, 5, 4), instead_of=date(2024, 4, 29))


@pytest.mark.parametrize(
    ("invalid", "field"),
    [
        (year(1899), "year: 1899"),
        (year(2101), "year: 2101"),
        (year(holidays=(DayOff(date=date(2023, 9, 2), name="Quốc khánh"),)), r"holidays\[0\].date: 2023-09-02"),
        (year(holidays=(OFF, OFF)), r"holidays\[1\].date: 2024-04-29 is listed twice"),
        (year(holidays=(DayOff(date=date(2024, 9, 2), name=" "),)), r"holidays\[0\].name"),
        (year(holidays=(DayOff(date=date(2024, 9, 2), name="a / b"),)), r"holidays\[0\].name: may not contain"),
        (year(holidays=(OFF,), makeup_days=(SWAP, SWAP)), r"makeup_days\[1\].date: 2024-05-04 is listed twice"),
        (
            year(holidays=(OFF,), makeup_days=(SWAP, MakeUpDay(date=date(2024, 5, 5), instead_of=OFF.date))),
            r"makeup_days\[1\].instead_of: 2024-04-29 is made up for twice",
        ),
        (year(makeup_days=(SWAP,)), r"makeup_days\[0\].instead_of: 2024-04-29 is not among the days off"),
        (
            year(makeup_days=(MakeUpDay(date=date(2024, 5, 3), instead_of=date(2024, 4, 29)),)),
            r"makeup_days\[0\].date: 2024-05-03 is a Friday",
        ),
        (
            year(makeup_days=(MakeUpDay(date=date(2024, 5, 4), instead_of=date(2024, 4, 28)),)),
            r"makeup_days\[0\].instead_of: 2024-04-28 is a Sunday",
        ),
        (
            year(makeup_days=(MakeUpDay(date=date(2025, 4, 26), instead_of=date(2025, 5, 2)),)),
            r"makeup_days\[0\].date: 2025-04-26 is not a day of 2024",
        ),
        (
            year(holidays=(OFF, DayOff(date=SWAP.date, name="Ngày lễ")), makeup_days=(SWAP,)),
            r"makeup_days\[0\].date: 2024-05-04 is also listed as a day off",
        ),
    ],
)
def test_validate_names_the_field(invalid: CalendarYear, field: str) -> None:
    with pytest.raises(ContradictoryCalendar, match=field):
        validate(invalid)


def test_validate_accepts_a_swap_across_the_new_year() -> None:
    validate(year(2019, makeup_days=(MakeUpDay(date=date(2019, 1, 5), instead_of=date(2018, 12, 31)),)))


def test_calendar_year_survives_json() -> None:
    for seed in seed_years():
        assert msgspec.json.decode(msgspec.json.encode(seed), type=CalendarYear) == seed


# --- what records keep ------------------------------------------------------------------------------------------------


def test_reasons__stand_in_records_and_never_change() -> None:
    # Fri 26 Apr 2019: the swap of Mon 29 for Sat 4 May, 30 April and 1 May
    walk = CALENDAR.walk(day("2019-04-26"), 3, 1)
    assert [(d.date.day, d.counted) for d in walk.days if d.reason.startswith("holiday: ")] == [
        (29, False),
        (30, False),
        (1, False),
    ]
    assert [(d.date.day, d.counted, d.reason) for d in walk.days if not d.reason.startswith("holiday: ")] == [
        (26, False, "start day, not counted"),
        (27, False, "weekend"),
        (28, False, "weekend"),
        (2, True, "working day"),
        (3, True, "working day"),
        (4, True, "make-up working day for 2019-04-29"),
    ]
    assert CALENDAR.calendar_day(day("2019-05-01")).reason == "calendar day"


def test_day_off__is_named_in_both_languages__or_in_the_one_that_was_given() -> None:
    off = (
        DayOff(date=date(2024, 9, 2), name="Quốc khánh", name_en="National Day"),
        DayOff(date=date(2024, 9, 3), name="Nghỉ riêng"),
    )
    calendar = Calendar([year(holidays=off)])
    assert calendar.day_reason(day("2024-09-02")) == "holiday: National Day / Quốc khánh"
    assert calendar.day_reason(day("2024-09-03")) == "holiday: Nghỉ riêng"


@pytest.mark.parametrize(
    ("reason", "vietnamese"),
    [
        ("start day, not counted", "ngày bắt đầu, không tính"),
        ("calendar day", "ngày theo lịch"),
        ("the end fell on a rest day", "ngày cuối rơi vào ngày nghỉ, chuyển sang ngày làm việc liền kề"),
        ("clock suspended", "tạm đình chỉ, không tính vào thời hạn"),
    ],
)
def test_recorded_reason__has_its_words(reason: str, vietnamese: str) -> None:
    assert (day_text(reason, "vi"), day_text(reason, "en")) == (vietnamese, reason)


# --- edges ------------------------------------------------------------------------------------------------------------


def test_negative_count__is_refused() -> None:
    for ask in (
        lambda: CALENDAR.add_working_days(day("2024-06-03"), -1),
        lambda: CALENDAR.subtract_working_days(day("2024-06-03"), -1),
        lambda: CALENDAR.walk_calendar_days(day("2024-06-03"), -1, 1),
    ):
        with pytest.raises(ValueError, match="-1 days"):
            ask()


@pytest.mark.parametrize(
    ("first", "last", "number"),
    [
        ("2019-08-23", "2019-09-16", 15),
        ("2019-08-23", "2019-08-23", 0),
        ("2019-08-24", "2019-08-23", 0),
        ("2019-08-23", "2019-08-26", 1),
        ("2019-08-24", "2019-08-25", 0),
        # Fri 20 Dec 2019: 23-27(5) 30 31(7) [1] 2 Jan 2020(8)
        ("2019-12-20", "2020-01-02", 8),
        # the whole of 2020 (262 weekdays, 10 off) and of 2021 (261, 11 off)
        ("2019-12-31", "2021-12-31", 502),
    ],
)
def test_working_days_between__after_the_first_up_to_the_last(first: str, last: str, number: int) -> None:
    assert CALENDAR.working_days_between(day(first), day(last)) == number


@pytest.mark.parametrize(("first", "last"), [("2018-12-31", "2018-01-01"), ("2027-01-01", "2019-01-02")])
def test_working_days_between__needs_both_years(first: str, last: str) -> None:
    with pytest.raises(CalendarMissing, match=first[:4]):
        CALENDAR.working_days_between(day(first), day(last))


def test_walk_to__its_own_day__lists_it() -> None:
    count = CALENDAR.walk_to(day("2024-06-03"), day("2024-06-03"))
    assert [(d.date, d.counted, d.reason) for d in count.days] == [(day("2024-06-03"), False, "start day, not counted")]


def test_same_walk_again__is_the_same__and_of_calendar_days_another() -> None:
    calendar = Calendar(seed_years())
    first = calendar.walk(day("2024-06-03"), 5, 1)
    assert calendar.walk(day("2024-06-03"), 5, 1) is first
    assert calendar.walk(day("2024-06-03"), 5, -1).due_on == day("2024-05-27")
    assert calendar.walk_calendar_days(day("2024-06-03"), 5, 1).due_on == day("2024-06-08")
    assert calendar.walk(day("2024-06-03"), 5, 1).due_on == day("2024-06-10")


@pytest.mark.parametrize("number", [1900, 2100])
def test_validate_accepts_the_first_and_the_last_year(number: int) -> None:
    validate(year(number))


def test_validate_accepts_a_sunday_that_makes_up__and_names_the_english_name() -> None:
    validate(year(holidays=(OFF,), makeup_days=(MakeUpDay(date=date(2024, 5, 5), instead_of=OFF.date),)))
    parted = DayOff(date=date(2024, 9, 2), name="a", name_en="b / c")
    with pytest.raises(ContradictoryCalendar, match=r"holidays\[0\].name_en: may not contain"):
        validate(year(holidays=(parted,)))
    with pytest.raises(ContradictoryCalendar, match=r"2024-05-04 is a Saturday, free without it"):
        validate(year(makeup_days=(MakeUpDay(date=date(2024, 5, 11), instead_of=date(2024, 5, 4)),)))
