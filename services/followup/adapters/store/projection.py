"""The projection in PostgreSQL: what the writer loads, and the one transaction in which it writes."""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
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
    LoadedCase,
    ParkedRecord,
    Request,
)
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.raised import DeadlineState
from shared.event_store.append import Append, NewEvent
from shared.events import Metadata, Recorded, encode_state
from shared.events.deadline import Subject
from shared.events.regulation import AgencyClosed, AgencyRegistered
from shared.identifiers import agency_code, sorted_ids
from shared.postgres.append import columns

ACTOR = "followup"
NEVER = date.max  # PostgreSQL's infinity

_SOURCE = """
INSERT INTO sources (source) VALUES ($1) ON CONFLICT (source) DO UPDATE SET source = excluded.source
RETURNING epoch, position, event_id, instant, horizon, complete_to, head, revision
"""
FACT = "SELECT position, event_id, originator_id, version, topic, recorded_at, state FROM facts"
OF_STREAMS = f"{FACT} WHERE originator_id = ANY($1) ORDER BY position"
_SHARED_STREAMS = """
SELECT position, originator_id FROM facts WHERE source = $1 AND NOT is_petition AND version = 1 AND position > $2
ORDER BY position LIMIT $3
"""
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


def _call(function: str, first: int, last: int) -> str:
    return f"{function}({', '.join(f'${n}' for n in range(first, last + 1))})"


MOVE = f"SELECT {_call('move_cursor', 1, 10)}"
_WRITE = f"SELECT {_call('write_rows', 1, 40)}"
# OFFSET keeps the cursor from being moved twice; CASE, rows from being written by who was fenced out.
_COMMIT = f"""
SELECT moved, CASE WHEN moved THEN {_call("write_rows", 11, 50)} END AS next_fire_at
FROM (SELECT {_call("move_cursor", 1, 10)} AS moved OFFSET 0) AS cursor
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

_raised = msgspec.json.Decoder(DeadlineState)


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

    async def shared_streams(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """The facts of the regulation and of conferences by stream, some streams at a time, as they began."""
        after = 0
        while begun := await self._pool.fetch(_SHARED_STREAMS, source, after, chunk):
            after = begun[-1]["position"]
            yield by_stream(source, await self._pool.fetch(OF_STREAMS, [row["originator_id"] for row in begun]))

    async def raised_on(self, subject_ids: Collection[UUID]) -> list[DeadlineState]:
        """What was raised on some subjects."""
        rows = await self._pool.fetch("SELECT raised FROM deadlines WHERE subject_id = ANY($1)", list(subject_ids))
        return [_raised.decode(row["raised"]) for row in rows]

    async def petitions(self, petition_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """These petitions and all that are merged with them, without their parked events."""
        async with self._pool.acquire() as connection:
            kin = [row["petition_id"] for row in await connection.fetch(KIN, list(petition_ids))]
            facts = by_stream("", await connection.fetch(_OF_PETITIONS, kin))
        return _loaded(facts, await self.raised_on(kin))

    async def conferences(self, conference_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """These conferences; those that have facts."""
        facts = by_stream("", await self._pool.fetch(OF_STREAMS, list(conference_ids)))
        return _loaded(facts, await self.raised_on(conference_ids))

    async def petitions_at(self, conference_ids: Collection[UUID]) -> list[UUID]:
        """The petitions that belong to some conferences."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT petition_id FROM links WHERE other_id = ANY($1) AND NOT merged", list(conference_ids)
        )
        return [row["petition_id"] for row in rows]

    async def subjects(self, source: str, kind: Subject, chunk: int) -> AsyncIterator[list[UUID]]:
        """Every subject of a kind that a source has, some at a time."""
        after = UUID(int=0)
        while True:
            rows = await self._pool.fetch(
                "SELECT subject_id FROM cases WHERE source = $1 AND subject = $2 AND subject_id > $3 "
                "ORDER BY subject_id LIMIT $4",
                source,
                kind,
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

    async def due(self, source: str, to: datetime, limit: int) -> list[DeadlineState]:
        """Deadlines with a timer up to an instant, earliest first."""
        return [_raised.decode(row["raised"]) for row in await self._pool.fetch(_DUE, source, to, limit)]

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        """Every fact of a petition and its kin, the parked ones too."""
        kin = [row["petition_id"] for row in await self._pool.fetch(KIN, [petition_id])]
        return by_stream(source, await self._pool.fetch(OF_STREAMS, kin))

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
            moved = await connection.fetchval(MOVE, *moving(before, after))
            if not moved:
                raise _fenced_out(before)
            yield StoredWriting(connection, before.source, None if self._appends else self.not_appended)

    async def commit(self, before: Cursor, after: Cursor, changes: Changes) -> datetime | None:
        """Move the cursor and write, as one transaction; when the next timer falls. Raises FencedOut."""
        if changes.is_rare or not self._appends:
            async with self.writing(before, after) as writing:
                await writing.write(changes)
            return await self.next_fire_at(before.source)
        row = await self._pool.fetchrow(_COMMIT, *moving(before, after), *_rows(before.source, changes))
        assert row is not None
        if not row["moved"]:
            raise _fenced_out(before)
        found: datetime | None = row["next_fire_at"]
        return found


class StoredWriting:
    """An open transaction of the writer. With `instead`, deadline events go there and not into the log."""

    def __init__(self, connection: Any, source: str, instead: list[Emitted] | None = None) -> None:
        self._connection, self._source, self._instead = connection, source, instead

    async def write(self, changes: Changes) -> None:
        """The rows and the deadline events, whose append takes the ordering lock to the end."""
        if self._instead is not None:
            self._instead += changes.emitted
            changes = msgspec.structs.replace(changes, emitted=[])
        await self._connection.execute(_WRITE, *_rows(self._source, changes))
        for agency in changes.agencies:
            await self._agency(agency)
        await self._exceptions(changes)

    async def answer(self, request: Request, text: str) -> None:
        """Say what became of a request."""
        await self._connection.execute(
            "UPDATE requests SET done_at = clock_timestamp(), answer = $2 WHERE request_id = $1",
            request.request_id,
            text,
        )

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
            await self._connection.execute(_PARKED, *columns([_parked(self._source, p) for p in changes.parked], 6))
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


def _fenced_out(cursor: Cursor) -> FencedOut:
    return FencedOut(f"the cursor of {cursor.source} was moved by another")


def moving(before: Cursor, after: Cursor) -> tuple[Any, ...]:
    """The arguments of `move_cursor`."""
    return (
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


def _rows(source: str, changes: Changes) -> tuple[Any, ...]:
    """The arguments of `write_rows`, each kind in the order of its keys."""
    facts = [_fact(f, f.position in changes.petition_facts) for f in changes.facts]
    cases = [_case(c) for c in sorted(changes.cases, key=lambda c: c.row.subject_id)]
    latest = {d.deadline_id: d for d in changes.deadlines}
    deadlines = [_deadline(latest[i], waits=latest[i].subject_id in changes.waiting) for i in sorted_ids(latest)]
    # Append sees to it that no stream has a gap.
    events = Append(events=tuple(new_event(e) for e in changes.emitted)).events
    return (
        source,
        *columns(facts, 8),
        *columns(sorted(set(changes.links)), 3),
        *columns(cases, 10),
        list(changes.overdue),
        *columns(deadlines, 12),
        *columns([(e.originator_id, e.version, e.topic, e.state, e.event_id) for e in events], 5),
    )


def _fact(fact: Recorded, is_petition: bool) -> tuple[Any, ...]:
    return (
        fact.position,
        fact.event_id,
        fact.originator_id,
        fact.version,
        fact.topic,
        is_petition,
        fact.recorded_at,
        fact.state,
    )


def _case(record: CaseRecord) -> tuple[Any, ...]:
    row = record.row
    still_open = [r for r in record.raised if r.is_open and r.due_on is not None]
    return (
        row.subject_id,
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


def _deadline(raised: DeadlineState, waits: bool) -> tuple[Any, ...]:
    return (
        raised.deadline_id,
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


def _parked(source: str, parked: ParkedRecord) -> tuple[Any, ...]:
    event = parked.recorded
    return source, event.position, event.event_id, parked.petition_id, event.topic, parked.reason


def by_stream(source: str, rows: Iterable[Any]) -> dict[UUID, list[Recorded]]:
    """Rows of facts by their originator, in the order of the rows."""
    found: dict[UUID, list[Recorded]] = {}
    for row in rows:
        found.setdefault(row["originator_id"], []).append(recorded_of(source, row))
    return found


def _loaded(facts: dict[UUID, list[Recorded]], raised: Iterable[DeadlineState]) -> dict[UUID, LoadedCase]:
    found = {subject_id: LoadedCase(own, []) for subject_id, own in facts.items()}
    for each in raised:
        if each.subject_id in found:
            found[each.subject_id].raised.append(each)
    return found


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
