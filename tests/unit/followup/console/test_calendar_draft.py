"""A year as months and its correction: each day once, what is undone is no change, contradictions name their day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.console.calendar_draft import (
    DayEntry,
    WrongDay,
    changed_days,
    check_year,
    entry_of,
    months_of,
    with_day,
    wrong_day,
)
from shared.calendar import Calendar, CalendarYear, MakeUpDay
from shared.sentences import Sentence
from tests.support.history import seed_years

YEARS = {year.year: year for year in seed_years()}
YEAR = YEARS[2019]
SAID = Sentence("sai", "wrong")


@pytest.mark.parametrize("year", YEARS.values(), ids=lambda year: str(year.year))
def test_months__hold_every_day_once_monday_first_as_the_calendar_counts_it(year: CalendarYear) -> None:
    known, months = Calendar([year]), months_of(year)
    cells = [cell for month in months for week in month.weeks for cell in week if cell]
    first = date(year.year, 1, 1)
    assert [cell.date for cell in cells] == [
        first + timedelta(n) for n in range((date(year.year, 12, 31) - first).days + 1)
    ]
    for month in months:
        for week in month.weeks:
            assert len(week) == 7 and all(cell is None or cell.date.weekday() == n for n, cell in enumerate(week))
    for cell in cells:
        assert known.is_working_day(cell.date) == (cell.kind in ("work", "makeup"))


def test_months__name_days_off_and_made_up_days() -> None:
    may = months_of(YEAR)[4]
    assert [(cell.date.day, cell.words.vi, cell.words.en) for cell in may.named] == [
        (1, "Ngày Quốc tế Lao động", "International Labour Day"),
        (4, "làm bù cho ngày 29/04/2019", "worked in place of 29 April 2019"),
    ]


days = st.dates(date(2019, 1, 1), date(2019, 12, 31))


@given(day=days, name=st.text(min_size=1).filter(lambda text: text.strip() and " / " not in text))
def test_day_off_and_back__leaves_the_year_as_it_was(day: date, name: str) -> None:
    before = entry_of(YEAR, day)
    if before.kind not in ("work", "weekend"):
        return
    changed = with_day(YEAR, day, DayEntry("off", name))
    assert entry_of(changed, day) == DayEntry("off", name)
    assert [each.date for each in changed_days(YEAR, changed)] == [day]
    back = with_day(changed, day, before)
    assert back == YEAR and changed_days(YEAR, back) == []


@given(day=days, kind=st.sampled_from(["work", "weekend", "off", "makeup"]), other=st.none() | days, name=st.text())
def test_any_choice__is_taken_or_names_its_day_and_input(day: date, kind: str, other: date | None, name: str) -> None:
    try:
        changed = with_day(YEAR, day, DayEntry(kind, name, "", other))  # type: ignore[arg-type]
    except WrongDay as wrong:
        assert wrong.day is not None and wrong.at in ("kind", "name", "name_en", "instead_of")
        assert wrong.said.vi and wrong.said.en
    else:
        check_year(changed)
        assert {each.date for each in changed_days(YEAR, changed)} <= {day}


def test_swap__a_day_that_another_makes_up_for_stays() -> None:
    off = with_day(YEAR, date(2019, 11, 15), DayEntry("off", "Nghỉ hoán đổi"))
    swapped = with_day(off, date(2019, 11, 23), DayEntry("makeup", instead_of=date(2019, 11, 15)))
    assert swapped.makeup_days[-1] == MakeUpDay(date=date(2019, 11, 23), instead_of=date(2019, 11, 15))
    assert [each.words.vi for each in changed_days(YEAR, swapped)] == [
        "thêm ngày nghỉ: Nghỉ hoán đổi",
        "thêm ngày làm bù cho 15/11/2019",
    ]
    with pytest.raises(WrongDay) as wrong:
        with_day(swapped, date(2019, 11, 15), DayEntry("work"))
    assert (wrong.value.at, wrong.value.day) == ("instead_of", date(2019, 11, 23))


@pytest.mark.parametrize(("field", "at", "day"), [
    ("holidays[0].name", "name", date(2019, 1, 1)), ("makeup_days[1].date", "kind", date(2019, 5, 4)),
    ("holidays[99].name", "name", None), ("document", "document", None), ("year", "year", None), ("", "", None),
    ("holidays[-1].date", "kind", None),
])  # fmt: skip
def test_refusal_of_intake__is_shown_at_the_day_that_it_names(field: str, at: str, day: date | None) -> None:
    wrong = wrong_day(YEAR, field, SAID)
    assert (wrong.at, wrong.day) == (at, day)
