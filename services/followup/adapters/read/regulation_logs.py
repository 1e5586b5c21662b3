"""The regulation of each source as it was read, and the facts on which a policy can be tried."""

from typing import Any

import asyncpg

from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.pagination import read
from services.followup.adapters.store.projection import recorded_of
from services.followup.application.access import Scope
from services.followup.domain.facts import Fact, fact_of, is_regulation
from services.followup.domain.regulation import RegulationLog

_ROW = "source, position, event_id, originator_id, version, topic, recorded_at, state"
_TOPICS = (
    "CalendarProposed",
    "CalendarPublished",
    "DialoguePlanAdopted",
    "JurisdictionClosed",
    "JurisdictionRegistered",
    "PolicyAdopted",
    "RecordAnnulled",
)
_REGULATION = f"SELECT {_ROW} FROM facts WHERE NOT is_petition AND topic = ANY($1) ORDER BY source, position"
#: What cannot be applied waits outside of every case, here too.
_HISTORY = f"""
SELECT {_ROW} FROM facts f WHERE source = $1 AND (
    NOT is_petition OR originator_id IN (
        SELECT subject_id FROM cases WHERE source = $1 AND subject = 'petition' AND {{within}}
    )
) AND NOT EXISTS (
    SELECT 1 FROM parked_events p WHERE p.source = f.source AND p.position = f.position AND p.released_at IS NULL
) ORDER BY position LIMIT {{most}}
"""


class RegulationLogs:
    """Reads of the projection behind a pool whose search path begins with its schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def by_source(self) -> dict[str, RegulationLog]:
        """Return what each source has recorded of places, rules, calendars and plans."""

        async def work(connection: Any) -> dict[str, RegulationLog]:
            found: dict[str, list[Fact]] = {}
            for row in await connection.fetch(_REGULATION, list(_TOPICS)):
                fact = fact_of(recorded_of(row["source"], row))
                if is_regulation(fact):
                    found.setdefault(row["source"], []).append(fact)
            return {source: RegulationLog(facts) for source, facts in found.items()}

        return await read(self._pool, work)

    async def history(self, source: str, place: str, most: int) -> list[Fact] | None:
        """Return what the deadlines of a subtree rest on, in the order recorded; None for more than `most` facts."""
        value = Values()
        value(source)
        statement = _HISTORY.format(within=within(Scope(place), value), most=most + 1)
        rows = await read(self._pool, lambda connection: connection.fetch(statement, *value.given))
        return [fact_of(recorded_of(source, row)) for row in rows] if len(rows) <= most else None
