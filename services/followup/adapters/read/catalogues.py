"""The catalogues of codes from which places choose."""

import functools
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
    rows = await connection.fetch(_ON_RECORD)
    return _log_of(tuple((row["topic"], row["state"]) for row in rows))


@functools.lru_cache(maxsize=2)
def _log_of(records: tuple[tuple[str, bytes], ...]) -> CatalogueLog:
    """The same for the same records: every list asks for them, and thousands of texts take long to be read."""
    ended: dict[str, Closable] = {}
    found = CatalogueLog(ended)
    for topic, state in records:
        event, _ = decode_state(topic, state)
        if isinstance(event, JurisdictionClosed):
            ended[event.code] = _Ended(event)
        elif isinstance(event, CatalogueAdopted | CatalogueMapped):
            found.add(event)
    return found
