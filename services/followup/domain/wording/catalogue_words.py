"""What the entries of catalogues are called, and the fields of petitions by them. Pure.

Few fields are recorded of many petitions, and each look through the catalogues takes a while: it is taken once.
"""

from collections.abc import Callable
from functools import cache

from services.followup.domain.wording.names import Bilingual
from shared.cases.catalogues import CatalogueLog
from shared.events.regulation import CatalogueEntry


def entry_words(entry: CatalogueEntry) -> Bilingual:
    """What an entry is called: in Vietnamese where it has no English title."""
    return Bilingual(entry.title, entry.title_en or entry.title)


def field_entries(catalogues: CatalogueLog) -> Callable[[str, str], CatalogueEntry | None]:
    """The entry that a field, recorded at a place, means as known now; None where no catalogue has it."""

    @cache
    def entry(place: str, field: str) -> CatalogueEntry | None:
        return catalogues.known(place, "field", field) if field else None

    return entry


def field_titles(catalogues: CatalogueLog) -> Callable[[str, str], Bilingual]:
    """What a field, recorded at a place, is called: the title of its entry, or itself where no catalogue has it."""
    entries = field_entries(catalogues)

    def title(place: str, field: str) -> Bilingual:
        entry = entries(place, field)
        return entry_words(entry) if entry else Bilingual(field, field)

    return title
