"""The read API over real HTTP: what is answered, to whom, in which pages, and how it refuses."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.adapters.read.queries import Queries
from services.followup.entrypoints.health import works_of
from services.story.client import PairClient
from shared.envelope import parse_feed_page
from shared.http.auth import Callers, Role, mint_token
from shared.identifiers import derived_id
from tests.support.following import ought, projection_pool
from tests.support.postgres import TestServer
from tests.support.projection import (
    AUTUMN,
    COMMUNE,
    EDUCATION,
    ELSEWHERE,
    ENVIRONMENT,
    PACKAGES,
    TITLES,
    dialogue,
    petition,
    project,
)
from tests.support.reading import read_side

CALLERS: list[tuple[str, Role, str, str]] = [
    ("auditor", "auditor", "VN", ""),
    ("office", "office", "H35.10", ""),
    ("education", "agency", "H35.10", EDUCATION),
    ("abroad", "system", "H40", ""),
    ("operations", "operations", "H35", ""),
]


@pytest.fixture(scope="module")
def autumn_dsn(pg_server: TestServer) -> str:
    """A database in which the conference of August 2019 stands as it did in autumn; nobody writes to it."""
    return asyncio.run(in_autumn(pg_server))


async def in_autumn(pg_server: TestServer) -> str:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await project(pool, dialogue(), AUTUMN)
    return dsn


@pytest.fixture
async def client(autumn_dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """The caller `local`."""
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn) as client:
        yield client


async def items(client: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def titles(client: httpx.AsyncClient, **query: str) -> set[str]:
    return {case["title"] for case in await items(client, "/v1/cases", **query)}


# --- cases and deadlines -------------------------------------------------------------------------------------------


async def test_cases__by_every_filter(client: httpx.AsyncClient) -> None:
    assert len(await items(client, "/v1/cases")) == len(TITLES)
    assert await titles(client, state="escalated") == {TITLES["escalated"]}
    assert await titles(client, agency=EDUCATION) == {TITLES["complex"]}
    assert await titles(client, jurisdiction=COMMUNE) == {TITLES["extended"]}
    assert await titles(client, jurisdiction="000.00.00.H40") == {TITLES["elsewhere"]}  # the old order of codes
    assert TITLES["overdue"] in await titles(client, overdue="true")
    assert TITLES["complex"] not in await titles(client, overdue="true")
    assert TITLES["answered"] not in await titles(client, unresolved="true")
    assert [c["title"] for c in await items(client, "/v1/cases", subject="conference")] == ["Nhà văn hoá huyện"] * 2


async def test_cases__are_paged_by_links(client: httpx.AsyncClient) -> None:
    found, path = list[str](), "/v1/cases?limit=4&jurisdiction=H35"
    while path:
        answer = await client.get(path)
        assert len(answer.json()["items"]) <= 4
        found += [case["subject_id"] for case in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "")
        assert not path or "jurisdiction=H35" in path
    assert len(found) == len(set(found)) == len(TITLES) - 1


async def test_case__with_its_events_and_deadlines(client: httpx.AsyncClient) -> None:
    case = (await client.get(f"/v1/cases/{petition('extended')}")).json()
    assert (case["state"], case["agency"], case["due_on"], case["overdue"]) == (
        "assigned",
        ENVIRONMENT,
        "2019-11-15",
        False,
    )
    assert [e["topic"] for e in case["events"]][-1] == "ExtensionGranted"
    assert case["events"][-1]["data"]["expected_on"] == "2019-11-15"
    assert case["events"][-1]["name"] == {"vi": "Gia hạn", "en": "Extension granted"}
    (reply,) = [d for d in case["deadlines"] if d["duty"] == "reply"]
    explanation = reply["explanation"]
    assert explanation["notes"] == ["extended:2019-11-15", "by_rule_alone:2019-09-16"]
    assert "được gia hạn đến 15/11/2019" in explanation["text"]["vi"]
    assert "extended to 15 November 2019" in explanation["text"]["en"]
    counted = [d for d in explanation["each_day"] if d["counted"]]
    assert len(counted) == 15 and counted[-1]["date"] == "2019-09-16"
    assert {"date": "2019-09-02", "counted": False, "reason": "holiday: National Day / Quốc khánh"}.items() <= next(
        d for d in explanation["exceptions"] if d["date"] == "2019-09-02"
    ).items()


async def test_deadlines__as_the_story_reads_them(client: httpx.AsyncClient) -> None:
    overdue = await items(client, "/v1/deadlines", subject_id=str(petition("overdue")))
    reply = next(d for d in overdue if d["duty"] == "reply")
    assert (reply["status"], reply["outcome"], reply["breached"], reply["due_on"], reply["done_on"]) == (
        "breached",
        "",
        True,
        "2019-09-16",
        None,
    )
    assert reply["breached_at"] == "2019-09-17T00:00:00+07:00"
    late = await items(client, "/v1/deadlines", subject_id=str(petition("late")), duty="reply")
    assert [(d["outcome"], d["done_on"]) for d in late] == [("met_late", "2019-09-20")]
    assert await items(client, "/v1/deadlines", subject_id=str(petition("late")), status="due_soon") == []
    assert await items(client, "/v1/deadlines", subject_id=str(derived_id("nobody"))) == []


async def test_deadlines__by_how_they_stand(client: httpx.AsyncClient) -> None:
    (complex_reply,) = await items(client, "/v1/deadlines", status="due_soon")
    assert complex_reply["subject_id"] == str(petition("complex"))
    assert complex_reply["name"]["vi"].endswith("(vụ việc phức tạp)")
    whole = (await client.get(f"/v1/deadlines/{complex_reply['deadline_id']}")).json()
    assert [e["topic"] for e in whole["events"]] == ["DeadlineSet", "DeadlineMoved", "DeadlineDueSoon"]
    assert len(whole["explanation"]["each_day"]) > 30 and complex_reply["explanation"]["each_day"] == []


async def test_deadlines__list_the_warnings_that_were_given_apart_from_those_planned(client: httpx.AsyncClient) -> None:
    due = {"2019-09-16": ["2019-09-09", "2019-09-13"], "2019-10-07": ["2019-09-30", "2019-10-04"]}
    expected = {
        ("overdue", "reply"): (due["2019-09-16"], due["2019-09-16"]),
        ("late", "reply"): (due["2019-09-16"], due["2019-09-16"]),
        ("replied", "reply"): ([], due["2019-09-16"]),  # done before the first
        ("complex", "reply"): (["2019-09-30"], due["2019-10-07"]),  # moved before the first, the second is to come
        ("extended", "reply"): (["2019-09-09"], ["2019-11-08", "2019-11-14"]),  # moved after the first
        ("late", "reply_report"): (["2019-09-19"], ["2019-09-13", "2019-09-19"]),  # set after both had passed
        ("waiting", "prepared_answer"): ([], ["2019-12-02", "2019-12-06"]),
        ("overdue", "result_report"): ([], []),  # undated
    }
    listed = await items(client, "/v1/deadlines", limit="200") + await items(client, "/v1/breaches")
    for (name, duty), (given, planned) in expected.items():
        case = (await client.get(f"/v1/cases/{petition(name)}")).json()
        (shown,) = (d for d in case["deadlines"] if d["duty"] == duty)
        alone = (await client.get(f"/v1/deadlines/{shown['deadline_id']}")).json()
        also = [d for d in listed if d["deadline_id"] == shown["deadline_id"]]
        assert also
        for found in (shown, alone, *also):
            assert (found["warned_on"], found["warnings_planned"]) == (given, planned), (name, duty)


async def test_breaches__open_first(client: httpx.AsyncClient) -> None:
    found = await items(client, "/v1/breaches", duty="reply")
    assert [d["outcome"] for d in found] == ["", "", "met_late"] and all(d["breached"] for d in found)


async def test_sources__agencies_parked_differences(client: httpx.AsyncClient) -> None:
    (source,) = await items(client, "/v1/sources")
    assert (source["source"], source["state"], source["lag_events"]) == ("test", "following", 0)
    assert source["horizon"] == source["complete_to"] == "2019-10-01T02:00:00Z"
    assert {a["code"] for a in await items(client, "/v1/agencies")} == {ENVIRONMENT, EDUCATION}
    assert await items(client, "/v1/parked") == await items(client, "/v1/differences") == []


async def test_digest__is_what_a_replay_gives(client: httpx.AsyncClient) -> None:
    history = dialogue()
    history.until(AUTUMN)
    answer = (await client.get("/v1/digest")).json()
    assert answer["points"] == [f"test e1 {len(history.facts)}@2019-10-01T09:00:00+07:00"]
    assert answer["digest"] == ought(history.engine, len(history.facts))


@pytest.mark.parametrize("stored", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_source__stored_with_an_instant_out_of_all_bounds_hinders_no_other(
    pg_server: TestServer, stored: str
) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        await project(pool, dialogue(), AUTUMN)
        await pool.execute(
            "INSERT INTO sources (source, epoch, instant, horizon, complete_to, complete_read_at) "
            "SELECT 'strange', epoch, $1::timestamptz, $1, $1, complete_read_at FROM sources",
            datetime.fromisoformat(stored),
        )
        for path in ("/", "/figures", "/reports", "/metrics", "/v1/breaches", "/v1/deadlines"):
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
        horizons = {s["source"]: s["horizon"] for s in await items(client, "/v1/sources")}
        assert horizons == {"test": "2019-10-01T02:00:00Z", "strange": None}
        (point,) = (await client.get("/v1/digest")).json()["points"]
        assert point.startswith("test ")
        assert len(await items(client, "/v1/cases")) == len(TITLES)
        clocks = await StoredDigests(pool).clocks()
        assert [clock.source for clock in clocks] == ["test"]


async def test_feed__of_followups_own_events(client: httpx.AsyncClient) -> None:
    page = parse_feed_page((await client.get("/v1/events", params={"limit": 5000})).content)
    assert {e.topic for e in page.events} >= {"DeadlineSet", "DeadlineDueSoon", "DeadlineBreached", "DeadlineMet"}
    assert page.complete_to is not None and page.head == len(page.events)
    beyond = await client.get("/v1/events", params={"after": page.head + 1})
    assert (beyond.status_code, beyond.json()["type"]) == (409, "urn:doithoai:problem:beyond-head")


async def test_story__reads_what_it_needs(autumn_dsn: str, client: httpx.AsyncClient) -> None:
    def read() -> tuple[bool, dict[str, Any], list[dict[str, Any]]]:
        with httpx.Client(base_url=str(client.base_url)) as followup:
            pair = PairClient(followup, followup)
            source = pair.ask("/v1/sources")["items"][0]
            pair.last_position = source["position"]
            horizon = datetime.fromisoformat(source["horizon"])
            return (
                pair.has_caught_up(horizon),
                pair.case(petition("overdue")),
                pair.deadlines_of(petition("overdue")),
            )

    caught_up, case, deadlines = await asyncio.to_thread(read)
    assert caught_up and (case["state"], case["agency"]) == ("assigned", ENVIRONMENT)
    assert [d["duty"] for d in deadlines] == ["reply", "result_report"]


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/cases?cursor=nonsense", 400, "invalid-cursor"),
        ("/v1/cases?jurisdiction=Tam%20%C4%90%C6%B0%E1%BB%9Dng", 400, "invalid-code"),
        ("/v1/cases?agency=%00", 400, "nul-character"),
        ("/v1/cases?state=Assigned", 400, "invalid-request"),
        ("/v1/cases?state=nonsense", 400, "invalid-request"),
        ("/v1/cases?sate=raised", 400, "invalid-request"),
        ("/v1/deadlines?duty=repyl", 400, "invalid-request"),
        ("/v1/parked?cursor=WyJhIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTldfQ", 400, "invalid-cursor"),
        ("/v1/parked?cursor=WyJhIiw5MjIzMzcyMDM2ODU0Nzc1ODA4XQ", 400, "invalid-cursor"),
        ("/v1/agencies?cursor=WyJcdTAwMDAiXQ", 400, "invalid-cursor"),
        ("/v1/events?after=9223372036854775808", 400, "invalid-request"),
        ("/v1/cases?subject=everything", 400, "invalid-request"),
        ("/v1/cases?limit=0", 400, "invalid-request"),
        ("/v1/cases?limit=100000", 400, "invalid-request"),
        ("/v1/cases?overdue=perhaps", 400, "invalid-request"),
        ("/v1/cases/nobody", 404, "not-found"),
        (f"/v1/cases/{derived_id('nobody')}", 404, "not-found"),
        (f"/v1/deadlines/{derived_id('nobody')}", 404, "not-found"),
        ("/v1/deadlines?status=late", 400, "invalid-request"),
        ("/v1/deadlines?subject_id=x", 400, "invalid-request"),
        ("/v1/breaches?cursor=WyJhIl0", 400, "invalid-cursor"),
        ("/v1/nothing", 404, "not-found"),
    ],
)
async def test_question__that_is_none_is_refused(client: httpx.AsyncClient, path: str, status: int, kind: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:doithoai:problem:{kind}")
    assert answer.headers["content-type"] == "application/problem+json"
    if kind == "invalid-cursor":
        assert answer.json()["field"] == "cursor"


@pytest.mark.parametrize("period", ["1901", "1901-Q1", "1901-01", "1969-12", "2099", "2099-12"])
async def test_report__of_a_period_at_the_ends_of_the_calendar(client: httpx.AsyncClient, period: str) -> None:
    status = 200 if period < "2000" else 400  # which has not begun
    for path in (f"/v1/reports?period={period}", f"/reports/{period}"):
        assert (await client.get(path)).status_code == status, path


async def test_nothing_is_commanded_here(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/cases", json={})).status_code == 405


# --- callers -------------------------------------------------------------------------------------------------------


class Guarded:
    """The read side with one caller of each kind, and none without a token."""

    def __init__(self, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self._client, self._tokens = client, tokens

    async def get(self, caller: str, path: str, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[caller]}"} if caller else {}
        return await self._client.get(path, params=query, headers=headers)

    async def titles(self, caller: str, **query: str) -> set[str]:
        return {case["title"] for case in (await self.get(caller, "/v1/cases", **query)).json()["items"]}


@pytest.fixture
async def guarded(autumn_dsn: str) -> AsyncIterator[Guarded]:
    minted = {name: mint_token(name, role, place, agency) for name, role, place, agency in CALLERS}
    callers = Callers(tuple(entry for _, entry in minted.values()), local_allowed=False)
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers) as client:
        yield Guarded(client, {name: token for name, (token, _) in minted.items()})


async def test_nobody_without_a_token(guarded: Guarded) -> None:
    for path in ("/", "/metrics", "/v1/cases", "/v1/sources", "/v1/events", "/schema/openapi.json"):
        assert (await guarded.get("", path)).status_code == 401, path
    for path in ("/healthz", "/readyz"):
        assert (await guarded.get("", path)).status_code == 200
    # Not 401: whether a source that nobody reads is silent by now depends on how long the other tests took.
    assert (await guarded.get("", "/progressz")).status_code in (200, 503)
    assert (await guarded.get("education", "/")).status_code == 200


async def test_subtree__limits_lists_and_single_cases(guarded: Guarded) -> None:
    assert len(await guarded.titles("auditor")) == len(TITLES)
    assert await guarded.titles("office") == set(TITLES.values()) - {TITLES["elsewhere"]}
    assert await guarded.titles("abroad") == {TITLES["elsewhere"]}
    assert await guarded.titles("office", jurisdiction=ELSEWHERE) == set()
    there, out_of_reach = petition("overdue"), petition("elsewhere")
    assert (await guarded.get("office", f"/v1/cases/{there}")).status_code == 200
    assert (await guarded.get("office", f"/v1/cases/{out_of_reach}")).status_code == 404
    assert (await guarded.get("office", f"/cases/{out_of_reach}")).status_code == 404
    assert (await guarded.get("abroad", f"/v1/cases/{there}")).status_code == 404
    assert (await guarded.get("abroad", "/v1/deadlines", subject_id=str(there))).json()["items"] == []
    assert TITLES["elsewhere"] not in (await guarded.get("office", "/")).text


async def test_agency__sees_what_it_leads_or_owes(guarded: Guarded) -> None:
    assert await guarded.titles("education") == {TITLES["complex"], TITLES["waiting"]}
    assert (await guarded.get("education", f"/v1/cases/{petition('waiting')}")).status_code == 200
    assert (await guarded.get("education", f"/v1/cases/{petition('overdue')}")).status_code == 404
    owed = (await guarded.get("education", "/v1/deadlines")).json()["items"]
    assert {d["debtor"] for d in owed} == {EDUCATION}
    assert TITLES["overdue"] not in (await guarded.get("education", "/")).text


async def test_feed_and_digest__are_for_callers_of_every_jurisdiction(guarded: Guarded) -> None:
    for path, query in (("/v1/events", {"after": "0"}), ("/v1/digest", {})):
        assert (await guarded.get("auditor", path, **query)).status_code == 200
        for caller in ("office", "operations", "education", "abroad"):
            assert (await guarded.get(caller, path, **query)).status_code == 403, (caller, path)


async def subjects(guarded: Guarded, caller: str, **asked: str) -> set[str]:
    """The cases of the deadline events that a caller sees."""
    page = (await guarded.get(caller, "/v1/events", cursor="", limit="5000", **asked)).json()
    assert page["complete_to"] is not None
    return {event["data"]["data"]["subject_id"] for event in page["events"]}


async def test_feed__of_who_sees_a_part_is_of_the_cases_that_it_sees(guarded: Guarded) -> None:
    for caller in ("office", "operations", "education", "abroad"):
        seen = await subjects(guarded, caller)
        assert seen or caller == "abroad", caller
        for subject in await subjects(guarded, "auditor"):
            status = (await guarded.get(caller, f"/v1/cases/{subject}")).status_code
            assert (status == 200) == (subject in seen), (caller, subject)
    assert await subjects(guarded, "operations", jurisdiction=COMMUNE) < await subjects(guarded, "operations")
    assert await subjects(guarded, "office", type="DeadlineBreached") < await subjects(guarded, "office")


async def test_parked_and_differences__are_not_for_agencies(guarded: Guarded) -> None:
    for path in ("/v1/parked", "/v1/differences"):
        assert (await guarded.get("operations", path)).status_code == 200
        assert (await guarded.get("education", path)).status_code == 403


# --- health --------------------------------------------------------------------------------------------------------


async def ready(client: httpx.AsyncClient) -> str:
    answer = await client.get("/readyz")
    return "ready" if answer.status_code == 200 else str(answer.json()["detail"])


async def test_readyz__is_asked_by_a_balancer_and_looks_at_no_source(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        await pool.execute("INSERT INTO sources (source, state, reason) VALUES ('a', 'stopped', 'history differs')")
        assert await ready(client) == "ready"
        assert (await client.get("/progressz")).json() == {"status": "progressing", "works": {"store": ""}}


async def test_progress__names_each_source_that_is_followed(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    followed = {"http://a:8570": ("a", ""), "http://b:8570": ("", "it is called like another")}
    async with projection_pool(dsn) as pool:
        look = works_of(Queries(pool), lambda: followed)
        assert await look() == {"store": "", "a": "not read yet", "http://b:8570": "it is called like another"}
        await pool.execute("SELECT begin_source('a'), begin_source('gone')")
        assert (await look())["a"] == "not heard yet"
        await pool.execute("UPDATE sources SET complete_read_at = clock_timestamp(), complete_to = clock_timestamp()")
        assert await look() == {"store": "", "a": "", "http://b:8570": "it is called like another"}
        await pool.execute("INSERT INTO sweeps (source, position, begun_at) VALUES ('a', 1, now() - interval '1 hour')")
        assert "not reached every case for 3600 s" in (await look())["a"]
        await pool.execute("UPDATE sources SET complete_read_at = clock_timestamp() - interval '90 seconds'")
        assert (await look())["a"].startswith("silent for 9")
        await pool.execute("UPDATE sources SET state = 'stopped'")
        assert (await look())["a"] == "stopped: a person must look at it"
        pool.terminate()
        assert list(await look()) == ["store"]


async def test_store_away__is_said(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        pool.terminate()
        answer = await client.get("/v1/cases")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["type"] == "urn:doithoai:problem:store-unavailable"
        assert (await ready(client)).startswith("store: ")
        stands = await client.get("/progressz")
        assert (stands.status_code, list(stands.json()["works"])) == (503, ["store"])
        assert (await client.get("/healthz")).status_code == 200
