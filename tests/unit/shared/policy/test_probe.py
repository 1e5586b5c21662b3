"""Counting with a policy before it is adopted: what no calendar makes countable, and what waits for one."""

import pytest

from shared.calendar import Calendar, CalendarYear
from shared.policy import DOCUMENTS, Rule, shipped_policy
from shared.policy.probe import MissingYear, missing_years, uncountable_rules
from tests.support.bilingual import check_problem
from tests.support.policy_strategies import policy_of

KNOWN = Calendar(CalendarYear(year=year, holidays=()) for year in (2025, 2026))


def fixed(day: str, length: int = 0) -> Rule:
    return Rule(duty="commune_plan", form="deadline", length=length, counted_from="fixed_date", fixed_date=day)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_shipped_document__can_be_counted(name: str) -> None:
    assert (uncountable_rules(shipped_policy(name), KNOWN), missing_years(shipped_policy(name), KNOWN)) == ((), ())


def test_fixed_date_in_a_year_without_a_calendar__waits_for_it() -> None:
    policy = policy_of(Rule(duty="reply", form="deadline", length=15), fixed("2030-03-15"))
    assert uncountable_rules(policy, KNOWN) == ()
    assert missing_years(policy, KNOWN) == (MissingYear("rules[1]", "commune_plan", 2030),)


def test_count_beyond_the_last_year_that_can_have_a_calendar__is_refused_with_its_place() -> None:
    (problem,) = uncountable_rules(policy_of(fixed("2100-12-31"), fixed("2100-12-31", 5)), KNOWN)
    check_problem(problem)
    assert problem.path == "rules[1]"
    assert (
        problem.message
        == "cannot be counted from 2025-01-01: there is no calendar for the year 2101: publish one first"
    )


def test_impossible_day__is_found_by_counting_too() -> None:
    (problem,) = uncountable_rules(policy_of(fixed("04-31")), KNOWN)
    check_problem(problem)
    assert "there is no day 04-31 in the year 2025" in problem.message


def test_last_years_of_the_calendars__refuse_nothing_by_themselves() -> None:
    last = Calendar([CalendarYear(year=2100, holidays=())])
    assert uncountable_rules(policy_of(Rule(duty="reply", form="deadline", length=366)), last) == ()
