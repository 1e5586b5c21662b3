"""What time alone brings on a deadline: each row counted by hand.

The reply is due on Monday 16 September 2019 and warned of on Monday 9 and Friday 13 September, unless a row says
otherwise. A day's warning falls at its local midnight, the breach at the midnight that ends the due date.
"""

from typing import Any

import msgspec
import pytest

from services.followup.domain.deadlines.raised import DeadlineState, Timer, next_timer
from services.followup.domain.deadlines.status import status_of
from services.followup.domain.deadlines.timers import fire, fire_until
from shared.events.deadline import DeadlineBreached, DeadlineDueSoon
from shared.identifiers import local_iso
from tests.support.deadlines import days, set_on
from tests.support.history import at, day

DUE = "2019-09-16"
MONDAY, FRIDAY, BREACH = "2019-09-09 00:00", "2019-09-13 00:00", "2019-09-17 00:00"


def soon(moment: str, stage: int) -> Timer:
    return Timer(at(moment), "due_soon", stage)


def late(moment: str) -> Timer:
    return Timer(at(moment), "breached")


# When the clock was set, what has happened to it since, and what comes next.
NEXT: dict[str, tuple[str, dict[str, Any], Timer | None]] = {
    "set before the first warning": ("2019-08-23 17:00", {}, soon(MONDAY, 0)),
    "set a moment before the first warning": ("2019-09-08 23:59", {}, soon(MONDAY, 0)),
    "set at the very midnight of the first warning": (MONDAY, {}, soon(MONDAY, 0)),
    # of the stages already past only the last is raised, at once
    "set after the first warning": ("2019-09-09 09:00", {}, soon("2019-09-09 09:00", 0)),
    "set at the very midnight of the second warning": (FRIDAY, {}, soon(FRIDAY, 1)),
    "set after both warnings": ("2019-09-14 09:00", {}, soon("2019-09-14 09:00", 1)),
    "set in the last moment of the due date": ("2019-09-16 23:59", {}, soon("2019-09-16 23:59", 1)),
    # and none if the due date has passed too
    "set at the midnight of the breach": (BREACH, {}, late(BREACH)),
    "set after the due date": ("2019-09-20 09:00", {}, late("2019-09-20 09:00")),
    "warned once": ("2019-08-23 17:00", {"stage": 1}, soon(FRIDAY, 1)),
    "warned once, at the moment of setting": ("2019-09-09 09:00", {"stage": 1}, soon(FRIDAY, 1)),
    "warned twice": ("2019-08-23 17:00", {"stage": 2}, late(BREACH)),
    "without warnings": ("2019-08-23 17:00", {"stages": ()}, late(BREACH)),
    "breached": ("2019-08-23 17:00", {"breached": True}, None),
    "met": ("2019-08-23 17:00", {"outcome": "met"}, None),
    "waived": ("2019-08-23 17:00", {"outcome": "waived"}, None),
    "met late": ("2019-08-23 17:00", {"outcome": "met_late"}, None),
}


@pytest.mark.parametrize("case", NEXT)
def test_next_timer__by_the_moment_of_setting(case: str) -> None:
    moment, changes, timer = NEXT[case]
    raised = set_on(moment, DUE, **changes)
    assert next_timer(raised) == timer
    assert raised.next_fire_at == (timer.fire_at if timer else None)


def test_next_timer__without_a_date__none() -> None:
    raised = set_on("2019-08-23 17:00", None)
    assert (next_timer(raised), raised.next_fire_at, raised.breached_at) == (None, None, None)


def test_next_timer__several_stages_past__only_the_last() -> None:
    raised = set_on("2019-09-11 09:00", DUE, stages=days("2019-09-02", "2019-09-05", "2019-09-10", "2019-09-13"))
    assert next_timer(raised) == soon("2019-09-11 09:00", 2)


def short(raised: DeadlineState, to: str) -> tuple[list[str], DeadlineState]:
    emitted, after = fire_until(raised, at(to))
    return [f"{e.event.TOPIC.removeprefix('Deadline')} {local_iso(e.event.at)[:16]}" for e in emitted], after


@pytest.mark.parametrize(
    ("set_at", "to", "events"),
    [
        ("2019-08-23 17:00", "2019-09-08 23:59", []),
        ("2019-08-23 17:00", MONDAY, ["DueSoon 2019-09-09T00:00"]),
        (
            "2019-08-23 17:00",
            "2019-09-16 23:59",
            ["DueSoon 2019-09-09T00:00", "DueSoon 2019-09-13T00:00"],
        ),
        (
            "2019-08-23 17:00",
            BREACH,
            ["DueSoon 2019-09-09T00:00", "DueSoon 2019-09-13T00:00", "Breached 2019-09-17T00:00"],
        ),
        (
            "2019-09-14 09:00",
            "2020-01-01 00:00",
            ["DueSoon 2019-09-14T09:00", "Breached 2019-09-17T00:00"],
        ),
        ("2019-09-20 09:00", "2020-01-01 00:00", ["Breached 2019-09-20T09:00"]),
    ],
)
def test_fire_until__everything_up_to_and_including_an_instant(set_at: str, to: str, events: list[str]) -> None:
    raised = set_on(set_at, DUE)
    found, after = short(raised, to)
    assert found == events
    assert after.version == raised.version + len(events)
    assert short(after, to) == ([], after)


def test_warning__names_its_day_and_counts_on() -> None:
    raised = set_on("2019-09-14 09:00", DUE)
    emitted, after = fire(raised, soon("2019-09-14 09:00", 1))
    event = emitted.event
    assert isinstance(event, DeadlineDueSoon)
    assert (event.stage_on, event.at, event.cause_id) == (day("2019-09-13"), at("2019-09-14 09:00"), raised.clock_cause)
    assert (after.stage, after.version, emitted.version, after.breached) == (2, 2, 2, False)


def test_warnings_of_one_clock__have_their_own_ids() -> None:
    emitted, _ = fire_until(set_on("2019-08-23 17:00", DUE), at(BREACH))
    assert len({e.event_id for e in emitted}) == 3
    # two stages that fall at one instant
    raised = set_on("2019-08-23 17:00", DUE)
    first, second = (fire(raised, soon(MONDAY, stage))[0] for stage in (0, 1))
    assert first.event_id != second.event_id


def test_breach__tells_why_its_date_was_that_day__whose_it_was__and_what_had_moved_it() -> None:
    raised = set_on("2019-08-23 17:00", DUE, clock_reason="calendar", debtor="H35.10.3")
    emitted, after = fire(raised, late(BREACH))
    event = emitted.event
    assert isinstance(event, DeadlineBreached)
    assert (event.explanation, event.reason, event.debtor) == (raised.explanation, "calendar", "H35.10.3")
    assert event.text is not None and event.text.vi.endswith("Hạn cuối: hết thứ Hai, ngày 16/09/2019.")
    assert (event.at, event.breached_at, event.cause_id) == (
        at(BREACH),
        "2019-09-17T00:00:00+07:00",
        raised.clock_cause,
    )
    assert (after.breached, after.stage, after.version, emitted.version) == (True, 2, 2, 2)


def test_breach__without_an_explanation__has_no_text() -> None:
    emitted, _ = fire(set_on("2019-08-23 17:00", DUE, explanation=None), late(BREACH))
    assert isinstance(emitted.event, DeadlineBreached)
    assert (emitted.event.explanation, emitted.event.text) == (None, None)


@pytest.mark.parametrize(
    ("moment", "backfilled", "of_the_import"),
    [("2019-09-20 09:00", True, True), ("2019-09-16 09:00", True, False), ("2019-09-20 09:00", False, False)],
)
def test_backfilled__only_what_falls_with_the_imported_record(
    moment: str, backfilled: bool, of_the_import: bool
) -> None:
    """What comes due after the import is news; what was overdue already when the record was imported is not."""
    raised = set_on(moment, DUE, backfilled=backfilled, stages=())
    ((emitted,), _) = fire_until(raised, at("2020-01-01 00:00"))
    assert emitted.backfilled is of_the_import


@pytest.mark.parametrize(
    ("changes", "today", "status"),
    [
        ({}, "2019-09-08", "on_track"),
        ({}, "2019-09-09", "due_soon"),
        ({}, "2019-09-16", "due_soon"),
        ({}, "2019-09-17", "breached"),
        ({"stages": ()}, "2019-09-16", "on_track"),
        ({"outcome": "met"}, "2019-12-01", "met"),
        ({"outcome": "met_late"}, "2019-09-01", "met_late"),
        ({"outcome": "waived"}, "2019-12-01", "waived"),
        ({"due_on": None, "stages": ()}, "2019-12-01", "on_track"),
    ],
)
def test_status__on_a_day__whether_time_was_already_applied_or_not(
    changes: dict[str, Any], today: str, status: str
) -> None:
    raised = msgspec.structs.replace(set_on("2019-08-23 17:00", DUE), **changes)
    assert status_of(raised, day(today)) == status
