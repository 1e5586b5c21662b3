"""What a listing asks for and by whom; chooses the index scans of one of deadlines."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from services.followup.adapters.read.index_scans import Values, distinct, index_scan, own_body, page, within
from services.followup.application.access import Scope
from services.followup.domain.deadlines.status import ENDED, Status
from services.followup.domain.duties.duty import DutyOutcome
from shared.events.deadline import Subject
from shared.identifiers import NATION

#: Outcomes beside which a breach can stand.
BREACHABLE = (DutyOutcome.OPEN, DutyOutcome.MET_LATE, DutyOutcome.WAIVED)

_DEADLINE_ORDER = ("due_on", "deadline_id")
_BREACH_ORDER = ("outcome", "due_on", "deadline_id")
#: What precedes a conference (plan II.4.1) and is still open when it has been held: it can only be recorded late.
_HELD_WITHOUT = """duty IN ('invitation', 'public_notice', 'preparation_report', 'prepared_answer', 'preparation_task')
AND EXISTS (
    SELECT 1 FROM cases of_duty JOIN cases held ON held.source = of_duty.source
        AND held.subject_id = CASE of_duty.subject
            WHEN 'conference' THEN of_duty.subject_id
            ELSE (of_duty.searched ->> 3)::uuid END
    WHERE of_duty.source = deadlines.source AND of_duty.subject_id = deadlines.subject_id AND held.state = 'held'
)"""
#: The index of the retractions is read in the order of its keys, up to the end of the page.
_RETRACTED = """
SELECT t.raised FROM (
    SELECT DISTINCT originator_id AS deadline_id FROM public.stored_events WHERE topic = 'DeadlineBreachRetracted'
) retracted JOIN deadlines t USING (deadline_id)
WHERE {where} ORDER BY deadline_id LIMIT {limit}
"""


CaseSort = Literal[
    "due", "-due", "received", "-received", "title", "-title", "agency", "-agency", "late", "-late", "best"
]


class CaseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases are asked for, and in which order; an empty field means any."""

    subject: Subject = "petition"
    source: str = ""
    jurisdiction: str = ""
    agency: str = ""
    state: str = ""
    unresolved: bool = False
    overdue: bool = False
    #: True: those that have ended; False: those that have not.
    ended: bool | None = None
    #: Words of the title, a receipt's code, what a source calls it, an agency's name or code; as somebody typed them.
    text: str = ""
    field: str = ""
    urgency: str = ""
    conference_id: UUID | None = None
    received_from: date | None = None
    received_to: date | None = None
    due_from: date | None = None
    due_to: date | None = None
    #: Petitions that nobody has to decide upon are left out: those with their words on an agenda that is still to come.
    undecided: bool = False
    #: `late` is from the least to the most late, `best` puts what its own words have found before what the name of its
    #: agency has; a minus turns an order round.
    sort: CaseSort = "due"


class DeadlineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deadlines are asked for; an empty field means any."""

    source: str = ""
    jurisdiction: str = ""
    agency: str = ""
    duty: str = ""
    status: Status | None = None
    #: True: what was to be prepared for a conference that was held meanwhile; False: all else.
    held_without: bool | None = None


class Listing:
    """One listing under construction: its parameters, and the day of each source by which it is judged."""

    def __init__(self, connection: Any, scope: Scope, days: Mapping[str, date], limit: int) -> None:
        self.connection, self.scope = connection, scope
        self.value = Values()
        self.limit = self.value(limit, "int")
        self._days = days

    def these(self, agency: str, scope: Scope) -> str:
        """Return an agency as an array; a caller's own with those from which it has taken over."""
        return self.value([agency] if agency != scope.agency else list(scope.agencies), "text[]")

    def after(self, key: Sequence[object] | None, order: Sequence[str]) -> list[str]:
        """Return the condition that a row comes after a key."""
        if key is None:
            return []
        kinds = {"due_on": "date", "outcome": "text"}
        given = ", ".join(self.value(v, kinds.get(name, "uuid")) for v, name in zip(key, order, strict=True))
        return [f"({', '.join(order)}) > ({given})"]

    def compared(self, column: str, comparison: str, table: str) -> str:
        """Return the comparison of a date of a row with the day of the row's source."""
        sources, days = self.value(list(self._days), "text[]"), self.value(list(self._days.values()), "date[]")
        today = f"SELECT d.today FROM unnest({sources}, {days}) AS d (source, today) WHERE d.source = {table}.source"
        return f"{column} {comparison} ({today})"

    def past(self, table: str) -> list[str]:
        """Return the condition that a due date has passed; the scan ends at the latest of the days."""
        latest = self.value(max(self._days.values(), default=date.min), "date")
        return [f"due_on < {latest}", self.compared("due_on", "<", table)]

    def to_come(self, table: str) -> list[str]:
        """Return the condition that a due date has not passed; the scan begins at the earliest of the days."""
        earliest = self.value(min(self._days.values(), default=date.min), "date")
        return [f"due_on >= {earliest}", self.compared("due_on", ">=", table)]

    def within_days(self, days: int, table: str) -> list[str]:
        """Return the condition that a due date is today or within some days."""
        latest = self.value(max(self._days.values(), default=date.min), "date")
        return [
            *self.to_come(table),
            f"due_on <= {latest} + {self.value(days, 'int')}",
            self.compared(f"due_on - {self.value(days, 'int')}", "<=", table),
        ]

    async def codes(self, table: str, subject: str = "") -> str:
        """Return the codes of the scope's subtree that occur in a table, as an array."""
        value = Values()
        where = within(self.scope, value)
        if subject:
            where += f" AND subject = {value(subject)}"
        return self.value(await distinct(self.connection, table, "jurisdiction", where, value.given), "text[]")

    async def fetch(self, table: str, order: Sequence[str], fields: str, scans: Sequence[str]) -> Sequence[Any]:
        """Return the rows of the page."""
        found: Sequence[Any] = await self.connection.fetch(
            page(table, order, fields, scans, self.limit), *self.value.given
        )
        return found


async def deadlines(listing: Listing, wanted: DeadlineFilter, after: tuple[date, UUID] | None) -> Sequence[Any]:
    """Return the rows of a page of deadlines, in the order of their due dates."""
    where = [*listing.after(after, _DEADLINE_ORDER), *_of_status(listing, wanted.status)]
    outcomes: Sequence[str] = list(DutyOutcome)
    if wanted.status is not None:
        outcomes = (wanted.status if wanted.status in ENDED else DutyOutcome.OPEN,)
    return await _scanned(listing, wanted, where, outcomes, _DEADLINE_ORDER)


async def breaches(listing: Listing, wanted: DeadlineFilter, after: tuple[str, date, UUID] | None) -> Sequence[Any]:
    """Return the rows of a page of deadlines whose breach stands, the open ones first."""
    where = ["breached", *listing.after(after, _BREACH_ORDER)]
    return await _scanned(listing, wanted, where, BREACHABLE, _BREACH_ORDER)


async def retracted(listing: Listing, wanted: DeadlineFilter, after: tuple[UUID, ...] | None) -> Sequence[Any]:
    """Return the rows of a page of deadlines of which a breach was retracted, in the order of their ids."""
    scope, value = listing.scope, listing.value
    where = [within(scope, value, "t"), *listing.after(after, ("deadline_id",))]
    if agency := wanted.agency or scope.agency:
        if scope.agency and agency not in scope.agencies:
            return []
        where.append(f"debtor = ANY({listing.these(agency, scope)})")
        where += own_body(scope, value, "t.debtor", "t") if agency == scope.agency else []
    if wanted.duty:
        where.append(f"duty = {value(wanted.duty)}")
    query = _RETRACTED.format(where=" AND ".join(where), limit=listing.limit)
    found: Sequence[Any] = await listing.connection.fetch(query, *value.given)
    return found


def _of_status(listing: Listing, status: Status | None) -> list[str]:
    match status:
        case Status.BREACHED:
            return listing.past("deadlines")
        case Status.DUE_SOON:
            warned = listing.compared("due_soon_on", "<=", "deadlines")
            return [*listing.to_come("deadlines"), "due_on < 'infinity'", warned]
        case Status.ON_TRACK:
            return [*listing.to_come("deadlines"), listing.compared("due_soon_on", ">", "deadlines")]
        case _:
            return []


def _of_preparation(wanted: DeadlineFilter) -> list[str]:
    if wanted.held_without is None:
        return []
    return [f"({_HELD_WITHOUT})" if wanted.held_without else f"NOT ({_HELD_WITHOUT})"]


async def later(listing: Listing, wanted: DeadlineFilter, days: int) -> Sequence[Any]:
    """Return the rows of open deadlines that fall due after some days or have no date, in the order of due dates."""
    where = [listing.compared(f"due_on - {listing.value(days, 'int')}", ">", "deadlines")]
    return await _scanned(listing, wanted, where, (DutyOutcome.OPEN,), _DEADLINE_ORDER)


async def soonest(listing: Listing, wanted: DeadlineFilter, days: int) -> Sequence[Any]:
    """Return the rows of open deadlines that fall due today or within some days, in the order of their due dates."""
    return await _scanned(listing, wanted, listing.within_days(days, "deadlines"), (DutyOutcome.OPEN,), _DEADLINE_ORDER)


async def count_overdue(listing: Listing, wanted: DeadlineFilter) -> int:
    """Count the open deadlines whose due dates have passed, up to the listing's limit."""
    return await _counted(listing, wanted, listing.past("deadlines"))


async def count_soonest(listing: Listing, wanted: DeadlineFilter, days: int) -> int:
    """Count the open deadlines that fall due today or within some days, up to the listing's limit."""
    return await _counted(listing, wanted, listing.within_days(days, "deadlines"))


async def _counted(listing: Listing, wanted: DeadlineFilter, where: list[str]) -> int:
    scan = await _scan(listing, wanted, where, (DutyOutcome.OPEN,), _DEADLINE_ORDER)
    if scan is None:
        return 0
    query = f"SELECT count(*) FROM (SELECT 1 FROM ({scan}) AS scans LIMIT {listing.limit}) AS counted"
    found: int = await listing.connection.fetchval(query, *listing.value.given)
    return found


async def _scanned(
    listing: Listing, wanted: DeadlineFilter, where: list[str], outcomes: Sequence[str], order: Sequence[str]
) -> Sequence[Any]:
    scan = await _scan(listing, wanted, where, outcomes, order)
    return [] if scan is None else await listing.fetch("deadlines", order, "t.raised", [scan])


async def _scan(
    listing: Listing, wanted: DeadlineFilter, where: list[str], outcomes: Sequence[str], order: Sequence[str]
) -> str | None:
    """The scans of the deadlines that are asked for; None where the caller may see none."""
    scope, value = listing.scope, listing.value
    where = [*where, *_of_preparation(wanted)]
    if wanted.source:
        where.append(f"source = {value(wanted.source)}")
    agency = wanted.agency or scope.agency
    if scope.agency and agency not in scope.agencies:
        return None
    over = {"outcome": value(list(outcomes), "text[]")}
    if agency:
        over["debtor"] = listing.these(agency, scope)
        where += own_body(scope, value, "deadlines.debtor", "deadlines") if agency == scope.agency else []
        where.append(within(scope, value))
    elif scope.jurisdiction != NATION:
        over["jurisdiction"] = await listing.codes("deadlines")
    elif "breached" not in where:
        duties = [wanted.duty] if wanted.duty else await distinct(listing.connection, "deadlines", "duty", "true", [])
        over["duty"] = value(duties, "text[]")
    if wanted.duty and "duty" not in over:
        where.append(f"duty = {value(wanted.duty)}")
    return index_scan("deadlines", order, over, where, listing.limit)
