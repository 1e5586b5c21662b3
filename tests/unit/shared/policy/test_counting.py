"""One count of a rule by itself: its first day, its roll, its variants, the time that is left out. Counted by hand."""

from typing import Any

import msgspec
import pytest

from shared.calendar import Calendar
from shared.policy import Rule, Suspension, count, length_of, variant_of
from shared.policy.counting import days_of, units_of
from shared.policy.schema import Variant
from tests.support.history import day, seed_years

CALENDAR = Calendar(seed_years())
PLAIN = Rule(duty="reply", form="deadline", length=3)
BACKWARD = Rule(duty="invitation", form="minimum_notice", length=3)


def rule(base: Rule = PLAIN, **words: Any) -> Rule:
    return msgspec.structs.replace(base, **words)


def counted(each: Rule, start: str, *suspended: tuple[str, str]) -> str:
    """The due date and the days met, those that do not count in brackets: `2019-08-28 [23] 26 27 28`."""
    pauses = tuple(Suspension(day(since), day(until)) for since, until in suspended)
    found = count(each, day(start), CALENDAR, suspended=pauses)
    assert found is not None
    return f"{found.due_on} " + " ".join(str(d.date.day) if d.counted else f"[{d.date.day}]" for d in found.days)


COUNTS: dict[str, tuple[Rule, str, tuple[tuple[str, str], ...], str]] = {
    # Fri 23 Aug 2019
    "the event's day is not counted": (PLAIN, "2019-08-23", (), "2019-08-28 [23] [24] [25] 26 27 28"),
    "the first day counts": (rule(first_day="included"), "2019-08-23", (), "2019-08-27 23 [24] [25] 26 27"),
    "the first day is a Saturday": (rule(first_day="included"), "2019-08-24", (), "2019-08-28 [24] [25] 26 27 28"),
    "the same day": (rule(length=0), "2019-08-24", (), "2019-08-24 [24]"),
    "the same day, of which the first counts": (
        rule(length=0, first_day="included"),
        "2019-08-23",
        (),
        "2019-08-23 [23]",
    ),
    "calendar days": (rule(unit="calendar_days"), "2019-08-23", (), "2019-08-26 [23] 24 25 26"),
    "hours, of which the last day is begun": (
        rule(unit="hours", length=49),
        "2019-08-23",
        (),
        "2019-08-26 [23] 24 25 26",
    ),
    "back": (BACKWARD, "2019-08-27", (), "2019-08-22 [27] 26 [25] [24] 23 22"),
    "back, the first day counts": (
        rule(BACKWARD, first_day="included"),
        "2019-08-27",
        (),
        "2019-08-23 27 26 [25] [24] 23",
    ),
    "back in calendar days": (rule(BACKWARD, unit="calendar_days"), "2019-08-27", (), "2019-08-24 [27] 26 25 24"),
    # Sat 24 and Sun 25 Aug; Sat 31 Aug to Mon 2 Sep
    "rolled to the next working day": (
        rule(length=1, unit="calendar_days", roll="next_working_day"),
        "2019-08-30",
        (),
        "2019-09-03 [30] 31 [1] [2] [3]",
    ),
    "rolled to the previous working day": (
        rule(length=2, unit="calendar_days", roll="previous_working_day"),
        "2019-08-30",
        (),
        "2019-08-30 [30] 31 1 [31] [30]",
    ),
    "on a working day nothing rolls": (
        rule(length=3, unit="calendar_days", roll="next_working_day"),
        "2019-08-23",
        (),
        "2019-08-26 [23] 24 25 26",
    ),
    # time that is left out
    "suspended": (PLAIN, "2019-08-23", (("2019-08-26", "2019-08-28"),), "2019-08-30 [23] [24] [25] [26] [27] 28 29 30"),
    "suspended before it began": (
        PLAIN,
        "2019-08-23",
        (("2019-08-01", "2019-08-24"),),
        "2019-08-28 [23] [24] [25] 26 27 28",
    ),
    "suspended and resumed on one day": (
        PLAIN,
        "2019-08-23",
        (("2019-08-26", "2019-08-26"),),
        "2019-08-28 [23] [24] [25] 26 27 28",
    ),
    "suspended twice": (
        PLAIN,
        "2019-08-23",
        (("2019-08-26", "2019-08-27"), ("2019-08-28", "2019-08-29")),
        "2019-08-30 [23] [24] [25] [26] 27 [28] 29 30",
    ),
    "suspended, in calendar days": (
        rule(unit="calendar_days"),
        "2019-08-23",
        (("2019-08-24", "2019-08-26"),),
        "2019-08-28 [23] [24] [25] 26 27 28",
    ),
    "what counts back is not suspended": (
        BACKWARD,
        "2019-08-27",
        (("2019-08-22", "2019-08-27"),),
        "2019-08-22 [27] 26 [25] [24] 23 22",
    ),
}


@pytest.mark.parametrize("case", COUNTS)
def test_count__each_day_it_meets(case: str) -> None:
    each, start, suspended, expected = COUNTS[case]
    assert counted(each, start, *suspended) == expected


def test_count__tells_the_days_left_out_and_those_rolled_over() -> None:
    found = count(PLAIN, day("2019-08-23"), CALENDAR, suspended=(Suspension(day("2019-08-26"), day("2019-08-27")),))
    assert found is not None
    assert {d.date.day: d.reason for d in found.days if not d.counted} == {
        23: "start day, not counted",
        24: "weekend",
        25: "weekend",
        26: "clock suspended",
    }
    rolled = count(rule(length=1, unit="calendar_days", roll="next_working_day"), day("2019-08-23"), CALENDAR)
    assert rolled is not None
    assert [(d.date.day, d.reason) for d in rolled.days[-2:]] == [
        (25, "the end fell on a rest day"),
        (26, "the end fell on a rest day"),
    ]
    assert list(rolled.versions) == [2019]


def test_count__of_what_has_no_number__none() -> None:
    assert count(Rule(duty="reply", form="undated"), day("2019-08-23"), CALENDAR) is None
    assert count(Rule(duty="annual_dialogue", form="frequency"), day("2019-08-23"), CALENDAR) is None


VARIED = rule(
    variants=(
        Variant(when=("complex",), length=30),
        Variant(when=("complex", "remote"), in_total=60),
        Variant(when=("online",), length=0),
    )
)


@pytest.mark.parametrize(
    ("traits", "length"),
    [
        ((), 3),
        (("complex",), 30),
        (("remote",), 3),
        (("remote", "complex"), 60),
        (("remote", "complex", "several_fields"), 60),
        (("online",), 0),
    ],
)
def test_length__of_the_variant_that_asks_for_most_traits(traits: tuple[Any, ...], length: int) -> None:
    assert length_of(VARIED, frozenset(traits)) == length
    assert (variant_of(VARIED, frozenset(traits)) is None) == (length == 3)


def test_length__without_variants_or_number() -> None:
    assert length_of(PLAIN, frozenset({"complex"})) == 3
    assert length_of(Rule(duty="reply", form="undated")) == 0


@pytest.mark.parametrize(("hours", "days"), [(0, 0), (1, 1), (24, 1), (25, 2), (48, 2)])
def test_hours__round_up_to_whole_days(hours: int, days: int) -> None:
    assert days_of("hours", hours) == days
    assert days_of("working_days", hours) == hours


@pytest.mark.parametrize(
    ("unit", "since", "until", "units"),
    [
        # Fri 30 Aug to Tue 3 Sep 2019: only Friday is worked
        ("working_days", "2019-08-30", "2019-09-03", 1),
        ("calendar_days", "2019-08-30", "2019-09-03", 4),
        ("hours", "2019-08-30", "2019-09-03", 4),
        ("working_days", "2019-09-03", "2019-09-03", 0),
        ("calendar_days", "2019-09-03", "2019-09-03", 0),
        ("calendar_days", "2019-09-03", "2019-09-02", 0),
        ("working_days", "2019-09-04", "2019-09-03", 0),
    ],
)
def test_suspension__leaves_out_as_many_countable_days(unit: Any, since: str, until: str, units: int) -> None:
    assert units_of(Suspension(day(since), day(until)), unit, CALENDAR) == units
