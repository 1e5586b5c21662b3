"""The reference that the product is held against, held itself against days that were counted by hand on a calendar.

2026: Hùng Kings' Day is kept on Monday 27 April; Thursday 30 April and Friday 1 May are off. 2019: Monday 2 September.
"""

from datetime import date

import pytest

from tests.support.reference_counting import Days, Limit, ReferenceClock, due, rolled

OFF = frozenset({date(2019, 9, 2), date(2026, 4, 27), date(2026, 4, 30), date(2026, 5, 1)})
PLAIN = Days(OFF, frozenset())
MAKE_UP = Days(OFF, frozenset({date(2026, 5, 9)}))

WORKING, CALENDAR, HOURS = "working_days", "calendar_days", "hours"
NEXT, PREVIOUS = "next_working_day", "previous_working_day"


def iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


COUNTS = {
    # Plan 570, a conference on Friday 23 August 2019.
    "invitations": (Limit(7, backward=True), "2019-08-23", "2019-08-14"),
    "conclusion": (Limit(5), "2019-08-23", "2019-08-30"),
    "reply": (Limit(15), "2019-08-23", "2019-09-16"),
    "complex reply": (Limit(30), "2019-08-23", "2019-10-07"),
    # Youth, a dialogue on Thursday 26 March 2026.
    "plan published": (Limit(30, CALENDAR, backward=True), "2026-03-26", "2026-02-24"),
    "ends on Sunday and stays": (Limit(10, CALENDAR), "2026-03-26", "2026-04-05"),
    "ends on Sunday and rolls on": (Limit(10, CALENDAR, roll=NEXT), "2026-03-26", "2026-04-06"),
    "ends on Sunday and rolls back": (Limit(10, CALENDAR, roll=PREVIOUS), "2026-03-26", "2026-04-03"),
    "several fields": (Limit(15, CALENDAR), "2026-03-26", "2026-04-10"),
    "on request": (Limit(45, CALENDAR), "2026-04-10", "2026-05-25"),
    "the day of the event counts": (Limit(45, CALENDAR, included=True), "2026-04-10", "2026-05-24"),
    # A handbook, a conference on Thursday 18 June 2026.
    "notice": (Limit(7, CALENDAR, backward=True), "2026-06-18", "2026-06-11"),
    "conclusion on Sunday": (Limit(10, CALENDAR), "2026-06-18", "2026-06-28"),
    "results": (Limit(20, CALENDAR), "2026-06-18", "2026-07-08"),
    # Reception of citizens.
    "over three days off": (Limit(10), "2026-04-23", "2026-05-12"),
    "half-year report, cut off on Sunday": (Limit(2), "2026-06-14", "2026-06-16"),
    "posted thirty days on end": (Limit(30, CALENDAR, included=True), "2026-09-01", "2026-09-30"),
    # Hours, to the end of the day in which they end.
    "two days of hours": (Limit(48, HOURS), "2026-09-09", "2026-09-11"),
    "an hour more is a day more": (Limit(49, HOURS), "2026-09-09", "2026-09-12"),
    "hours of the day itself": (Limit(24, HOURS, included=True), "2026-09-09", "2026-09-09"),
    "an hour too many before": (Limit(25, HOURS, backward=True), "2026-09-09", "2026-09-07"),
    # Corners.
    "the same day": (Limit(0), "2026-03-26", "2026-03-26"),
    "the same day, a Saturday": (Limit(0), "2026-03-07", "2026-03-07"),
    "the first day counts, a Friday": (Limit(1, included=True), "2026-03-06", "2026-03-06"),
    "the first day would count, a Saturday": (Limit(1, included=True), "2026-03-07", "2026-03-09"),
    "the conference's day counts": (Limit(7, backward=True, included=True), "2019-08-23", "2019-08-15"),
    "back to a Sunday": (Limit(10, CALENDAR, backward=True), "2026-05-06", "2026-04-26"),
    "back to a Sunday, and on back": (Limit(10, CALENDAR, backward=True, roll=PREVIOUS), "2026-05-06", "2026-04-24"),
    "on to a holiday before a weekend": (Limit(30, CALENDAR, roll=NEXT), "2026-04-01", "2026-05-04"),
}


@pytest.mark.parametrize("name", COUNTS)
def test_count__is_that_of_the_hand(name: str) -> None:
    limit, start, end = COUNTS[name]
    assert iso(due(limit, date.fromisoformat(start), limit.length, PLAIN)) == end


def test_count__takes_in_a_make_up_saturday() -> None:
    assert iso(due(Limit(10), date(2026, 4, 23), 10, MAKE_UP)) == "2026-05-11"


def test_roll__goes_over_every_day_off() -> None:
    limit = Limit(0, roll=NEXT)
    assert iso(rolled(limit, date(2026, 4, 25), PLAIN)) == "2026-04-28"
    assert iso(rolled(limit, date(2026, 1, 25), PLAIN)) == "2026-01-26"


def test_chosen__is_the_variant_that_asks_for_most() -> None:
    complex_, remote, very = frozenset({"complex"}), frozenset({"remote"}), frozenset({"very_complex"})
    limit = Limit(30, variants=((complex_, 45, True), (remote, 45, True), (complex_ | remote, 60, True)))
    assert limit.chosen(set()) == (30, None)
    assert limit.chosen({"remote"}) == (45, 45)
    assert limit.chosen({"remote", "complex"}) == (60, 60)
    assert Limit(30, variants=((complex_, 45, True), (very, 90, False))).chosen({"complex", "very_complex"}) == (
        90,
        None,
    )


#: Thirty days from Monday 2 March 2026 end on Wednesday 1 April; thirty more on Friday 1 May, a holiday.
START = date(2026, 3, 2)
FAR = "2026-12-31"
TWICE = {"times": 2, "each": 30, "in_total": None, "counted_from": "unrolled"}
TOTAL = {"times": None, "each": None, "in_total": 75, "counted_from": "rolled"}


def thirty(extension: dict[str, object] | None = None, roll: str = NEXT, **more: object) -> Limit:
    return Limit(30, CALENDAR, roll=roll, extension=extension, pausable=True, **more)  # type: ignore[arg-type]


COMPLEX = {"variants": ((frozenset({"complex"}), 45, True), (frozenset({"complex", "remote"}), 60, True))}
LONGER = {"variants": ((frozenset({"complex"}), 45, False),)}

#: A limit, what was done (act, its day, and the date set or the trait), the due date, and what is expected.
LIVES = {
    "nothing": (thirty(TWICE), [], "2026-04-01", None),
    # More time (Law 25/2018, art. 30: once, and again for the very complex, thirty days each).
    "once, to a holiday": (thirty(TWICE), [("more", "2026-03-30", FAR)], "2026-05-04", None),
    "once, to a holiday, and it stays": (thirty(TWICE, "stay"), [("more", "2026-03-30", FAR)], "2026-05-01", None),
    "once, to a holiday, and rolls back": (thirty(TWICE, PREVIOUS), [("more", "2026-03-30", FAR)], "2026-04-29", None),
    "twice, on from the unrolled end": (
        thirty(TWICE),
        [("more", "2026-03-30", FAR), ("more", "2026-05-04", FAR)],
        "2026-06-01",
        None,
    ),
    "twice, on from the rolled end": (
        thirty(TWICE | {"counted_from": "rolled"}),
        [("more", "2026-03-30", FAR), ("more", "2026-05-04", FAR)],
        "2026-06-03",
        None,
    ),
    "a third time is one too many": (
        thirty(TWICE),
        [("more", "2026-03-30", FAR), ("more", "2026-04-30", FAR), ("more", "2026-05-29", FAR)],
        "2026-06-01",
        FAR,
    ),
    "in total seventy-five, to a Saturday": (thirty(TOTAL), [("more", "2026-03-30", FAR)], "2026-05-18", None),
    "in total seventy-five lets no second pass": (
        thirty(TWICE | {"in_total": 75}),
        [("more", "2026-03-30", FAR), ("more", "2026-04-30", FAR)],
        "2026-05-18",
        None,
    ),
    "less than is allowed": (thirty(TWICE), [("more", "2026-03-30", "2026-04-15")], "2026-04-15", None),
    "to a Saturday": (thirty(TWICE), [("more", "2026-03-30", "2026-04-18")], "2026-04-20", None),
    "to a Saturday, and it stays": (thirty(TWICE, "stay"), [("more", "2026-03-30", "2026-04-18")], "2026-04-18", None),
    "to a Saturday, then thirty from there": (
        thirty(TWICE),
        [("more", "2026-03-30", "2026-04-18"), ("more", "2026-04-20", FAR)],
        "2026-05-18",
        None,
    ),
    "to a day before the end is no more time": (
        thirty(TWICE),
        [("more", "2026-03-10", "2026-03-20")],
        "2026-04-01",
        None,
    ),
    "told on the last day": (thirty(TWICE), [("more", "2026-04-01", "2026-04-15")], "2026-04-15", None),
    "told a day late": (thirty(TWICE), [("more", "2026-04-02", "2026-04-15")], "2026-04-01", "2026-04-15"),
    "the document knows no extension": (thirty(), [("more", "2026-03-30", FAR)], "2026-04-01", FAR),
    # Traits (Law 02/2011, art. 28 and 37: forty-five in total, sixty where it is remote too).
    "complex": (thirty(**COMPLEX), [("trait", "2026-04-01", "complex")], "2026-04-16", None),
    "complex and remote, to a holiday": (
        thirty(**COMPLEX),
        [("trait", "2026-03-10", "complex"), ("trait", "2026-03-11", "remote")],
        "2026-05-04",
        None,
    ),
    "complex, found late": (thirty(**COMPLEX), [("trait", "2026-04-02", "complex")], "2026-04-01", None),
    "complex in total, then more time": (
        thirty(TWICE, **COMPLEX),
        [("trait", "2026-03-10", "complex"), ("more", "2026-03-30", FAR)],
        "2026-04-16",
        None,
    ),
    "more time, then complex in total": (
        thirty(TWICE, **COMPLEX),
        [("more", "2026-03-30", "2026-04-29"), ("trait", "2026-04-02", "complex")],
        "2026-04-16",
        None,
    ),
    "more time, then complex that is no longer": (
        thirty(TWICE, **LONGER),
        [("more", "2026-03-30", "2026-04-29"), ("trait", "2026-04-02", "complex")],
        "2026-04-29",
        None,
    ),
    "more time, then complex that is longer": (
        thirty(TWICE, **LONGER),
        [("more", "2026-03-30", "2026-04-08"), ("trait", "2026-04-02", "complex")],
        "2026-04-16",
        None,
    ),
    "complex in the time that was given, within the document's total": (
        thirty(TWICE | {"in_total": 50}, **LONGER),
        [("more", "2026-03-30", FAR), ("trait", "2026-04-02", "complex"), ("more", "2026-04-10", FAR)],
        "2026-04-21",
        None,
    ),
    # The chair's own date.
    "the chair's earlier date": (thirty(), [("cap", "2026-03-03", "2026-03-20")], "2026-03-20", None),
    "the chair's Saturday": (thirty(), [("cap", "2026-03-03", "2026-03-21")], "2026-03-21", None),
    "the chair's later date": (thirty(), [("cap", "2026-03-03", "2026-04-02")], "2026-04-01", None),
    "of two dates the earlier": (
        thirty(),
        [("cap", "2026-03-03", "2026-03-20"), ("cap", "2026-03-04", "2026-03-25")],
        "2026-03-20",
        None,
    ),
    "more time than the chair's": (
        thirty(TWICE),
        [("cap", "2026-03-03", "2026-03-20"), ("more", "2026-03-20", "2026-04-10")],
        "2026-04-10",
        None,
    ),
    "more time than the chair's, late": (
        thirty(TWICE),
        [("cap", "2026-03-03", "2026-03-20"), ("more", "2026-03-21", "2026-04-10")],
        "2026-03-20",
        "2026-04-10",
    ),
    "complex within the chair's date": (
        thirty(**COMPLEX),
        [("cap", "2026-03-03", "2026-03-20"), ("trait", "2026-03-10", "complex")],
        "2026-03-20",
        None,
    ),
    # The date of a case that was merged into this one, passed or not.
    "inherited": (thirty(), [("inherit", "2026-03-10", "2026-03-06")], "2026-03-06", None),
    # Suspended and resumed.
    "still": (thirty(), [("stop", "2026-03-12", "")], None, None),
    "ten days left out, to a Saturday": (
        thirty(),
        [("stop", "2026-03-12", ""), ("go", "2026-03-22", "")],
        "2026-04-13",
        None,
    ),
    "stopped on the last day": (
        thirty(),
        [("stop", "2026-04-01", ""), ("go", "2026-04-08", "")],
        "2026-04-08",
        None,
    ),
    "stopped too late": (thirty(), [("stop", "2026-04-02", ""), ("go", "2026-04-08", "")], "2026-04-01", None),
    "stopped twice": (
        thirty(),
        [("stop", "2026-03-12", ""), ("go", "2026-03-14", ""), ("stop", "2026-03-20", ""), ("go", "2026-03-25", "")],
        "2026-04-08",
        None,
    ),
    "working days left out": (
        Limit(5, pausable=True),
        [("stop", "2026-03-06", ""), ("go", "2026-03-09", "")],
        "2026-03-10",
        None,
    ),
    "the document knows no pause": (
        Limit(5),
        [("stop", "2026-03-06", ""), ("go", "2026-03-09", "")],
        "2026-03-09",
        None,
    ),
    "the chair's date after the break": (
        thirty(),
        [("cap", "2026-03-03", "2026-03-20"), ("stop", "2026-03-12", ""), ("go", "2026-03-22", "")],
        "2026-03-30",
        None,
    ),
    "the time that was given after the break, to holidays": (
        thirty(TWICE),
        [("more", "2026-03-03", "2026-04-20"), ("stop", "2026-03-12", ""), ("go", "2026-03-22", "")],
        "2026-05-04",
        None,
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_clock__is_that_of_the_hand(name: str) -> None:
    limit, acts, last, expected = LIVES[name]
    clock = ReferenceClock(limit, START, PLAIN)
    for act, day, what in acts:
        on = date.fromisoformat(day)
        match act:
            case "more":
                clock.extend(on, date.fromisoformat(what))
            case "trait":
                clock.mark(on, what)
            case "cap":
                clock.cap(date.fromisoformat(what))
            case "inherit":
                clock.inherit(date.fromisoformat(what))
            case "stop":
                clock.suspend(on)
            case _:
                clock.resume(on)
    assert (iso(clock.due), iso(clock.expected)) == (last, expected)


def test_chair_s_date_in_working_days__keeps_the_days_that_were_left() -> None:
    # Left on Thursday 12 March: 12, 13, 16 to 20. After the break: 23 to 27, 30, 31.
    clock = ReferenceClock(Limit(20, pausable=True), START, PLAIN)
    clock.cap(date(2026, 3, 20))
    clock.suspend(date(2026, 3, 12))
    clock.resume(date(2026, 3, 23))
    assert iso(clock.due) == "2026-03-31"
