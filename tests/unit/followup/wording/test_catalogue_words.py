"""What fields are called by the catalogues."""

from datetime import date

from services.followup.domain.wording.catalogue_words import field_titles
from services.followup.domain.wording.names import Bilingual
from shared.cases.catalogues import CatalogueLog
from shared.events.regulation import CatalogueAdopted, CatalogueEntry, CatalogueKind


class Looked(CatalogueLog):
    """A log that counts how often it was looked through."""

    def __init__(self) -> None:
        super().__init__({})
        self.times = 0

    def known(self, place: str, kind: CatalogueKind, text: str) -> CatalogueEntry | None:
        self.times += 1
        return super().known(place, kind, text)


def test_field__is_called_by_its_title_and_looked_for_once_a_place() -> None:
    log = Looked()
    entries = (
        CatalogueEntry(code="dat", title="Đất đai", title_en="land"),
        CatalogueEntry(code="gt", title="Giao thông"),
    )
    log.add(CatalogueAdopted(effective_on=date(2026, 1, 1), jurisdiction="H35", kind="field", entries=entries))
    title = field_titles(log)
    for _ in range(3):
        assert title("H35.10", "đất đai") == Bilingual("Đất đai", "land")
        assert title("H35.10", "gt") == Bilingual("Giao thông", "Giao thông")
        assert title("H36", "gt") == Bilingual("gt", "gt")
        assert title("H35.10", "") == Bilingual("", "")
    assert log.times == 3
