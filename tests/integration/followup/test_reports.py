"""Reports over a real projection: the figures of API, report and metrics agree; JSON, CSV and the printed page."""

import asyncio
import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings

from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.metrics_snapshot import MetricsQueries
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reports import Reports
from services.followup.application.access import Scope
from services.followup.console.language import COOKIE as LANGUAGE_COOKIE
from services.followup.console.pages import Pages
from services.followup.console.reports import report_pages
from services.followup.domain.reports.periods import parse_period
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.queries import query_routes
from services.followup.entrypoints.report_views import report_view
from services.followup.entrypoints.reports import report_routes
from shared.http.auth import Callers, mint_token
from tests.support.following import projection_pool
from tests.support.history import History
from tests.support.history_strategies import UNTIL, histories
from tests.support.postgres import TestServer
from tests.support.projection import (
    AUTUMN,
    COMMUNE,
    EDUCATION,
    ENVIRONMENT,
    PACKAGES,
    Pool,
    dialogue,
    petition,
    project,
)
from tests.support.projection import replied as reply
from tests.support.reports import tallied

ALL = Scope()
OFFICE, OFFICE_ENTRY = mint_token("văn phòng", "office", "H35")
AGENCY, AGENCY_ENTRY = mint_token("phòng", "agency", "H35.10", EDUCATION)


@pytest.fixture
async def pool(followup_dsn: str) -> AsyncIterator[Pool]:
    async with projection_pool(followup_dsn) as made:
        yield made


def client_of(pool: Pool) -> httpx.AsyncClient:
    queries = Queries(pool)
    routes = [
        *query_routes(queries, LiveState(pool)),
        *report_routes(Reports(pool)),
        *report_pages(Pages(queries), queries, Reports(pool)),
    ]
    app = make_app(routes, Callers((OFFICE_ENTRY, AGENCY_ENTRY), local_allowed=True))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """The conference of August 2019 as it stood in autumn, with a reply that was entered late."""
    history = dialogue()
    history.record(petition("overdue"), reply("2019-09-16", "3/TL-UBND"), "2019-09-30 15:00")
    await project(pool, history, AUTUMN)
    async with client_of(pool) as made:
        yield made


async def report(client: httpx.AsyncClient, period: str, token: str = "", **query: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await client.get("/v1/reports", params={"period": period, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def items(client: httpx.AsyncClient, path: str, **query: str) -> list[Any]:
    """Every item of a listing, page by page."""
    found, address = [], str(httpx.URL(path, params={"limit": "20", **query}))
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    return found


# --- agreement -----------------------------------------------------------------------------------------------------


async def assert_agreement(pool: Pool, client: httpx.AsyncClient, period: str, years: tuple[str, ...]) -> None:
    """Open deadlines by rule, debtor and status, unresolved petitions by agency, breaches: one figure everywhere."""
    snapshot = await MetricsQueries(pool).snapshot()
    lines = (await report(client, period))["deadlines"]["by_agency_and_rule"]
    status = {"on_track": "on_track", "due_soon": "due_soon", "breached": "overdue"}
    reported = {(d["rule"], d["agency"], s): d[f] for d in lines for s, f in status.items() if d[f]}
    told = Counter()
    for name in status:
        told.update((d["duty"], d["debtor"], name) for d in await items(client, "/v1/deadlines", status=name))
    # The clock of the test's projection runs on by itself, but not over a midnight.
    assert reported == {labels[1:]: n for labels, n in snapshot.open_deadlines.items()} == dict(told)

    breaches: Counter[tuple[str, str]] = Counter()
    for year in years:
        for line in (await report(client, year))["deadlines"]["by_agency_and_rule"]:
            breaches[line["rule"], line["agency"]] += line["breaches"]
    assert +breaches == {labels[1:]: n for labels, n in snapshot.breaches.items()}

    petitions = (await report(client, period))["cases"]["by_agency"]
    unresolved: Counter[str] = Counter()
    for (_, _, agency, _), number in snapshot.unresolved.items():
        unresolved[agency] += int(number)
    assert {p["key"]: p["carried_forward"] for p in petitions if p["carried_forward"]} == dict(unresolved)
    listed = Counter(c["agency"] for c in await items(client, "/v1/cases", unresolved="true"))
    assert dict(listed) == dict(unresolved)


async def test_figures__agree_with_the_api_and_the_metrics(pool: Pool, client: httpx.AsyncClient) -> None:
    for period in ("2019-10", "2019-Q4", "2019"):
        await assert_agreement(pool, client, period, ("2019",))


# Without shrinking: each example is a database.
@settings(max_examples=5, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(histories())
def test_figures__agree_whatever_happened(pg_server: TestServer, history: History) -> None:

    async def agree() -> None:
        async with projection_pool(await pg_server.fresh(*PACKAGES)) as pool:
            await project(pool, history, UNTIL)
            async with client_of(pool) as client:
                await assert_agreement(pool, client, "2020-Q1", ("2019", "2020"))
            for period in ("2019-09", "2019-Q4", "2020"):
                stored = (await Reports(pool).report(ALL, parse_period(period))).tally
                folded = tallied(history, period)
                assert (stored.cases, stored.deadlines, stored.lags) == (folded.cases, folded.deadlines, folded.lags)

    asyncio.run(agree())


# --- figures -------------------------------------------------------------------------------------------------------


async def test_september__of_the_story(client: httpx.AsyncClient) -> None:
    september = await report(client, "2019-09", jurisdiction="H35.10")
    (line,) = [
        d for d in september["deadlines"]["by_agency_and_rule"] if (d["agency"], d["rule"]) == (ENVIRONMENT, "reply")
    ]
    assert (line["met"], line["met_late"], line["overdue"], line["on_time_rate"]) == (2, 1, 1, 50.0)
    assert (line["breaches"], line["retracted_backdated"], line["retracted_otherwise"]) == (3, 1, 0)
    assert (line["reply_days_median"], line["reply_days_p90"]) == (15, 19)
    cases = september["cases"]["total"]
    assert cases["total"] == cases["carried_over"] == 8 - 1
    assert (cases["complex"], cases["extended"], cases["escalated"]) == (1, 1, 1)
    recording = {r["topic"]: r for r in september["recording"]["by_topic"]}
    assert (recording["WrittenReplyIssued"]["recorded"], recording["WrittenReplyIssued"]["lag_longest"]) == (3, 14)


async def test_subtree__is_all_that_is_counted(client: httpx.AsyncClient) -> None:
    assert (await report(client, "2019-09", jurisdiction=COMMUNE))["cases"]["total"]["total"] == 1
    assert [p["key"] for p in (await report(client, "2019-09"))["cases"]["by_place"]] == ["H35.10", COMMUNE, "H40.2"]
    assert [p["key"] for p in (await report(client, "2019-09", OFFICE))["cases"]["by_place"]] == ["H35.10", COMMUNE]


async def test_agency__sees_its_own_figures_alone(client: httpx.AsyncClient) -> None:
    mine = await report(client, "2019-09", AGENCY)
    assert {d["agency"] for d in mine["deadlines"]["by_agency_and_rule"]} == {EDUCATION}
    assert [p["key"] for p in mine["cases"]["by_agency"]] == [EDUCATION]
    for query in ({"agency": ENVIRONMENT}, {"jurisdiction": "H40"}):
        headers = {"Authorization": f"Bearer {AGENCY}"}
        answer = await client.get("/v1/reports", params={"period": "2019-09", **query}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"period": "2019-13"}, "invalid-period"),
        ({"period": "2031"}, "period-not-begun"),
        ({"period": "2019-09", "jurisdiction": "h 35"}, "invalid-code"),
        ({"period": "2019-09", "format": "xls"}, "invalid-request"),
        ({}, "invalid-request"),
    ],
)
async def test_bad_question__is_told_what_is_wrong(
    client: httpx.AsyncClient, query: dict[str, str], problem: str
) -> None:
    answer = await client.get("/v1/reports", params=query)
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (400, problem)
    if query.get("format"):
        assert answer.json()["detail"] == "format must be one of json, csv, xlsx", "the name that the caller wrote"


# --- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["cases", "deadlines", "recording"])
async def test_csv__holds_the_figures_of_the_json(client: httpx.AsyncClient, table: str) -> None:
    answer = await client.get("/v1/reports", params={"period": "2019-09", "format": "csv", "table": table})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {len(row) for row in rows} == {len(rows[0])}
    names = [heading.rsplit("[", 1)[1].rstrip("]") for heading in rows[0]]
    total = dict(zip(names, rows[-1], strict=True))
    found = (await report(client, "2019-09"))[table]["total"]
    assert all(total[n] == ("" if found[n] is None else str(found[n])) for n in names if n in found and "name" not in n)


async def test_xlsx__has_a_sheet_for_each_table_with_numbers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/reports", params={"period": "2019-09", "format": "xlsx"})
    assert answer.headers["content-disposition"] == 'attachment; filename="bao-cao-2019-09.xlsx"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        workbook = book.read("xl/workbook.xml").decode()
        sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2, 3)]
    assert re.findall('<sheet name="([^"]+)"', workbook) == ["Kiến nghị", "Thời hạn", "Ghi nhận"]
    lines = (await report(client, "2019-09"))["deadlines"]["by_agency_and_rule"]
    assert sheets[1].count("<row ") == len(lines) + 2  # the heads and the sum
    assert all("<v>" in sheet and "<f>" not in sheet for sheet in sheets)
    assert 'format=xlsx">' in (await client.get("/reports/2019-09")).text


async def test_page__prints_check_sums_and_groups_its_list(client: httpx.AsyncClient) -> None:
    answer = await client.get("/reports/2019-09", params={"jurisdiction": "H35.10", "group": "place"})
    assert answer.status_code == 200
    page = answer.text
    assert "1=2+3=4+8; 4=5+6+7; 8=9+10+11+12" in page
    assert "1=2+3=4+5+6+7+8+9+10+11; 12=4/(4+5+8+11)" in page
    assert "Tháng 9 năm 2019" in page
    english = {"Cookie": f"{LANGUAGE_COOKIE}=en"}
    assert "September 2019" in (await client.get("/reports/2019-09", headers=english)).text
    assert "Phòng Tài nguyên và Môi trường" in page and "Ô nhiễm nguồn nước" in page
    assert "<script" not in page and "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert (await client.get("/reports", params={"period": "2019-Q3"})).status_code == 200
    assert "Tháng 10 năm 2019" in (await client.get("/reports")).text


async def test_page__each_figure_leads_to_a_list_of_as_many(client: httpx.AsyncClient) -> None:
    page = (await client.get("/reports/2019-09", params={"group": "place"})).text
    figures = re.findall(r'<td><a href="([^"]+#list)">(\d+)</a></td>', page)
    # One figure of each column and table: petitions by agency, field and place, deadlines by agency and rule, all.
    kinds = {re.sub(r"key=[^&]*", "key=" if "key=&" in href else "key", href): (href, n) for href, n in figures}
    assert len(kinds) > 40 and {re.findall(r"of=(\w+)", href)[0] for href in kinds} == {"petitions", "deadlines"}
    for href, count in kinds.values():
        shown = (await client.get(unescape(href))).text.partition('<h2 id="list">')[2]
        assert len(re.findall(r'<tr><td class="nth">\d+</td>', shown)) == int(count), href
        assert f"({count})</h2>" in shown, href


async def test_page__a_figure_that_counts_nothing_is_not_found(client: httpx.AsyncClient) -> None:
    for query in (
        {"figure": "x"},
        {"of": "deadlines", "figure": "on_time_rate"},
        {"of": "deadlines", "figure": "days"},
    ):
        assert (await client.get("/reports/2019-09", params=query)).status_code == 404


async def test_page__what_was_recorded_of_conferences_leads_to_their_list(client: httpx.AsyncClient) -> None:
    recorded = (await client.get("/reports/2019-08")).text.partition("III. ")[2].partition("<h2")[0]
    assert '<td><a href="/conferences">' in recorded


async def test_page__without_a_source_says_so(pool: Pool) -> None:
    async with client_of(pool) as client:
        assert (await client.get("/reports")).status_code == 404
        assert (await client.get("/reports/2019")).status_code == 400


async def test_view__is_told_of_each_source(pool: Pool, client: httpx.AsyncClient) -> None:
    view = report_view(await Reports(pool).report(ALL, parse_period("2019-10")), "VN")
    assert [(s.source, s.seen_on.isoformat()) for s in view.sources] == [("test", "2019-10-01")]
