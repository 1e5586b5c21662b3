"""The periods of what is owed again and again: their names and days, the day in each, its warnings. Counted by hand."""

from typing import Any

import pytest

from shared.calendar import Calendar, CalendarMissing
from shared.policy import Occurrence, Rule, count_occurrence, next_period, occurrences, warning_days
from shared.policy.schema import Frequency, Window
from tests.support.deadlines import days
from tests.support.history import day, seed_years

CALENDAR = Calendar(seed_years())

NAMES = {
    "year": ["2026 2026-01-01 2026-12-31", "2027 2027-01-01 2027-12-31"],
    "half_year": ["2026-H1 2026-01-01 2026-06-30", "2026-H2 2026-07-01 2026-12-31", "2027-H1 2027-01-01 2027-06-30"],
    "quarter": [
        "2026-Q1 2026-01-01 2026-03-31",
        "2026-Q2 2026-04-01 2026-06-30",
        "2026-Q3 2026-07-01 2026-09-30",
        "2026-Q4 2026-10-01 2026-12-31",
        "2027-Q1 2027-01-01 2027-03-31",
    ],
}


@pytest.mark.parametrize("per", NAMES)
def test_periods__have_their_names_and_days(per: Any) -> None:
    found = occurrences(Frequency(per=per), day("2026-03-31"), day("2027-01-01"))
    assert [f"{each.part} {each.first} {each.last}" for each in found] == NAMES[per]


def test_months_and_weeks__have_their_names_and_days() -> None:
    months = occurrences(Frequency(per="month"), day("2026-12-31"), day("2027-02-01"))
    assert [f"{m.part} {m.first} {m.last}" for m in months] == [
        "2026-12 2026-12-01 2026-12-31",
        "2027-01 2027-01-01 2027-01-31",
        "2027-02 2027-02-01 2027-02-28",
    ]
    # 1 Jan 2027 is a Friday of the 53rd week; weeks begin on Monday
    weeks = occurrences(Frequency(per="week"), day("2026-12-28"), day("2027-01-04"))
    assert [f"{w.part} {w.first} {w.last}" for w in weeks] == [
        "2026-W53 2026-12-28 2027-01-03",
        "2027-W01 2027-01-04 2027-01-10",
    ]


def test_several_times__are_numbered__each_with_its_window() -> None:
    window = Window(first="06-01", last="06-30")
    found = list(occurrences(Frequency(times=3, windows=(window,)), day("2026-05-01"), day("2026-05-01")))
    assert [(each.part, each.nth, each.window) for each in found] == [
        ("2026/1", 1, window),
        ("2026/2", 2, None),
        ("2026/3", 3, None),
    ]


@pytest.mark.parametrize(
    ("per", "on", "following"),
    [
        ("year", "2026-12-31", "2027-01-01"),
        ("year", "2026-01-01", "2027-01-01"),
        ("half_year", "2026-06-30", "2026-07-01"),
        ("half_year", "2026-07-01", "2027-01-01"),
        ("quarter", "2026-09-30", "2026-10-01"),
        ("quarter", "2026-10-01", "2027-01-01"),
        ("month", "2026-11-30", "2026-12-01"),
        ("month", "2026-12-01", "2027-01-01"),
        ("week", "2026-12-27", "2026-12-28"),
        ("week", "2026-12-28", "2027-01-04"),
    ],
)
def test_next_period__begins_after_the_one_of_that_day(per: Any, on: str, following: str) -> None:
    assert next_period(per, day(on)) == day(following)


def monthly(number: int, roll: str = "stay") -> Rule:
    frequency = Frequency(per="month", day=number)
    return Rule(duty="reception_day", form="frequency", frequency=frequency, roll=roll)  # type: ignore[arg-type]


def month(text: str) -> Occurrence:
    (found,) = occurrences(Frequency(per="month"), day(f"{text}-01"), day(f"{text}-01"))
    return found


# Sat 25 Apr 2026 is before the day off of Mon 27 (for Sun 26, the Hung Kings' day); Sun 25 Jan 2026.
@pytest.mark.parametrize(
    ("rule", "in_month", "due", "met"),
    [
        (monthly(25), "2026-04", "2026-04-25", []),
        (monthly(24, "next_working_day"), "2026-04", "2026-04-24", []),
        (monthly(25, "next_working_day"), "2026-04", "2026-04-28", ["25 F", "26 F", "27 F", "28 F"]),
        (monthly(25, "previous_working_day"), "2026-04", "2026-04-24", ["25 F", "24 F"]),
        (monthly(25, "previous_working_day"), "2026-01", "2026-01-23", ["25 F", "24 F", "23 F"]),
        # the last day of a month that has it not
        (monthly(31), "2026-02", "2026-02-28", []),
        (monthly(31), "2024-02", "2024-02-29", []),
        (monthly(31), "2026-04", "2026-04-30", []),
    ],
)
def test_day_of_the_month__rolls_and_tells_over_which_days(rule: Rule, in_month: str, due: str, met: list[str]) -> None:
    counted = count_occurrence(rule, month(in_month), day(f"{in_month}-01"), CALENDAR)
    assert counted.due_on == day(due)
    assert [f"{d.date.day} {'T' if d.counted else 'F'}" for d in counted.days] == met
    if met:
        assert [d.reason for d in counted.days[1:]] == ["the end fell on a rest day"] * (len(met) - 1)
        assert counted.days[0].reason == "weekend"
        assert list(counted.versions) == [2026]


def test_day_that_may_roll__needs_its_year() -> None:
    december = Occurrence("2027-01", day("2027-01-01"), day("2027-01-31"), 1)
    with pytest.raises(CalendarMissing, match="2027"):
        count_occurrence(monthly(25, "next_working_day"), december, december.first, CALENDAR)
    assert count_occurrence(monthly(25), december, december.first, CALENDAR).due_on == day("2027-01-25")


YEAR = Occurrence("2026", day("2026-01-01"), day("2026-12-31"), 1)


def yearly(**words: Any) -> Rule:
    return Rule(duty="annual_dialogue", form="frequency", frequency=Frequency(), **words)


JUNE = Window(first="06-01", last="06-30")
LEAP = Window(first="02-01", last="02-29")


@pytest.mark.parametrize(
    ("rule", "window", "warned"),
    [
        (yearly(warn_on=("10-01",)), None, ["2026-10-01"]),
        (yearly(warn_on=("11-01", "10-01")), None, ["2026-10-01", "2026-11-01"]),
        (yearly(), JUNE, ["2026-07-01"]),
        (yearly(warn_on=("10-01",)), JUNE, ["2026-07-01", "2026-10-01"]),
        # 29 February is the 28th where the year may have none, so the day after it is 1 March
        (yearly(), LEAP, ["2026-03-01"]),
        (yearly(warn_on=("02-29",)), None, ["2026-02-28"]),
        # Thu 31 Dec 2026: 30(1) 29(2) 28(3) [27 26] 25(4) 24(5)
        (yearly(), None, ["2026-12-24", "2026-12-30"]),
        (yearly(warn_days=(3,)), None, ["2026-12-28"]),
    ],
)
def test_warnings__fall_on_the_days_that_the_rule_names(rule: Rule, window: Window | None, warned: list[str]) -> None:
    one = Occurrence(YEAR.part, YEAR.first, YEAR.last, YEAR.nth, window)
    assert warning_days(rule, one, (5, 1), YEAR.last, CALENDAR) == days(*warned)


def test_warnings__after_the_due_date__are_left_out() -> None:
    assert warning_days(yearly(warn_on=("10-01", "10-02")), YEAR, (5, 1), day("2026-10-01"), CALENDAR) == days(
        "2026-10-01"
    )
