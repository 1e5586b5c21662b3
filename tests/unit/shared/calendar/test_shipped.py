"""The seeded calendars, against the `holidays` package: every difference is known and listed."""

from datetime import date, timedelta

import holidays
import pytest

from shared.calendar import Calendar, unpublished_year
from shared.calendar.shipped import seed_years

SEEDS = seed_years()
CALENDAR = Calendar(SEEDS)

#: Days on which the seeds and `holidays` 0.109 disagree whether the state sector works, and what the seeds say.
KNOWN_DIFFERENCES = {
    date(2026, 1, 2): False,  # swapped with 10 January by dispatch 12729/VPCP-KGVX; the package lacks the swap
    date(2026, 1, 10): True,
}

SWAPS = {  # make-up Saturday: the day off
    date(2019, 1, 5): date(2018, 12, 31),
    date(2019, 5, 4): date(2019, 4, 29),
    date(2024, 5, 4): date(2024, 4, 29),
    date(2025, 4, 26): date(2025, 5, 2),
    date(2026, 1, 10): date(2026, 1, 2),
    date(2026, 8, 22): date(2026, 8, 31),
}


def test_seeds_cover_2019_to_2026_unconfirmed() -> None:
    assert [year.year for year in SEEDS] == list(range(2019, 2027))
    assert not any(year.confirmed or year.provisional for year in SEEDS)
    assert all(year.document and year.version == f"seed-{year.year}" for year in SEEDS)
    assert all(day.name and day.name_en for year in SEEDS for day in year.holidays)


def test_seeds_know_every_swap() -> None:
    assert {day.date: day.instead_of for year in SEEDS for day in year.makeup_days} == SWAPS


def test_seeds_differ_from_the_holidays_package_only_where_known() -> None:
    package = holidays.country_holidays("VN", years=range(2018, 2028))
    differences = {}
    day = date(2019, 1, 1)
    while day.year <= 2026:
        seeded = CALENDAR.is_working_day(day)
        if seeded != package.is_working_day(day):
            differences[day] = seeded
        day += timedelta(days=1)
    assert differences == KNOWN_DIFFERENCES


@pytest.mark.parametrize("year", range(2019, 2027))
def test_seeds_give_as_many_days_off_as_the_law(year: int) -> None:
    # Labour Code: 10 paid days, 11 from 2021, 12 from 1 July 2026. Each costs one weekday, on its day or observed.
    law = 10 if year < 2021 else 11 if year < 2026 else 12
    first, last = date(year, 1, 1), date(year, 12, 31)
    weekdays = sum((first + timedelta(days=n)).weekday() < 5 for n in range((last - first).days + 1))
    carried_over = year == 2019  # Saturday 5 January 2019 makes up for a day of 2018
    assert not CALENDAR.is_working_day(first)
    assert CALENDAR.working_days_between(first, last) == weekdays - law + carried_over


@pytest.mark.parametrize(
    ("today", "published", "asked"),
    [
        ("2026-09-30", {2026}, None),
        ("2026-10-01", {2026}, 2027),
        ("2026-12-31", {2026}, 2027),
        ("2026-10-01", {2026, 2027}, None),
        ("2026-10-01", {2026, 2028}, 2027),
        ("2027-01-01", {2026}, None),
    ],
)
def test_next_year__is_asked_for_from_october_on(today: str, published: set[int], asked: int | None) -> None:
    assert unpublished_year(date.fromisoformat(today), published) == asked
