"""The names under which jurisdictions were registered."""

from collections.abc import Sequence
from typing import Any

from services.followup.application.access import Coded, by_code_alone
from shared.events import decode_state
from shared.events.regulation import JurisdictionRegistered
from shared.identifiers import derived_id

_REGISTERED = """
SELECT source, topic, state FROM facts WHERE NOT is_petition AND topic = 'JurisdictionRegistered' AND $1 IN ('', source)
ORDER BY source, position
"""
_NAMED = """
SELECT source, topic, state FROM facts
WHERE originator_id = $1 AND topic = 'JurisdictionRegistered' AND $2 IN ('', source) ORDER BY source, position
"""


async def place_name(connection: Any, code: str, source: str = "") -> str:
    """Return the name of one place, registered last; empty for none. Without a source those of all that have it."""
    rows = await connection.fetch(_NAMED, derived_id("jurisdiction", code), source)
    return by_code_alone(_by_source(rows)).get(code, "")


async def place_names(connection: Any, source: str) -> dict[str, str]:
    """Return the names of a source's places by code; of several the last one registered."""
    return {code: name for (_, code), name in (await every_place(connection, source)).items()}


async def every_place(connection: Any, source: str = "") -> dict[Coded, str]:
    """Return the names by source and code, of every source unless one is given."""
    return _by_source(await connection.fetch(_REGISTERED, source))


def _by_source(rows: Sequence[Any]) -> dict[Coded, str]:
    found: dict[Coded, str] = {}
    for row in rows:
        event, _ = decode_state(row["topic"], row["state"])
        if isinstance(event, JurisdictionRegistered):
            found[row["source"], event.code] = event.name
    return found
