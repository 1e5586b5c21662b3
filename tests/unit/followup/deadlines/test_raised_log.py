"""The log of deadline events folded again: it leaves what was raised, and what it does not carry is completed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.emission import emit
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.raised_log import completed, raised_by, same
from services.followup.domain.deadlines.timers import fire_until
from services.followup.domain.duties.due_dates import ExpectedDeadline, explain
from shared.events import Metadata
from tests.support.deadlines import REGULATION, breached, cause, days, done, expected, set_on, waived
from tests.support.history import DISTRICT, at, day

SET, DUE = "2019-08-23 17:00", "2019-09-16"
END = done("2019-09-10")


def logged(emitted: list[Emitted]) -> DeadlineState:
    """What these events leave, in the order of the deadline's own stream."""
    log = []
    for each in sorted(emitted, key=lambda e: e.version):
        meta = Metadata(
            event_id=each.event_id,
            aggregate="deadline",
            jurisdiction=each.jurisdiction,
            actor="followup",
            correlation_id=each.event.cause_id,
            backfilled=each.backfilled,
        )
        log.append((each.event, meta))
    found = raised_by(log)
    assert found is not None
    return found


#: What is expected after each cause, at a local moment; time passes up to that moment first.
LIVES: dict[str, list[tuple[str, ExpectedDeadline | None]]] = {
    "set": [(SET, expected(DUE))],
    "set, without a date": [(SET, expected(None))],
    "warned once": [(SET, expected(DUE)), ("2019-09-10 09:00", expected(DUE))],
    "breached": [(SET, expected(DUE)), ("2019-09-20 09:00", expected(DUE))],
    "moved": [(SET, expected(DUE)), ("2019-09-10 09:00", expected("2019-10-07"))],
    "moved after a warning, warned again": [
        (SET, expected(DUE)),
        ("2019-09-10 09:00", expected("2019-09-20")),
        ("2019-09-17 09:00", expected("2019-09-20")),
    ],
    "breached and retracted": [(SET, expected(DUE)), ("2019-09-20 09:00", expected("2019-10-07"))],
    "met": [(SET, expected(DUE)), ("2019-09-10 09:00", expected(DUE, END))],
    "met late": [(SET, expected(DUE)), ("2019-09-20 09:00", expected(DUE, done("2019-09-19")))],
    "waived": [(SET, expected(DUE)), ("2019-09-10 09:00", expected(DUE, waived("2019-09-10")))],
    "met and reinstated": [
        (SET, expected(DUE)),
        ("2019-09-10 09:00", expected(DUE, END)),
        ("2019-09-11 09:00", expected(DUE)),
    ],
    "waived and reinstated": [
        (SET, expected(DUE)),
        ("2019-09-10 09:00", expected(DUE, waived("2019-09-10"))),
        ("2019-09-11 09:00", expected(DUE)),
    ],
    "no longer expected": [(SET, expected(DUE)), ("2019-09-10 09:00", None)],
    "another debtor": [(SET, expected(DUE)), ("2019-09-10 09:00", expected("2019-10-07", debtor="H35.10.3"))],
    "provisional": [(SET, expected(DUE, provisional=True))],
}


def lived(
    life: list[tuple[str, ExpectedDeadline | None]], backfilled: bool = False
) -> tuple[list[Emitted], DeadlineState]:
    emitted: list[Emitted] = []
    raised: DeadlineState | None = None
    for number, (moment, wanted) in enumerate(life):
        if raised is not None:
            fired, raised = fire_until(raised, at(moment))
            emitted += fired
        by = cause(moment, number=number, backfilled=backfilled)
        events, raised = emit(raised, wanted, by, lambda each: explain(each, REGULATION.calendar))
        emitted += events
    assert raised is not None
    return emitted, raised


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("backfilled", [False, True])
def test_log__folded_and_completed__is_what_was_raised(life: str, backfilled: bool) -> None:
    emitted, raised = lived(LIVES[life], backfilled)
    found = logged(emitted)
    assert same(found, raised)
    # The event of a waiver says why, not since when.
    assert completed(found, raised) == msgspec.structs.replace(
        raised, done_on=None if raised.outcome == "waived" else raised.done_on
    )


def test_log__says_of_the_last_clock_whether_it_was_imported() -> None:
    emitted, raised = lived(LIVES["met"])
    by = cause("2019-09-11 09:00", number=9, backfilled=True)
    events, _ = emit(raised, expected(DUE), by, lambda each: explain(each, REGULATION.calendar))
    assert [logged(emitted).backfilled, logged(emitted + events).backfilled] == [False, True]


def test_log__without_events__nothing() -> None:
    assert raised_by([]) is None


def test_log__carries_who_owed_it_then_and_whose_it_was() -> None:
    emitted, raised = lived(LIVES["another debtor"])
    found = logged(emitted)
    assert (found.debtor, found.jurisdiction, found.version) == ("H35.10.3", DISTRICT, 3)
    assert logged(emitted[:1]).debtor == "office"
    assert (found.source, found.duty, found.subject, found.subject_id) == (
        raised.source,
        "reply",
        "petition",
        raised.subject_id,
    )


def test_log__lists_the_warnings_since_the_clock_began() -> None:
    emitted, _ = lived(LIVES["breached"])
    assert logged(emitted).stages == days("2019-09-09", "2019-09-13")
    moved, _ = lived(LIVES["moved"])
    assert logged(moved).stages == ()
    reinstated, _ = lived(LIVES["met and reinstated"])
    assert logged(reinstated).stages == ()


RAISED = set_on(SET, DUE)
OTHERS: list[dict[str, Any]] = [
    {"due_on": day("2019-09-17")},
    {"outcome": "met"},
    {"breached": True},
    {"done_on": day("2019-09-10")},
]


@pytest.mark.parametrize("changes", OTHERS, ids=lambda changes: next(iter(changes)))
def test_same__by_day_outcome_breach_and_the_day_of_the_deed(changes: dict[str, Any]) -> None:
    assert same(RAISED, RAISED)
    assert not same(msgspec.structs.replace(RAISED, **changes), RAISED)


def test_same__a_waiver_does_not_tell_its_day() -> None:
    waiver = msgspec.structs.replace(RAISED, outcome="waived", done_on=None)
    assert same(waiver, msgspec.structs.replace(waiver, done_on=day("2019-09-10")))


@pytest.mark.parametrize(
    ("told", "stage"),
    [((), 0), (("2019-09-09",), 1), (("2019-09-13",), 2), (("2019-09-13", "2019-09-09"), 2), (("2019-09-08",), 0)],
)
def test_completed__goes_on_after_the_last_warning_given(told: tuple[str, ...], stage: int) -> None:
    found = completed(msgspec.structs.replace(RAISED, stages=days(*told)), RAISED)
    assert (found.stages, found.stage) == (RAISED.stages, stage)


def test_completed__takes_from_the_fold_what_no_event_carries() -> None:
    other: UUID = RAISED.deadline_id
    folded = msgspec.structs.replace(
        RAISED, starting_event=other, debtor="H35.10.3", expected_on=day("2019-10-01"), due_on=day("2019-12-31")
    )
    found = completed(msgspec.structs.replace(breached(SET, DUE), stages=()), folded)
    assert (found.starting_event, found.debtor, found.expected_on) == (other, "H35.10.3", day("2019-10-01"))
    assert (found.due_on, found.breached, found.stage) == (day(DUE), True, 2)


def test_clock__begins_with_the_event_that_set_moved_or_reinstated_it() -> None:
    for life, number, moment in (
        ("set", 0, SET),
        ("moved", 1, "2019-09-10 09:00"),
        ("met and reinstated", 2, "2019-09-11 09:00"),
    ):
        found = logged(lived(LIVES[life])[0])
        stamp: datetime = at(moment)
        assert (found.clock_cause, found.clock_stamp) == (cause(moment, number=number).event_id, stamp)
