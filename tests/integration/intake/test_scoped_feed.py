"""The feed for who may see a part of the store: own subtree, own petitions, by a cursor that passes what is hidden."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.http.auth import Role, mint_token
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, OFFICE, PROVINCE, Intake, served, tokens_file

ELSEWHERE = "H35.11"
TOKENS: dict[str, str] = {}


@pytest.fixture
async def shared_store(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """Two districts, two portals, an office, an agency; each district has a petition of a portal and one of its own."""
    callers: list[tuple[str, Role, str, str]] = [
        ("portal", "system", PROVINCE, ""),
        ("other-portal", "system", PROVINCE, ""),
        ("office", "office", DISTRICT, ""),
        ("education", "agency", DISTRICT, EDUCATION),
        ("auditor", "auditor", "VN", ""),
        ("administrator", "admin", DISTRICT, ""),
    ]
    entries = []
    for name, role, jurisdiction, agency in callers:
        TOKENS[name], entry = mint_token(name, role, jurisdiction, agency)
        entries.append(entry)
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as intake:
        place = {"code": ELSEWHERE, "name": "Huyện Phong Thổ", "level": "district", "parent": PROVINCE}
        await intake.done("/v1/jurisdictions", place | {"valid_from": "2004-01-01"})
        await pushed(intake, "portal", "A-1", COMMUNE)
        await pushed(intake, "portal", "A-2", ELSEWHERE)
        await pushed(intake, "other-portal", "B-1", COMMUNE)
        await intake.petition()
        await intake.petition(jurisdiction=ELSEWHERE)
        yield intake


async def pushed(intake: Intake, caller: str, external_id: str, place: str) -> str:
    """The id of a petition that a portal pushed."""
    body = {"jurisdiction": place, "text": "Rác ở chợ.", "external_id": external_id}
    answer = await intake.post("/v1/petitions", body, token=TOKENS[caller])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def read(intake: Intake, caller: str, cursor: str = "", **asked: str) -> dict[str, Any]:
    """One page."""
    answer = await intake.get("/v1/events", token=TOKENS[caller], cursor=cursor, **asked)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def all_read(intake: Intake, caller: str, **asked: str) -> list[dict[str, Any]]:
    """Every event from the beginning, in pages of two."""
    found, page = [], await read(intake, caller, limit="2", **asked)
    while page["events"] or page["complete_to"] is None:
        found += page["events"]
        page = await read(intake, caller, page["next"], limit="2", **asked)
    return found


def places(events: list[dict[str, Any]], topic: str = "PetitionReceived") -> list[str]:
    return sorted(e["data"]["data"]["jurisdiction"] for e in events if e["type"] == topic)


async def test_part__is_that_of_the_caller_and_the_regulation_that_holds_there(shared_store: Intake) -> None:
    seen = await all_read(shared_store, "office")
    assert places(seen) == [COMMUNE, COMMUNE, COMMUNE]
    named = {e["data"]["data"]["code"] for e in seen if e["type"] == "JurisdictionRegistered"}
    assert named >= {"VN", PROVINCE, DISTRICT, COMMUNE} and ELSEWHERE not in named
    positions = [int(e["position"]) for e in seen]
    assert positions == sorted(set(positions))


async def test_part__of_a_whole_store_is_all_of_it(shared_store: Intake) -> None:
    whole = (await shared_store.get("/v1/events", token=TOKENS["auditor"])).json()
    assert "head" in whole and "next" not in whole
    assert [e["id"] for e in await all_read(shared_store, "auditor")] == [e["id"] for e in whole["events"]]


async def test_part__without_a_cursor_begins_at_the_beginning(shared_store: Intake) -> None:
    page = (await shared_store.get("/v1/events", token=TOKENS["office"])).json()
    assert page["events"] and page["next"] and "head" not in page


async def test_mine__is_what_was_pushed_with_its_own_keys(shared_store: Intake) -> None:
    seen = await all_read(shared_store, "portal", mine="true")
    assert [(e["type"], e["externalsource"], e["externalid"]) for e in seen] == [
        ("PetitionReceived", "portal", "A-1"),
        ("PetitionReceived", "portal", "A-2"),
    ]
    assert [e["externalid"] for e in await all_read(shared_store, "other-portal", mine="true")] == ["B-1"]
    assert await all_read(shared_store, "office", mine="true") == []


async def test_mine__goes_on_with_what_the_office_does(shared_store: Intake) -> None:
    page = await read(shared_store, "portal", mine="true")
    petition = page["events"][0]["subject"]
    await shared_store.done(f"/v1/petitions/{petition}/classification", {"subject": "Rác", "field": "environment"})
    conference = await shared_store.conference()
    scheduling = [{"command": "PetitionScheduled", "target": petition, "body": {"conference_id": conference}}]
    await shared_store.done("/v1/acts/record-slip", {"parts": scheduling})
    after = (await read(shared_store, "portal", page["next"], mine="true"))["events"]
    assert [(e["type"], e["externalid"]) for e in after] == [
        ("PetitionClassified", "A-1"),
        ("PetitionScheduled", "A-1"),
    ]


async def test_filter__by_kind_and_place(shared_store: Intake) -> None:
    received = await all_read(shared_store, "portal", type="vn.doithoai.PetitionReceived", jurisdiction=ELSEWHERE)
    assert places(received) == [ELSEWHERE, ELSEWHERE]
    assert {e["type"] for e in received} == {"PetitionReceived"}
    assert await all_read(shared_store, "office", type="PetitionReceived", jurisdiction=ELSEWHERE) == []


async def test_agency__sees_what_it_has_a_part_in(shared_store: Intake) -> None:
    assert places(await all_read(shared_store, "education")) == []
    petition = (await shared_store.petition())["id"]
    await shared_store.done(f"/v1/petitions/{petition}/forwarding", {"agency": EDUCATION})
    other = (await shared_store.petition())["id"]
    await shared_store.done(f"/v1/petitions/{other}/forwarding", {"agency": OFFICE})
    seen = await all_read(shared_store, "education", type="PetitionForwarded")
    assert [e["subject"] for e in seen] == [petition]


async def test_administrator_of_people__sees_no_log(shared_store: Intake) -> None:
    refused = await shared_store.get("/v1/events", token=TOKENS["administrator"], cursor="")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:doithoai:problem:role-may-not")


async def test_hidden_events__move_the_cursor(shared_store: Intake) -> None:
    page = await read(shared_store, "other-portal", mine="true")
    for _ in range(3):
        await shared_store.petition()
    empty = await read(shared_store, "other-portal", page["next"], mine="true")
    assert empty["events"] == [] and empty["complete_to"] is not None and empty["next"] != page["next"]
    await pushed(shared_store, "other-portal", "B-2", ELSEWHERE)
    (event,) = (await read(shared_store, "other-portal", empty["next"], mine="true"))["events"]
    assert event["externalid"] == "B-2"


async def test_waiting__lasts_until_something_is_seen(shared_store: Intake) -> None:
    page = await read(shared_store, "portal", mine="true")
    waiting = asyncio.create_task(read(shared_store, "portal", page["next"], mine="true", wait="20"))
    await shared_store.petition()
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await pushed(shared_store, "portal", "A-3", COMMUNE)
    assert [e["externalid"] for e in (await waiting)["events"]] == ["A-3"]


async def test_cursor__of_another_question_is_refused(shared_store: Intake) -> None:
    cursor = (await read(shared_store, "portal", mine="true"))["next"]
    for asked in ({}, {"mine": "true", "jurisdiction": PROVINCE}, {"mine": "true", "type": "PetitionReceived"}):
        refused = await shared_store.get("/v1/events", token=TOKENS["portal"], cursor=cursor, **asked)
        problem = refused.json()
        assert (refused.status_code, problem["field"]) == (400, "cursor"), asked
    for asked in ({"after": "0"}, {"epoch": "x"}):
        refused = await shared_store.get("/v1/events", token=TOKENS["portal"], cursor=cursor, mine="true", **asked)
        assert (refused.status_code, refused.json()["type"]) == (400, "urn:doithoai:problem:feed-parameters")
    refused = await shared_store.get("/v1/events", token=TOKENS["portal"], type="PetitionRecieved")
    assert refused.status_code == 400 and "PetitionReceived" in refused.json()["allowed"]


async def test_cursor__over_a_restore_is_told_where_to_go_on(shared_store: Intake) -> None:
    before = await read(shared_store, "portal", mine="true")
    await pushed(shared_store, "portal", "A-3", COMMUNE)
    lost = await read(shared_store, "portal", before["next"], mine="true")
    # As a restore to before the last event leaves the store: what was appended since is another event there.
    await shared_store.rows("ALTER TABLE stored_events DISABLE TRIGGER USER")
    await shared_store.rows("UPDATE stored_events SET recorded_at = recorded_at - interval '1 hour'")
    await shared_store.rows(
        "UPDATE stored_events SET event_id = gen_random_uuid(), recorded_at = recorded_at + interval '2 hours' "
        "WHERE notification_id = (SELECT max(notification_id) FROM stored_events)"
    )
    refused = await shared_store.get("/v1/events", token=TOKENS["portal"], cursor=lost["next"], mine="true")
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (409, "urn:doithoai:problem:history-changed")
    again = await read(shared_store, "portal", problem["cursor"], mine="true")
    assert [e["externalid"] for e in again["events"]] == ["A-3"]


async def test_cursor__of_another_caller_is_refused(shared_store: Intake) -> None:
    cursor = (await read(shared_store, "portal"))["next"]
    refused = await shared_store.get("/v1/events", token=TOKENS["other-portal"], cursor=cursor)
    assert (refused.status_code, refused.json()["field"]) == (400, "cursor")


async def test_place__that_is_no_code_is_refused_by_the_parameter(shared_store: Intake) -> None:
    refused = await shared_store.get("/v1/events", token=TOKENS["portal"], jurisdiction="Tam Đường")
    assert (refused.status_code, refused.json()["field"]) == (400, "jurisdiction")
    seen = await all_read(shared_store, "portal", type="PetitionReceived", jurisdiction=f"000.00.11.{PROVINCE}")
    assert places(seen) == [ELSEWHERE, ELSEWHERE]


async def test_place__merged_into_another_while_a_cursor_is_out(shared_store: Intake) -> None:
    """The successor sees what follows; what was passed while it was another's is not sent later."""
    page = await read(shared_store, "office", limit="5000", type="PetitionReceived")
    assert places(page["events"]) == [COMMUNE, COMMUNE, COMMUNE]
    theirs = str((await shared_store.petition(jurisdiction=ELSEWHERE, effective_on="2025-02-03"))["id"])
    hidden = await read(shared_store, "office", page["next"], type="PetitionReceived")
    assert hidden["events"] == []
    closing = {"effective_on": "2025-02-04", "successor": DISTRICT}
    await shared_store.done(f"/v1/jurisdictions/{ELSEWHERE}/closure", closing)
    nothing = await read(shared_store, "office", hidden["next"], type="PetitionReceived")
    assert nothing["events"] == []
    everything = await read(shared_store, "office", limit="5000", type="PetitionReceived")
    assert ELSEWHERE in places(everything["events"])
    cursor = (await read(shared_store, "office", limit="5000"))["next"]
    forwarding = {"agency": EDUCATION, "effective_on": "2025-02-05"}
    await shared_store.done(f"/v1/petitions/{theirs}/forwarding", forwarding)
    (event,) = (await read(shared_store, "office", cursor))["events"]
    assert (event["type"], event["subject"]) == ("PetitionForwarded", theirs)
