"""What a caller sees because its body has taken over from one that is no more."""

from typing import Any

from services.followup.adapters.store.projection import recorded_of
from services.followup.application.access import Coded, Heirs, Scope
from services.followup.domain.facts import Fact, fact_of
from services.followup.domain.regulation import Ended, RegulationLog
from shared.cases.successors import successor
from shared.identifiers import NATION

_CLOSED_PLACES = """
SELECT source, position, event_id, originator_id, version, topic, recorded_at, state FROM facts
WHERE NOT is_petition AND topic IN ('JurisdictionClosed', 'RecordAnnulled') ORDER BY source, position
"""
_CLOSED_AGENCIES = "SELECT source, code, closed_on, successor FROM agencies WHERE closed_on IS NOT NULL"


async def reached(connection: Any, scope: Scope, jurisdiction: str = "") -> Scope | None:
    """Return the scope with what its bodies have inherited, within a subtree if one is asked for; None for nothing."""
    places: dict[Coded, str] = {}
    agencies: dict[Coded, str] = {}
    if scope.jurisdiction != NATION or jurisdiction not in ("", NATION):
        places = await heirs_of_places(connection)
    if scope.agency:
        closed: dict[str, dict[str, Ended]] = {}
        for row in await connection.fetch(_CLOSED_AGENCIES):
            closed.setdefault(row["source"], {})[row["code"]] = Ended(row["closed_on"], row["successor"])
        agencies = {(of, code): successor(code, None, ended) for of, ended in closed.items() for code in ended}
    return scope.reached(Heirs(places, agencies), jurisdiction)


async def heirs_of_places(connection: Any) -> dict[Coded, str]:
    """Return who has taken over from each place that has ended, by its source and code."""
    closings: dict[str, list[Fact]] = {}
    for row in await connection.fetch(_CLOSED_PLACES):
        fact = fact_of(recorded_of(row["source"], row))
        if fact.meta.aggregate == "jurisdiction":
            closings.setdefault(row["source"], []).append(fact)
    places: dict[Coded, str] = {}
    for source, facts in closings.items():
        known = RegulationLog(facts)
        for code in known.ended_jurisdictions:
            places[source, code] = known.successor_of_jurisdiction(code, None)
    return places
