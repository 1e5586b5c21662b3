"""The projection in PostgreSQL: what the projector loads, and the one transaction in which it writes."""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.store.operator_requests import EXPIRES
from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    FencedOut,
    LoadedCase,
    ParkedRecord,
    Request,
    Sweep,
    TimerPlace,
    Visited,
)
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import UncountableDuty
from shared.envelope import PAGE_BYTES
from shared.event_store.append import Append, NewEvent
from shared.events import Metadata, Recorded, encode_state
from shared.events.regulation import AgencyClosed, AgencyRegistered
from shared.identifiers import agency_code, sorted_ids
from shared.postgres.named_call import columns, named_call

ACTOR = "followup"  # who recorded a deadline event
NEVER = date.max  # PostgreSQL's infinity: no due date

_SOURCE = """
SELECT epoch, position, event_id, instant, horizon, complete_to, head, revision FROM sources WHERE source = $1
"""
#: Of a source that is followed for the first time the tables are made; those of a rebuild stand there already.
_BEGIN = "SELECT begin_source($1)"
_BEGIN_REBUILT = "INSERT INTO sources (source) VALUES ($1) ON CONFLICT DO NOTHING"
FACT = "SELECT position, event_id, originator_id, version, topic, recorded_at, state FROM facts"
OF_STREAMS = f"{FACT} WHERE source = $1 AND originator_id = ANY($2) ORDER BY position"
_SHARED_STREAMS = """
SELECT position, originator_id, (
    SELECT sum(octet_length(o.state)) FROM facts o WHERE o.source = $1 AND o.originator_id = f.originator_id
) AS bytes
FROM facts f WHERE source = $1 AND NOT is_petition AND version = 1 AND position > $2 ORDER BY position LIMIT $3
"""
KIN = """
WITH RECURSIVE kin (petition_id) AS (
    SELECT unnest($2::uuid[])
    UNION
    SELECT CASE WHEN l.petition_id = k.petition_id THEN l.other_id ELSE l.petition_id END
    FROM kin k JOIN links l ON l.source = $1 AND l.merged
        AND (l.petition_id = k.petition_id OR l.other_id = k.petition_id)
) SELECT petition_id FROM kin
"""
_OF_PETITIONS = f"""
{FACT} f WHERE source = $1 AND originator_id = ANY($2) AND is_petition AND NOT EXISTS (
    SELECT 1 FROM parked_events p WHERE p.source = $1 AND p.position = f.position AND p.released_at IS NULL
) ORDER BY position
"""
_DUE = """
SELECT raised FROM deadlines WHERE source = $1 AND next_fire_at <= $2 ORDER BY next_fire_at, deadline_id LIMIT $3
"""
_SWEEPS = "SELECT position, fire_at, is_walking, after_id FROM sweeps WHERE source = $1 ORDER BY position"
_TIMERS_AFTER = """
SELECT next_fire_at AS fire_at, deadline_id, subject, subject_id FROM deadlines
WHERE source = $1 AND next_fire_at IS NOT NULL AND (next_fire_at, deadline_id) > ($2, $3)
ORDER BY next_fire_at, deadline_id LIMIT $4
"""
_CASES_AFTER = """
SELECT row, settled_to >= $2 AS is_settled, EXISTS (
    SELECT 1 FROM deadlines d WHERE d.source = $1 AND d.subject_id = c.subject_id
    AND CASE WHEN d.outcome = '' OR d.breached THEN true
        ELSE (convert_from(d.raised, 'UTF8')::jsonb ->> 'done_on')::date >= $4 END
) AS can_move
FROM cases c WHERE source = $1 AND subject_id > $3 ORDER BY subject_id LIMIT $5
"""

# OFFSET keeps the cursor from being moved twice. CASE keeps a projector that was fenced out from writing rows.
_COMMIT = """
SELECT moved, CASE WHEN moved THEN {write_source} END AS next_fire_at
FROM (SELECT {move_source} AS moved OFFSET 0) AS cursor
"""
_PARKED = """
INSERT INTO parked_events (source, position, event_id, petition_id, topic, reason)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
ON CONFLICT (source, position) DO UPDATE SET event_id = excluded.event_id, petition_id = excluded.petition_id,
    topic = excluded.topic, reason = excluded.reason, released_at = NULL
"""
_DIFFERENCES = """
INSERT INTO differences (subject_id, source, reason) SELECT i, $2, r FROM unnest($1::uuid[], $3::text[]) AS d (i, r)
ON CONFLICT (source, subject_id) DO UPDATE SET reason = excluded.reason
"""
_COUNTABLE = "DELETE FROM uncountable WHERE source = $1 AND subject_id = ANY($2) AND deadline_id <> ALL($3)"
_UNCOUNTABLE = """
INSERT INTO uncountable (source, deadline_id, subject_id, duty, part, document, reason)
SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
ON CONFLICT (source, deadline_id) DO UPDATE SET document = excluded.document, reason = excluded.reason
"""
_SWEEP = """
INSERT INTO sweeps (source, position, fire_at, is_walking, after_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source, position) DO UPDATE SET fire_at = excluded.fire_at, is_walking = excluded.is_walking,
    after_id = excluded.after_id
"""
_AGENCY = """
INSERT INTO agencies (source, code, name, jurisdiction, valid_from) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source, code) DO UPDATE SET name = excluded.name, jurisdiction = excluded.jurisdiction,
    valid_from = excluded.valid_from
"""

_raised = msgspec.json.Decoder(DeadlineState)
_row = msgspec.json.Decoder(CaseRow)


class StoredProjection:
    """The projection behind a pool whose search path begins with the projection's schema.

    The tables of a rebuild are given with `appends` False: the log has their deadline events already.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, appends: bool = True) -> None:
        self._pool, self._appends = pool, appends
        self._begin = _BEGIN if appends else _BEGIN_REBUILT

    # --- loading ---------------------------------------------------------------------------------------------------

    async def cursor(self, source: str) -> Cursor:
        """Return where the source stands; a new cursor at the beginning for a source never seen."""
        row = await self._pool.fetchrow(_SOURCE, source)
        if row is None:
            await self._pool.execute(self._begin, source)
            row = await self._pool.fetchrow(_SOURCE, source)
        assert row is not None
        return Cursor(source=source, **dict(row))

    async def shared_streams(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """Yield the facts of the regulation and of conferences by stream, `chunk` streams at a time, oldest first."""
        after = 0
        while begun := fitting(await self._pool.fetch(_SHARED_STREAMS, source, after, chunk)):
            after = begun[-1]["position"]
            yield by_stream(source, await self._pool.fetch(OF_STREAMS, source, [row["originator_id"] for row in begun]))

    async def raised_on(self, source: str, subject_ids: Collection[UUID]) -> list[DeadlineState]:
        """Return the deadlines of some subjects."""
        rows = await self._pool.fetch(
            "SELECT raised FROM deadlines WHERE source = $1 AND subject_id = ANY($2)", source, list(subject_ids)
        )
        return [_raised.decode(row["raised"]) for row in rows]

    async def petitions(self, source: str, petition_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """Return these petitions and all that are merged with them, without their parked events."""
        async with self._pool.acquire() as connection:
            kin = [row["petition_id"] for row in await connection.fetch(KIN, source, list(petition_ids))]
            facts = by_stream(source, await connection.fetch(_OF_PETITIONS, source, kin))
        return _loaded(facts, await self.raised_on(source, kin))

    async def conferences(self, source: str, conference_ids: Collection[UUID]) -> dict[UUID, LoadedCase]:
        """Return those of these conferences that have facts."""
        facts = by_stream(source, await self._pool.fetch(OF_STREAMS, source, list(conference_ids)))
        return _loaded(facts, await self.raised_on(source, conference_ids))

    async def petitions_at(self, source: str, conference_ids: Collection[UUID]) -> list[UUID]:
        """Return the petitions that belong to some conferences."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT petition_id FROM links WHERE source = $1 AND other_id = ANY($2) AND NOT merged",
            source,
            list(conference_ids),
        )
        return [row["petition_id"] for row in rows]

    async def sweeps(self, source: str) -> list[Sweep]:
        """Return the sweeps that have not ended, by position."""
        return [Sweep(**dict(row)) for row in await self._pool.fetch(_SWEEPS, source)]

    async def settled_to(self, source: str, subject_ids: Collection[UUID]) -> dict[UUID, int]:
        """Return the position up to which each of some petitions and conferences was settled, as far as it is known."""
        rows = await self._pool.fetch(
            "SELECT subject_id, settled_to FROM cases "
            "WHERE source = $1 AND subject_id = ANY($2) AND subject <> 'jurisdiction'",
            source,
            list(subject_ids),
        )
        return {row["subject_id"]: row["settled_to"] for row in rows}

    async def timers_after(self, source: str, sweep: Sweep, limit: int) -> list[TimerPlace]:
        """Return the deadlines that a sweep comes by next, in the order of their timers."""
        rows = await self._pool.fetch(_TIMERS_AFTER, source, sweep.fire_at, sweep.after_id, limit)
        return [TimerPlace(*row.values()) for row in rows]

    async def cases_after(self, source: str, sweep: Sweep, recorded_on: date, limit: int) -> list[Visited]:
        """Return the petitions, conferences and authorities that a sweep comes by next, in the order of their ids."""
        rows = await self._pool.fetch(_CASES_AFTER, source, sweep.position, sweep.after_id, recorded_on, limit)
        return [Visited(_row.decode(row["row"]), row["is_settled"], row["can_move"]) for row in rows]

    async def differences(self, source: str) -> dict[UUID, str]:
        """Return the subjects listed as differences, with the reason."""
        rows = await self._pool.fetch("SELECT subject_id, reason FROM differences WHERE source = $1", source)
        return {row["subject_id"]: row["reason"] for row in rows}

    async def uncountable(self, source: str) -> list[UncountableDuty]:
        """Return the duties that cannot be counted."""
        rows = await self._pool.fetch(
            "SELECT deadline_id, subject_id, duty, part, document, reason FROM uncountable WHERE source = $1", source
        )
        return [UncountableDuty(**dict(row)) for row in rows]

    async def parked(self, source: str) -> list[UUID]:
        """Return the petitions with events that wait."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT petition_id FROM parked_events WHERE source = $1 AND released_at IS NULL", source
        )
        return [row["petition_id"] for row in rows]

    async def next_fire_at(self, source: str) -> datetime | None:
        """Return when the earliest timer falls."""
        found: datetime | None = await self._pool.fetchval(
            "SELECT next_fire_at FROM deadlines WHERE source = $1 AND next_fire_at IS NOT NULL "
            "ORDER BY next_fire_at LIMIT 1",
            source,
        )
        return found

    async def due(self, source: str, to: datetime, limit: int) -> list[DeadlineState]:
        """Return deadlines with a timer at or before an instant, earliest first."""
        return [_raised.decode(row["raised"]) for row in await self._pool.fetch(_DUE, source, to, limit)]

    async def history(self, source: str, petition_id: UUID) -> dict[UUID, list[Recorded]]:
        """Return every fact of a petition and of those merged with it, the parked ones too."""
        kin = [row["petition_id"] for row in await self._pool.fetch(KIN, source, [petition_id])]
        return by_stream(source, await self._pool.fetch(OF_STREAMS, source, kin))

    async def raised_ids(self, deadline_ids: Collection[UUID]) -> set[UUID]:
        """Return the ids of the events recorded on some deadlines."""
        rows = await self._pool.fetch(
            "SELECT event_id FROM public.stored_events WHERE originator_id = ANY($1)", list(deadline_ids)
        )
        return {row["event_id"] for row in rows}

    async def requests(self, source: str) -> list[Request]:
        """Return the requests of operators that are not answered yet, oldest first; what has expired is left out."""
        rows = await self._pool.fetch(
            "SELECT request_id, kind, subject_id, reason FROM requests WHERE source = $1 AND done_at IS NULL "
            "AND asked_at > clock_timestamp() - make_interval(secs => $2) ORDER BY asked_at",
            source,
            EXPIRES,
        )
        return [Request(*row.values()) for row in rows]

    async def set_state(self, source: str, state: str, reason: str, gaps: int = 0) -> None:
        """Show whether the source is followed, and add to its count of gaps; outside the projector's transactions."""
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
        """Open a transaction that moves the cursor; `after.revision` is one more. Raises FencedOut."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await move_cursor(connection, before, after):
                raise _fenced_out(before)
            yield StoredWriting(connection, before.source, appends=self._appends)

    async def commit(self, before: Cursor, after: Cursor, changes: Changes) -> datetime | None:
        """Move the cursor and write in one transaction; return when the earliest timer falls. Raises FencedOut.

        What is often written goes as one statement, which is one round trip.
        """
        if changes.is_rare or not self._appends:
            async with self.writing(before, after) as writing:
                await writing.write(changes)
            return await self.next_fire_at(before.source)
        cursor, rows = _cursor_arguments(before, after), _row_arguments(before.source, changes)
        statement = _COMMIT.format(
            move_source=named_call("move_source", cursor),
            write_source=named_call("write_source", rows, len(cursor) + 1),
        )
        row = await self._pool.fetchrow(statement, *cursor.values(), *rows.values())
        assert row is not None
        if not row["moved"]:
            raise _fenced_out(before)
        found: datetime | None = row["next_fire_at"]
        return found


class StoredWriting:
    """An open transaction of the projector; without `appends` deadline events are left out of the log."""

    def __init__(self, connection: Any, source: str, *, appends: bool) -> None:
        self._connection, self._source, self._appends = connection, source, appends

    async def write(self, changes: Changes) -> None:
        """Write the rows, then append the deadline events, which holds the ordering lock until the transaction ends."""
        if not self._appends:
            changes = msgspec.structs.replace(changes, emitted=[])
        rows = _row_arguments(self._source, changes)
        await self._connection.execute(f"SELECT {named_call('write_source', rows)}", *rows.values())
        for agency in changes.agencies:
            await self._agency(agency)
        await self._exceptions(changes)

    async def answer(self, request: Request, text: str, *, failed: bool = False) -> None:
        """Mark a request as done and keep the answer to the operator. Raises FencedOut when it was withdrawn."""
        answered = await self._connection.fetchval(
            "UPDATE requests SET done_at = clock_timestamp(), answer = $2, failed = $3 "
            "WHERE request_id = $1 AND done_at IS NULL RETURNING true",
            request.request_id,
            text,
            failed,
        )
        if not answered:
            raise FencedOut(f"the request {request.request_id} was withdrawn")

    async def _agency(self, agency: AgencyRegistered | AgencyClosed) -> None:
        if isinstance(agency, AgencyRegistered):
            registered = (self._source, agency_code(agency.code), agency.name, agency.jurisdiction, agency.valid_from)
            await self._connection.execute(_AGENCY, *registered)
        else:
            await self._connection.execute(
                "UPDATE agencies SET closed_on = $3, successor = $4 WHERE source = $1 AND code = $2",
                self._source,
                agency_code(agency.code),
                agency.effective_on,
                agency.successor,
            )

    async def _exceptions(self, changes: Changes) -> None:
        if changes.parked:
            parked = [_parked(self._source, p) for p in changes.parked]
            await self._connection.execute(_PARKED, *zip(*parked, strict=True))
        if changes.released:
            await self._connection.execute(
                "UPDATE parked_events SET released_at = clock_timestamp() "
                "WHERE source = $1 AND petition_id = ANY($2) AND released_at IS NULL",
                self._source,
                list(changes.released),
            )
        if changes.gone:
            await self._connection.execute(
                "DELETE FROM cases WHERE source = $1 AND subject_id = ANY($2)", self._source, list(changes.gone)
            )
        if changes.uncountable:
            duties = sorted((d for each in changes.uncountable.values() for d in each), key=lambda d: d.deadline_id)
            countable = (list(changes.uncountable), [d.deadline_id for d in duties])
            await self._connection.execute(_COUNTABLE, self._source, *countable)
            fields = ("deadline_id", "subject_id", "duty", "part", "document", "reason")
            given = [[getattr(duty, field) for duty in duties] for field in fields]
            await self._connection.execute(_UNCOUNTABLE, self._source, *given)
        if changes.differences:
            ids = sorted(changes.differences)
            await self._connection.execute(_DIFFERENCES, ids, self._source, [changes.differences[i] for i in ids])
        if changes.settled_to is not None and changes.cases:
            await self._connection.execute(
                "UPDATE cases SET settled_to = $2 WHERE source = $1 AND subject_id = ANY($3)",
                self._source,
                changes.settled_to,
                [record.row.subject_id for record in changes.cases],
            )
        for sweep in changes.sweeps:
            reached = (sweep.position, sweep.fire_at, sweep.is_walking, sweep.after_id)
            await self._connection.execute(_SWEEP, self._source, *reached)
        if changes.swept:
            await self._connection.execute(
                "DELETE FROM sweeps WHERE source = $1 AND position = ANY($2)", self._source, list(changes.swept)
            )
        if changes.settled:
            await self._connection.execute(
                "DELETE FROM differences WHERE source = $1 AND subject_id = ANY($2)",
                self._source,
                list(changes.settled),
            )


def new_event(emitted: Emitted) -> NewEvent:
    """Return a deadline event as followup's own log stores it."""
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
        petition_reference=emitted.reference,
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


async def move_cursor(connection: Any, before: Cursor, after: Cursor) -> bool:
    """Move the cursor of a source; False when another projector has moved it."""
    arguments = _cursor_arguments(before, after)
    moved: bool = await connection.fetchval(f"SELECT {named_call('move_source', arguments)}", *arguments.values())
    return moved


def _cursor_arguments(before: Cursor, after: Cursor) -> dict[str, Any]:
    return {
        "p_source": before.source,
        "p_before": before.revision,
        "p_epoch": after.epoch,
        "p_position": after.position,
        "p_event_id": after.event_id,
        "p_instant": after.instant,
        "p_horizon": after.horizon,
        "p_head": after.head,
        "p_revision": after.revision,
        "p_complete_to": after.complete_to,
    }


_FACTS = (
    "f_position", "f_event_id", "f_originator", "f_version", "f_topic", "f_is_petition", "f_recorded_at", "f_state",
)  # fmt: skip
_LINKS = ("l_other", "l_petition", "l_merged")
_CASES = (
    "c_subject_id", "c_subject", "c_jurisdiction", "c_agency", "c_state", "c_unresolved", "c_overdue", "c_due_on",
    "c_received_on", "c_row",
)  # fmt: skip
_DEADLINES = (
    "d_deadline_id", "d_subject", "d_subject_id", "d_duty", "d_debtor", "d_jurisdiction", "d_due_on", "d_due_soon_on",
    "d_breached", "d_outcome", "d_next_fire_at", "d_raised",
)  # fmt: skip
_EVENTS = ("e_originator", "e_version", "e_topic", "e_state", "e_event_id")


def _row_arguments(source: str, changes: Changes) -> dict[str, Any]:
    """The arguments of `write_source`, each kind of row in the order of its keys."""
    facts = [_fact(f, f.position in changes.petition_facts) for f in changes.facts]
    cases = [_case(c) for c in sorted(changes.cases, key=lambda c: c.row.subject_id)]
    latest = {d.deadline_id: d for d in changes.deadlines}
    waiting = changes.waiting
    deadlines = [
        _deadline(latest[i], waits=i in waiting or latest[i].subject_id in waiting) for i in sorted_ids(latest)
    ]
    # Append raises when a stream would have a gap.
    events = Append(events=tuple(new_event(e) for e in changes.emitted)).events
    return {
        "p_source": source,
        **columns(_FACTS, facts),
        **columns(_LINKS, sorted(set(changes.links))),
        **columns(_CASES, cases),
        "p_overdue": list(changes.overdue),
        **columns(_DEADLINES, deadlines),
        **columns(_EVENTS, [(e.originator_id, e.version, e.topic, e.state, e.event_id) for e in events]),
    }


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


def fitting(streams: Sequence[Any]) -> list[Any]:
    """The first of some streams, to the one whose facts fill a page by their bytes."""
    before = accumulate((row["bytes"] for row in streams), initial=0)
    return [row for row, so_far in zip(streams, before, strict=False) if so_far < PAGE_BYTES]


def by_stream(source: str, rows: Iterable[Any]) -> dict[UUID, list[Recorded]]:
    """Group rows of facts by their stream, in the order of the rows."""
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
    """Return a row of facts as the event that was read. The row keeps neither the epoch nor the event before it."""
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
