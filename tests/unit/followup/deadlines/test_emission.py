"""The difference between what was raised and what is expected, as events: each row by itself, without an engine.

The duty arose on Friday 23 August 2019 and is due on Monday 16 September unless a row says otherwise.
"""

from typing import Any

import msgspec
import pytest

from services.followup.domain.deadlines.causes import Cause, cause_of
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.emission import agrees, emit
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import ExpectedDeadline, explain
from shared.events import Event
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceRescheduled, PublicationEnded
from shared.events.deadline import (
    DeadlineBreached,
    DeadlineBreachRetracted,
    DeadlineMet,
    DeadlineMetLate,
    DeadlineMoved,
    DeadlineReinstated,
    DeadlineSet,
    DeadlineWaived,
    Explanation,
)
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    WrittenReplyIssued,
)
from shared.events.regulation import CalendarProposed, CalendarPublished, PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import DEFAULT_POLICY
from tests.support.deadlines import (
    REGULATION,
    breached,
    cause,
    days,
    done,
    expected,
    fact,
    set_on,
    some_fact,
    waived,
)
from tests.support.history import DISTRICT, at, day

SET = "2019-08-23 17:00"
DUE = "2019-09-16"
BEFORE, LATER, MUCH_LATER = "2019-09-10 09:00", "2019-09-18 09:00", "2019-12-02 09:00"


def explained(each: ExpectedDeadline) -> Explanation:
    return explain(each, REGULATION.calendar)


def emitted_by(
    raised: DeadlineState | None, wanted: ExpectedDeadline | None, by: Cause
) -> tuple[list[Emitted], DeadlineState]:
    events, after = emit(raised, wanted, by, explained)
    assert after is not None
    return events, after


def finished(end: Any, due: str = DUE, moment: str = LATER) -> DeadlineState:
    """A deadline with this outcome."""
    _, after = emit(set_on(SET, due), expected(due, end), cause(moment, number=1), explained)
    assert after is not None
    return after


def short(events: list[Emitted]) -> list[str]:
    return [f"{e.event.TOPIC.removeprefix('Deadline')} {e.event.due_on}" for e in events]


# What was raised, what is expected, when the cause was recorded, the events in short, and whether a breach stands then.
ROWS: dict[str, tuple[DeadlineState | None, ExpectedDeadline | None, str, list[str], bool]] = {
    "nothing raised: set": (None, expected(DUE), SET, ["Set 2019-09-16"], False),
    # Its midnight is a timer's matter, also where it has passed.
    "nothing raised, already past: set": (None, expected(DUE), LATER, ["Set 2019-09-16"], False),
    "nothing raised, without a date: set": (None, expected(None), SET, ["Set None"], False),
    "nothing raised, already done: set and met": (
        None,
        expected(DUE, done("2019-09-10")),
        LATER,
        ["Set 2019-09-16", "Met 2019-09-16"],
        False,
    ),
    "nothing raised, done late: set, breached, met late": (
        None,
        expected(DUE, done("2019-09-17")),
        LATER,
        ["Set 2019-09-16", "Breached 2019-09-16", "MetLate 2019-09-16"],
        True,
    ),
    "nothing changed": (set_on(SET, DUE), expected(DUE), BEFORE, [], False),
    "nothing changed after the breach": (breached(SET, DUE), expected(DUE), LATER, [], True),
    # rule 1: assignment changes who owes, never the date
    "another debtor": (set_on(SET, DUE), expected(DUE, debtor="H35.10.3"), BEFORE, [], False),
    "a later date": (set_on(SET, DUE), expected("2019-10-07"), BEFORE, ["Moved 2019-10-07"], False),
    "an earlier date, still to come": (set_on(SET, DUE), expected("2019-09-12"), BEFORE, ["Moved 2019-09-12"], False),
    "an earlier date, already past": (set_on(SET, DUE), expected("2019-09-09"), BEFORE, ["Moved 2019-09-09"], False),
    # rule 5: in time but recorded late, the breach is retracted and the date moves
    "breached, and a date still to come": (
        breached(SET, DUE),
        expected("2019-09-18"),
        "2019-09-18 23:59",
        ["BreachRetracted 2019-09-16", "Moved 2019-09-18"],
        False,
    ),
    # the new date has passed as well: its breach is the one that stands
    "breached, and a date that ended this midnight": (
        breached(SET, DUE),
        expected("2019-09-18"),
        "2019-09-19 00:00",
        ["Moved 2019-09-18"],
        True,
    ),
    "breached, then without a date": (
        breached(SET, DUE),
        expected(None),
        MUCH_LATER,
        ["BreachRetracted 2019-09-16", "Moved None"],
        False,
    ),
    "without a date, then due": (set_on(SET, None), expected(DUE), BEFORE, ["Moved 2019-09-16"], False),
    # rule 7: done at any time of the due date is in time, however late it was recorded
    "done on the due date": (set_on(SET, DUE), expected(DUE, done(DUE)), "2019-09-16 23:59", ["Met 2019-09-16"], False),
    "done in time, recorded after the breach": (
        breached(SET, DUE),
        expected(DUE, done(DUE)),
        MUCH_LATER,
        ["BreachRetracted 2019-09-16", "Met 2019-09-16"],
        False,
    ),
    "done a day late": (
        breached(SET, DUE),
        expected(DUE, done("2019-09-17")),
        LATER,
        ["MetLate 2019-09-16"],
        True,
    ),
    "done a day late, the breach not yet seen": (
        set_on(SET, DUE),
        expected(DUE, done("2019-09-17")),
        LATER,
        ["Breached 2019-09-16", "MetLate 2019-09-16"],
        True,
    ),
    "done, without a date": (set_on(SET, None), expected(None, done("2019-12-02")), MUCH_LATER, ["Met None"], False),
    # rule 6: an end waives the open deadlines, a breach stays on record
    "waived on the due date, recorded after the breach": (
        breached(SET, DUE),
        expected(DUE, waived(DUE)),
        LATER,
        ["BreachRetracted 2019-09-16", "Waived 2019-09-16"],
        False,
    ),
    "waived after the due date": (
        breached(SET, DUE),
        expected(DUE, waived("2019-09-17")),
        LATER,
        ["Waived 2019-09-16"],
        True,
    ),
    "waived after the due date, the breach not yet seen": (
        set_on(SET, DUE),
        expected(DUE, waived("2019-09-17")),
        LATER,
        ["Breached 2019-09-16", "Waived 2019-09-16"],
        True,
    ),
    # the date moves and the duty is done by the same fact
    "moved and met": (
        breached(SET, DUE),
        expected("2019-10-07", done("2019-10-01")),
        MUCH_LATER,
        ["Moved 2019-10-07", "BreachRetracted 2019-10-07", "Met 2019-10-07"],
        False,
    ),
    "moved to a day still to come, and met": (
        breached(SET, DUE),
        expected("2019-10-07", done("2019-10-01")),
        "2019-10-02 09:00",
        ["Moved 2019-10-07", "BreachRetracted 2019-10-07", "Met 2019-10-07"],
        False,
    ),
    "moved and met late": (
        set_on(SET, DUE),
        expected("2019-09-12", done("2019-09-13")),
        "2019-09-13 09:00",
        ["Moved 2019-09-12", "Breached 2019-09-12", "MetLate 2019-09-12"],
        True,
    ),
    # rule 8: the ground of an outcome is annulled: the outcome is undone, a breach that still stands stays
    "met, and owed again": (finished(done("2019-09-10")), expected(DUE), LATER, ["Reinstated 2019-09-16"], False),
    "met late, and owed again": (finished(done("2019-09-17")), expected(DUE), LATER, ["Reinstated 2019-09-16"], True),
    "waived, and owed again": (finished(waived("2019-09-10")), expected(DUE), LATER, ["Reinstated 2019-09-16"], False),
    "met, and owed again on a later day": (
        finished(done("2019-09-10")),
        expected("2019-10-07"),
        LATER,
        ["Reinstated 2019-09-16", "Moved 2019-10-07"],
        False,
    ),
    "met late, and owed again on a day still to come": (
        finished(done("2019-09-17")),
        expected("2019-10-07"),
        LATER,
        ["Reinstated 2019-09-16", "BreachRetracted 2019-09-16", "Moved 2019-10-07"],
        False,
    ),
    # what was late is found in time: the breach goes, the duty was never owed again
    "met late, found in time": (
        finished(done("2019-09-17")),
        expected("2019-09-17", done("2019-09-17")),
        MUCH_LATER,
        ["Moved 2019-09-17", "BreachRetracted 2019-09-17", "Met 2019-09-17"],
        False,
    ),
    "met, found late": (
        finished(done("2019-09-10")),
        expected("2019-09-09", done("2019-09-10")),
        MUCH_LATER,
        ["Reinstated 2019-09-16", "Moved 2019-09-09", "Breached 2019-09-09", "MetLate 2019-09-09"],
        True,
    ),
    "met, and waived instead": (
        finished(done("2019-09-10")),
        expected(DUE, waived("2019-09-11")),
        LATER,
        ["Reinstated 2019-09-16", "Waived 2019-09-16"],
        False,
    ),
    "waived, and met instead": (
        finished(waived("2019-09-10")),
        expected(DUE, done("2019-09-09")),
        LATER,
        ["Reinstated 2019-09-16", "Met 2019-09-16"],
        False,
    ),
    "met on another day": (finished(done("2019-09-10")), expected(DUE, done("2019-09-09")), LATER, [], False),
    "met, the date moved": (
        finished(done("2019-09-10")),
        expected("2019-10-07", done("2019-09-10")),
        LATER,
        ["Moved 2019-10-07"],
        False,
    ),
    # rule 8: what started the clock is annulled
    "no longer expected": (set_on(SET, DUE), None, BEFORE, ["Waived 2019-09-16"], False),
    "no longer expected, after the breach": (
        breached(SET, DUE),
        None,
        LATER,
        ["BreachRetracted 2019-09-16", "Waived 2019-09-16"],
        False,
    ),
    "no longer expected, after it was met": (finished(done("2019-09-10")), None, LATER, ["Waived 2019-09-16"], False),
}


@pytest.mark.parametrize("case", ROWS)
def test_emit__by_what_was_raised_and_what_is_expected(case: str) -> None:
    raised, wanted, moment, events, stands = ROWS[case]
    found, after = emitted_by(raised, wanted, cause(moment))
    assert short(found) == events
    assert after.breached == stands
    assert [e.version for e in found] == [(raised.version if raised else 0) + n for n in range(1, len(found) + 1)]
    assert after.version == (raised.version if raised else 0) + len(found)
    assert len({e.event_id for e in found}) == len(found)
    assert agrees(after, wanted, at(moment))


@pytest.mark.parametrize("case", ROWS)
def test_emit__a_second_time__nothing(case: str) -> None:
    raised, wanted, moment, _, _ = ROWS[case]
    _, after = emitted_by(raised, wanted, cause(moment))
    assert emit(after, wanted, cause(MUCH_LATER, number=10), explained) == ([], after)


def test_emit__neither_raised_nor_expected__nothing() -> None:
    assert emit(None, None, cause(SET), explained) == ([], None)


def test_emit__expected_again_after_its_start_was_annulled__is_reinstated() -> None:
    _, dropped = emitted_by(set_on(SET, DUE), None, cause(BEFORE))
    assert (dropped.outcome, dropped.ground, dropped.done_on) == ("waived", "start_annulled", None)
    events, after = emitted_by(dropped, expected(DUE), cause(LATER, number=10))
    assert short(events) == ["Reinstated 2019-09-16"]
    assert (after.outcome, after.ground) == ("", "")


# --- what the events and the state carry ------------------------------------------------------------------------------


def test_set__carries_its_explanation_and_starts_the_clock() -> None:
    (emitted,), after = emitted_by(None, expected(DUE, part="x", expected_on=day("2019-10-01")), cause(SET, number=3))
    event = emitted.event
    assert isinstance(event, DeadlineSet)
    assert event.explanation == after.explanation == explained(expected(DUE, part="x"))
    assert (event.source, event.duty, event.subject, event.part) == ("test", "reply", "petition", "x")
    assert (event.cause_id, event.at, event.breached_at) == (
        derived_id("cause", 3),
        at(SET),
        "2019-09-17T00:00:00+07:00",
    )
    assert (event.debtor, emitted.jurisdiction, emitted.backfilled) == ("office", DISTRICT, False)
    assert (after.clock_cause, after.clock_stamp, after.starting_event) == (
        derived_id("cause", 3),
        at(SET),
        some_fact("2019-08-23").event_id,
    )
    # five and one working days before Mon 16 Sep 2019: 13(1) 12 11 10 9(5)
    assert (after.stages, after.stage) == (days("2019-09-09", "2019-09-13"), 0)
    assert (after.expected_on, after.clock_reason) == (day("2019-10-01"), "")
    assert (after.deadline_id, after.subject_id) == (event.deadline_id, event.subject_id)


def test_set__without_a_date__has_no_midnight() -> None:
    (emitted,), after = emitted_by(None, expected(None), cause(SET))
    assert (emitted.event.breached_at, after.stages) == ("", ())


def test_moved__tells_from_where_and_why__and_starts_the_clock_again() -> None:
    raised = set_on(SET, DUE, stage=2)
    by = cause(BEFORE, "extension", backfilled=True)
    (emitted,), after = emitted_by(raised, expected("2019-10-07", provisional=True), by)
    event = emitted.event
    assert isinstance(event, DeadlineMoved)
    assert (event.moved_from, event.reason, event.provisional) == (day(DUE), "extension", True)
    assert event.explanation == after.explanation == explained(expected("2019-10-07"))
    assert (after.clock_cause, after.clock_stamp, after.clock_reason) == (by.event_id, at(BEFORE), "extension")
    # Mon 7 Oct 2019: 4(1) 3 2 1 30 Sep(5)
    assert (after.stages, after.stage) == (days("2019-09-30", "2019-10-04"), 0)
    assert emitted.backfilled and after.backfilled and after.provisional


def test_moved__by_what_makes_no_breach_one_that_never_was__tells_that_name() -> None:
    by = cause(LATER, "backdated_record", moves_by="chair_date")
    events, after = emitted_by(breached(SET, DUE), expected("2019-10-07"), by)
    retracted, moved = (e.event for e in events)
    assert isinstance(retracted, DeadlineBreachRetracted) and isinstance(moved, DeadlineMoved)
    assert (retracted.reason, moved.reason, after.clock_reason) == ("backdated_record", "chair_date", "chair_date")


def test_reinstated__the_clock_begins_again_with_its_warnings() -> None:
    by = cause(LATER, "annulment", backfilled=True)
    (emitted,), after = emitted_by(finished(done("2019-09-10"), moment=BEFORE), expected(DUE), by)
    assert isinstance(emitted.event, DeadlineReinstated) and emitted.event.reason == "annulment"
    assert (after.outcome, after.done_on, after.ground) == ("", None, "")
    assert (after.clock_cause, after.clock_stamp) == (by.event_id, at(LATER))
    assert (after.stages, after.stage, after.backfilled) == (days("2019-09-09", "2019-09-13"), 0, True)


def test_reinstated__after_a_waiver__forgets_its_ground() -> None:
    waiver = finished(waived("2019-09-10"))
    assert waiver.ground == "withdrawn"
    _, after = emitted_by(waiver, expected(DUE), cause(LATER))
    assert (after.ground, after.done_on) == ("", None)


def test_breached_by_its_own_end__tells_why_the_date_was_that_day__and_warns_no_more() -> None:
    raised = set_on(SET, DUE)
    events, after = emitted_by(raised, expected(DUE, done("2019-09-17")), cause(LATER))
    breach, late = (e.event for e in events)
    assert isinstance(breach, DeadlineBreached) and isinstance(late, DeadlineMetLate)
    assert breach.cause_id == raised.clock_cause, "the cause of a breach is what set the clock"
    assert breach.explanation == raised.explanation
    assert breach.text is not None and breach.text.en.endswith("Due: by the end of Monday 16 September 2019.")
    assert (late.cause_id, late.done_on) == (cause(LATER).event_id, day("2019-09-17"))
    assert after.stage == len(after.stages) == 2


def test_met__tells_the_day() -> None:
    (emitted,), after = emitted_by(set_on(SET, DUE), expected(DUE, done("2019-09-10")), cause(LATER))
    assert isinstance(emitted.event, DeadlineMet) and emitted.event.done_on == day("2019-09-10")
    assert (after.outcome, after.done_on) == ("met", day("2019-09-10"))


@pytest.mark.parametrize(("on", "stands"), [("2019-09-16", False), ("2019-09-17", True)])
def test_waived__tells_why__and_whether_a_breach_stands(on: str, stands: bool) -> None:
    events, after = emitted_by(breached(SET, DUE), expected(DUE, waived(on, "merged")), cause(LATER))
    event = events[-1].event
    assert isinstance(event, DeadlineWaived)
    assert (event.reason, event.breach_stands) == ("merged", stands)
    assert (after.outcome, after.ground, after.done_on) == ("waived", "merged", day(on))


def test_waived_for_want_of_its_start__tells_so() -> None:
    (emitted,), _ = emitted_by(set_on(SET, DUE), None, cause(BEFORE))
    assert isinstance(emitted.event, DeadlineWaived)
    assert (emitted.event.reason, emitted.event.breach_stands) == ("start_annulled", False)


CHANGES: list[dict[str, Any]] = [
    {"debtor": "H35.10.3"},
    {"jurisdiction": "H35.31"},
    {"expected_on": day("2019-10-01")},
    {"provisional": True},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
def test_what_no_event_tells__is_kept_all_the_same(changes: dict[str, Any]) -> None:
    ((name, value),) = changes.items()
    events, after = emitted_by(set_on(SET, DUE), expected(DUE, **changes), cause(BEFORE))
    assert (events, getattr(after, name)) == ([], value)


def test_done_on_another_day__or_waived_for_another_reason__is_kept_without_an_event() -> None:
    events, after = emitted_by(finished(done("2019-09-10")), expected(DUE, done("2019-09-11")), cause(LATER))
    assert (events, after.done_on) == ([], day("2019-09-11"))
    events, after = emitted_by(
        finished(waived("2019-09-10")), expected(DUE, waived("2019-09-10", "merged")), cause(LATER)
    )
    assert (events, after.ground) == ([], "merged")


def test_provisional__the_same_day_on_a_published_calendar__is_explained_again() -> None:
    raised = set_on(SET, DUE, provisional=True, explanation=None)
    events, after = emitted_by(raised, expected(DUE), cause(BEFORE))
    assert (events, after.provisional) == ([], False)
    assert after.explanation == explained(expected(DUE))


def test_still_provisional__keeps_its_explanation() -> None:
    raised = set_on(SET, DUE, provisional=True, explanation=None)
    _, after = emitted_by(raised, expected(DUE, provisional=True, debtor="H35.10.3"), cause(BEFORE))
    assert after.explanation is None


def test_event_ids__follow_deadline_cause_and_kind() -> None:
    first, _ = emitted_by(set_on(SET, DUE), expected("2019-10-07"), cause(BEFORE))
    again, _ = emitted_by(set_on(SET, DUE), expected("2019-10-07"), cause(BEFORE))
    other, _ = emitted_by(set_on(SET, DUE), expected("2019-10-07"), cause(BEFORE, number=10))
    elsewhere, _ = emitted_by(set_on(SET, DUE, deadline_id=derived_id("other")), expected("2019-10-07"), cause(BEFORE))
    assert first[0].event_id == again[0].event_id
    assert len({first[0].event_id, other[0].event_id, elsewhere[0].event_id}) == 3


# --- causes -----------------------------------------------------------------------------------------------------------

ON = day("2019-09-10")
OFF = CalendarPublished(effective_on=ON, year=2019, holidays=())
SUSPENDED = ClockSuspended(effective_on=ON, number="1")
REASONS: list[tuple[Event, str, str]] = [
    (ExtensionGranted(effective_on=ON, petitioner_told_on=ON, expected_on=ON), "extension", "extension"),
    (PetitionMarkedComplex(effective_on=ON, decided_by="chair", criteria=("x",)), "complex", "complex"),
    (OFF, "calendar", "calendar"),
    (CalendarProposed(effective_on=ON, year=2019, holidays=()), "calendar", "calendar"),
    (PolicyAdopted(effective_on=ON, jurisdiction=DISTRICT, policy=DEFAULT_POLICY), "policy", "policy"),
    (RecordAnnulled(effective_on=ON, event_id=derived_id("x")), "annulment", "annulment"),
    (ConferenceRescheduled(effective_on=ON, first_day=ON, last_day=ON), "rescheduled", "rescheduled"),
    (SUSPENDED, "suspended", "suspended"),
    (ClockResumed(effective_on=ON, number="2"), "backdated_record", "resumed"),
    (PetitionMerged(effective_on=ON, into=derived_id("x")), "backdated_record", "merged"),
    (PetitionAssigned(effective_on=ON, agency="H35.10.3"), "backdated_record", "chair_date"),
    (PetitionReassigned(effective_on=ON, agency="H35.10.3"), "backdated_record", "chair_date"),
    (
        PublicationEnded(effective_on=ON, what="result", channel="posting"),
        "backdated_record",
        "taken_down_early",
    ),
    (
        WrittenReplyIssued(effective_on=ON, number="1", signatory="CT", digest="00"),
        "backdated_record",
        "backdated_record",
    ),
]


@pytest.mark.parametrize(("event", "reason", "moves_by"), REASONS, ids=[e.TOPIC for e, _, _ in REASONS])
def test_cause__names_what_retracts_a_breach_and_what_moves_a_date(event: Event, reason: str, moves_by: str) -> None:
    found = cause_of(fact(event, at(BEFORE), 7))
    assert (found.reason, found.moves_by) == (reason, moves_by)
    assert (found.event_id, found.at, found.backfilled) == (derived_id("event", 7), at(BEFORE), False)


def test_cause__of_an_imported_record__says_so() -> None:
    imported = fact(OFF, at(BEFORE))
    imported = msgspec.structs.replace(imported, meta=msgspec.structs.replace(imported.meta, backfilled=True))
    assert cause_of(imported).backfilled


# --- agreement --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "wanted", "agreed"),
    [
        (set_on(SET, DUE), expected(DUE), True),
        # whether a warning or a breach was raised is the timers' matter
        (breached(SET, DUE), expected(DUE), True),
        (set_on(SET, DUE), expected(DUE, debtor="H35.10.3"), True),
        (set_on(SET, DUE), expected("2019-09-17"), False),
        (set_on(SET, DUE), expected(None), False),
        (set_on(SET, DUE), expected(DUE, done("2019-09-10")), False),
        (finished(done("2019-09-10")), expected(DUE, waived("2019-09-10")), False),
        (None, expected(DUE), False),
        (set_on(SET, DUE), None, False),
        (finished(waived("2019-09-10")), None, False),
        (None, None, False),
    ],
)  # fmt: skip
def test_agrees__by_day_outcome_and_no_false_breach(
    raised: DeadlineState, wanted: ExpectedDeadline, agreed: bool
) -> None:
    assert agrees(raised, wanted, at("2019-10-01 00:00")) is agreed
