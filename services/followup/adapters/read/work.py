"""What waits for somebody today: what is overdue, what falls due soon, and petitions that wait for a decision."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.followup.adapters.read import listings
from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.case_listings import COUNTED, Bounded, CaseQuestion, bounded
from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter, Listing
from services.followup.adapters.read.source_clocks import days_of
from services.followup.application.access import Scope
from services.followup.domain.deadlines.case_rows import UNDECIDED_STATES, CaseRow, Decision, awaited_decision
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.status import Status
from services.followup.domain.wording.day_counts import DayCount, days_between
from shared.calendar import Calendar

SOON = 7  # days

_ROWS = "SELECT row FROM cases WHERE subject_id = ANY($1)"

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class OwedWork(msgspec.Struct, frozen=True):
    """An open deadline with its case; `days` is how late it is, or how long it still has."""

    raised: DeadlineState
    row: CaseRow | None
    days: DayCount


class UndecidedWork(msgspec.Struct, frozen=True):
    """A petition that waits for a decision."""

    row: CaseRow
    decision: Decision


class Work(msgspec.Struct, frozen=True):
    """The first of each kind, and how many there are."""

    overdue: list[OwedWork]
    overdue_total: Bounded
    due_soon: list[OwedWork]
    due_soon_total: Bounded
    undecided: list[UndecidedWork]
    undecided_total: Bounded


NOTHING = Work([], Bounded(0), [], Bounded(0), [], Bounded(0))


async def work_of(connection: Any, scope: Scope, limit: int) -> Work:
    """Return what waits within a scope: the most overdue, the next due and the longest undecided first."""
    days = await days_of(connection)

    def listing(most: int) -> Listing:
        return Listing(connection, scope, days, most)

    every, passed = DeadlineFilter(), DeadlineFilter(status=Status.BREACHED)
    overdue = await _owed(connection, await listings.deadlines(listing(limit), passed, None), days, late=True)
    due_soon = await _owed(connection, await listings.soonest(listing(limit), every, SOON), days, late=False)
    question = CaseQuestion(connection, scope, days, CaseFilter(sort="received"), among=UNDECIDED_STATES)
    rows, _ = await question.page(limit)
    waiting = [_row.decode(row["row"]) for row in rows]
    return Work(
        overdue=overdue,
        overdue_total=bounded(await listings.count_overdue(listing(COUNTED + 1), every)),
        due_soon=due_soon,
        due_soon_total=bounded(await listings.count_soonest(listing(COUNTED + 1), every, SOON)),
        undecided=[UndecidedWork(row, decision) for row in waiting if (decision := awaited_decision(row)) is not None],
        undecided_total=(await question.totals()).total,
    )


async def _owed(connection: Any, rows: Sequence[Any], days: Mapping[str, date], *, late: bool) -> list[OwedWork]:
    found = [_raised.decode(row["raised"]) for row in rows]
    known = await calendars(connection) if found else {}
    encoded = await connection.fetch(_ROWS, list({raised.subject_id for raised in found}))
    cases = {row.subject_id: row for row in (_row.decode(each["row"]) for each in encoded)}
    return [
        OwedWork(raised, cases.get(raised.subject_id), _count(raised, days[raised.source], known, late=late))
        for raised in found
    ]


def _count(raised: DeadlineState, today: date, known: Mapping[str, Calendar], *, late: bool) -> DayCount:
    due_on = raised.due_on or today  # what is listed has a due date
    first, last = (due_on, today) if late else (today, due_on)
    return days_between(raised.explanation, first, last, known.get(raised.source, Calendar()))
