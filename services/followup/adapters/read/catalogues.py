"""The catalogues of codes from which places choose."""

from typing import Any

from shared.cases.catalogues import CatalogueLog
from shared.cases.successors import Closable
from shared.events import decode_state
from shared.events.regulation import CatalogueAdopted, CatalogueMapped, JurisdictionClosed

_ON_RECORD = """
SELECT topic, state FROM facts
WHERE NOT is_petition AND topic IN ('CatalogueAdopted', 'CatalogueMapped', 'JurisdictionClosed')
ORDER BY source, position
"""


class _Ended:
    def __init__(self, event: JurisdictionClosed) -> None:
        self.closed_on, self.successor = event.effective_on, event.successor


async def catalogue_log(connection: Any) -> CatalogueLog:
    """Return every catalogue and mapping on record."""
    ended: dict[str, Closable] = {}
    found = CatalogueLog(ended)
    for row in await connection.fetch(_ON_RECORD):
        event, _ = decode_state(row["topic"], row["state"])
        if isinstance(event, JurisdictionClosed):
            ended[event.code] = _Ended(event)
        elif isinstance(event, CatalogueAdopted | CatalogueMapped):
            found.add(event)
    return found
