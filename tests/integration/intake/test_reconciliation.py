"""Two systems compare a day: digests, the lines of a bucket, the statement, and what changed since."""

import asyncio
import hashlib
import itertools
import json
import sys
import unicodedata
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.intake.application.reconciliation import DayView, Reconciliation
from services.intake.domain import Caller
from services.intake.entrypoints.pushed_queries import MOST_DAYS
from shared.http.auth import Role, mint_token
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, PROVINCE, Intake, served, tokens_file, with_places
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = "H35.11"
RECIPE = Path(__file__).parents[3] / "docs/howto/reconcile.md"
TOKENS: dict[str, str] = {}
_sources = (f"source-{n}" for n in itertools.count(1))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """A portal of any source, one of its own alone, offices of two places, an agency; two districts."""
    folder = tmp_path_factory.mktemp("reconciliation")
    callers: list[tuple[str, Role, str, str, tuple[str, ...]]] = [
        ("portal", "system", PROVINCE, "", ("*",)),
        ("other-portal", "system", PROVINCE, "", ()),
        ("office", "office", PROVINCE, "", ()),
        ("district-office", "office", DISTRICT, "", ()),
        ("education", "agency", DISTRICT, EDUCATION, ()),
        ("administrator", "admin", PROVINCE, "", ()),
    ]
    entries = []
    for name, role, place, agency, sources in callers:
        TOKENS[name], entry = mint_token(name, role, place, agency, sources=sources)
        entries.append(entry)
    database = await pg_server.filled(with_places)
    async with served(database, folder, tokens_file=str(tokens_file(folder, *entries))) as running:
        place = {"code": ELSEWHERE, "name": "Huyện Phong Thổ", "level": "district", "parent": PROVINCE}
        await running.done("/v1/jurisdictions", place | {"valid_from": "2004-01-01"})
        yield running


@pytest.fixture
def source() -> str:
    """A source of the test's own."""
    return next(_sources)


async def pushed(intake: Intake, source: str, external_id: str, **fields: Any) -> str:
    body = {"jurisdiction": COMMUNE, "text": "Rác ở chợ.", "source": source, "external_id": external_id} | fields
    answer = await intake.post("/v1/petitions", body, token=TOKENS["portal"])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def asked(intake: Intake, path: str, caller: str = "portal", status: int = 200, **query: str) -> dict[str, Any]:
    answer = await intake.get(path, token=TOKENS[caller], **query)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def of_day(intake: Intake, source: str, **query: str) -> dict[str, Any]:
    return await asked(intake, "/v1/reconciliation", source=source, day=query.pop("day", await intake.today()), **query)


def sha256(*lines: str) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


async def test_day__is_counted_and_digested_as_the_format_says(intake: Intake, source: str) -> None:
    await pushed(intake, source, "B-1")
    second = await pushed(intake, source, "A-1")
    await pushed(intake, source, "Đơn-1")
    await intake.done(f"/v1/petitions/{second}/refusal", {"number": "1"})
    found = await of_day(intake, source)
    lines = ("A-1\t\trefused", "B-1\t\treceived", "Đơn-1\t\treceived")
    assert (found["count"], found["digest"]) == (3, sha256(*lines))
    assert found["states"] == {"received": 2, "refused": 1}
    assert found["final"] is False
    for bucket in found["buckets"]:
        one = await of_day(intake, source, bucket=str(bucket["bucket"]))
        told = [f"{each['external_id']}\t{each['source_version']}\t{each['state']}" for each in one["lines"]]
        assert (one["count"], one["digest"]) == (bucket["count"], bucket["digest"]) == (len(told), sha256(*told))
        assert {hashlib.sha256(each["external_id"].encode()).digest()[0] for each in one["lines"]} == {bucket["bucket"]}
    assert sum(bucket["count"] for bucket in found["buckets"]) == 3


async def test_day__of_nothing_is_the_digest_of_nothing_and_final_once_it_is_over(intake: Intake, source: str) -> None:
    yesterday = date.fromisoformat(await intake.today()) - timedelta(days=1)
    found = await of_day(intake, source, day=yesterday.isoformat())
    assert (found["count"], found["digest"], found["final"]) == (0, hashlib.sha256().hexdigest(), True)


async def test_day__at_a_position_is_the_same_for_ever(intake: Intake, source: str) -> None:
    petition = await pushed(intake, source, "A-1")
    before = await of_day(intake, source)
    await intake.done(f"/v1/petitions/{petition}/refusal", {"number": "1"})
    await pushed(intake, source, "A-2")
    position = str(before["at"]["position"])
    again = await of_day(intake, source, position=position)
    assert again == before
    assert (await of_day(intake, source))["digest"] != before["digest"]
    refused = await asked(
        intake, "/v1/reconciliation", status=409, source=source, day=await intake.today(), position="9000000"
    )
    assert refused["type"].endswith("beyond-head")


async def test_day__holds_petitions_alone_and_annulled_ones_too(intake: Intake, source: str) -> None:
    petition = await pushed(intake, source, "A-1")
    body = {"source": source, "external_id": "W-1", "reason": "nhầm"}
    withdrawn = await intake.post(f"/v1/petitions/{petition}/withdrawal", body, token=TOKENS["portal"])
    assert withdrawn.status_code == 201, withdrawn.text
    mistaken = await pushed(intake, source, "A-2")
    fact = (await intake.get(f"/v1/petitions/{mistaken}")).json()["facts"][0]
    await intake.done(f"/v1/petitions/{mistaken}/annulments", {"event_id": fact["event_id"], "reason": "nhầm"})
    assert (await of_day(intake, source))["digest"] == sha256("A-1\t\twithdrawn", "A-2\t\tannulled")


async def test_day__tells_the_version_whose_content_is_here(intake: Intake, source: str) -> None:
    """A version that brought nothing new counts; one that waits for the office does not."""

    async def put(version: str, text: str, result: str) -> str:
        path, body = f"/v1/petitions/by-reference/{source}/A-1", {"jurisdiction": COMMUNE, "text": text}
        headers = {"Authorization": f"Bearer {TOKENS['portal']}"}
        answer = await intake.client.put(path, json=body | {"source_version": version}, headers=headers)
        assert (answer.json()["result"], answer.status_code in (200, 201)) == (result, True), answer.text
        return str(answer.json()["id"])

    for version, text, result in (("1", "Rác.", "created"), ("2", "Rác.", "unchanged"), ("3", "Rác ở chợ.", "changed")):
        petition = await put(version, text, result)
        assert (await of_day(intake, source))["digest"] == sha256(f"A-1\t{version}\treceived")
    await intake.done(f"/v1/petitions/{petition}/classification", {"subject": "Rác", "field": "environment"})
    await put("4", "Rác ở bến xe.", "conflict")
    assert (await of_day(intake, source))["digest"] == sha256("A-1\t3\treceived")
    page = await asked(
        intake,
        "/v1/petitions",
        source=source,
        changed_since=(await intake.get("/v1/clock")).json()["today"] + "T00:00:00Z",
    )
    assert [(i["source_version"], i["state"]) for i in page["items"]] == [("3", "received")]


async def test_day__is_for_its_source_and_for_whose_place_holds_all_of_it(intake: Intake, source: str) -> None:
    await pushed(intake, source, "A-1")
    query = {"source": source, "day": await intake.today()}
    for caller, status in (("office", 200), ("district-office", 200), ("other-portal", 403), ("education", 403)):
        await asked(intake, "/v1/reconciliation", caller, status, **query)
    await pushed(intake, source, "A-2", jurisdiction=ELSEWHERE)
    for caller, status in (("office", 200), ("district-office", 403), ("administrator", 403)):
        await asked(intake, "/v1/reconciliation", caller, status, **query)


async def test_days__that_one_caller_waits_for_hold_up_no_other(
    intake: Intake, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, read = asyncio.Queue[str](), asyncio.Event(), Reconciliation.day

    async def held(self: Reconciliation, caller: Caller, *asked: Any) -> DayView:
        begun.put_nowait(caller.name)
        if caller.name == "portal":
            await go_on.wait()
        return await read(self, caller, *asked)

    monkeypatch.setattr(Reconciliation, "day", held)
    query = {"source": source, "day": await intake.today()}
    waiting = [asyncio.create_task(asked(intake, "/v1/reconciliation", **query)) for _ in range(MOST_DAYS)]
    assert [await begun.get() for _ in waiting] == ["portal"] * MOST_DAYS
    for path in ("/v1/reconciliation", "/v1/reconciliation/statement"):
        refused = await asked(intake, path, status=429, **query)
        assert refused["type"].endswith("too-many-requests") and str(MOST_DAYS) in refused["detail"]
    await asked(intake, "/v1/reconciliation", "office", **query)
    go_on.set()
    await asyncio.gather(*waiting)
    await asked(intake, "/v1/reconciliation", **query)


async def test_statement__is_json_or_a_page_to_sign_and_the_same_each_time(intake: Intake, source: str) -> None:
    await pushed(intake, source, "A-1")
    query = {"source": source, "day": await intake.today()}
    said = await asked(intake, "/v1/reconciliation/statement", **query)
    assert (said["count"], said["digest"], said["signature"]) == (1, sha256("A-1\t\treceived"), None)
    headers = {"Authorization": f"Bearer {TOKENS['portal']}", "Accept": "text/plain"}
    pages = set()
    for number in ("A-2", "A-3"):
        await pushed(intake, source, number)
        page = await intake.client.get(
            "/v1/reconciliation/statement", params=query | {"position": said["at"]["position"]}, headers=headers
        )
        assert page.headers["content-type"] == "text/plain; charset=utf-8"
        pages.add(page.text)
    (text,) = pages
    assert said["digest"] in text and "CHƯA CHỐT" in text and source in text


async def test_changes__are_each_petition_as_it_stands_and_go_on_by_cursor(intake: Intake, source: str) -> None:
    first, second = await pushed(intake, source, "A-1"), await pushed(intake, source, "A-2")
    other = next(_sources)
    await pushed(intake, other, "A-1")
    page = await asked(intake, "/v1/petitions", source=source)
    while page["more"]:
        found = page["items"]
        page = await asked(intake, "/v1/petitions", source=source, cursor=page["next"])
        page["items"] = found + page["items"]
    assert [(i["external_id"], i["id"], i["state"], i["version"]) for i in page["items"]] == [
        ("A-1", first, "received", 1),
        ("A-2", second, "received", 1),
    ]
    assert (await asked(intake, "/v1/petitions", source=source, cursor=page["next"]))["items"] == []
    await intake.done(f"/v1/petitions/{first}/classification", {"subject": "Rác", "field": "environment"})
    await intake.done(f"/v1/petitions/{first}/refusal", {"number": "1"})
    after = await asked(intake, "/v1/petitions", source=source, cursor=page["next"])
    assert [(i["external_id"], i["state"], i["version"]) for i in after["items"]] == [("A-1", "refused", 3)]
    assert (await asked(intake, "/v1/petitions", source=source, external_id="A-2"))["id"] == second


async def test_changes__in_pages_of_one_lose_and_double_none(intake: Intake, source: str) -> None:
    for number in range(5):
        await pushed(intake, source, f"A-{number}")
    found, page = [], await asked(intake, "/v1/petitions", source=source, limit="1")
    while page["items"] or page["more"]:
        assert len(page["items"]) <= 1
        found += [item["external_id"] for item in page["items"]]
        page = await asked(intake, "/v1/petitions", source=source, limit="1", cursor=page["next"])
    assert found == [f"A-{number}" for number in range(5)]


async def test_changes__since_an_instant_begin_there(intake: Intake, source: str) -> None:
    await pushed(intake, source, "A-1")
    second = await pushed(intake, source, "A-2")
    recorded = (await intake.get(f"/v1/petitions/{second}")).json()["facts"][0]["recorded_at"]
    page = await asked(intake, "/v1/petitions", source=source, changed_since=recorded)
    assert [item["external_id"] for item in page["items"]] == ["A-2"]
    for unclear in ("2026-01-01T00:00:00", "2026-01-01", "2026-01-01T00:00:00 07:00"):  # the last is a + left as it was
        refused = await asked(intake, "/v1/petitions", status=400, source=source, changed_since=unclear)
        assert refused["field"] == "changed_since" and "%2B" in refused["detail"]


async def test_changes__are_for_the_source_and_of_the_place(intake: Intake, source: str) -> None:
    await pushed(intake, source, "A-1")
    await pushed(intake, source, "A-2", jurisdiction=ELSEWHERE)
    for caller, status in (("other-portal", 403), ("education", 403), ("administrator", 403)):
        await asked(intake, "/v1/petitions", caller, status, source=source)
    found, page = [], await asked(intake, "/v1/petitions", "district-office", source=source)
    while page["items"] or page["more"]:
        found += [item["external_id"] for item in page["items"]]
        page = await asked(intake, "/v1/petitions", "district-office", source=source, cursor=page["next"])
    assert found == ["A-1"]


async def test_bucket__tells_nobody_where_the_petitions_of_other_places_stand(intake: Intake, source: str) -> None:
    await pushed(intake, source, "A-1")
    await pushed(intake, source, "A-2", jurisdiction=ELSEWHERE)
    day = await intake.today()
    buckets = {external_id: str(hashlib.sha256(external_id.encode()).digest()[0]) for external_id in ("A-1", "A-2")}
    said = []
    for bucket in (*buckets.values(), "7"):
        refused = await asked(
            intake, "/v1/reconciliation", "district-office", 403, source=source, day=day, bucket=bucket
        )
        said.append(refused | {"request_id": ""})
    assert said[0] == said[1] == said[2]
    found = await asked(intake, "/v1/reconciliation", "office", source=source, day=day, bucket=buckets["A-2"])
    assert ([line["external_id"] for line in found["lines"]], found["count"]) == (["A-2"], 1)


async def test_cursor__of_another_question_is_refused(intake: Intake, source: str) -> None:
    page = await asked(intake, "/v1/petitions", source=source)
    for query in ({"source": next(_sources)}, {"source": source, "cursor": page["next"][:-2] + "xx"}):
        refused = await asked(intake, "/v1/petitions", status=400, **({"cursor": page["next"]} | query))
        assert refused["type"].endswith("invalid-cursor")


async def test_recipe__finds_what_differs_and_how(intake: Intake, source: str) -> None:
    """The program of the documentation, as it stands there, against what three pushes left."""
    for external_id in ("A-1", "A-2", "Đơn 3"):
        await pushed(intake, source, external_id)
    recipe = RECIPE.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    held = {name: ["", "received"] for name in ("A-1", "A-2", "Đơn 3")}
    own = held | {"A-1": ["2", "received"], "A-9": ["", "received"]}
    del own["A-2"]
    call = f"print(json.dumps([differing({source!r}, {await intake.today()!r}, each) for each in ({held!r}, {own!r})]))"
    environment = {"INTAKE": str(intake.client.base_url).rstrip("/"), "TOKEN": TOKENS["portal"]}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{recipe}\n{call}", stdout=asyncio.subprocess.PIPE, env=environment
    )
    told, _ = await running.communicate()
    assert json.loads(told) == [
        {},
        {
            "A-1": [["2", "received"], ["", "received"]],
            "A-2": [None, ["", "received"]],
            "A-9": [["", "received"], None],
        },
    ]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/reconciliation", {"day": "0001-01-01"}),
        ("/v1/reconciliation/statement", {"day": "9999-12-31"}),
        ("/v1/reconciliation", {"day": "2026-02-30"}),
        ("/v1/reconciliation", {"day": "2026-02-03", "bucket": "256"}),
        ("/v1/reconciliation", {"day": "2026-02-03", "position": "-1"}),
        ("/v1/petitions", {"changed_since": "0001-01-01T00:00:00Z"}),
        ("/v1/petitions", {"changed_since": "9999-12-31T23:59:59-14:00"}),
        ("/v1/petitions", {"changed_since": "2026"}),
        ("/v1/petitions", {"changed_since": "-1"}),
        ("/v1/petitions", {"changed_since": "253402300800"}),
        ("/v1/petitions", {"limit": "0"}),
        ("/v1/petitions", {"cursor": "\u0110"}),
    ],
)
async def test_question__that_is_none_is_refused_by_its_parameter(
    intake: Intake, source: str, path: str, query: dict[str, str]
) -> None:
    refused = await asked(intake, path, status=400, source=source, **query)
    assert refused["field"] in query


async def test_source__with_a_character_that_nobody_sees_is_no_error(intake: Intake) -> None:
    for source in ("\x00", "a\x00b", "\u200b", "' OR 1=1 --"):
        answer = await intake.get("/v1/petitions", token=TOKENS["portal"], source=source)
        assert answer.status_code in (200, 400), answer.text


async def test_source__in_another_spelling_is_the_same(intake: Intake) -> None:
    composed = "cổng-tỉnh"
    await pushed(intake, composed, "A-1")
    apart = unicodedata.normalize("NFD", composed)
    assert apart != composed
    assert await of_day(intake, apart) == await of_day(intake, composed)
    day = await intake.today()
    statement = await asked(intake, "/v1/reconciliation/statement", source=apart, day=day)
    assert (statement["source"], statement["count"]) == (composed, 1)
    changes = await asked(intake, "/v1/petitions", source=apart)
    assert [each["external_id"] for each in changes["items"]] == ["A-1"]
    assert (await asked(intake, "/v1/petitions", source=composed, cursor=changes["next"]))["items"] == []
