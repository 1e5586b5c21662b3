"""Reads cases, deadlines, breaches and what belongs to them, within what a caller may see."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.read import listings, parts
from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.case_listings import Bounded, CaseQuestion, CaseTotals
from services.followup.adapters.read.catalogues import catalogue_logs
from services.followup.adapters.read.heirs import heirs_of_places, reached
from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.jurisdiction_names import every_place, place_name
from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter, Listing
from services.followup.adapters.read.models import (
    Agency,
    Case,
    CaseFile,
    Deadline,
    Difference,
    ParkedEvent,
    Progress,
    RaisedDeadlineEvent,
    SeveralSources,
    Source,
    StoredEvent,
    Uncountable,
)
from services.followup.adapters.read.pagination import Page, decode_cursor, encode_cursor, read
from services.followup.adapters.read.proposals import ProposedDialogue, proposals_of
from services.followup.adapters.read.reminder_dates import reminded_on
from services.followup.adapters.read.retractions import retractions
from services.followup.adapters.read.source_clocks import COMPLETE_TO, HORIZON, INSTANT, NOW, days_of
from services.followup.adapters.read.warning_dates import warned_on
from services.followup.adapters.read.work import NOTHING, Work, work_of
from services.followup.adapters.store.projection import recorded_of
from services.followup.application.access import Coded, Scope, by_code_alone
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.status import status_of
from services.followup.domain.facts import fact_of
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.domain.wording.names import Bilingual
from shared.calendar import Calendar
from shared.cases.catalogues import CatalogueLog
from shared.events.any_stream import RecordAnnulled
from shared.events.petition import PetitionForwarded
from shared.identifiers import NATION, derived_id, is_within

T = TypeVar("T")
NEVER = date.max  # PostgreSQL's infinity
FIELDS_WRITTEN = 2000  # places and fields that are looked at for those without a code
PROBE_TIMEOUT = 3.0  # seconds

SOURCES = f"""
SELECT source, epoch, position, event_id, {INSTANT} AS instant, {HORIZON} AS horizon, {COMPLETE_TO} AS complete_to,
    head, state, reason, greatest(head - position, 0) AS lag_events, {NOW} AS now
FROM sources ORDER BY source
"""
_PROGRESS = """
SELECT source, state, extract(epoch FROM clock_timestamp() - complete_read_at)::float8 AS silent_for,
    coalesce((
        SELECT extract(epoch FROM clock_timestamp() - min(begun_at))::float8 FROM sweeps w WHERE w.source = s.source
    ), 0) AS sweeping_for
FROM sources s
"""
#: Two sources may have a case of one id: a place, or one that was copied with its store.
_CASE = "SELECT source, due_on, row FROM cases WHERE subject_id = $1 AND $2 IN ('', source) ORDER BY source"
_BY_RECEIPT = """
SELECT c.subject_id FROM facts f JOIN cases c ON c.source = f.source AND c.subject_id = f.originator_id
WHERE f.topic = 'PetitionReceived' AND followup_receipt_of(f.state) = $1 AND {within} LIMIT 10
"""
_OF_SUBJECT = "SELECT raised FROM deadlines WHERE source = $1 AND subject_id = $2 ORDER BY deadline_id"
_OPEN_OF_SUBJECTS = """
SELECT raised FROM deadlines WHERE subject_id = ANY($1) AND outcome = '' ORDER BY due_on, deadline_id
"""
_FACTS = """
SELECT position, event_id, topic, recorded_at, state FROM facts WHERE source = $1 AND originator_id = $2
ORDER BY position
"""
_FACTS_OF = """
SELECT originator_id, position, event_id, topic, recorded_at, state FROM facts WHERE originator_id = ANY($1)
ORDER BY position
"""
_RAISED_EVENTS = """
SELECT notification_id AS position, event_id, topic, recorded_at, state FROM public.stored_events
WHERE originator_id = $1 ORDER BY originator_version
"""
_AT_CONFERENCE = """
SELECT c.source, c.due_on, c.row FROM links l JOIN cases c ON c.source = l.source AND c.subject_id = l.petition_id
WHERE l.other_id = $1 AND NOT l.merged ORDER BY c.received_on, c.subject_id
"""
_FORWARDED = """
SELECT source, position, event_id, originator_id, version, topic, recorded_at, state FROM facts
WHERE originator_id = ANY($1) AND topic IN ('PetitionForwarded', 'RecordAnnulled') ORDER BY position
"""
_RAISED_OF = """
SELECT originator_id, notification_id AS position, event_id, topic, recorded_at, state FROM public.stored_events
WHERE originator_id = ANY ($1) ORDER BY notification_id
"""
_WAITING = """
SELECT position, reason FROM parked_events WHERE source = $1 AND petition_id = $2 AND released_at IS NULL
ORDER BY position
"""
_AGENCIES = """
SELECT code, name, jurisdiction, valid_from, closed_on, successor, source FROM agencies
WHERE (code, source) > ($1, $2) AND $3 IN ('', source) AND {within} ORDER BY code, source LIMIT $4
"""
_AGENCY_NAMES = """
SELECT a.source, a.code, a.name FROM unnest($1::text[], $2::text[]) AS n (source, code)
JOIN agencies a ON a.source = n.source AND a.code = n.code
"""
_PARKED = """
SELECT p.source, p.position, p.event_id, p.petition_id, p.topic, p.reason, p.parked_at
FROM parked_events p LEFT JOIN cases c ON c.source = p.source AND c.subject_id = p.petition_id
WHERE p.released_at IS NULL AND (p.source, p.position) > ($1, $2) AND {within}
ORDER BY p.source, p.position LIMIT $3
"""
_DIFFERENCES = """
SELECT d.subject_id, d.source, d.reason, d.found_at FROM differences d LEFT JOIN cases c USING (source, subject_id)
WHERE (d.subject_id, d.source) > ($1, $2) AND {within} ORDER BY d.subject_id, d.source LIMIT $3
"""
_DIFFERENCE = "SELECT reason FROM differences WHERE source = $1 AND subject_id = $2"
_UNCOUNTABLE = """
SELECT u.deadline_id, c.subject, u.subject_id, u.source, c.jurisdiction, u.duty, u.part, u.document, u.reason,
    u.found_at
FROM uncountable u JOIN cases c USING (source, subject_id)
WHERE u.deadline_id > $1 AND {within} ORDER BY u.deadline_id LIMIT $2
"""
_UNCOUNTABLE_OF_SUBJECT = """
SELECT u.deadline_id, c.subject, u.subject_id, u.source, c.jurisdiction, u.duty, u.part, u.document, u.reason,
    u.found_at
FROM uncountable u JOIN cases c USING (source, subject_id) WHERE u.source = $1 AND u.subject_id = $2
ORDER BY u.deadline_id
"""
_SOURCES_OF_PLACE = """
SELECT DISTINCT source FROM facts WHERE originator_id = $1 AND topic = 'JurisdictionRegistered' ORDER BY source
"""
#: Each pair of a place and a field once: a loose index scan, which goes from one pair straight to the next.
_FIELDS_WRITTEN = """
WITH RECURSIVE found (jurisdiction, field) AS (
    (
        SELECT jurisdiction, coalesce(searched ->> 1, '') COLLATE "C" FROM cases
        WHERE source = $2 AND subject = 'petition' AND {within} ORDER BY 1, 2 LIMIT 1
    )
    UNION ALL
    SELECT n.* FROM found f CROSS JOIN LATERAL (
        SELECT jurisdiction, coalesce(searched ->> 1, '') COLLATE "C" FROM cases
        WHERE source = $2 AND subject = 'petition' AND {within}
            AND (jurisdiction, coalesce(searched ->> 1, '') COLLATE "C") > (f.jurisdiction, f.field)
        ORDER BY 1, 2 LIMIT 1
    ) AS n
) SELECT jurisdiction, field FROM found WHERE field <> '' LIMIT $1
"""
_EXTENT = "SELECT min(jurisdiction) AS first, max(jurisdiction) AS last FROM cases WHERE subject = $1"

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class Queries:
    """Reads of the projection behind a pool whose search path begins with its schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def sources(self) -> list[Source]:
        """Return every source that was ever read."""
        rows = await read(self._pool, lambda c: c.fetch(SOURCES))
        return [Source(**dict(row)) for row in rows]

    async def progress(self) -> list[Progress]:
        """Return whether each source is followed and how long it has been silent."""
        return [Progress(*row.values()) for row in await self._pool.fetch(_PROGRESS, timeout=PROBE_TIMEOUT)]

    async def cases(self, scope: Scope, wanted: CaseFilter, limit: int, cursor: str = "") -> Page[Case]:
        """Return cases in the order asked for: by their earliest open due dates unless told. Raises InvalidCursor."""

        async def work(connection: Any) -> Page[Case]:
            narrowed = await reached(connection, scope, wanted.jurisdiction)
            if narrowed is None:
                return Page([])
            days = await days_of(connection)
            catalogues = await catalogue_logs(connection)
            rows, following = await CaseQuestion(connection, narrowed, days, wanted, catalogues).page(limit, cursor)
            titles = catalogues.field_titles()
            return Page([_case(row, days, titles) for row in rows], following)

        return await read(self._pool, work)

    async def case_totals(self, scope: Scope, wanted: CaseFilter) -> CaseTotals:
        """Return how many cases there are, of the whole answer and by state."""

        async def work(connection: Any) -> CaseTotals:
            narrowed = await reached(connection, scope, wanted.jurisdiction)
            if narrowed is None:
                return CaseTotals(Bounded(0), {})
            days, catalogues = await days_of(connection), await catalogue_logs(connection)
            return await CaseQuestion(connection, narrowed, days, wanted, catalogues).totals()

        return await read(self._pool, work)

    async def work(self, scope: Scope, limit: int) -> Work:
        """Return what waits for somebody within a scope, each case judged by its source's day."""

        async def work(connection: Any) -> Work:
            seen = await reached(connection, scope)
            return NOTHING if seen is None else await work_of(connection, seen, limit)

        return await read(self._pool, work)

    async def asked(self, scope: Scope, limit: int) -> list[CaseRow]:
        """Return the petitions that wait for an agency's prepared answer before a day is set; none to others."""

        async def work(connection: Any) -> list[CaseRow]:
            seen = await reached(connection, scope)
            return await parts.asked(connection, seen, limit) if seen is not None and seen.agency else []

        return await read(self._pool, work)

    async def case(self, scope: Scope, subject_id: UUID, source: str = "") -> CaseFile | None:
        """Return one case, of a source if one is named; None when there is none within the scope.

        Raises SeveralSources when none is named and several have it.
        """

        async def work(connection: Any) -> CaseFile | None:
            days = await days_of(connection)
            seen = await parts.visible(connection, await reached(connection, scope), [subject_id])
            rows = [r for r in await connection.fetch(_CASE, subject_id, source) if (r["source"], subject_id) in seen]
            if not rows:
                return None
            if len(rows) > 1:
                raise SeveralSources([row["source"] for row in rows])
            of_case = (rows[0]["source"], subject_id)
            case = _case(rows[0], days, (await catalogue_logs(connection)).field_titles())
            raised = [_raised.decode(r["raised"]) for r in await connection.fetch(_OF_SUBJECT, *of_case)]
            waiting = {r["position"]: r["reason"] for r in await connection.fetch(_WAITING, case.source, subject_id)}
            return CaseFile(
                case=case,
                deadlines=await _with_dates(connection, [_deadline(r, days) for r in raised]),
                events=[
                    StoredEvent(**dict(e), waits=waiting.get(e["position"], ""))
                    for e in await connection.fetch(_FACTS, *of_case)
                ],
                uncountable=[Uncountable(**dict(u)) for u in await connection.fetch(_UNCOUNTABLE_OF_SUBJECT, *of_case)],
                difference=await connection.fetchval(_DIFFERENCE, *of_case) or "",
            )

        return await read(self._pool, work)

    async def visible(self, scope: Scope, subject_ids: Collection[UUID]) -> set[UUID]:
        """Return which of some cases the caller may see."""
        return {subject_id for _, subject_id in await self._visible_rows(scope, subject_ids)}

    async def visible_by_source(
        self, scope: Scope, subject_ids: Collection[UUID], jurisdiction: str = ""
    ) -> Mapping[tuple[str, UUID], CaseRow]:
        """Return those of some cases that the caller may see, within a subtree if one is given, by source and id."""
        return await self._visible_rows(scope, subject_ids, jurisdiction)

    async def heirs_of_places(self) -> dict[Coded, str]:
        """Return who has taken over from each place that has ended, by its source and code."""
        return await read(self._pool, heirs_of_places)

    async def titles(self, scope: Scope, subject_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the titles of those of some cases that the caller may see."""
        return {each: row.title for (_, each), row in (await self._visible_rows(scope, subject_ids)).items()}

    async def _visible_rows(
        self, scope: Scope, subject_ids: Collection[UUID], jurisdiction: str = ""
    ) -> dict[tuple[str, UUID], CaseRow]:
        async def work(connection: Any) -> dict[tuple[str, UUID], CaseRow]:
            return await parts.visible(connection, await reached(connection, scope, jurisdiction), subject_ids)

        return await read(self._pool, work)

    async def at_conference(self, scope: Scope, conference_id: UUID) -> list[Case]:
        """Return the petitions of a conference that the caller may see, in the order of their receipt."""

        async def work(connection: Any) -> list[Case]:
            days, titles = await days_of(connection), (await catalogue_logs(connection)).field_titles()
            return [_case(row, days, titles) for row in await connection.fetch(_AT_CONFERENCE, conference_id)]

        # A link stays when a petition is taken off the agenda: its row says where it belongs now.
        cases = [case for case in await read(self._pool, work) if case.row.conference_id == conference_id]
        visible = await self.visible(scope, [case.row.subject_id for case in cases])
        return [case for case in cases if case.row.subject_id in visible]

    async def facts_of(self, subject_ids: Sequence[UUID]) -> dict[UUID, list[StoredEvent]]:
        """Return what is recorded of some cases that the caller may see, in its order, annulled records too."""
        found: dict[UUID, list[StoredEvent]] = {}
        for row in await read(self._pool, lambda connection: connection.fetch(_FACTS_OF, list(subject_ids))):
            event = dict(row)
            found.setdefault(event.pop("originator_id"), []).append(StoredEvent(**event))
        return found

    async def forwarded(self, petition_ids: Collection[UUID]) -> dict[UUID, list[str]]:
        """Return the agencies that were asked to prepare the answers to some petitions, in that order."""
        rows = await read(self._pool, lambda c: c.fetch(_FORWARDED, list(petition_ids)))
        events = [fact_of(recorded_of(row["source"], row)) for row in rows]
        annulled = {each.event.event_id for each in events if isinstance(each.event, RecordAnnulled)}
        found: dict[UUID, list[str]] = {}
        for each in events:
            if isinstance(each.event, PetitionForwarded) and each.event_id not in annulled:
                found.setdefault(each.originator_id, []).append(each.event.agency)
        return found

    async def proposals(self, conference_ids: Collection[UUID]) -> dict[UUID, ProposedDialogue]:
        """Return what was asked for of those of some conferences that began with a proposal."""
        return await read(self._pool, lambda c: proposals_of(c, conference_ids))

    async def reminded_on(self, subject_ids: Sequence[UUID]) -> dict[UUID, date]:
        """Return the day of the last reminder on each deadline of some cases; those without any are left out."""
        return await reminded_on(self._pool, set(subject_ids)) if subject_ids else {}

    async def open_deadlines(self, subject_ids: Sequence[UUID]) -> dict[tuple[str, UUID], list[Deadline]]:
        """Return what is still owed on cases of some ids, by source and id, the earliest first.

        Of an id that two sources have both come, and the caller may see but one: take what is of a case that it sees.
        """

        async def work(connection: Any) -> dict[tuple[str, UUID], list[Deadline]]:
            days = await days_of(connection)
            found: dict[tuple[str, UUID], list[Deadline]] = {}
            for row in await connection.fetch(_OPEN_OF_SUBJECTS, list(subject_ids)):
                deadline = _deadline(_raised.decode(row["raised"]), days)
                found.setdefault((deadline.raised.source, deadline.raised.subject_id), []).append(deadline)
            return found

        return await read(self._pool, work)

    async def deadlines(self, scope: Scope, wanted: DeadlineFilter, limit: int, cursor: str = "") -> Page[Deadline]:
        """Return deadlines in the order of their due dates. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[date, UUID]) if cursor else None

        async def work(connection: Any) -> Page[Deadline]:
            narrowed = await reached(connection, scope, wanted.jurisdiction)
            if narrowed is None:
                return Page([])
            days = await days_of(connection)
            rows = await listings.deadlines(Listing(connection, narrowed, days, limit + 1), wanted, after)
            found = await _with_dates(connection, [_deadline(_raised.decode(row["raised"]), days) for row in rows])
            return _page(found, limit, lambda d: (d.raised.due_on or NEVER, d.raised.deadline_id))

        return await read(self._pool, work)

    async def breaches(self, scope: Scope, wanted: DeadlineFilter, limit: int, cursor: str = "") -> Page[Deadline]:
        """Return deadlines whose breach stands, those still open first. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[str, date, UUID]) if cursor else None

        async def work(connection: Any) -> Page[Deadline]:
            narrowed = await reached(connection, scope, wanted.jurisdiction)
            if narrowed is None:
                return Page([])
            days = await days_of(connection)
            rows = await listings.breaches(Listing(connection, narrowed, days, limit + 1), wanted, after)
            found = await _with_dates(connection, [_deadline(_raised.decode(row["raised"]), days) for row in rows])
            return _page(found, limit, lambda d: (d.raised.outcome, d.raised.due_on or NEVER, d.raised.deadline_id))

        return await read(self._pool, work)

    async def retracted(self, scope: Scope, wanted: DeadlineFilter, limit: int, cursor: str = "") -> Page[Deadline]:
        """Return deadlines of which a breach was retracted, whatever became of them since. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[UUID]) if cursor else None

        async def work(connection: Any) -> Page[Deadline]:
            narrowed = await reached(connection, scope, wanted.jurisdiction)
            if narrowed is None:
                return Page([])
            days = await days_of(connection)
            rows = await listings.retracted(Listing(connection, narrowed, days, limit + 1), wanted, after)
            found = await _with_dates(connection, [_deadline(_raised.decode(row["raised"]), days) for row in rows])
            return _page(found, limit, lambda d: (d.raised.deadline_id,))

        return await read(self._pool, work)

    async def deadline(self, scope: Scope, deadline_id: UUID) -> tuple[Deadline, list[StoredEvent]] | None:
        """Return one deadline with the events that it raised; None when there is none within the scope."""

        async def work(connection: Any) -> tuple[Deadline, list[StoredEvent]] | None:
            encoded = await connection.fetchval("SELECT raised FROM deadlines WHERE deadline_id = $1", deadline_id)
            if encoded is None:
                return None
            raised = _raised.decode(encoded)
            seen, of_case = await reached(connection, scope), (raised.source, raised.subject_id)
            visible = _is_owed_within(seen, raised) or of_case in await parts.visible(connection, seen, of_case[1:])
            if not visible:
                return None
            events = await connection.fetch(_RAISED_EVENTS, deadline_id)
            (deadline,) = await _with_dates(connection, [_deadline(raised, await days_of(connection))])
            return deadline, [StoredEvent(**dict(e)) for e in events]

        return await read(self._pool, work)

    async def raised_events(self, deadline_ids: Collection[UUID]) -> list[RaisedDeadlineEvent]:
        """Return the events of deadlines that the caller may see, in the order in which they were raised."""
        rows = await read(self._pool, lambda c: c.fetch(_RAISED_OF, list(deadline_ids)))
        found = (dict(row) for row in rows)
        return [RaisedDeadlineEvent(deadline_id=each.pop("originator_id"), event=StoredEvent(**each)) for each in found]

    async def agencies(
        self, scope: Scope, jurisdiction: str, limit: int, cursor: str = "", source: str = ""
    ) -> Page[Agency]:
        """Return agencies in the order of their codes, of a source or of all. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[str, str]) if cursor else ("", "")
        rows = await self._within(_AGENCIES, scope, *after, source, limit + 1, jurisdiction=jurisdiction)
        return _page([Agency(**dict(row)) for row in rows], limit, lambda a: (a.code, a.source))

    async def agency_names(self, codes: Collection[Coded]) -> dict[Coded, str]:
        """Return the names of some agencies by source and code; those not registered are left out."""
        sources, named = [source for source, _ in codes], [code for _, code in codes]
        rows = await self._pool.fetch(_AGENCY_NAMES, sources, named)
        return {(row["source"], row["code"]): row["name"] for row in rows}

    async def places(self, scope: Scope, source: str = "") -> dict[str, str]:
        """Return the names of a source's jurisdictions within the scope, by code.

        Without a source those of all: what two of them call differently has both names.
        """
        return by_code_alone(await self.places_by_source(scope, source))

    async def places_by_source(self, scope: Scope, source: str = "") -> dict[Coded, str]:
        """Return the names of the jurisdictions within the scope, by source and code."""

        async def work(connection: Any) -> dict[Coded, str]:
            seen = await reached(connection, scope)
            names = await every_place(connection, source)
            return {(of, code): name for (of, code), name in names.items() if seen is not None and seen.holds(code, of)}

        return await read(self._pool, work)

    async def place_name(self, code: str, source: str = "") -> str:
        """Return the name of one jurisdiction; empty where none is registered under a code.

        Without a source that of all: what two of them call differently has both names.
        """
        return await read(self._pool, lambda connection: place_name(connection, code, source))

    async def sources_of_place(self, code: str) -> list[str]:
        """Return the sources in which a jurisdiction was registered, in the order of their names."""
        rows = await self._pool.fetch(_SOURCES_OF_PLACE, derived_id("jurisdiction", code))
        return [row["source"] for row in rows]

    async def catalogues(self, source: str) -> CatalogueLog:
        """Return every catalogue and mapping that a source has on record."""
        return (await read(self._pool, catalogue_logs)).of(source)

    async def fields_without_code(self, scope: Scope, jurisdiction: str, source: str) -> list[str]:
        """Return how fields are written in a source's subtree that no catalogue of it has, up to a bound."""
        catalogues = await self.catalogues(source)
        rows = await self._within(_FIELDS_WRITTEN, scope, FIELDS_WRITTEN, source, jurisdiction=jurisdiction)
        known = catalogues.known
        found = {r["field"] for r in rows if known(r["jurisdiction"], "field", r["field"]) is None}
        return sorted(found, key=vietnamese_order)

    async def calendars(self) -> dict[str, Calendar]:
        """Return the calendar of each source as it is known now."""
        return await read(self._pool, calendars)

    async def by_receipt(self, scope: Scope, code: str) -> UUID | None:
        """Return the petition of a receipt's code; None when there is none within the scope, or one in each of several.

        What two sources have given out alike is listed by a search.
        """
        rows = await self._within(_BY_RECEIPT, scope, code, of="c")
        seen = await self.visible(scope, [row["subject_id"] for row in rows])
        return next(iter(seen)) if len(seen) == 1 else None

    async def parked(self, scope: Scope, limit: int, cursor: str = "") -> Page[ParkedEvent]:
        """Return parked events, in the order of their sources and positions. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[str, int]) if cursor else ("", 0)
        rows = await self._within(_PARKED, scope, *after, limit + 1, of="c")
        return _page([ParkedEvent(**dict(row)) for row in rows], limit, lambda p: (p.source, p.position))

    async def differences(self, scope: Scope, limit: int, cursor: str = "") -> Page[Difference]:
        """Return the cases that emit nothing until they are reconciled. Raises InvalidCursor."""
        after = decode_cursor(cursor, tuple[UUID, str]) if cursor else (UUID(int=0), "")
        rows = await self._within(_DIFFERENCES, scope, *after, limit + 1, of="c")
        return _page([Difference(**dict(row)) for row in rows], limit, lambda d: (d.subject_id, d.source))

    async def uncountable(self, scope: Scope, limit: int, cursor: str = "") -> Page[Uncountable]:
        """Return the duties that cannot be counted. Raises InvalidCursor."""
        (after,) = decode_cursor(cursor, tuple[UUID]) if cursor else (UUID(int=0),)
        rows = await self._within(_UNCOUNTABLE, scope, after, limit + 1, of="c")
        return _page([Uncountable(**dict(row)) for row in rows], limit, lambda u: (u.deadline_id,))

    async def covers(self, scope: Scope) -> bool:
        """Return whether every case is within the scope."""
        if scope.agency:
            return False
        if scope.jurisdiction == NATION:
            return True
        for subject in ("petition", "conference", "jurisdiction"):
            row = await self._pool.fetchrow(_EXTENT, subject)
            # A subtree is one range of codes: whatever is between two of its codes belongs to it too.
            if row is not None and not all(is_within(code, scope.jurisdiction) for code in row.values() if code):
                return False
        return True

    async def _within(
        self, query: str, scope: Scope, *given: object, jurisdiction: str = "", of: str = ""
    ) -> Sequence[Any]:
        async def work(connection: Any) -> Sequence[Any]:
            seen = await reached(connection, scope, jurisdiction)
            if seen is None:
                return []
            value = Values()
            value.given += given
            # What belongs to no known case is for those who see the whole tree.
            place = "true" if seen.jurisdiction == NATION else within(seen, value, of)
            rows: Sequence[Any] = await connection.fetch(query.format(within=place), *value.given)
            return rows

        return await read(self._pool, work)


def _case(row: Any, days: dict[str, date], field_title: Callable[[str, str, str], Bilingual]) -> Case:
    due_on: date = row["due_on"]
    case = _row.decode(row["row"])
    return Case(
        source=row["source"],
        row=case,
        field_title=field_title(row["source"], case.jurisdiction, case.field),
        due_on=due_on if due_on != NEVER else None,
        overdue=due_on < days.get(row["source"], date.min),
    )


def _deadline(raised: DeadlineState, days: dict[str, date]) -> Deadline:
    return Deadline(raised, status_of(raised, days.get(raised.source, date.min)))


async def _with_dates(connection: Any, deadlines: list[Deadline]) -> list[Deadline]:
    """Return the same deadlines with the warnings given and the days on which their debtors were last reminded."""
    reminded = await reminded_on(connection, {d.raised.subject_id for d in deadlines})
    ids = {d.raised.deadline_id for d in deadlines}
    warned, retracted = await warned_on(connection, ids), await retractions(connection, ids)
    return [
        msgspec.structs.replace(
            d,
            urged_on=reminded.get(deadline_id),
            warned_on=warned.get(deadline_id, ()),
            retracted=retracted.get(deadline_id, ()),
        )
        for d in deadlines
        for deadline_id in (d.raised.deadline_id,)
    ]


def _is_owed_within(scope: Scope | None, raised: DeadlineState) -> bool:
    """Return whether a deadline itself is within a scope, whatever became of its case: an agency owes it."""
    if scope is None or not scope.holds(raised.jurisdiction, raised.source):
        return False
    return not scope.agency or scope.is_seen_by(raised.debtor, raised.source)


def _page(found: list[T], limit: int, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    return Page(found[:limit], encode_cursor(*key(found[limit - 1])) if len(found) > limit else "")
