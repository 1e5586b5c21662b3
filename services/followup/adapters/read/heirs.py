"""What a caller sees because its body has taken over from one that is no more."""

from typing import Any

from services.followup.adapters.store.projection import recorded_of
from services.followup.application.access import Heirs, Scope
from services.followup.domain.facts import fact_of
from services.followup.domain.regulation import Ended, RegulationLog
from shared.cases.successors import successor
from shared.identifiers import NATION

_CLOSED_PLACES = """
SELECT source, position, event_id, originator_id, version, topic, recorded_at, state FROM facts
WHERE NOT is_petition AND topic IN ('JurisdictionClosed', 'RecordAnnulled') ORDER BY source, position
"""
_CLOSED_AGENCIES = "SELECT code, closed_on, successor FROM agencies WHERE closed_on IS NOT NULL"


async def reached(connection: Any, scope: Scope, jurisdiction: str = "") -> Scope | None:
    """Return the scope with what its bodies have inherited, within a subtree if one is asked for; None for nothing."""
    places: dict[str, str] = {}
    agencies: dict[str, str] = {}
    if scope.jurisdiction != NATION or jurisdiction not in ("", NATION):
        closings = [fact_of(recorded_of(row["source"], row)) for row in await connection.fetch(_CLOSED_PLACES)]
        known = RegulationLog(fact for fact in closings if fact.meta.aggregate == "jurisdiction")
        places = {code: known.successor_of_jurisdiction(code, None) for code in known.ended_jurisdictions}
    if scope.agency:
        closed = {
            row["code"]: Ended(row["closed_on"], row["successor"]) for row in await connection.fetch(_CLOSED_AGENCIES)
        }
        agencies = {code: successor(code, None, closed) for code in closed}
    return scope.reached(Heirs(places, agencies), jurisdiction)
