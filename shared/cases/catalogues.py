"""Which catalogue stands at a place on a day, and which of its codes a text means. Pure.

The catalogue of a kind that the place itself adopted stands before that of the nearest one above it; of several that
one place adopted, the one from the latest day stands, and of the same day the one recorded last. A place that has ended
binds only itself.
"""

import functools
from collections.abc import Mapping, Sequence
from datetime import date

from shared.cases.successors import Closable
from shared.events.regulation import CatalogueAdopted, CatalogueEntry, CatalogueKind, CatalogueMapped, MappedText
from shared.identifiers import lineage, normalised

#: As the catalogues are known now: none is adopted for a day to come.
NOW = date.max


class _Adopted:
    """A catalogue on record, with its entries by what they are called; a list may ask for each of its cases."""

    def __init__(self, event: CatalogueAdopted) -> None:
        self.event = event

    @functools.cached_property
    def by_name(self) -> Mapping[str, CatalogueEntry]:
        """The entries by their codes and titles, however these are written."""
        return {name: entry for entry in reversed(self.event.entries) for name in _names(entry)}

    @functools.cached_property
    def by_code(self) -> Mapping[str, CatalogueEntry]:
        """The entries by their codes."""
        return {entry.code: entry for entry in reversed(self.event.entries)}

    def meant(self, folded: str, mapped_code: str) -> CatalogueEntry | None:
        """The entry that a folded text means, else the one of the code to which it is mapped."""
        return self.by_name.get(folded) or self.by_code.get(mapped_code)


class CatalogueLog:
    """Every catalogue and mapping on record. `bodies` tells which places have ended."""

    def __init__(self, bodies: Mapping[str, Closable]) -> None:
        self._bodies = bodies
        self._adopted: dict[tuple[str, CatalogueKind], list[_Adopted]] = {}
        self._mapped: dict[tuple[str, CatalogueKind], dict[str, MappedText]] = {}

    def add(self, event: CatalogueAdopted | CatalogueMapped) -> None:
        """Learn the next record."""
        key = (event.jurisdiction, event.kind)
        if isinstance(event, CatalogueMapped):
            texts = {_folded(mapped.text): mapped for mapped in event.entries}
            self._mapped[key] = self._mapped.get(key, {}) | texts
        else:
            adopted = [*self._adopted.get(key, ()), _Adopted(event)]
            # Sorting keeps the order recorded where the days are the same.
            self._adopted[key] = sorted(adopted, key=lambda each: each.event.effective_on)

    def standing(self, place: str, kind: CatalogueKind, day: date = NOW) -> CatalogueAdopted | None:
        """The catalogue that a place chooses from on a day; None where it writes as it likes."""
        found = self._standing(place, kind, day)
        return found.event if found is not None else None

    def _standing(self, place: str, kind: CatalogueKind, day: date) -> _Adopted | None:
        for code in lineage(place):
            if code != place and self._has_ended(code, day):
                continue
            for adopted in reversed(self._adopted.get((code, kind), ())):
                if adopted.event.effective_on <= day:
                    return adopted
        return None

    def meant(self, place: str, kind: CatalogueKind, text: str, day: date = NOW) -> CatalogueEntry | None:
        """The entry of the standing catalogue that a code, a title or a mapped text means; None where none does."""
        standing, folded = self._standing(place, kind, day), _folded(text)
        if standing is None:
            return None
        return standing.meant(folded, self._mapped_code(place, kind, folded))

    def known(self, place: str, kind: CatalogueKind, text: str) -> CatalogueEntry | None:
        """The entry that a recorded value means as known now, of a catalogue of the past too; None where none does."""
        if (found := self.meant(place, kind, text)) is not None:
            return found
        folded = _folded(text)
        mapped = self._mapped_code(place, kind, folded)
        past = (adopted for code in lineage(place) for adopted in reversed(self._adopted.get((code, kind), ())))
        return next((found for each in past if (found := each.meant(folded, mapped))), None)

    def texts_of(self, kind: CatalogueKind, text: str) -> tuple[str, ...]:
        """Every value that may be recorded for what a code, a title or a mapped text means at any place."""
        folded, every = _folded(text), [texts for (_, of), texts in self._mapped.items() if of == kind]
        mapped = [each for texts in every for each in texts.values()]
        codes = {texts[folded].code for texts in every if folded in texts}
        entries = [
            entry
            for (_, of), catalogues in self._adopted.items()
            if of == kind
            for adopted in catalogues
            for entry in adopted.event.entries
            if entry.code in codes or adopted.by_name.get(folded) is entry
        ]
        codes |= {entry.code for entry in entries}
        titles = (title for entry in entries for title in (entry.title, entry.title.lower()))
        written = (each.text for each in mapped if each.code in codes)
        return tuple(dict.fromkeys((text, *sorted(codes), *titles, *written)))

    def titles(self, kind: CatalogueKind) -> list[str]:
        """Every title that an entry of such a catalogue has or had, in both languages."""
        entries = (
            e for (_, of), every in self._adopted.items() if of == kind for each in every for e in each.event.entries
        )
        return list(dict.fromkeys(title for entry in entries for title in (entry.title, entry.title_en) if title))

    def _mapped_code(self, place: str, kind: CatalogueKind, folded: str) -> str:
        found = (self._mapped.get((code, kind), {}).get(folded) for code in lineage(place))
        return next((mapped.code for mapped in found if mapped is not None), "")

    def _has_ended(self, code: str, day: date) -> bool:
        body = self._bodies.get(code)
        return body is not None and body.closed_on is not None and body.closed_on <= day


def offered(catalogue: CatalogueAdopted, day: date) -> list[CatalogueEntry]:
    """The entries that can be chosen on a day."""
    return [entry for entry in catalogue.entries if entry.valid_until is None or day <= entry.valid_until]


def clashing(entries: Sequence[CatalogueEntry]) -> int | None:
    """The first entry with a code or a title that one before it has; None where each is told from all others."""
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if not seen.isdisjoint(_names(entry)):
            return number
        seen |= _names(entry)
    return None


def _names(entry: CatalogueEntry) -> set[str]:
    return {_folded(name) for name in (entry.code, entry.title, entry.title_en) if name}


def _folded(text: str) -> str:
    return " ".join(normalised(text).casefold().split())
