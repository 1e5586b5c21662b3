"""The latest day that the chair may set, and the day on which a conference ends."""

from datetime import date

import pytest

from services.followup.console.agenda import conference_end, latest_reply
from services.followup.domain.regulation import RegulationLog
from tests.support.history import History, day

HELD, TODAY = "2019-08-23", date(2019, 8, 1)


@pytest.fixture
def log() -> RegulationLog:
    return RegulationLog(History().facts)


def test_latest_reply__is_counted_from_the_last_day_of_the_conference(log: RegulationLog) -> None:
    assert latest_reply(log, "H35.10", day(HELD)) == date(2019, 9, 16)
    assert latest_reply(log, "H35.10", day(HELD), frozenset({"complex"})) == date(2019, 10, 7)


def test_latest_reply__is_not_said_without_a_calendar(log: RegulationLog) -> None:
    assert latest_reply(log, "H35.10", date(2030, 1, 2)) is None


@pytest.mark.parametrize(
    ("first", "last", "closed", "end"),
    [
        (HELD, "", "", date(2019, 8, 23)),
        (HELD, "2019-08-24", "", date(2019, 8, 24)),
        ("2019-07-20", "2019-07-20", "", TODAY),
        (HELD, HELD, "2019-08-22", date(2019, 8, 22)),
        ("", "", "", None),
    ],
)
def test_conference_end__is_the_closing_or_as_it_is_planned(first: str, last: str, closed: str, end: date) -> None:
    assert conference_end(first, last, closed, TODAY) == end
