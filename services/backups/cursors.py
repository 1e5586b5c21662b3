"""How far a followup has read each source, as its database says."""

from typing import Any

from services.backups.catalog import ReadUpTo

_CURSORS = "SELECT source, position, event_id FROM followed.sources ORDER BY source"


async def cursors_of(connection: Any) -> tuple[ReadUpTo, ...]:
    """One a source, by name."""
    return tuple(ReadUpTo(*row.values()) for row in await connection.fetch(_CURSORS))
