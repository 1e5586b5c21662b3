"""The projection in PostgreSQL: what the writer loads, and the one transaction in which it writes."""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    FencedOut,
    Loaded,
    Parked,
    Request,
)
from services.followup.domain.emission import Emitted, Raised
from shared.events import Metadata, Recorded, encode_state
from shared.events.regulation import AgencyClosed, AgencyRegistered
from shared.identifiers import agency_code
from shared.postgres.append import Append, Appended, NewEvent, append_in

ACTOR = "followup"
NEVER = date.max  # PostgreSQL's infinity

_SOURCE = """
INSERT INTO sources (source) VALUES ($1) ON CONFLICT (source) DO UPDATE SET source = excluded.source
RETURNING epoch, position, event_id, instant, horizon, complete_to, head, revision
"""
FACT = "SELECT position, event_id, originator_id, version, topic, recorded_at, state FROM facts"
_SHARED = f"{FACT} WHERE source = $1 AND NOT is_petition ORDER BY position"
_SHARED_RAISED = "SELECT raised FROM deadlines WHERE source = $1 AND subject <> 'petition'"
KIN = """
WITH RECURSIVE kin (petition_id) AS (
    SELECT unnest($1::uuid[])
    UNION
    SELECT CASE WHEN l.petition_id = k.petition_id THEN l.other_id ELSE l.petition_id END
    FROM kin k JOIN links l ON l.merged AND (l.petition_id = k.petition_id OR l.other_id = k.petition_id)
) SELECT petition_id FROM kin
"""
_OF_PETITIONS = f"""
{FACT} f WHERE originator_id = ANY($1) AND is_petition AND NOT EXISTS (
    SELECT 1 FROM parked_events p WHERE p.source = f.source AND p.position = f.position AND p.released_at IS NULL
) ORDER BY position
"""
_DUE = """
SELECT raised FROM deadlines WHERE source = $1 AND next_fire_at <= $2 ORDER BY next_fire_at, deadline_id LIMIT $3
"""
MOVE = """
UPDATE sources SET epoch = $3, position = $4, event_id = $5, instant = $6, horizon = $7, head = $8, revision = $9,
    complete_read_at = CASE WHEN complete_to IS DISTINCT FROM $10 THEN clock_timestamp() ELSE complete_read_at END,
    ticked_at = CASE WHEN complete_to IS DISTINCT FROM $10 THEN clock_timestamp() ELSE ticked_at END,
    complete_to = $10, state = 'following', reason = ''
WHERE source = $1 AND revision = $2 RETURNING true
"""
_FACTS = """
INSERT INTO facts (source, position, event_id, originator_id, version, topic, is_petition, recorded_at, state)
SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::boolean[],
    $8::timestamptz[], $9::bytea[])
"""
_LINKS = """
INSERT INTO links (other_id, petition_id, merged) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[])
ON CONFLICT DO NOTHING
"""
_CASES = """
INSERT INTO cases (subject_id, source, subject, jurisdiction, agency, state, unresolved, overdue, due_on, received_on,
    row)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
    $8::boolean[], $9::date[], $10::date[], $11::bytea[])
ON CONFLICT (subject_id) DO UPDATE SET jurisdiction = excluded.jurisdiction, agency = excluded.agency,
    state = excluded.state, unresolved = excluded.unresolved, overdue = excluded.overdue, due_on = excluded.due_on,
    received_on = excluded.received_on, row = excluded.row
"""
_OVERDUE = "UPDATE cases SET overdue = true WHERE subject_id = ANY($1) AND NOT overdue"
_DEADLINES = """
INSERT INTO deadlines (deadline_id, source, subject, subject_id, duty, debtor, jurisdiction, due_on, due_soon_on,
    breached, outcome, next_fire_at, raised)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::date[],
    $9::date[], $10::boolean[], $11::text[], $12::timestamptz[], $13::bytea[])
ON CONFLICT (deadline_id) DO UPDATE SET debtor = excluded.debtor, jurisdiction = excluded.jurisdiction,
    due_on = excluded.due_on, due_soon_on = excluded.due_soon_on, breached = excluded.breached,
    outcome = excluded.outcome, next_fire_at = excluded.next_fire_at, raised = excluded.raised
"""
_PARKED = """
INSERT INTO parked_events (source, position, event_id, petition_id, topic, reason)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
ON CONFLICT (source, position) DO UPDATE SET event_id = excluded.event_id, petition_id = excluded.petition_id,
    topic = excluded.topic, reason = excluded.reason, released_at = NULL
"""
_DIFFERENCES = """
INSERT INTO differences (subject_id, source, reason) SELECT i, $2, r FROM unnest($1::uuid[], $3::text[]) AS d (i, r)
ON CONFLICT (subject_id) DO UPDATE SET reason = excluded.reason
"""
_AGENCY = """
INSERT INTO agencies (code, source, name, jurisdiction, valid_from) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, jurisdiction = excluded.jurisdiction,
    valid_from = excluded.valid_from
"""

_raised = msgspec.json.Decoder(Raised)


class StoredProjection:
    """The projection behind a pool whose search path begins with the projection's schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, appends: bool = True) -> None:
        self._pool, self._appends = pool, appends
        self.not_appended: list[Emitted] = []  # where nothing may be appended: what would have been

    # --- loading ---------------------------------------------------------------------------------------------------

    async def cursor(self, source: str) -> Cursor:
        """Where the source stands; a new one at the beginning."""
        row = await self._pool.fetchrow(_SOURCE, source)
        assert row is not None
        return Cursor(source=source, **dict(row))

    async def shared(self, source: str) -> tuple[list[Recorded], list[Raised]]:
        """Every fact of the regulation and of conferences, in order, and what they raised."""
        facts = await self._pool.fetch(_SHARED, source)
        raised = await self._pool.fetch(_SHARED_RAISED, source)
        return [recorded_of(source, row) for row in facts], [_raised.decode(row["raised"]) for row in raised]

    async def petitions(self, petition_ids: Collection[UUID]) -> dict[UUID, Loaded]:
        """These petitions and all that are merged with them, without their parked events."""
        async with self._pool.acquire() as connection:
            kin = [row["petition_id"] for row in await connection.fetch(KIN, list(petition_ids))]
            facts = await connection.fetch(_OF_PETITIONS, kin)
            raised = await connection.fetch("SELECT subject_id, raised FROM deadlines WHERE subject_id = ANY($1)", kin)
        found: dict[UUID, Loaded] = {}
        for row in facts:
            loaded = found.setdefault(row["originator_id"], Loaded([], []))
            loaded.facts.append(recorded_of("", row))
        for row in raised:
            if row["subject_id"] in found:
                found[row["subject_id"]].raised.append(_raised.decode(row["raised"]))
        return found

    async def petitions_at(self, conference_ids: Collection[UUID]) -> list[UUID]:
        """The petitions that belong to some conferences."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT petition_id FROM links WHERE other_id = ANY($1) AND NOT merged", list(conference_ids)
        )
        return [row["petition_id"] for row in rows]

    async def all_petitions(self, source: str, chunk: int) -> AsyncIterator[list[UUID]]:
        """Every petition of a source, some at a time."""
        after = UUID(int=0)
        while True:
            rows = await self._pool.fetch(
                "SELECT subject_id FROM cases WHERE source = $1 AND subject = 'petition' AND subject_id > $2 "
                "ORDER BY subject_id LIMIT $3",
                source,
                after,
                chunk,
            )
            if not rows:
                return
            yield [row["subject_id"] for row in rows]
            after = rows[-1]["subject_id"]

    async def differences(self, source: str) -> dict[UUID, str]:
        """The subjects listed as differences."""
        rows = await self._pool.fetch("SELECT subject_id, reason FROM differences WHERE source = $1", source)
        return {row["subject_id"]: row["reason"] for row in rows}

    async def parked(self, source: str) -> list[UUID]:
        """The petitions with events that wait."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT petition_id FROM parked_events WHERE source = $1 AND released_at IS NULL", source
        )
        return [row["petition_id"] for row in rows]

    async def next_fire_at(self, source: str) -> datetime | None:
        """When the earliest timer falls."""
        found: datetime | None = await self._pool.fetchval(
            "SELECT next_fire_at FROM deadlines WHERE source = $1 AND next_fire_at IS NOT NULL "
            "ORDER BY next_fire_at LIMIT 1",
            source,
        )
        return found

    async def due(self, source: str, to: datetime, limit: int) -> list[Raised]:
        """Deadlines with a timer up to an instant, earliest first."""
        return [_raised.decode(row["raised"]) for row in await self._pool.fetch(_DUE, source, to, limit)]

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        """Every fact of a petition and its kin, the parked ones too."""
        kin = [row["petition_id"] for row in await self._pool.fetch(KIN, [petition_id])]
        rows = await self._pool.fetch(f"{FACT} WHERE originator_id = ANY($1) ORDER BY position", kin)
        found: dict[UUID, list[Recorded]] = {}
        for row in rows:
            found.setdefault(row["originator_id"], []).append(recorded_of(source, row))
        return found

    async def raised_ids(self, deadline_ids: Collection[UUID]) -> set[UUID]:
        """The ids of the events recorded on some deadlines."""
        rows = await self._pool.fetch(
            "SELECT event_id FROM public.stored_events WHERE originator_id = ANY($1)", list(deadline_ids)
        )
        return {row["event_id"] for row in rows}

    async def requests(self, source: str) -> list[Request]:
        """What operators ask and is not answered yet."""
        rows = await self._pool.fetch(
            "SELECT request_id, kind, subject_id, reason FROM requests WHERE source = $1 AND done_at IS NULL "
            "ORDER BY asked_at",
            source,
        )
        return [Request(*row.values()) for row in rows]

    async def tell(self, source: str, state: str, reason: str, gaps: int = 0) -> None:
        """Show whether the source is followed, and count gaps; outside the writer's transactions."""
        await self._pool.execute(
            "UPDATE sources SET state = $2, reason = $3, gaps = gaps + $4, ticked_at = clock_timestamp() "
            "WHERE source = $1",
            source,
            state,
            reason,
            gaps,
        )

    # --- writing ---------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def writing(self, before: Cursor, after: Cursor) -> AsyncIterator["StoredWriting"]:
        """A transaction that moves the cursor; `after.revision` is one more. Raises FencedOut."""
        async with self._pool.acquire() as connection, connection.transaction():
            moved = await connection.fetchval(
                MOVE,
                before.source,
                before.revision,
                after.epoch,
                after.position,
                after.event_id,
                after.instant,
                after.horizon,
                after.head,
                after.revision,
                after.complete_to,
            )
            if not moved:
                raise FencedOut(f"the cursor of {before.source} was moved by another")
            yield StoredWriting(connection, before.source, None if self._appends else self.not_appended)


class StoredWriting:
    """An open transaction of the writer. With `instead`, deadline events go there and not into the log."""

    def __init__(self, connection: Any, source: str, instead: list[Emitted] | None = None) -> None:
        self._connection, self._source, self._instead = connection, source, instead

    async def write(self, changes: Changes) -> None:
        """Rows in key order, then the deadline events, which take the ordering lock to the end."""
        await self._facts(changes.facts, changes.petition_facts)
        if changes.links:
            await self._connection.execute(_LINKS, *_columns(sorted(set(changes.links)), 3))
        await self._cases(changes.cases)
        if changes.overdue:
            await self._connection.execute(_OVERDUE, list(changes.overdue))
        await self._deadlines(changes.deadlines, changes.waiting)
        for agency in changes.agencies:
            await self._agency(agency)
        await self._exceptions(changes)
        if self._instead is not None:
            self._instead += changes.emitted
        elif changes.emitted:
            await self._append(changes.emitted)

    async def answer(self, request: Request, text: str) -> None:
        """Say what became of a request."""
        await self._connection.execute(
            "UPDATE requests SET done_at = clock_timestamp(), answer = $2 WHERE request_id = $1",
            request.request_id,
            text,
        )

    async def _facts(self, facts: Sequence[Recorded], of_petitions: Collection[int]) -> None:
        if facts:
            await self._connection.execute(
                _FACTS,
                self._source,
                [f.position for f in facts],
                [f.event_id for f in facts],
                [f.originator_id for f in facts],
                [f.version for f in facts],
                [f.topic for f in facts],
                [f.position in of_petitions for f in facts],
                [f.recorded_at for f in facts],
                [f.state for f in facts],
            )

    async def _cases(self, cases: Sequence[CaseRecord]) -> None:
        if cases:
            rows = [_case(self._source, c) for c in sorted(cases, key=lambda c: c.row.subject_id)]
            await self._connection.execute(_CASES, *_columns(rows, 11))

    async def _deadlines(self, deadlines: Sequence[Raised], waiting: Collection[UUID]) -> None:
        if deadlines:
            latest = {d.deadline_id: d for d in deadlines}
            rows = [_deadline(latest[i], waits=latest[i].subject_id in waiting) for i in sorted(latest)]
            await self._connection.execute(_DEADLINES, *_columns(rows, 13))

    async def _agency(self, agency: AgencyRegistered | AgencyClosed) -> None:
        if isinstance(agency, AgencyRegistered):
            place = (agency_code(agency.code), self._source, agency.name, agency.jurisdiction, agency.valid_from)
            await self._connection.execute(_AGENCY, *place)
        else:
            await self._connection.execute(
                "UPDATE agencies SET closed_on = $2, successor = $3 WHERE code = $1",
                agency_code(agency.code),
                agency.effective_on,
                agency.successor,
            )

    async def _exceptions(self, changes: Changes) -> None:
        if changes.parked:
            await self._connection.execute(_PARKED, *_columns([_parked(self._source, p) for p in changes.parked], 6))
        if changes.released:
            await self._connection.execute(
                "UPDATE parked_events SET released_at = clock_timestamp() "
                "WHERE source = $1 AND petition_id = ANY($2) AND released_at IS NULL",
                self._source,
                list(changes.released),
            )
        if changes.differences:
            ids = sorted(changes.differences)
            await self._connection.execute(_DIFFERENCES, ids, self._source, [changes.differences[i] for i in ids])
        if changes.settled:
            await self._connection.execute("DELETE FROM differences WHERE subject_id = ANY($1)", list(changes.settled))

    async def _append(self, emitted: Iterable[Emitted]) -> None:
        events = tuple(new_event(e) for e in emitted)
        (outcome,) = await append_in(self._connection, [Append(events=events)])
        if not isinstance(outcome, Appended):
            raise outcome


def new_event(emitted: Emitted) -> NewEvent:
    """A deadline event as followup's own log stores it."""
    event = emitted.event
    meta = Metadata(
        event_id=emitted.event_id,
        aggregate="deadline",
        jurisdiction=emitted.jurisdiction,
        actor=ACTOR,
        correlation_id=event.cause_id,
        causation_id=event.cause_id,
        source=event.source,
        backfilled=emitted.backfilled,
    )
    return NewEvent(
        originator_id=event.deadline_id,
        version=emitted.version,
        topic=event.TOPIC,
        state=encode_state(event, meta),
        event_id=emitted.event_id,
    )


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(width)]


def _case(source: str, record: CaseRecord) -> tuple[Any, ...]:
    row = record.row
    still_open = [r for r in record.raised if not r.outcome and r.due_on is not None]
    return (
        row.subject_id,
        source,
        row.subject,
        row.jurisdiction,
        row.agency,
        row.state,
        row.unresolved,
        any(r.breached for r in still_open),
        min((r.due_on for r in still_open if r.due_on is not None), default=NEVER),
        row.received_on,
        msgspec.json.encode(row),
    )


def _deadline(raised: Raised, waits: bool) -> tuple[Any, ...]:
    return (
        raised.deadline_id,
        raised.source,
        raised.subject,
        raised.subject_id,
        raised.duty,
        raised.debtor,
        raised.jurisdiction,
        raised.due_on or NEVER,
        min(raised.stages, default=NEVER),
        raised.breached,
        raised.outcome,
        None if waits else raised.next_fire_at,
        msgspec.json.encode(raised),
    )


def _parked(source: str, parked: Parked) -> tuple[Any, ...]:
    event = parked.recorded
    return source, event.position, event.event_id, parked.petition_id, event.topic, parked.reason


def recorded_of(source: str, row: Any) -> Recorded:
    return Recorded(
        source=source,
        epoch="",
        position=row["position"],
        previous_id=None,
        event_id=row["event_id"],
        originator_id=row["originator_id"],
        version=row["version"],
        topic=row["topic"],
        recorded_at=row["recorded_at"],
        state=row["state"],
    )
