"""What waits for somebody today: what is overdue, what falls due soon, and petitions that wait for a decision."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.followup.adapters.read import listings
from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.case_listings import COUNTED, Bounded, CaseQuestion, bounded
from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter, Listing
from services.followup.adapters.read.parts import beside_conferences
from services.followup.adapters.read.proposals import ProposedDialogue, proposals_of
from services.followup.adapters.read.source_clocks import days_of
from services.followup.application.access import Scope
from services.followup.domain.deadlines.case_rows import UNDECIDED_STATES, CaseRow, Decision, awaited_decision
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.status import Status
from services.followup.domain.wording.day_counts import DayCount, days_between
from shared.calendar import Calendar

SOON = 7  # days
NEXT = 3  # conferences

#: Those that were declined stay proposed for ever; the newest are looked at.
_PROPOSED = """
SELECT row FROM cases WHERE subject = 'conference' AND state = 'proposed' AND {where} ORDER BY subject_id DESC LIMIT 200
"""
_COMING = """
SELECT row FROM cases WHERE subject = 'conference' AND state IN ('planned', 'open') AND {where}
ORDER BY state <> 'open', received_on, subject_id LIMIT {limit}
"""
_ROWS = "SELECT source, row FROM cases WHERE subject_id = ANY($1)"

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class OwedWork(msgspec.Struct, frozen=True):
    """An open deadline with its case; `days` is how late it is, or how long it still has."""

    raised: DeadlineState
    row: CaseRow | None
    days: DayCount


class UndecidedWork(msgspec.Struct, frozen=True):
    """A petition that waits for a decision, or a dialogue that was asked for."""

    row: CaseRow
    decision: Decision
    proposal: ProposedDialogue | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The first of each kind, and how many there are."""

    overdue: list[OwedWork] = []
    overdue_total: Bounded = Bounded(0)
    due_soon: list[OwedWork] = []
    due_soon_total: Bounded = Bounded(0)
    #: What an agency owes beside: later, or without a date.
    later: list[OwedWork] = []
    #: What was to be prepared for a conference that was held without it: the breach stands, nothing is left to prepare.
    held_without: list[OwedWork] = []
    held_without_total: Bounded = Bounded(0)
    undecided: list[UndecidedWork] = []
    undecided_total: Bounded = Bounded(0)
    #: The conferences that are being held or come next.
    conferences: list[CaseRow] = []


NOTHING = Work()


async def work_of(connection: Any, scope: Scope, limit: int) -> Work:
    """Return what waits within a scope: the most overdue, the next due and the longest undecided first.

    What an agency owes is shown whole; to decide is for the office and the chair.
    """
    days = await days_of(connection)

    def listing(most: int) -> Listing:
        return Listing(connection, scope, days, most)

    every = DeadlineFilter()
    passed, without = (DeadlineFilter(status=Status.BREACHED, held_without=held) for held in (False, True))
    overdue = await _owed(connection, await listings.deadlines(listing(limit), passed, None), days, late=True)
    held_without = await _owed(connection, await listings.deadlines(listing(limit), without, None), days, late=True)
    due_soon = await _owed(connection, await listings.soonest(listing(limit), every, SOON), days, late=False)
    later = await listings.later(listing(limit), every, SOON) if scope.agency else []
    undecided, undecided_total = ([], Bounded(0)) if scope.agency else await _undecided(connection, scope, days, limit)
    return Work(
        overdue=overdue,
        overdue_total=bounded(await listings.count_overdue(listing(COUNTED + 1), passed)),
        held_without=held_without,
        held_without_total=bounded(await listings.count_overdue(listing(COUNTED + 1), without)),
        due_soon=due_soon,
        due_soon_total=bounded(await listings.count_soonest(listing(COUNTED + 1), every, SOON)),
        later=await _owed(connection, later, days, late=False),
        undecided=undecided,
        undecided_total=undecided_total,
        conferences=await _conferences(connection, scope, days),
    )


async def _undecided(
    connection: Any, scope: Scope, days: Mapping[str, date], limit: int
) -> tuple[list[UndecidedWork], Bounded]:
    """The dialogues that were asked for first: they are few, and many hang on one."""
    value = Values()
    rows = await connection.fetch(_PROPOSED.format(where=within(scope, value)), *value.given)
    asked = {row.subject_id: row for row in (_row.decode(each["row"]) for each in rows)}
    known = await proposals_of(connection, asked)
    waiting = [
        UndecidedWork(asked[each], proposal.awaits, proposal)
        for each, proposal in known.items()
        if proposal.awaits is not None
    ]
    waiting.sort(key=lambda each: (each.decision != Decision.DECIDE, each.row.subject_id))
    wanted = CaseFilter(sort="received", undecided=True)
    question = CaseQuestion(connection, scope, days, wanted, among=UNDECIDED_STATES)
    found, _ = await question.page(limit)
    for row in (_row.decode(each["row"]) for each in found):
        if (decision := awaited_decision(row)) is not None:
            waiting.append(UndecidedWork(row, decision))
    total = (await question.totals()).total
    return waiting, Bounded(total.count + len(known) - sum(p.awaits is None for p in known.values()), total.more)


async def _conferences(connection: Any, scope: Scope, days: Mapping[str, date]) -> list[CaseRow]:
    """The conferences that are being held, then those that come; an agency's are those with a petition of its own."""
    listing = Listing(connection, scope, days, NEXT)
    value = listing.value
    where = [within(scope, value)]
    if scope.agency:
        where.append(beside_conferences(scope, value))
    where.append(f"(state = 'open' OR {listing.compared('received_on', '>=', 'cases')})")
    rows = await connection.fetch(_COMING.format(where=" AND ".join(where), limit=listing.limit), *value.given)
    return [_row.decode(each["row"]) for each in rows]


async def _owed(connection: Any, rows: Sequence[Any], days: Mapping[str, date], *, late: bool) -> list[OwedWork]:
    found = [_raised.decode(row["raised"]) for row in rows]
    known = await calendars(connection) if found else {}
    encoded = await connection.fetch(_ROWS, list({raised.subject_id for raised in found}))
    decoded = ((each["source"], _row.decode(each["row"])) for each in encoded)
    cases = {(source, row.subject_id): row for source, row in decoded}
    return [
        OwedWork(
            raised, cases.get((raised.source, raised.subject_id)), _count(raised, days[raised.source], known, late=late)
        )
        for raised in found
    ]


def _count(raised: DeadlineState, today: date, known: Mapping[str, Calendar], *, late: bool) -> DayCount:
    due_on = raised.due_on or today  # what is listed has a due date
    first, last = (due_on, today) if late else (today, due_on)
    return days_between(raised.explanation, first, last, known.get(raised.source, Calendar()))
