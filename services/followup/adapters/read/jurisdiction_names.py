"""The names under which jurisdictions were registered."""

from typing import Any

from services.followup.application.access import Coded
from shared.events import decode_state
from shared.events.regulation import JurisdictionRegistered
from shared.identifiers import derived_id

_REGISTERED = """
SELECT source, topic, state FROM facts WHERE NOT is_petition AND topic = 'JurisdictionRegistered' AND $1 IN ('', source)
ORDER BY source, position
"""
_NAMED = """
SELECT topic, state FROM facts WHERE originator_id = $1 AND topic = 'JurisdictionRegistered' AND $2 IN ('', source)
ORDER BY source DESC, position DESC LIMIT 1
"""


async def place_name(connection: Any, code: str, source: str = "") -> str:
    """Return the name of one place, registered last; empty for none."""
    row = await connection.fetchrow(_NAMED, derived_id("jurisdiction", code), source)
    event = decode_state(row["topic"], row["state"])[0] if row is not None else None
    return event.name if isinstance(event, JurisdictionRegistered) else ""


async def place_names(connection: Any, source: str) -> dict[str, str]:
    """Return the names of a source's places by code; of several the last one registered."""
    return {code: name for (_, code), name in (await every_place(connection, source)).items()}


async def every_place(connection: Any, source: str = "") -> dict[Coded, str]:
    """Return the names by source and code, of every source unless one is given."""
    found: dict[Coded, str] = {}
    for row in await connection.fetch(_REGISTERED, source):
        event, _ = decode_state(row["topic"], row["state"])
        if isinstance(event, JurisdictionRegistered):
            found[row["source"], event.code] = event.name
    return found
