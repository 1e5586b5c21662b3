"""What a report is counted from, read in one snapshot: only petitions that were not done with before the period."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.read.heirs import reached
from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.jurisdiction_names import every_place
from services.followup.adapters.read.models import Source
from services.followup.adapters.read.pagination import read
from services.followup.adapters.read.queries import SOURCES
from services.followup.adapters.store.projection import FACT, recorded_of
from services.followup.application.access import Coded, Scope, by_code_alone
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.facts import Fact, fact_of
from services.followup.domain.regulation import RegulationLog
from services.followup.domain.reports.periods import Period
from services.followup.domain.reports.tally import ALL_PETITIONS, Chosen, RaisedEvent, Tally, seen_on
from shared.events import decode_state
from shared.events.deadline import DeadlineBreached, DeadlineBreachRetracted, DeadlineEvent
from shared.identifiers import local_day, midnight, ordered_id

AT_ONCE = 200  # petitions; after these other work gets its turn
LISTED = 2_000  # petitions or deadlines in the list of a page

#: No event is dated later than it was recorded, so what was finished before the period has no record since then.
_CONCERNED = """
WITH concerned AS (
    SELECT subject_id FROM cases WHERE source = $1 AND unresolved
    UNION SELECT subject_id FROM deadlines WHERE source = $1 AND outcome = '' AND subject = 'petition'
    UNION SELECT originator_id FROM facts WHERE source = $1 AND position >= $2 AND is_petition
)
SELECT subject_id FROM concerned JOIN cases USING (subject_id)
WHERE source = $1 AND subject = 'petition' AND {within} ORDER BY subject_id
"""
_SHARED = f"{FACT} WHERE source = $1 AND NOT is_petition ORDER BY position"
_SHARED_RAISED = "SELECT raised FROM deadlines WHERE source = $1 AND subject <> 'petition' AND {within}"
_ROWS = "SELECT row FROM cases WHERE source = $1 AND subject_id = ANY($2) ORDER BY subject_id"
_FACTS = f"""
{FACT} f WHERE source = $1 AND originator_id = ANY($2) AND is_petition AND NOT EXISTS (
    SELECT 1 FROM parked_events p WHERE p.source = f.source AND p.position = f.position AND p.released_at IS NULL
) ORDER BY position
"""
_RAISED = "SELECT raised FROM deadlines WHERE source = $1 AND subject_id = ANY($2)"
_RECORDED = "SELECT recorded_at FROM facts WHERE source = $1 AND position >= $2 ORDER BY position LIMIT 1"
#: The id of a deadline event begins with the milliseconds of its instant.
_EVENTS = "SELECT topic, state FROM public.stored_events WHERE event_id >= $1 AND event_id < $2 AND topic = ANY($3)"
_AGENCIES = "SELECT source, code, name FROM agencies ORDER BY source, code"

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class NotBegun(ValueError):
    """The period begins after the day of every source."""


class Seen(msgspec.Struct, frozen=True):
    """How far a source was read for a report, and the day on whose morning what is open was judged."""

    source: str
    position: int
    complete_to: datetime | None
    seen_on: date


class Counted(msgspec.Struct, frozen=True):
    """A report: its figures, what they were counted from, the names of bodies and places in it."""

    tally: Tally
    seen: list[Seen]
    agencies: dict[str, str]
    places: dict[str, str]


class Reports:
    """Reports over the projection behind a pool whose search path begins with its schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._one_at_a_time = asyncio.Lock()

    async def reached(self, scope: Scope, jurisdiction: str) -> Scope | None:
        """Return the scope within a subtree that is asked for; None where nothing of that may be seen."""
        return await read(self._pool, lambda connection: reached(connection, scope, jurisdiction))

    async def report(self, scope: Scope, period: Period, *, source: str = "", listed: Chosen | None = None) -> Counted:
        """Return the report of a period: of a subtree and, when the scope names one, of one agency. Raises NotBegun.

        Of several sources all are counted together, unless one is named. `listed` is what it lists one by one.
        """

        async def work(connection: Any) -> Counted:
            seen_scope = await reached(connection, scope) or scope
            # Made here, since a read that a rebuild disturbed is done once more.
            tally = Tally(period, scope.agency, listed=LISTED if listed else 0, chosen=listed or ALL_PETITIONS)
            seen = [
                Seen(s.source, s.position, s.complete_to, await _Count(connection, seen_scope, s, tally).run())
                for s in (Source(**dict(row)) for row in await connection.fetch(SOURCES))
                if source in ("", s.source) and s.now is not None and local_day(s.now) >= period.first
            ]
            if not seen:
                raise NotBegun(f"{period.text} has not begun yet")
            counted = {each.source for each in seen}
            events = await _events(connection, seen_scope, period)
            tally.add_events(each for each in events if each.event.source in counted)
            agencies = {(row["source"], row["code"]): row["name"] for row in await connection.fetch(_AGENCIES)}
            names = agencies, await every_place(connection)
            return Counted(tally, seen, *(by_code_alone(_of_sources(each, counted)) for each in names))

        async with self._one_at_a_time:
            return await read(self._pool, work)


class _Count:
    """One source's share of a report."""

    def __init__(self, connection: Any, scope: Scope, source: Source, tally: Tally) -> None:
        assert source.now is not None
        self._connection, self._scope, self._source, self._tally = connection, scope, source, tally
        self._today = local_day(source.now)

    async def run(self) -> date:
        """Count everything, and return the day on whose morning it was judged."""
        name, tally = self._source.source, self._tally
        shared = [fact_of(recorded_of(name, row)) for row in await self._connection.fetch(_SHARED, name)]
        conferences = [f for f in shared if f.meta.aggregate == "conference"]
        regulation = RegulationLog(f for f in shared if f.meta.aggregate not in ("conference", "petition"))
        tally.begin(self._today, regulation.calendar, shared, regulation.catalogues)
        if not tally.agency:
            tally.add_recording(f for f in conferences if self._scope.holds(f.meta.jurisdiction, name))
        tally.add_deadlines(_decoded(await self._fetch(_SHARED_RAISED, name)))
        first = await self._first_position(midnight(tally.period.first))
        concerned = [row["subject_id"] for row in await self._fetch(_CONCERNED, name, first)]
        for start in range(0, len(concerned), AT_ONCE):
            await self._add(concerned[start : start + AT_ONCE])
        return seen_on(tally.period, self._today)

    async def _add(self, ids: Sequence[UUID]) -> None:
        source = self._source.source
        rows = await self._connection.fetch(_ROWS, source, ids)
        facts = await self._connection.fetch(_FACTS, source, ids)
        raised = await self._connection.fetch(_RAISED, source, ids)
        await asyncio.to_thread(self._count, rows, facts, raised)

    def _count(self, rows: Sequence[Any], facts: Sequence[Any], raised: Sequence[Any]) -> None:
        facts_of: dict[UUID, list[Fact]] = {}
        for row in facts:
            fact = fact_of(recorded_of(self._source.source, row))
            facts_of.setdefault(fact.originator_id, []).append(fact)
        raised_of: dict[UUID, list[DeadlineState]] = {}
        for each in _decoded(raised):
            raised_of.setdefault(each.subject_id, []).append(each)
        for row in rows:
            case = _row.decode(row["row"])
            subject_id = case.subject_id
            self._tally.add_petition(case, facts_of.get(subject_id, []), raised_of.get(subject_id, []))

    async def _fetch(self, query: str, *given: object) -> Sequence[Any]:
        value = Values()
        value.given += given
        place = within(self._scope, value)
        rows: Sequence[Any] = await self._connection.fetch(query.format(within=place), *value.given)
        return rows

    async def _first_position(self, instant: datetime) -> int:
        """Return the first position recorded at or after an instant; positions and stamps grow together."""
        low, high = 1, self._source.position + 1
        while low < high:
            middle = (low + high) // 2
            recorded_at = await self._connection.fetchval(_RECORDED, self._source.source, middle)
            if recorded_at is not None and recorded_at < instant:
                low = middle + 1
            else:
                high = middle
        return low


async def _events(connection: Any, scope: Scope, period: Period) -> list[RaisedEvent]:
    first, after = midnight(period.first), midnight(period.last + timedelta(days=1))
    lowest = bytes(10)
    topics = [DeadlineBreached.TOPIC, DeadlineBreachRetracted.TOPIC]
    rows = await connection.fetch(_EVENTS, ordered_id(first, lowest), ordered_id(after, lowest), topics)
    decoded = (decode_state(row["topic"], row["state"]) for row in rows)
    return [
        RaisedEvent(event, meta)
        for event, meta in decoded
        if isinstance(event, DeadlineEvent) and scope.holds(meta.jurisdiction, event.source)
    ]


def _of_sources(names: Mapping[Coded, str], sources: Collection[str]) -> dict[Coded, str]:
    return {(source, code): name for (source, code), name in names.items() if source in sources}


def _decoded(rows: Iterable[Any]) -> list[DeadlineState]:
    return [_raised.decode(row["raised"]) for row in rows]
