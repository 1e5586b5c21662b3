"""A day as people type it, and as machines do; what is no day is none."""

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.console.typed_days import typed_day

TODAY = date(2026, 9, 5)


@pytest.mark.parametrize(
    "text",
    ["5/9/2026", "05/09/2026", "5/9/26", "5.9.2026", "5-9-2026", "05 09 2026", " 5 / 9 / 2026 ", "2026-09-05",
     "hôm nay", "Hôm  Nay", "NAY", "today", unicodedata.normalize("NFD", "hôm nay")],
)  # fmt: skip
def test_day__is_understood_as_it_is_written(text: str) -> None:
    assert typed_day(text, TODAY) == TODAY


@pytest.mark.parametrize(("text", "days"), [("hôm qua", -1), ("yesterday", -1), ("ngày mai", 1), ("tomorrow", 1)])
def test_day_near_today__has_a_name(text: str, days: int) -> None:
    assert typed_day(text, TODAY) == TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    "text",
    ["", "31/9/2026", "29/2/2026", "0/1/2026", "1/0/2026", "1/13/2026", "2026/09/05", "2026-9-5", "5/9", "5/9/026",
     "5/9/20260", "5/9/2026 x", "x 5/9/2026", "9 tháng 5", "0000-01-01", "1/1/0000", "2026-09-05T10:00:00", "²/9/2026"],
)  # fmt: skip
def test_what_is_no_day__is_none(text: str) -> None:
    assert typed_day(text, TODAY) is None


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)), st.sampled_from("/.- "))
def test_day__comes_back_from_every_way_of_writing_it(day: date, between: str) -> None:
    year = f"{day:%y}"
    for text in (
        day.isoformat(),
        between.join((str(day.day), str(day.month), str(day.year))),
        between.join((f"{day.day:02}", f"{day.month:02}", year)),
    ):
        assert typed_day(text, TODAY) == day


@given(st.text())
def test_anything__is_a_day_or_none(text: str) -> None:
    found = typed_day(text, TODAY)
    assert found is None or isinstance(found, date)
