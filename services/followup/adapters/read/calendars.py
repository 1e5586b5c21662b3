"""The working days that each source has published or proposed."""

from typing import Any

from services.followup.adapters.store.projection import recorded_of
from services.followup.domain.facts import Fact, fact_of
from services.followup.domain.regulation import RegulationLog
from shared.calendar import Calendar

_CALENDARS = """
SELECT source, position, event_id, originator_id, version, topic, recorded_at, state FROM facts
WHERE NOT is_petition AND topic IN ('CalendarPublished', 'CalendarProposed', 'RecordAnnulled')
ORDER BY source, position
"""


async def calendars(connection: Any) -> dict[str, Calendar]:
    """Return the calendar of each source as it is known now; a source without one is left out."""
    facts: dict[str, list[Fact]] = {}
    for row in await connection.fetch(_CALENDARS):
        fact = fact_of(recorded_of(row["source"], row))
        if fact.meta.aggregate == "calendar":
            facts.setdefault(row["source"], []).append(fact)
    return {source: RegulationLog(known).calendar for source, known in facts.items()}
