"""What catalogues make of cases and reports: old texts are counted, found and shown by the titles of their codes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reports import Reports
from services.followup.application.access import Scope
from services.followup.console.catalogues import catalogue_rows
from services.followup.console.targets import NOT_REGISTERED, FormTarget
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.queries import query_routes
from services.followup.entrypoints.reports import report_routes
from shared.events.petition import PetitionClassified
from shared.events.regulation import CatalogueAdopted, CatalogueEntry, CatalogueMapped, MappedText
from shared.http.auth import Callers
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import day
from tests.support.projection import AUTUMN, COMMUNE, Pool, dialogue, petition, project

DISTRICT = "H35.10"
ENTRIES = (
    CatalogueEntry(code="dd", title="Đất đai, nhà ở", title_en="Land and housing"),
    CatalogueEntry(code="gd", title="Giáo dục", title_en="Education"),
)


@pytest.fixture
async def pool(followup_dsn: str) -> AsyncIterator[Pool]:
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """Petitions of "đất đai" as they were written, one of them classified anew by its code, and the catalogue."""
    history = dialogue()
    for event in (
        CatalogueAdopted(effective_on=day("2019-07-20"), jurisdiction=DISTRICT, kind="field", entries=ENTRIES),
        CatalogueMapped(
            effective_on=day("2019-07-20"), jurisdiction=DISTRICT, kind="field",
            entries=(MappedText(text="đất đai", code="dd"),),
        ),
    ):  # fmt: skip
        history.record(derived_id("catalogue", DISTRICT, "field"), event)
    for name, field in (("complex", "gd"), ("extended", "dd")):
        place = COMMUNE if name == "extended" else DISTRICT
        again = PetitionClassified(effective_on=day("2019-07-20"), subject="Trường lớp", field=field)
        history.record(petition(name), again, jurisdiction=place)
    await project(pool, history, AUTUMN)
    queries = Queries(pool)
    app = make_app(
        [*query_routes(queries, LiveState(pool)), *report_routes(Reports(pool))], Callers(local_allowed=True)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as made:
        yield made


async def ids(client: httpx.AsyncClient, **query: str) -> set[str]:
    answer = await client.get("/v1/cases", params={"limit": "100", **query})
    assert answer.status_code == 200, answer.text
    return {item["subject_id"] for item in answer.json()["items"]}


async def test_case__shows_the_title_of_its_field(client: httpx.AsyncClient) -> None:
    async def field(name: str) -> tuple[str, dict[str, str]]:
        found = (await client.get(f"/v1/cases/{petition(name)}")).json()
        return found["field"], found["field_title"]

    land = {"vi": "Đất đai, nhà ở", "en": "Land and housing"}
    assert await field("overdue") == ("đất đai", land)
    assert await field("extended") == ("dd", land)
    assert await field("complex") == ("gd", {"vi": "Giáo dục", "en": "Education"})
    assert await field("elsewhere") == ("đất đai", {"vi": "đất đai", "en": "đất đai"})


async def test_report__counts_old_texts_with_their_code(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/reports", params={"period": "2019", "jurisdiction": DISTRICT})).json()
    lines: list[Any] = answer["cases"]["by_field"]
    assert [(line["key"], line["name"]["vi"]) for line in lines] == [("dd", "Đất đai, nhà ở"), ("gd", "Giáo dục")]
    assert sum(line["total"] for line in lines) == answer["cases"]["total"]["total"]
    csv = (await client.get("/v1/reports", params={"period": "2019", "table": "cases", "format": "csv"})).text
    assert 'field,dd,"Đất đai, nhà ở"' in csv and "field,đất đai,đất đai" in csv


async def test_search__finds_the_title_and_the_filter_every_text(client: httpx.AsyncClient) -> None:
    old, coded, school = (str(petition(name)) for name in ("overdue", "extended", "complex"))
    for query in ({"q": "nha o"}, {"q": "Nhà ở"}, {"q": "housing"}, {"field": "dd"}, {"field": "Đất đai, nhà ở"}):
        found = await ids(client, **query)
        assert {old, coded} <= found and school not in found, query
    assert await ids(client, q="giao duc") == await ids(client, field="gd") == {school}
    totals = (await client.get("/v1/cases/totals", params={"field": "dd"})).json()
    assert totals["total"]["count"] == len(await ids(client, field="dd"))


async def test_form__begins_with_the_catalogue_and_with_the_texts_without_code(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    queries, scope = Queries(pool), Scope()

    def at(place: str) -> FormTarget:
        return FormTarget("test", "jurisdiction", place, place, NOT_REGISTERED, None)

    rows = await catalogue_rows(queries, scope, at(COMMUNE), "CatalogueAdopted", "field")
    assert rows["kind"] == "field" and rows["entries.1.title_en"] == "Education"
    assert await catalogue_rows(queries, scope, at("H40"), "CatalogueMapped", "field") == {
        "kind": "field",
        "entries.0.text": "đất đai",
    }
    assert await queries.fields_without_code(scope, DISTRICT, "test") == []


async def test_field__that_thousands_of_texts_mean_is_looked_for(pool: Pool) -> None:
    history = dialogue()
    texts = [f"văn bản cũ số {number} {'về đường vào bản ' * 20}"[:300] for number in range(6000)]
    adopted = CatalogueAdopted(effective_on=day("2019-07-20"), jurisdiction=DISTRICT, kind="field", entries=ENTRIES)
    history.record(derived_id("catalogue", DISTRICT, "field"), adopted)
    for first in range(0, len(texts), 1000):
        entries = tuple(MappedText(text=text, code="dd") for text in texts[first : first + 1000])
        mapped = CatalogueMapped(effective_on=day("2019-07-20"), jurisdiction=DISTRICT, kind="field", entries=entries)
        history.record(derived_id("catalogue", DISTRICT, "field"), mapped)
    again = PetitionClassified(effective_on=day("2019-07-20"), subject="Đường", field=texts[5999])
    history.record(petition("complex"), again, jurisdiction=DISTRICT)
    await project(pool, history, AUTUMN)
    app = make_app(query_routes(Queries(pool), LiveState(pool)), Callers(local_allowed=True))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert str(petition("complex")) in await ids(client, field="dd")
        assert str(petition("complex")) in await ids(client, q="nhà ở")
