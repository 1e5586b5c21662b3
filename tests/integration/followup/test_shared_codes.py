"""Two sources that have the same places, agencies and catalogues: each one's names stand on its own pages alone."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.application.access import Scope
from services.followup.domain.letters.digest import Recipient
from shared.events.petition import PetitionAssigned, PetitionClassified
from shared.events.regulation import (
    AgencyClosed,
    AgencyRegistered,
    CatalogueAdopted,
    CatalogueEntry,
    JurisdictionClosed,
    JurisdictionRegistered,
)
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import DISTRICT, History, at, day
from tests.support.projection import project
from tests.support.reading import read_side

AGENCY, OTHER = "H35.10.3", "H35.10.4"
NOW = "2019-10-20 09:00"
#: What each source calls the same codes.
NAMES = {"one": ("Huyện Một", "Phòng Một", "Đất đai một"), "two": ("Huyện Hai", "Phòng Hai", "Đất đai hai")}


def told(source: str) -> History:
    """A conference whose one petition is overdue; in `two` the agency was closed, and another took over from it."""
    place, agency, field = NAMES[source]
    history = History(source)
    registered = JurisdictionRegistered(
        effective_on=day("2019-01-01"), code=DISTRICT, name=place, level="district", valid_from=day("2004-01-01")
    )
    history.record(derived_id("jurisdiction", DISTRICT), registered, at("2019-01-02 08:00"), jurisdiction=DISTRICT)
    for code, name in ((AGENCY, agency), (OTHER, f"{agency} mới")):
        body = AgencyRegistered(
            effective_on=day("2019-01-02"), code=code, name=name, jurisdiction=DISTRICT, valid_from=day("2004-01-01")
        )
        history.record(derived_id("agency", code), body)
    entries = (CatalogueEntry(code="DAT", title=field),)
    adopted = CatalogueAdopted(effective_on=day("2019-01-03"), jurisdiction=DISTRICT, kind="field", entries=entries)
    history.record(derived_id("catalogue", DISTRICT, "field"), adopted)
    history.adopt_plan_570()
    petition = history.receive(f"p-{source}", "2019-07-10")
    classified = PetitionClassified(effective_on=day("2019-07-10"), subject=f"Việc của {source}", field="DAT")
    history.record(petition, classified)
    history.hold(history.plan(f"c-{source}", "2019-08-23"), petition, first="2019-08-23")
    history.record(petition, PetitionAssigned(effective_on=day("2019-08-28"), agency=AGENCY), "2019-08-28 09:00")
    if source == "two":
        closed = AgencyClosed(effective_on=day("2019-10-01"), code=AGENCY, successor=OTHER)
        history.record(derived_id("agency", AGENCY), closed, "2019-10-01 09:00")
    return history


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        for source in NAMES:
            await project(made, told(source), NOW)
        yield made


@pytest.fixture
async def client(pool: asyncpg.Pool, followup_dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with read_side(pool, followup_dsn) as made:
        yield made


@pytest.mark.parametrize(("source", "other"), [("one", "two"), ("two", "one")])
async def test_page__names_bodies_places_and_fields_as_its_own_source_does(
    client: httpx.AsyncClient, source: str, other: str
) -> None:
    pages = (
        f"/cases/{derived_id('petition', f'p-{source}')}",
        f"/cases/{derived_id('conference', f'c-{source}')}",
        f"/jurisdictions/{DISTRICT}@{source}",
        f"/jurisdictions/{DISTRICT}@{source}/catalogues",
    )
    for address in pages:
        page = await client.get(address)
        assert page.status_code == 200, page.text
        assert any(name in page.text for name in NAMES[source]), address
        assert not any(name in page.text for name in NAMES[other]), address


async def test_place_of_two_sources__is_one_of_each(client: httpx.AsyncClient) -> None:
    tree = (await client.get("/jurisdictions")).text
    for source, (place, *_) in NAMES.items():
        assert f'<a href="/jurisdictions/{DISTRICT}@{source}">{place}</a>' in tree
    unnamed = await client.get(f"/jurisdictions/{DISTRICT}", headers={"Accept": "application/problem+json"})
    assert unnamed.status_code == 409 and "one, two" in unnamed.text
    rules = (await client.get("/rules")).text
    assert f'value="{DISTRICT}@one" selected' in rules and f'value="{DISTRICT}@two"' in rules
    case = f"/v1/cases/{derived_id('jurisdiction', DISTRICT)}"
    answer = await client.get(case)
    assert answer.status_code == 409 and answer.json()["field"] == "source"
    for source in NAMES:
        found = (await client.get(case, params={"source": source})).json()
        assert {each["source"] for each in (found, *found["deadlines"])} == {source}
        deadlines = await client.get(
            "/v1/deadlines", params={"subject_id": str(derived_id("jurisdiction", DISTRICT)), "source": source}
        )
        assert {each["source"] for each in deadlines.json()["items"]} == {source}


async def test_name_of_a_place__is_that_of_a_source_or_those_of_all(pool: asyncpg.Pool) -> None:
    queries = Queries(pool)
    assert [await queries.place_name(DISTRICT, source) for source in NAMES] == ["Huyện Một", "Huyện Hai"]
    assert await queries.place_name(DISTRICT) == "Huyện Một / Huyện Hai"
    assert (await queries.places(Scope()))[DISTRICT] == "Huyện Một / Huyện Hai"
    assert await queries.place_name("H99") == ""


async def test_lists__name_each_row_as_its_source_does(client: httpx.AsyncClient) -> None:
    for address in ("/cases", "/"):
        page = (await client.get(address)).text
        page, _, urged = page.partition("<p>Đôn đốc: ")
        rows = re.findall(r"Việc của (one|two)(.*?)(?=Việc của|</main>|$)", page, re.DOTALL)
        assert {source for source, _ in rows} == {"one", "two"}, address
        for source, row in rows:
            theirs = next(names for name, names in NAMES.items() if name != source)
            assert NAMES[source][1] in row and not any(name in row for name in theirs), address
    assert f'<a href="/remind/{AGENCY}@one">Phòng Một</a>' in urged
    assert f'<a href="/remind/{OTHER}@two">Phòng Hai mới</a>' in urged
    table = (await client.get("/v1/cases.csv")).text
    for source, names in NAMES.items():
        (line,) = [each for each in table.splitlines() if f"Việc của {source}" in each]
        assert all(name in line for name in names)


async def test_who_took_over_in_one_source__sees_nothing_more_of_the_other(pool: asyncpg.Pool) -> None:
    queries, heir = Queries(pool), Scope(DISTRICT, OTHER)
    seen = {source: await queries.case(heir, derived_id("petition", f"p-{source}")) for source in NAMES}
    assert seen["one"] is None and seen["two"] is not None


async def test_place_inherited_in_one_source__shows_no_deadline_of_the_other(followup_dsn: str) -> None:
    ended, place = told("two"), derived_id("jurisdiction", DISTRICT)
    ended.record(place, JurisdictionClosed(effective_on=day("2019-10-05"), code=DISTRICT, successor="H40"))
    async with projection_pool(followup_dsn) as pool:
        for history in (told("one"), ended):
            await project(pool, history, NOW)
        queries = Queries(pool)
        for source in NAMES:
            file = await queries.case(Scope(), place, source)
            assert file is not None and file.deadlines
            found = [await queries.deadline(Scope("H40"), each.raised.deadline_id) for each in file.deadlines]
            assert [each is not None for each in found] == [source == "two"] * len(found)


async def test_letters_and_digests__are_signed_by_their_own_source(pool: asyncpg.Pool) -> None:
    queries = Queries(pool)
    for source, (place, agency, _) in NAMES.items():
        file = await queries.case(Scope(), derived_id("petition", f"p-{source}"))
        assert file is not None
        late = [each for each in file.deadlines if each.raised.is_open and each.raised.breached]
        letters = await Reminders(pool, queries).letters(late)
        assert letters and {letter.place for letter in letters} == {place}
        assert {letter.debtor for letter in letters} <= {agency, f"{agency} mới"} | {
            each.debtor for each in letters if each.raised.debtor in ("office", "chair")
        }
        digest = await StoredDigests(pool).digest(source, Recipient(AGENCY, ()), day("2019-10-20"), day("2019-10-20"))
        assert digest.name == agency


async def test_field__is_what_its_own_source_calls_so(pool: asyncpg.Pool) -> None:
    queries = Queries(pool)
    for source, other in (("one", "two"), ("two", "one")):
        for wanted in (CaseFilter(text=f"đất đai {NAMES[source][2][-3:]}"), CaseFilter(field=NAMES[source][2])):
            page = await queries.cases(Scope(), wanted, 50)
            assert {case.source for case in page.items} == {source}, (wanted, other)
    both = await queries.cases(Scope(), CaseFilter(field="DAT"), 50)
    assert {case.source for case in both.items} == set(NAMES)
    assert (await queries.case_totals(Scope(), CaseFilter(text="đất đai"))).total.count == len(both.items)


async def test_report__of_one_source_counts_its_own_bodies(client: httpx.AsyncClient) -> None:
    def of(report: dict[str, Any]) -> dict[str, tuple[str, int]]:
        return {line["key"]: (line["name"]["vi"], line["total"]) for line in report["cases"]["by_agency"]}

    reports = {
        source: (await client.get("/v1/reports", params={"period": "2019", "source": source})).json()
        for source in ("one", "two", "")
    }
    assert of(reports["one"])[AGENCY] == ("Phòng Một", 1)
    assert [each["source"] for each in reports["two"]["sources"]] == ["two"]
    totals = {source: report["deadlines"]["total"] for source, report in reports.items()}
    for figure in ("total", "overdue", "breaches"):
        assert totals["one"][figure] + totals["two"][figure] == totals[""][figure] > totals["one"][figure] > 0
    page = await client.get("/reports/2019", params={"source": "one"})
    assert "Phòng Một" in page.text and "Phòng Hai" not in page.text and '<option value="one" selected>' in page.text
    unknown = await client.get("/v1/reports", params={"period": "2019", "source": "three"})
    assert unknown.status_code == 400
