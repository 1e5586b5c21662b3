"""Who may do what: tokens, roles, jurisdictions, agencies; nobody at all beyond loopback without a token."""

import json
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intake.bootstrap import callers_of
from services.intake.settings import IntakeSettings
from shared.http.auth import Callers, InvalidTokens, Role, mint_token
from tests.support.intake import COMMUNE, EDUCATION, OFFICE, Intake, served, tokens_file
from tests.support.waiting import until

TOKENS: dict[str, str] = {}
OF_AGENCIES = Path("docs/howto/connect-a-system.md").read_text("utf-8").partition("## An agency's own system")[2]


@pytest.fixture
async def guarded(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake with one caller of each kind."""
    entries = []
    callers: list[tuple[str, Role, str, str]] = [
        ("portal", "system", "H35", ""),
        ("elsewhere", "system", "H36", ""),
        ("office", "office", "H35.10", ""),
        ("education", "agency", "H35.10", EDUCATION),
        ("auditor", "auditor", "VN", ""),
        ("district-auditor", "auditor", "H35.10", ""),
        ("heir", "office", "H35.11", ""),
    ]
    for name, role, jurisdiction, agency in callers:
        TOKENS[name], entry = mint_token(name, role, jurisdiction, agency, amqp_user=name)
        entries.append(entry)
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as running:
        yield running


async def status(intake: Intake, caller: str, path: str, body: object = None) -> int:
    return (await intake.post(path, body, token=TOKENS[caller])).status_code


async def test_a_bad_token(guarded: Intake) -> None:
    for token in ("nonsense", TOKENS["portal"] + "x"):
        answer = await guarded.post("/v1/petitions", {"jurisdiction": COMMUNE}, token=token)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (await guarded.get("/v1/events", token=token)).status_code == 401


async def test_a_role_that_may_not(guarded: Intake) -> None:
    petition = (await guarded.petition())["id"]
    classification = f"/v1/petitions/{petition}/classification"
    body = {"subject": "Đường", "field": "land"}
    assert await status(guarded, "auditor", "/v1/petitions", {"jurisdiction": COMMUNE}) == 403
    assert await status(guarded, "portal", classification, body) == 403
    assert await status(guarded, "office", classification, body) == 201
    assert await status(guarded, "portal", "/v1/clock", {"to": "2030-01-01T00:00:00Z"}) == 403


async def test_a_jurisdiction_that_may_not(guarded: Intake) -> None:
    assert await status(guarded, "elsewhere", "/v1/petitions", {"jurisdiction": COMMUNE}) == 403
    assert await status(guarded, "portal", "/v1/petitions", {"jurisdiction": COMMUNE}) == 201
    petition = (await guarded.petition())["id"]
    assert (await guarded.get(f"/v1/petitions/{petition}", token=TOKENS["elsewhere"])).status_code == 404
    assert (await guarded.get(f"/v1/petitions/{petition}", token=TOKENS["portal"])).status_code == 200


async def test_an_agency_acts_on_what_was_given_to_it(guarded: Intake) -> None:
    given, other = (await guarded.petition())["id"], (await guarded.petition())["id"]
    await guarded.done(f"/v1/petitions/{given}/forwarding", {"agency": EDUCATION})
    await guarded.done(f"/v1/petitions/{other}/forwarding", {"agency": OFFICE})
    answer = {"agency": EDUCATION, "text": "Dự thảo."}
    assert await status(guarded, "education", f"/v1/petitions/{other}/prepared-answer", answer) == 403
    assert await status(guarded, "education", f"/v1/petitions/{given}/prepared-answer", answer) == 201


async def test_agencys_own_system__says_what_the_how_to_page_writes(guarded: Intake) -> None:
    petition, today = (await guarded.petition())["id"], await guarded.today()
    await guarded.done(f"/v1/petitions/{petition}/forwarding", {"agency": EDUCATION})
    await guarded.done(f"/v1/petitions/{petition}/assignment", {"agency": EDUCATION})
    rows = re.findall(r"^\| `(/[a-z-]+)` \| `({.*?})`", OF_AGENCIES, re.MULTILINE)
    assert [act for act, _ in rows][:4] == ["/prepared-answer", "/reply", "/reply-report", "/result-report"]
    later = (date.fromisoformat(today) + timedelta(days=60)).isoformat()
    days = {"expected_on": later, "petitioner_told_on": today, "committee_told_on": today, "on": today}
    notice = json.dumps({"number": "1/TB", "digest": "00" * 32})
    for act, written in rows:
        body = re.sub(r'"2026-\d\d-\d\d"', json.dumps(today), written).replace("H35.10.6", EDUCATION)
        body = body.replace("{…}", notice).replace('"digest": …', f'"digest": "{"00" * 32}"')
        body = re.sub(r'"(\w+)": …', lambda found: json.dumps({found[1]: days.get(found[1], "Có")})[1:-1], body)
        answer = await guarded.post(f"/v1/petitions/{petition}{act}", json.loads(body), token=TOKENS["education"])
        # More time is refused as an act, not as a body: no conference was held.
        assert answer.status_code == (409 if act == "/extension" else 201), (act, body, answer.text)


async def test_agency_that_led_before__acts_and_reads_no_more(guarded: Intake) -> None:
    petition = (await guarded.petition())["id"]
    path = f"/v1/petitions/{petition}"
    await guarded.done(f"{path}/forwarding", {"agency": EDUCATION})
    answer = {"agency": EDUCATION, "text": "Dự thảo."}
    assert await status(guarded, "education", f"{path}/prepared-answer", answer) == 201
    await guarded.done(f"{path}/assignment", {"agency": EDUCATION})
    assert (await guarded.get(f"{path}/content", token=TOKENS["education"])).status_code == 200
    await guarded.done(f"{path}/reassignment", {"agency": OFFICE})

    reply = {"number": "200/TL", "signatory": "Vàng A Hai", "digest": "d" * 64, "text": "Đã trả lời."}
    assert await status(guarded, "education", f"{path}/reply", reply) == 403
    assert await status(guarded, "education", f"{path}/prepared-answer", answer) == 403
    composite = {"parts": [{"command": "WrittenReplyIssued", "target": petition, "body": reply}]}
    assert await status(guarded, "education", "/v1/acts/reply-and-report", composite) == 403
    assert (await guarded.get(f"{path}/content", token=TOKENS["education"])).status_code == 403
    possible = await guarded.get(f"{path}/commands", token=TOKENS["education"])
    assert possible.status_code == 200
    assert [each["command"] for each in possible.json()["items"] if each["possible"]] == []


async def test_the_whole_feed_is_for_callers_of_the_whole_tree(guarded: Intake) -> None:
    assert (await guarded.get("/v1/events", token=TOKENS["auditor"], after="0")).status_code == 200
    assert (await guarded.get("/v1/events", token=TOKENS["district-auditor"], after="0")).status_code == 403
    assert (await guarded.get("/v1/events", token=TOKENS["education"], epoch="x")).status_code == 403


async def test_content_is_for_the_office_and_the_agency_that_has_the_case(guarded: Intake) -> None:
    petition = (await guarded.petition())["id"]
    path = f"/v1/petitions/{petition}/content"
    assert (await guarded.get(path, token=TOKENS["portal"])).status_code == 403
    assert (await guarded.get(path, token=TOKENS["education"])).status_code == 404
    assert (await guarded.get(path, token=TOKENS["office"])).status_code == 200
    reads = await guarded.rows("SELECT caller FROM content_reads")
    assert [row["caller"] for row in reads] == ["office"]


async def test_content_of_a_body_that_is_no_more_is_its_heirs(guarded: Intake) -> None:
    await guarded.done(
        "/v1/jurisdictions", {"code": "H35.11", "name": "H35.11", "level": "district", "valid_from": "2004-01-01"}
    )
    day = (await guarded.get("/v1/clock")).json()["today"]
    plan = {"jurisdiction": COMMUNE, "kind": "periodic", "place": "x", "first_day": day, "last_day": day}
    conference = (await guarded.done("/v1/conferences", plan))["id"]
    petition = (await guarded.petition())["id"]
    paths = [f"/v1/{kind}/content" for kind in (f"conferences/{conference}", f"petitions/{petition}")]
    for path in paths:
        assert (await guarded.get(path, token=TOKENS["heir"])).status_code == 404
    await guarded.done(f"/v1/jurisdictions/{COMMUNE}/closure", {"successor": "H35.11"})

    for path in paths:
        assert (await guarded.get(path, token=TOKENS["heir"])).status_code == 200, path
        assert (await guarded.get(path, token=TOKENS["office"])).status_code == 200, path
        assert (await guarded.get(path, token=TOKENS["elsewhere"])).status_code == 403, path


async def test_location__is_told_where_something_is_there_to_be_read(guarded: Intake) -> None:
    body = {"code": "H35.10.77", "name": "Xã mới", "level": "commune", "parent": "H35.10", "valid_from": "2004-01-01"}
    registered = await guarded.post("/v1/jurisdictions", body)
    received = await guarded.post("/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường."})
    assert (registered.status_code, received.status_code) == (201, 201)
    for answer in (registered, received):
        place = answer.headers.get("location")
        assert place is None or (await guarded.get(place)).status_code == 200, place
    assert "location" in received.headers
    paths = (await guarded.get("/schema/openapi.json")).json()["paths"]
    for path, answer in (("/v1/jurisdictions", registered), ("/v1/petitions", received)):
        said = paths[path]["post"]["responses"]
        assert ["Location" in said[code]["headers"] for code in ("200", "201")] == ["location" in answer.headers] * 2, (
            path
        )


async def test_a_foreign_page_is_not_the_local_caller(intake: Intake) -> None:
    answer = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE}, Origin="https://example.org")
    assert answer.status_code == 403
    for host in ("example.org", "127.evil.example", "127.0.0.1.evil.example"):
        assert (await intake.client.get("/v1/clock", headers={"Host": host})).status_code == 403, host


async def test_the_local_caller_is_nobody_behind_a_proxy(intake: Intake) -> None:
    for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "Via", "X-Real-IP"):
        assert (await intake.client.get("/v1/clock", headers={header: "127.0.0.1"})).status_code == 401, header


# --- sources ---------------------------------------------------------------------------------------------------------

TWO: dict[str, str] = {}


@pytest.fixture
async def two_portals(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake with two portals of one province; the second pushes for a hotline too, the third for anybody."""
    entries = []
    portals: dict[str, tuple[str, ...]] = {"cong-a": (), "cong-b": ("cong-b", "duong-day-nong"), "cu": ("*",)}
    for name, sources in portals.items():
        TWO[name], entry = mint_token(name, "system", "H35", amqp_user=name, sources=sources)
        entries.append(entry)
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as running:
        yield running


def pushed(source: str, external_id: str = "1") -> dict[str, str]:
    return {"jurisdiction": COMMUNE, "text": "…", "source": source, "external_id": external_id}


async def test_a_source_is_its_callers_alone(two_portals: Intake) -> None:
    async def push(caller: str, body: object) -> tuple[int, str]:
        answer = await two_portals.post("/v1/petitions", body, token=TWO[caller])
        return answer.status_code, answer.json().get("type", "").rpartition(":")[2]

    refused = (403, "source-may-not")
    assert await push("cong-b", pushed("cong-a")) == refused
    assert await push("cong-a", pushed("cong-a")) == (201, "")
    assert await push("cong-a", pushed("cong-a")) == (200, "")
    # A source is claimed without a reference too: it stands in the event.
    assert await push("cong-b", {"jurisdiction": COMMUNE, "source": "cong-a"}) == refused
    assert await push("cong-b", pushed("duong-day-nong")) == (201, "")
    assert await push("cu", pushed("cong-a", "2")) == (201, "")
    answer = await two_portals.post("/v1/petitions", pushed("cong-a"), token=TWO["cong-b"])
    assert (answer.json()["field"], "sources" in answer.json()["detail"]) == ("source", True)


async def test_a_source_is_its_callers_alone_over_the_queue(two_portals: Intake) -> None:
    async def push(user: str, source: str, key: str) -> dict[str, Any]:
        body = {"command": "PetitionReceived", "data": pushed(source)}
        found: dict[str, Any] = json.loads((await two_portals.commands.take(json.dumps(body).encode(), user, key)).body)
        return found

    assert (await push("cong-b", "cong-a", "k1"))["type"].endswith("source-may-not")
    mine = await push("cong-a", "cong-a", "k2")
    withdrawal = {"command": "PetitionWithdrawn", "aggregate": "petition", "id": mine["id"], "data": {"reason": "…"}}
    for user, outcome in (("cong-b", "type"), ("cong-a", "position")):
        answer = await two_portals.commands.take(json.dumps(withdrawal).encode(), user, f"k3-{user}")
        assert outcome in json.loads(answer.body), user


async def test_a_portal_withdraws_only_what_came_from_it(two_portals: Intake) -> None:
    async def received(caller: str, body: object) -> str:
        answer = await two_portals.post("/v1/petitions", body, token=TWO[caller])
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def withdraw(caller: str, petition: str) -> int:
        path = f"/v1/petitions/{petition}/withdrawal"
        return (await two_portals.post(path, {"reason": "…"}, token=TWO[caller])).status_code

    of_a, unnamed = await received("cong-a", pushed("cong-a")), await received("cong-a", {"jurisdiction": COMMUNE})
    hotline = await received("cong-b", pushed("duong-day-nong"))
    offices = str((await two_portals.petition())["id"])
    assert [await withdraw("cong-b", petition) for petition in (of_a, unnamed, offices)] == [403, 403, 403]
    assert [await withdraw("cong-a", petition) for petition in (of_a, unnamed, hotline)] == [201, 201, 403]
    assert [await withdraw("cong-b", hotline), await withdraw("cu", offices)] == [201, 201]


async def test_a_source_left_out_is_the_callers_own(two_portals: Intake) -> None:
    for caller in ("cong-a", "cong-b", "cu"):
        body = {"jurisdiction": COMMUNE, "external_id": "9"}
        assert (await two_portals.post("/v1/petitions", body, token=TWO[caller])).status_code == 201
    found = await two_portals.rows("SELECT source FROM external_references WHERE external_id = '9' ORDER BY source")
    assert [row["source"] for row in found] == ["cong-a", "cong-b", "cu"]


async def test_a_reference_is_found_by_whoever_sees_its_petition(guarded: Intake) -> None:
    body = {"jurisdiction": COMMUNE, "external_id": "7"}
    assert await status(guarded, "portal", "/v1/petitions", body) == 201
    expected = {"portal": 200, "office": 200, "auditor": 200, "elsewhere": 404, "education": 404}
    for caller, status_code in expected.items():
        answer = await guarded.get("/v1/petitions", token=TOKENS[caller], source="portal", external_id="7")
        assert answer.status_code == status_code, caller


def test_nothing_starts_beyond_loopback_without_tokens() -> None:
    with pytest.raises(InvalidTokens):
        callers_of(IntakeSettings(database_url="postgresql:///none", host="0.0.0.0"))


async def test_beyond_loopback_a_call_without_a_token_is_refused(database: str, tmp_path: Path) -> None:
    token, entry = mint_token("ops", "operations")
    path = str(tokens_file(tmp_path, entry))
    async with served(database, tmp_path, host="0.0.0.0", tokens_file=path) as running:
        async with httpx.AsyncClient(base_url=running.client.base_url) as stranger:
            assert (await stranger.get("/v1/clock")).status_code == 401
        assert (await running.get("/v1/clock", token=token)).status_code == 200
        assert (await running.get("/healthz")).status_code == 200
        assert (await running.get("/readyz")).status_code == 200


async def test_a_revoked_token_is_refused_and_a_new_one_taken_without_a_restart(database: str, tmp_path: Path) -> None:
    (old, first), (new, second) = mint_token("portal", "system", "H35"), mint_token("portal", "system", "H35")
    path = tokens_file(tmp_path, first)
    async with served(database, tmp_path, tokens_file=str(path)) as intake:
        await intake.places()
        body = {"jurisdiction": COMMUNE}

        async def is_answered(token: str, status: int) -> bool:
            return (await intake.post("/v1/petitions", body, token=token)).status_code == status

        assert await is_answered(old, 201) and await is_answered(new, 401)
        # A file that is being written, or is wrong, takes nobody's token away.
        path.write_text("{")
        tokens_file(tmp_path, second)
        await until(lambda: is_answered(new, 201))
        assert await is_answered(old, 401)
        tokens_file(tmp_path, first)
        await until(lambda: is_answered(new, 401))


def test_names_of_the_products_own_are_no_callers() -> None:
    for name in ("local", "bootstrap"):
        with pytest.raises(InvalidTokens, match=name):
            Callers((mint_token(name, "office")[1],), local_allowed=True)


@pytest.mark.parametrize("path", ["/v1/policies/check", "/v1/policies/comparison", "/v1/calendars/check"])
async def test_questions_about_rules__are_answered_to_those_who_may_adopt_them(guarded: Intake, path: str) -> None:
    body = {"policies/check": {}, "policies/comparison": {"before": "plan-570", "after": "plan-570"}}.get(path[4:], {})
    assert [await status(guarded, caller, path, body) for caller in ("office", "portal", "education", "auditor")] == [
        200,
        403,
        403,
        403,
    ]
