"""The catalogues of codes from which the places of each source choose."""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from services.followup.domain.wording.catalogue_words import field_titles
from services.followup.domain.wording.names import Bilingual
from shared.cases.catalogues import CatalogueLog
from shared.cases.successors import Closable
from shared.events import decode_state
from shared.events.regulation import CatalogueAdopted, CatalogueKind, CatalogueMapped, JurisdictionClosed

_ON_RECORD = """
SELECT source, topic, state FROM facts
WHERE NOT is_petition AND topic IN ('CatalogueAdopted', 'CatalogueMapped', 'JurisdictionClosed')
ORDER BY source, position
"""
_NONE = CatalogueLog({})


class _Ended:
    def __init__(self, event: JurisdictionClosed) -> None:
        self.closed_on, self.successor = event.effective_on, event.successor


class MeantIn(NamedTuple):
    """The codes and texts under which cases of some sources are kept; without sources, of those that no other names."""

    sources: tuple[str, ...]
    texts: tuple[str, ...]


class CatalogueLogs:
    """The catalogues and mappings on record, of each source by itself."""

    def __init__(self, by_source: Mapping[str, CatalogueLog]) -> None:
        self._by_source = by_source

    def of(self, source: str) -> CatalogueLog:
        """Return those of a source."""
        return self._by_source.get(source, _NONE)

    def field_titles(self) -> Callable[[str, str, str], Bilingual]:
        """Return what says the title of a field by its source, its place, and how it was written there."""
        titles = {source: field_titles(log) for source, log in self._by_source.items()}
        unlisted = field_titles(_NONE)
        return lambda source, place, text: titles.get(source, unlisted)(place, text)

    def titles(self, kind: CatalogueKind) -> list[str]:
        """Return the titles of a kind in every source."""
        return sorted({title for log in self._by_source.values() for title in log.titles(kind)})

    def texts_of(self, kind: CatalogueKind, texts: Collection[str], sources: Iterable[str]) -> list[MeantIn]:
        """Return the codes and texts under which cases are kept that some texts mean, themselves among them, by source.

        Sources in which they mean the same stand together. The last are those sources that are not named.
        """
        found: dict[tuple[str, ...], list[str]] = {}
        for source in sorted({*sources, *self._by_source}):
            found.setdefault(_meant(self.of(source), kind, texts), []).append(source)
        return [MeantIn(tuple(of), meant) for meant, of in found.items()] + [MeantIn((), _meant(_NONE, kind, texts))]


def _meant(log: CatalogueLog, kind: CatalogueKind, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for text in texts for each in log.texts_of(kind, text)))


async def catalogue_logs(connection: Any) -> CatalogueLogs:
    """Return every catalogue and mapping on record."""
    rows = await connection.fetch(_ON_RECORD)
    return _logs_of(tuple((row["source"], row["topic"], row["state"]) for row in rows))


@functools.lru_cache(maxsize=2)
def _logs_of(records: tuple[tuple[str, str, bytes], ...]) -> CatalogueLogs:
    """The same for the same records: every list asks for them, and thousands of texts take long to be read."""
    ended: dict[str, dict[str, Closable]] = {}
    found: dict[str, CatalogueLog] = {}
    for source, topic, state in records:
        event, _ = decode_state(topic, state)
        log = found.setdefault(source, CatalogueLog(ended.setdefault(source, {})))
        if isinstance(event, JurisdictionClosed):
            ended[source][event.code] = _Ended(event)
        elif isinstance(event, CatalogueAdopted | CatalogueMapped):
            log.add(event)
    return CatalogueLogs(found)
