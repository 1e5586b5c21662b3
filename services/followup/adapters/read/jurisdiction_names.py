"""The names under which jurisdictions were registered."""

from typing import Any

from shared.events import decode_state
from shared.events.regulation import JurisdictionRegistered

_REGISTERED = """
SELECT topic, state FROM facts WHERE NOT is_petition AND topic = 'JurisdictionRegistered' ORDER BY source, position
"""


async def place_names(connection: Any) -> dict[str, str]:
    """Return the names by code; of several the last one registered."""
    events = [decode_state(row["topic"], row["state"])[0] for row in await connection.fetch(_REGISTERED)]
    return {event.code: event.name for event in events if isinstance(event, JurisdictionRegistered)}
