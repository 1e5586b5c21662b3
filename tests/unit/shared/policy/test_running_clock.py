"""A clock and what happens to it, each row counted by hand.

Fri 23 Aug 2019, 15 working days: 26-30(5) [31 1 2] 3-6 Sep(9) [7 8] 9-13(14) [14 15] Mon 16(15); 30: Mon 7 Oct.
"""

from datetime import date
from typing import Any

import msgspec
import pytest

from shared.calendar import Calendar
from shared.policy import Rule, RunningClock, Step, Suspension, clock_after, recorded_note
from shared.policy.schema import Extension, Pause, Variant
from tests.support.history import day, seed_years

CALENDAR = Calendar(seed_years())
START = day("2019-08-23")
PLAIN = Rule(duty="reply", form="deadline", length=15)
COMPLEX = Variant(when=("complex",), length=30)
BOTH = Extension(told=("petitioner", "committee"))


def rule(**words: Any) -> Rule:
    return msgspec.structs.replace(PLAIN, **words)


def trait(on: str, name: str = "complex") -> Step:
    return Step(kind="trait", on=day(on), trait=name)  # type: ignore[arg-type]


def extended(to: str, petitioner: str | None, committee: str | None = None) -> Step:
    told = {who: day(on) for who, on in (("petitioner", petitioner), ("committee", committee)) if on}
    return Step(kind="extension", on=day("2019-08-30"), day=day(to), told=told)  # type: ignore[arg-type]


def cap(to: str, kind: str = "cap") -> Step:
    return Step(kind=kind, on=day("2019-08-30"), day=day(to))  # type: ignore[arg-type]


def suspended(on: str, told: str | None = "2019-08-30") -> Step:
    return Step(kind="suspended", on=day(on), told={"petitioner": day(told)} if told else {})


def resumed(on: str) -> Step:
    return Step(kind="resumed", on=day(on))


def after(each: Rule, *steps: Step, start: date | None = START) -> RunningClock:
    return clock_after(each, start, steps, CALENDAR)


# The rule, what happened, the due date, the date that is only expected, and the notes.
STEPS: dict[str, tuple[Rule, list[Step], str | None, str | None, list[str]]] = {
    "nothing": (PLAIN, [], "2019-09-16", None, []),
    # traits
    "complex on the due date": (rule(variants=(COMPLEX,)), [trait("2019-09-16")], "2019-10-07", None, []),
    "complex a day late": (
        rule(variants=(COMPLEX,)),
        [trait("2019-09-17")],
        "2019-09-16",
        None,
        ["complex_too_late:2019-09-17"],
    ),
    "another trait a day late": (
        PLAIN,
        [trait("2019-09-17", "remote")],
        "2019-09-16",
        None,
        ["remote_too_late:2019-09-17"],
    ),
    "a trait without a limit of its own": (PLAIN, [trait("2019-09-10")], "2019-09-16", None, ["no_variant:complex"]),
    "the same trait again": (
        rule(variants=(COMPLEX,)),
        [trait("2019-09-10"), trait("2019-09-11")],
        "2019-10-07",
        None,
        ["no_variant:complex"],
    ),
    # extensions
    "extended, both told on the due date": (
        rule(extension=BOTH),
        [extended("2019-09-30", "2019-09-16", "2019-09-16")],
        "2019-09-30",
        None,
        ["extended:2019-09-30"],
    ),
    "extended, one told a day late": (
        rule(extension=BOTH),
        [extended("2019-09-30", "2019-09-17", "2019-09-16")],
        "2019-09-16",
        "2019-09-30",
        ["extension_too_late:2019-09-30"],
    ),
    "extended, one not told": (
        rule(extension=BOTH),
        [extended("2019-09-30", "2019-09-16")],
        "2019-09-16",
        "2019-09-30",
        ["extension_too_late:2019-09-30"],
    ),
    "extended under a document that allows none": (
        PLAIN,
        [extended("2019-09-30", "2019-09-02")],
        "2019-09-16",
        "2019-09-30",
        ["extension_not_provided:2019-09-30"],
    ),
    "extended as often as allowed, and once more": (
        rule(extension=Extension(times=2)),
        [extended(to, "2019-09-02") for to in ("2019-09-20", "2019-09-24", "2019-09-30")],
        "2019-09-24",
        "2019-09-30",
        ["extended:2019-09-20", "extended:2019-09-24", "extensions_used_up:2019-09-30"],
    ),
    "extended to a day before the due date": (
        rule(extension=Extension()),
        [extended("2019-09-10", "2019-09-02")],
        "2019-09-16",
        None,
        ["extended:2019-09-10"],
    ),
    # Mon 16 Sep + 5: 17-20(4) 23(5)
    "extended by at most five days": (
        rule(extension=Extension(each=5)),
        [extended("2019-09-23", "2019-09-02")],
        "2019-09-23",
        None,
        ["extended:2019-09-23"],
    ),
    "extended by more than five days": (
        rule(extension=Extension(each=5)),
        [extended("2019-09-24", "2019-09-02")],
        "2019-09-23",
        None,
        ["extended:2019-09-23", "extension_capped:2019-09-24"],
    ),
    # 23 Aug + 18: 17 18 19(18)
    "extended to at most eighteen days in total": (
        rule(extension=Extension(in_total=18)),
        [extended("2019-09-30", "2019-09-02")],
        "2019-09-19",
        None,
        ["extended:2019-09-19", "extension_capped:2019-09-30"],
    ),
    # complex is a total of 20 days, Mon 23 Sep, which no extension lifts
    "complex in total, then extended": (
        rule(extension=Extension(), variants=(Variant(when=("complex",), in_total=20),)),
        [trait("2019-09-02"), extended("2019-09-30", "2019-09-02")],
        "2019-09-23",
        None,
        ["extended:2019-09-23", "extension_capped:2019-09-30"],
    ),
    "the first day counts; what is counted on from the end does not begin with it": (
        # 23 Aug is (1), Fri 13 Sep (15); + 2: 16 17
        rule(first_day="included", extension=Extension(each=2)),
        [extended("2019-09-30", "2019-09-02")],
        "2019-09-17",
        None,
        ["extended:2019-09-17", "extension_capped:2019-09-30"],
    ),
    # the chair's dates
    "an earlier date": (PLAIN, [cap("2019-09-10")], "2019-09-10", None, ["chair_date:2019-09-10"]),
    "the same date": (PLAIN, [cap("2019-09-16")], "2019-09-16", None, []),
    "a later date": (PLAIN, [cap("2019-09-17")], "2019-09-16", None, []),
    "the earliest of the merged": (
        PLAIN,
        [cap("2019-09-10", "inherited")],
        "2019-09-10",
        None,
        ["merged_earliest:2019-09-10"],
    ),
    "an earlier date, then complex": (
        rule(variants=(COMPLEX,)),
        [cap("2019-09-10"), trait("2019-09-05")],
        "2019-09-10",
        None,
        ["chair_date:2019-09-10"],
    ),
    "a later date than the limit, then complex": (
        rule(variants=(COMPLEX,)),
        [cap("2019-09-20"), trait("2019-09-05")],
        "2019-09-20",
        None,
        [],
    ),
    "extended, then complex with less": (
        rule(extension=Extension(), variants=(Variant(when=("complex",), length=17),)),
        [extended("2019-09-30", "2019-09-02"), trait("2019-09-05")],
        "2019-09-30",
        None,
        ["extended:2019-09-30"],
    ),
    "extended, then complex with more": (
        rule(extension=Extension(), variants=(COMPLEX,)),
        [extended("2019-09-30", "2019-09-02"), trait("2019-09-05")],
        "2019-10-07",
        None,
        ["extended:2019-09-30"],
    ),
    # standing still
    "suspended": (rule(pause=Pause()), [suspended("2019-09-03")], None, None, ["suspended:2019-09-03"]),
    "suspended on the due date, told on it": (
        rule(pause=Pause()),
        [suspended("2019-09-16", "2019-09-16")],
        None,
        None,
        ["suspended:2019-09-16"],
    ),
    "suspended a day late": (
        rule(pause=Pause()),
        [suspended("2019-09-17", "2019-09-16")],
        "2019-09-16",
        None,
        ["suspension_too_late:2019-09-17"],
    ),
    "suspended, told a day late": (
        rule(pause=Pause()),
        [suspended("2019-09-16", "2019-09-17")],
        "2019-09-16",
        None,
        ["suspension_too_late:2019-09-16"],
    ),
    "suspended, not told": (
        rule(pause=Pause()),
        [suspended("2019-09-03", None)],
        "2019-09-16",
        None,
        ["suspension_too_late:2019-09-03"],
    ),
    "suspended, nobody need be told": (
        rule(pause=Pause(told=())),
        [suspended("2019-09-03", None)],
        None,
        None,
        ["suspended:2019-09-03"],
    ),
    "suspended under a document that lets no clock stand still": (
        PLAIN,
        [suspended("2019-09-03")],
        "2019-09-16",
        None,
        ["suspension_not_provided:2019-09-03"],
    ),
    "suspended twice, resumed once": (
        # 3 4 5 Sep are left out: Mon 16 + 3 = Thu 19
        rule(pause=Pause()),
        [suspended("2019-09-03"), suspended("2019-09-04"), resumed("2019-09-06")],
        "2019-09-19",
        None,
        ["suspended:2019-09-03", "resumed:2019-09-06"],
    ),
    "resumed without having been suspended": (PLAIN, [resumed("2019-09-06")], "2019-09-16", None, []),
    "resumed before it was suspended": (
        rule(pause=Pause()),
        [suspended("2019-09-03"), resumed("2019-09-02")],
        "2019-09-16",
        None,
        ["suspended:2019-09-03", "resumed:2019-09-02"],
    ),
    # while it stands still no day is too late
    "complex while it stands still": (
        # 30 days: Mon 7 Oct, and 3 4 5 Sep later: 8 9 Thu 10
        rule(pause=Pause(), variants=(COMPLEX,)),
        [suspended("2019-09-03"), trait("2019-11-01"), resumed("2019-09-06")],
        "2019-10-10",
        None,
        ["suspended:2019-09-03", "resumed:2019-09-06"],
    ),
    # Thu 12 Sep + the three working days left out: 13 16 Tue 17
    "the chair's date moves by the time left out": (
        rule(pause=Pause(), variants=(COMPLEX,)),
        [cap("2019-09-12"), suspended("2019-09-03"), resumed("2019-09-06"), trait("2019-09-09")],
        "2019-09-17",
        None,
        ["chair_date:2019-09-12", "suspended:2019-09-03", "resumed:2019-09-06"],
    ),
    "an extension moves by the time left out": (
        # Mon 30 Sep + 3: 1 2 Thu 3 Oct
        rule(pause=Pause(), extension=Extension(), variants=(Variant(when=("complex",), length=17),)),
        [extended("2019-09-30", "2019-09-02"), suspended("2019-09-03"), resumed("2019-09-06"), trait("2019-09-09")],
        "2019-10-03",
        None,
        ["extended:2019-09-30", "suspended:2019-09-03", "resumed:2019-09-06"],
    ),
    "a date of the chair's that had passed does not move": (
        # the second one, of the day on which the clock was suspended, does
        rule(pause=Pause()),
        [
            cap("2019-09-10"),
            suspended("2019-09-10"),
            cap("2019-09-09"),
            resumed("2019-09-12"),
        ],
        "2019-09-09",
        None,
        ["chair_date:2019-09-10", "suspended:2019-09-10", "chair_date:2019-09-09", "resumed:2019-09-12"],
    ),
    "a date of the day of suspension moves": (
        # 10 and 11 Sep are left out: 11 Thu 12
        rule(pause=Pause()),
        [cap("2019-09-10"), suspended("2019-09-10"), resumed("2019-09-12")],
        "2019-09-12",
        None,
        ["chair_date:2019-09-10", "suspended:2019-09-10", "resumed:2019-09-12"],
    ),
}


@pytest.mark.parametrize("case", STEPS)
def test_clock__after_its_steps(case: str) -> None:
    each, steps, due, expected, notes = STEPS[case]
    found = after(each, *steps)
    assert found.due_on == (day(due) if due else None)
    assert found.expected_on == (day(expected) if expected else None)
    assert [recorded_note(note) for note in found.notes] == notes


def test_clock__tells_what_it_is_and_when_it_stood_still() -> None:
    each = rule(pause=Pause(), variants=(COMPLEX,))
    running = after(each, trait("2019-09-02"), suspended("2019-09-03"), resumed("2019-09-06"), suspended("2019-09-09"))
    assert running.traits == {"complex"}
    assert running.suspensions == (Suspension(day("2019-09-03"), day("2019-09-06")),)
    assert (running.due_on, running.suspended_since) == (None, day("2019-09-09"))


def test_calendar_days_left_out__move_what_people_set_by_as_many_days() -> None:
    # Fri 23 Aug + 30 = Sun 22 Sep; 5 days are left out (3 to 7 Sep)
    each = rule(length=30, unit="calendar_days", pause=Pause())
    assert after(each, suspended("2019-09-03"), resumed("2019-09-08")).due_on == day("2019-09-27")
    assert after(each, cap("2019-09-10"), suspended("2019-09-03"), resumed("2019-09-08")).due_on == day("2019-09-15")


# --- without a clock of its own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "due", "notes"),
    [
        ([], None, []),
        ([cap("2019-09-10", "inherited")], "2019-09-10", ["merged_earliest:2019-09-10"]),
        (
            [cap("2019-09-10", "inherited"), cap("2019-09-12", "inherited")],
            "2019-09-10",
            ["merged_earliest:2019-09-10"],
        ),
        ([trait("2019-09-05")], None, ["complex_too_late:2019-09-05"]),
        ([suspended("2019-09-05")], None, ["suspension_not_provided:2019-09-05"]),
        # Tue 10 Sep + 5: 11 12 13 16 Tue 17; the total is counted from a start, and there is none
        (
            [cap("2019-09-10", "inherited"), extended("2019-09-30", "2019-09-05")],
            "2019-09-17",
            ["merged_earliest:2019-09-10", "extended:2019-09-17", "extension_capped:2019-09-30"],
        ),
    ],
)
def test_clock_without_a_start__has_only_the_dates_that_others_bring(
    steps: list[Step], due: str | None, notes: list[str]
) -> None:
    each = rule(variants=(COMPLEX,), pause=Pause(), extension=Extension(each=5, in_total=16, counted_from="unrolled"))
    found = after(each, *steps, start=None)
    assert found.due_on == (day(due) if due else None)
    assert [recorded_note(note) for note in found.notes] == notes


def test_undated_duty__has_no_end_that_anything_could_move() -> None:
    undated = Rule(duty="reply", form="undated")
    assert after(undated).due_on is None
    assert after(undated, cap("2019-09-10")).due_on == day("2019-09-10")


# --- ends that roll ---------------------------------------------------------------------------------------------------
# Mon 2 March 2026 + 30 calendar days = Wed 1 April; + 30 = Fri 1 May, a holiday, so Mon 4 May; from 1 May + 30 = Sun
# 31 May, so Mon 1 June; from Mon 4 May + 30 = Wed 3 June.

START_2026 = day("2026-03-02")
ROLLING = Rule(duty="reply", form="deadline", length=30, unit="calendar_days", roll="next_working_day")


def moved_to(*days: str) -> list[Step]:
    return [Step(kind="extension", on=day("2026-04-01"), day=day(to), told={"petitioner": START_2026}) for to in days]


@pytest.mark.parametrize(
    ("counted_from", "granted", "due"),
    [
        ("unrolled", ["2026-05-01"], "2026-05-04"),
        ("unrolled", ["2026-05-04"], "2026-05-04"),
        ("unrolled", ["2026-05-05"], "2026-05-04"),
        ("unrolled", ["2026-04-11"], "2026-04-13"),  # a Saturday
        ("unrolled", ["2026-05-01", "2026-06-30"], "2026-06-01"),
        ("unrolled", ["2026-05-04", "2026-06-30"], "2026-06-01"),
        ("rolled", ["2026-05-01", "2026-06-30"], "2026-06-03"),
        ("rolled", ["2026-05-04", "2026-06-30"], "2026-06-03"),
        ("unrolled", ["2026-04-11", "2026-06-30"], "2026-05-11"),  # Sat 11 April + 30
    ],
)
def test_extension__that_ends_on_a_rest_day_rolls_as_the_limit_does(
    counted_from: str, granted: list[str], due: str
) -> None:
    each = msgspec.structs.replace(ROLLING, extension=Extension(each=30, counted_from=counted_from))  # type: ignore[arg-type]
    assert clock_after(each, START_2026, moved_to(*granted), CALENDAR).due_on == day(due)


def test_extension__in_total_ends_before_it_rolls() -> None:
    # 2 March + 60 = Fri 1 May
    each = msgspec.structs.replace(ROLLING, extension=Extension(in_total=60))
    clock = clock_after(each, START_2026, moved_to("2026-05-30"), CALENDAR)
    assert clock.due_on == day("2026-05-04")
    assert [recorded_note(note) for note in clock.notes] == ["extended:2026-05-04", "extension_capped:2026-05-30"]


def test_complex__after_an_extension_does_not_pass_its_total() -> None:
    # 2 March + 45 = Thu 16 April
    total = Variant(when=("complex",), in_total=45)
    each = msgspec.structs.replace(ROLLING, extension=Extension(each=30), variants=(total,))
    steps = [*moved_to("2026-05-04"), Step(kind="trait", on=day("2026-04-01"), trait="complex")]
    assert clock_after(each, START_2026, steps, CALENDAR).due_on == day("2026-04-16")
    assert clock_after(each, START_2026, reversed(steps), CALENDAR).due_on == day("2026-04-16")


def test_chair_s_date__after_an_extension_holds_when_the_case_is_found_to_be_complex() -> None:
    # 2 March + 30 = Wed 1 April, + 45 = Thu 16 April; extended to Wed 29 April, then the chair's Fri 10 April
    longer = Variant(when=("complex",), length=45)
    each = msgspec.structs.replace(ROLLING, extension=Extension(each=30), variants=(longer,))
    earlier = Step(kind="cap", on=day("2026-04-02"), day=day("2026-04-10"))
    found = Step(kind="trait", on=day("2026-04-03"), trait="complex")
    assert clock_after(each, START_2026, [*moved_to("2026-04-29"), earlier], CALENDAR).due_on == day("2026-04-10")
    assert clock_after(each, START_2026, [*moved_to("2026-04-29"), earlier, found], CALENDAR).due_on == day(
        "2026-04-10"
    )


def test_extension_that_gives_nothing__does_not_keep_a_limit_that_no_longer_is() -> None:
    # 2 March + 30 = Wed 1 April; found to be one for which there are 5 days: Sat 7 March, which rolls to Mon 9 March
    shorter = Variant(when=("online",), length=5)
    each = msgspec.structs.replace(ROLLING, extension=Extension(), variants=(shorter,))
    found = Step(kind="trait", on=day("2026-04-01"), trait="online")
    assert clock_after(each, START_2026, [*moved_to("2026-03-20"), found], CALENDAR).due_on == day("2026-03-20")
    assert clock_after(each, START_2026, [found], CALENDAR).due_on == day("2026-03-09")


# --- ends that roll, and time that is left out ------------------------------------------------------------------------
PAUSING = msgspec.structs.replace(ROLLING, pause=Pause(), extension=Extension(each=30, counted_from="unrolled"))


@pytest.mark.parametrize(
    ("length", "roll", "steps", "due"),
    [
        # Mon 2 March + 19 = Sat 21 March, which rolls to Mon 23 March: on that day it is stopped, till Thu 26 March
        (19, "next_working_day", [suspended("2026-03-23"), resumed("2026-03-26")], "2026-03-26"),
        # the same on the Sunday; it runs again on Sat 28 March, and rolls to Mon 30 March
        (19, "next_working_day", [suspended("2026-03-22"), resumed("2026-03-28")], "2026-03-30"),
        # Sat 21 March rolls back to Fri 20 March: stopped on that day, it runs again on Sat 21 March, and Sun 22 March
        # is its last day; the Friday before is left out
        (19, "previous_working_day", [suspended("2026-03-20"), resumed("2026-03-21")], "2026-03-21"),
        # extended to Fri 1 May, so Mon 4 May; ten days are left out: Mon 11 May
        (
            30,
            "next_working_day",
            [*moved_to("2026-05-01"), suspended("2026-04-02"), resumed("2026-04-12")],
            "2026-05-11",
        ),
        # extended to Mon 20 April; eleven days are left out: Fri 1 May, so Mon 4 May
        (
            30,
            "next_working_day",
            [*moved_to("2026-04-20"), suspended("2026-04-02"), resumed("2026-04-13")],
            "2026-05-04",
        ),
        # on the same day, which is left out
        (0, "stay", [suspended("2026-03-02"), resumed("2026-03-05")], "2026-03-05"),
    ],
)
def test_time_left_out__is_no_time_to_end_in(length: int, roll: str, steps: list[Step], due: str) -> None:
    each = msgspec.structs.replace(PAUSING, length=length, roll=roll)  # type: ignore[arg-type]
    steps = [msgspec.structs.replace(step, told={"petitioner": START_2026}) for step in steps]
    assert clock_after(each, START_2026, steps, CALENDAR).due_on == day(due)


def test_chair_s_rest_day__does_not_move_into_the_time_left_out() -> None:
    # Sun 8 March; stopped on Sat 7 March, it runs again on Wed 11 March: two working days on is the Tuesday before
    each = rule(length=20, pause=Pause(told=()))
    steps = [Step(kind="cap", on=START_2026, day=day("2026-03-08")), suspended("2026-03-07"), resumed("2026-03-11")]
    assert clock_after(each, START_2026, steps, CALENDAR).due_on == day("2026-03-11")


def test_date_that_was_only_expected__is_no_longer_when_more_time_was_given() -> None:
    late = [extended("2019-09-30", "2019-09-17"), extended("2019-10-04", "2019-09-16")]
    found = after(rule(extension=Extension()), *late)
    assert (found.due_on, found.expected_on) == (day("2019-10-04"), None)
