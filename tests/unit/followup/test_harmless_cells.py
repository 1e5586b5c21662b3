"""Cells of the tables for spreadsheets."""

from datetime import date

import pytest

from services.followup.entrypoints.report_views import harmless


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_cell__that_a_spreadsheet_would_run_is_a_text(sign: str) -> None:
    assert harmless(f"{sign}1+1") == f"'{sign}1+1"


def test_cell__that_is_none_stays() -> None:
    assert (harmless("1+1"), harmless(-5), harmless(date(2019, 8, 5))) == ("1+1", -5, date(2019, 8, 5))
