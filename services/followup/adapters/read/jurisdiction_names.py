"""The names under which jurisdictions were registered."""

from typing import Any

from shared.events import decode_state
from shared.events.regulation import JurisdictionRegistered
from shared.identifiers import derived_id

_REGISTERED = """
SELECT topic, state FROM facts WHERE NOT is_petition AND topic = 'JurisdictionRegistered' ORDER BY source, position
"""
_NAMED = """
SELECT topic, state FROM facts WHERE originator_id = $1 AND topic = 'JurisdictionRegistered'
ORDER BY source DESC, position DESC LIMIT 1
"""


async def place_name(connection: Any, code: str) -> str:
    """Return the name of one place, registered last; empty for none."""
    row = await connection.fetchrow(_NAMED, derived_id("jurisdiction", code))
    event = decode_state(row["topic"], row["state"])[0] if row is not None else None
    return event.name if isinstance(event, JurisdictionRegistered) else ""


async def place_names(connection: Any) -> dict[str, str]:
    """Return the names by code; of several the last one registered."""
    events = [decode_state(row["topic"], row["state"])[0] for row in await connection.fetch(_REGISTERED)]
    return {event.code: event.name for event in events if isinstance(event, JurisdictionRegistered)}
