"""Finding, counting and exporting cases over real HTTP, and what waits: to whom, in which words, and how it refuses."""

import asyncio
import csv
import io
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.followup.adapters.read import case_listings
from services.followup.entrypoints import case_files, cases
from shared.events.petition import PetitionClassified
from shared.http.auth import Callers, Role, mint_token
from tests.support.following import projection_pool
from tests.support.history import day
from tests.support.postgres import TestServer
from tests.support.projection import (
    AUTUMN,
    COMMUNE,
    EDUCATION,
    ENVIRONMENT,
    PACKAGES,
    TITLES,
    dialogue,
    petition,
    project,
)
from tests.support.reading import read_side

FORMULA = "=HYPERLINK(1) đường"
CALLERS: list[tuple[str, Role, str, str]] = [
    ("office", "office", "H35.10", ""),
    ("education", "agency", "H35.10", EDUCATION),
]


@pytest.fixture(scope="module")
def autumn_dsn(pg_server: TestServer) -> str:
    """The conference of August 2019 in autumn, with one title that a spreadsheet would take for a formula."""
    return asyncio.run(in_autumn(pg_server))


async def in_autumn(pg_server: TestServer) -> str:
    dsn = await pg_server.fresh(*PACKAGES)
    history = dialogue()
    classified = PetitionClassified(effective_on=day("2019-09-20"), subject=FORMULA, field="đất đai", urgency="urgent")
    history.record(petition("elsewhere"), classified, "2019-09-20 09:00", jurisdiction="H40.2")
    async with projection_pool(dsn) as pool:
        await project(pool, history, AUTUMN)
    return dsn


@pytest.fixture
async def client(autumn_dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """The caller `local`."""
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn) as client:
        yield client


async def asked(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, **query: str) -> Any:
    answer = await client.get(path, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def titles(client: httpx.AsyncClient, **query: str) -> list[str]:
    return [case["title"] for case in (await asked(client, "/v1/cases", **query))["items"]]


async def test_words__with_and_without_marks(client: httpx.AsyncClient) -> None:
    assert set(await titles(client, q="duong")) == {TITLES["replied"], FORMULA}
    assert set(await titles(client, q="sua DUONG")) == {TITLES["replied"]}
    assert await titles(client, q="đường liên") == [TITLES["replied"]]
    assert await titles(client, q="phòng giáo dục") == [TITLES["complex"]]  # the agency's name
    assert await titles(client, q=EDUCATION.lower()) == [TITLES["complex"]]
    assert await titles(client, q="Thieu nuoc") == [TITLES["extended"]]
    assert await titles(client, q="nuóc") == [TITLES["late"], TITLES["extended"]]  # nothing has it so
    assert await titles(client, q="xyzzy") == []


@pytest.mark.parametrize(
    "text", ["'", "%", "_", "&", "|", "!", ":*", "\\", '"', "a' | 'b", "(", "<->", "=field đất đai"]
)
async def test_text__that_means_something_elsewhere_means_nothing(client: httpx.AsyncClient, text: str) -> None:
    assert await titles(client, q=text) == []


async def test_text__too_long_or_with_a_nul_is_refused_by_its_field(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/cases", params={"q": "ă" * 201})
    assert (answer.status_code, answer.json()["field"]) == (400, "q")
    assert (await client.get("/v1/cases?q=a%00b")).status_code == 400


async def test_filters_and_orders(client: httpx.AsyncClient) -> None:
    assert await titles(client, urgency="urgent") == [FORMULA]
    assert set(await titles(client, ended="true")) == {TITLES["answered"]}
    assert len(await titles(client, ended="false")) == len(TITLES) - 1
    assert await titles(client, due_from="2019-10-02", due_to="2019-12-01") == [TITLES["complex"], TITLES["extended"]]
    assert await titles(client, received_to="2019-07-09") == []
    by_title = await titles(client, sort="title", jurisdiction="H35")
    assert by_title[:2] == [TITLES["overdue"], TITLES["complex"]] and by_title[-1] == TITLES["waiting"]
    assert await titles(client, sort="-title", jurisdiction="H35") == by_title[::-1]
    assert (await titles(client, sort="-late"))[0] == TITLES["replied"]
    for wrong in ({"sort": "size"}, {"due_from": "yesterday"}, {"conference": "c"}, {"ended": "maybe"}):
        answer = await client.get("/v1/cases", params=wrong)
        assert (answer.status_code, answer.json()["field"]) == (400, next(iter(wrong)))


async def test_cursor__of_another_order_is_refused(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/cases", params={"sort": "title", "limit": "2"})
    following = first.links["next"]["url"]
    assert len((await client.get(following)).json()["items"]) == 2
    answer = await client.get(following.replace("sort=title", "sort=-title"))
    assert answer.status_code == 400 and answer.json()["type"].endswith("invalid-cursor")


async def test_totals__of_the_answer_and_by_state(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await asked(client, "/v1/cases/totals", state="assigned")
    assert found["total"] == {"count": 3, "more": False, "words": {"vi": "3", "en": "3"}}
    assert {state: n["count"] for state, n in found["by_state"].items() if n["count"]}["no_clock"] == 2
    monkeypatch.setattr(case_listings, "COUNTED", 2)
    found = await asked(client, "/v1/cases/totals", q="duong thieu") | await asked(client, "/v1/cases/totals")
    assert found["total"] == {"count": 2, "more": True, "words": {"vi": "2+", "en": "2+"}}
    assert found["by_state"]["escalated"]["more"] is False


async def test_work__overdue_due_soon_and_undecided(client: httpx.AsyncClient) -> None:
    found = await asked(client, "/v1/work")
    assert [each["due_on"] for each in found["overdue"]["items"]] == sorted(
        e["due_on"] for e in found["overdue"]["items"]
    )
    first = next(each for each in found["overdue"]["items"] if each["subject"] == "petition")
    assert (first["title"], first["due_on"], first["duty"]) == (TITLES["replied"], "2019-09-05", "reply_report")
    assert first["words"] == {"vi": f"{first['days']:02} ngày làm việc", "en": f"{first['days']} working days"}
    assert first["days"] == 18  # from Friday 6 September to Tuesday 1 October
    assert found["overdue"]["total"]["count"] == len(found["overdue"]["items"])
    (soon,) = found["due_soon"]["items"]
    assert (soon["title"], soon["due_on"], soon["days"]) == (TITLES["complex"], "2019-10-07", 4)
    # What is on the agenda of a conference to come waits for nobody.
    assert [(each["title"], each["decision"]) for each in found["undecided"]["items"]] == [(FORMULA, "schedule")]
    assert found["undecided"]["total"]["count"] == 1
    assert found["later"] == []
    assert len((await asked(client, "/v1/work", limit="1"))["overdue"]["items"]) == 1


async def test_csv__is_for_spreadsheets_and_harmless(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/cases.csv", params={"q": "duong"})
    assert answer.content.startswith(b"\xef\xbb\xbf") and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kien-nghi-2019-10-01.csv"'
    head, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head[:2] == ["Mã tiếp nhận [receipt_code]", "Trích yếu [title]"]
    assert {line[1] for line in lines} == {TITLES["replied"], f"'{FORMULA}"}


async def test_xlsx__has_the_same_as_texts_and_days(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/cases.xlsx", params={"sort": "title"})
    assert answer.headers["Content-Type"] == case_files.XLSX
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    assert len(sheet.findall(".//m:row", space)) == len(TITLES) + 1
    assert sheet.findall(".//m:f", space) == []
    texts = [t.text for t in sheet.findall(".//m:t", space)]
    assert FORMULA in texts and TITLES["late"] in texts


async def test_files__say_when_they_are_cut(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_ROWS", 3)
    lines = (await client.get("/v1/cases.csv")).text.splitlines()
    assert len(lines) == 1 + 3 + 1 and "hãy lọc hẹp hơn" in lines[-1] and "narrow the filter" in lines[-1]
    assert (await client.get("/v1/cases.xlsx")).status_code == 200


async def test_everything__within_the_scope(autumn_dsn: str) -> None:
    minted = [mint_token(*each) for each in CALLERS]
    callers = Callers(tuple(entry for _, entry in minted), local_allowed=False)
    office, agency = ({"Authorization": f"Bearer {token}"} for token, _ in minted)
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers) as client:
        assert (await asked(client, "/v1/cases/totals", agency))["total"]["count"] == 2
        assert (await asked(client, "/v1/cases/totals", office))["total"]["count"] == len(TITLES) - 1
        assert (await asked(client, "/v1/cases", office, q="HYPERLINK"))["items"] == []
        assert (await asked(client, "/v1/cases", agency, q="o nhiem"))["items"] == []
        assert (await asked(client, "/v1/cases", agency, jurisdiction=COMMUNE, sort="title"))["items"] == []
        work = await asked(client, "/v1/work", agency)
        assert work["overdue"]["items"] == [] and [w["debtor"] for w in work["due_soon"]["items"]] == [EDUCATION]
        assert {(w["duty"], w["due_on"]) for w in work["later"]} == {
            ("prepared_answer", "2019-12-09"),
            ("result_report", None),
        }
        assert work["undecided"]["items"] == []
        work = await asked(client, "/v1/work", office)
        assert {w["debtor"] for w in work["overdue"]["items"]} >= {ENVIRONMENT}
        assert work["undecided"]["items"] == []
        held_without = {(w["subject"], w["duty"]) for w in work["held_without"]}
        assert ("conference", "invitation") in held_without
        assert not held_without & {(w["subject"], w["duty"]) for w in work["overdue"]["items"]}
        text = (await client.get("/v1/cases.csv", headers=agency)).text
        assert TITLES["complex"] in text and TITLES["overdue"] not in text
        assert (await client.get("/v1/work")).status_code == 401
