"""What the form of a catalogue begins with."""

from datetime import date
from typing import Any

import pytest

from services.followup.adapters.intake_client import Refusal
from services.followup.application.access import Scope
from services.followup.console.catalogues import catalogue_rows
from services.followup.console.command_forms import MAX_ROWS
from services.followup.console.targets import FormTarget
from services.followup.domain.wording.names import Bilingual
from shared.cases.catalogues import CatalogueLog
from shared.events.regulation import CatalogueAdopted, CatalogueEntry

PLACE = "H35.10"


class OneCatalogue:
    """A store with one catalogue, of some entries."""

    def __init__(self, entries: int) -> None:
        self._entries = tuple(CatalogueEntry(code=f"c{n}", title=f"Mục {n}") for n in range(entries))

    async def catalogues(self, source: str) -> CatalogueLog:
        log = CatalogueLog({})
        log.add(
            CatalogueAdopted(effective_on=date(2026, 1, 1), jurisdiction=PLACE, kind="field", entries=self._entries)
        )
        return log


async def rows(entries: int) -> dict[str, str]:
    queries: Any = OneCatalogue(entries)
    target = FormTarget("local", "jurisdiction", PLACE, PLACE, Bilingual("", ""), None)
    return await catalogue_rows(queries, Scope(PLACE), target, CatalogueAdopted.TOPIC, "field")


async def test_new_catalogue__begins_with_every_entry_of_the_one_that_stands() -> None:
    filled = await rows(MAX_ROWS)
    assert [filled[f"entries.{n}.code"] for n in range(MAX_ROWS)] == [f"c{n}" for n in range(MAX_ROWS)]


async def test_new_catalogue__that_no_form_holds_is_not_begun_without_some_entries() -> None:
    with pytest.raises(Refusal, match="more than 100 entries"):
        await rows(MAX_ROWS + 1)
