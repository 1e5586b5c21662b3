"""A push is a synchronisation: created, changed, unchanged, stale, conflict; many at once; the office decides."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.adapters import pushes
from services.intake.application import deciding
from services.intake.application.pushing.push_handler import PushHandler
from shared.http.tokens import mint_token
from tests.support.intake import COMMUNE, DISTRICT, PROVINCE, Intake, served, tokens_file
from tests.support.waiting import until

SOURCE = "cong-tinh"
BODY: dict[str, Any] = {
    "jurisdiction": COMMUNE,
    "channel": "cổng thông tin",
    "text": "Rác ở chợ ba ngày mới thu gom.",
    "petitioner_ids": ["cong-tinh-1"],
    "identities": {"cong-tinh-1": {"name": "Lò Thị Mai", "phone": "0900000000"}},
}
CLASSIFIED = {"subject": "Rác ở chợ", "field": "environment"}


async def put(
    intake: Intake, version: str, reference: str = "TN-1", status: int = 200, token: str = "", **fields: Any
) -> dict[str, Any]:
    """Push a version, which must be answered with this status; without tokens configured, as `local`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if_match = fields.pop("if_match", "")
    if if_match:
        headers["If-Match"] = if_match
    body = {name: value for name, value in (BODY | fields).items() if value is not None}
    answer = await intake.client.put(
        f"/v1/petitions/by-reference/{SOURCE}/{reference}", json=body | {"source_version": version}, headers=headers
    )
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(problem: dict[str, Any]) -> str:
    return str(problem["type"]).removeprefix("urn:doithoai:problem:")


async def content(intake: Intake, petition: str) -> list[dict[str, Any]]:
    answer = (await intake.get(f"/v1/petitions/{petition}/content")).json()
    return [each["content"] for each in answer["events"]]


async def test_push__creates_once_and_says_when_nothing_is_new(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    assert created["result"] == "created" and created["receipt_code"]
    head = await intake.head()
    again = await put(intake, "1")
    later = await put(intake, "2")
    assert (again["result"], later["result"], later["source_version"]) == ("unchanged", "unchanged", "2")
    assert again["id"] == created["id"] and again["receipt_code"] == created["receipt_code"]
    assert await intake.head() == head
    early = await put(intake, "01", text="Cũ.")
    assert (early["result"], early["source_version"]) == ("stale", "2")
    assert await intake.head() == head


async def test_push__records_what_changed_and_nothing_else(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    changed = await put(intake, "2", text="Rác ở chợ năm ngày mới thu gom.", channel="điện thoại")
    assert changed["result"] == "changed" and changed["version"] == created["version"] + 1
    view = (await intake.get(f"/v1/petitions/{created['id']}")).json()
    assert view["petition"]["channel"] == "điện thoại"
    fact = view["facts"][-1]
    assert fact["topic"] == "PetitionCorrected" and sorted(fact["data"]["corrected"]) == ["channel", "text"]
    assert "text" not in fact["data"]
    assert (await content(intake, created["id"]))[-1] == {"text": "Rác ở chợ năm ngày mới thu gom."}
    (state,) = await intake.rows("SELECT state FROM stored_events WHERE topic = 'PetitionCorrected'")
    meta = json.loads(state["state"])["meta"]
    assert meta["source_version"] == "2"
    assert meta["petition_reference"] == {"source": SOURCE, "external_id": "TN-1"}
    same = await put(intake, "3", text="Rác ở chợ năm ngày mới thu gom.", channel="điện thoại")
    assert same["result"] == "unchanged"
    back = await put(intake, "4")
    assert back["result"] == "changed"


async def test_push__takes_petitioners_in_and_lets_none_go(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    people = {"cong-tinh-1": {"name": "Lò Thị Mai", "phone": "0911111111"}, "cong-tinh-2": {"name": "Vàng A"}}
    await put(intake, "2", petitioner_ids=[*people], identities=people)
    assert (await content(intake, created["id"]))[-1] == {"identities": people}
    without = await put(intake, "3", petitioner_ids=["cong-tinh-2"], identities={})
    assert without["result"] == "unchanged"
    view = (await intake.get(f"/v1/petitions/{created['id']}")).json()
    assert view["petition"]["petitioner_ids"] == ["cong-tinh-1", "cong-tinh-2"]


async def test_push__of_one_person_keeps_what_is_known_of_the_others(intake: Intake) -> None:
    people = {"cong-tinh-1": {"name": "Lò Thị Mai"}, "cong-tinh-2": {"name": "Vàng A"}}
    both: dict[str, Any] = {"petitioner_ids": [*people], "identities": people}
    await put(intake, "1", status=201, **both)
    people["cong-tinh-2"] = {"name": "Vàng A", "phone": "0911111111"}
    assert (await put(intake, "2", **both))["result"] == "changed"
    assert (await put(intake, "3", **both))["result"] == "unchanged"


async def test_push__of_another_case_is_a_change(intake: Intake) -> None:
    await put(intake, "1", status=201, village="NAM", text="ok", language="vi")
    assert (await put(intake, "2", village="Nam", text="ok", language="vi"))["result"] == "changed"
    assert (await put(intake, "3", village="Nam", text="OK", language="vi"))["result"] == "changed"
    assert (await put(intake, "3", village=" Nam", text="OK ", language="vi"))["result"] == "unchanged"


async def test_push__knows_people_by_what_is_said_of_them(intake: Intake) -> None:
    """A label that is no id tells nobody apart: it may stand for another person the next time."""
    an, binh, cuong = {"name": "An"}, {"name": "Bình"}, {"name": "Cường"}
    people: dict[str, Any] = {"petitioner_ids": []}
    created = await put(intake, "1", status=201, **people, identities={"a": an, "b": binh})
    (first,) = await content(intake, created["id"])
    who = {each["name"]: label for label, each in first["identities"].items()}
    assert (await put(intake, "2", **people, identities={"1": binh, "2": an}))["result"] == "unchanged"
    assert (await put(intake, "3", **people, identities={"1": cuong, "2": binh, "3": an}))["result"] == "changed"
    assert [*(await content(intake, created["id"]))[-1]["identities"].values()] == [cuong]
    corrected = {"name": "Bình", "phone": "0900000000"}
    await put(intake, "4", **people, identities={"1": corrected, "2": cuong, "3": an})
    assert (await content(intake, created["id"]))[-1]["identities"] == {who["Bình"]: corrected}
    unclear = await put(intake, "5", status=422, **people, identities={"1": {"name": "Dũng"}})
    assert (code(unclear), unclear["field"]) == ("invalid-value", "identities")


async def test_push__of_somebody_new_can_be_sent_again_while_it_waits(intake: Intake) -> None:
    known: dict[str, Any] = {"petitioner_ids": [], "identities": {"a": {"name": "An"}}}
    more = known | {"identities": known["identities"] | {"b": {"name": "Bình"}}}
    created = await put(intake, "1", status=201, **known)
    await intake.done(f"/v1/petitions/{created['id']}/classification", CLASSIFIED)
    pushed = await put(intake, "2", **more)
    assert (await put(intake, "2", **more))["conflict_id"] == pushed["conflict_id"]
    assert (await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/refusal")).status_code == 200
    assert (await put(intake, "3", **more))["result"] == "unchanged"


async def test_push__of_another_day_moves_the_receipt(intake: Intake) -> None:
    created = await put(intake, "1", status=201, effective_on="2026-01-12")
    await put(intake, "2", effective_on="2026-01-09")
    assert (await put(intake, "3", effective_on=None))["result"] == "unchanged"
    view = (await intake.get(f"/v1/petitions/{created['id']}")).json()
    assert view["petition"]["received_on"] == "2026-01-09"
    tomorrow = date.fromisoformat(await intake.today()) + timedelta(1)
    future = await put(intake, "4", status=422, effective_on=tomorrow.isoformat())
    assert (code(future), future["field"]) == ("future-deed", "effective_on")


async def test_push__of_another_place_is_another_petition(intake: Intake) -> None:
    await put(intake, "1", status=201)
    refused = await put(intake, "2", status=409, jurisdiction=DISTRICT)
    assert (code(refused), refused["fields"]) == ("reference-differs", ["jurisdiction"])


async def test_push__of_one_version_says_one_thing(intake: Intake) -> None:
    await put(intake, "7", status=201)
    refused = await put(intake, "7", status=409, text="Khác.")
    assert (code(refused), refused["field"], refused["fields"]) == ("source-version-reused", "source_version", ["text"])
    for wrong in ("", "bảy", "2026-01-01T00:00:00", "1" * 65):
        assert code(await put(intake, wrong, status=422)) in ("invalid-body", "invalid-value")
    instant = await put(intake, "2026-01-05T08:00:00+07:00", text="Khác.")
    assert (instant["result"], instant["source_version"]) == ("changed", "2026-01-05T01:00:00.000000Z")


async def test_push__of_an_instant_is_later_than_any_number(intake: Intake) -> None:
    """What brings nothing new is kept beside the log, and ordered there as everywhere."""
    await put(intake, "1" * 60, status=201)
    await put(intake, "1" * 64)
    later = await put(intake, "2026-01-05T09:00:00+07:00")
    earlier = await put(intake, "2026-01-05T08:00:00+07:00", text="Cũ.")
    assert [later["result"], earlier["result"]] == ["unchanged", "stale"]


async def test_push__of_a_name_that_is_too_long_says_which(intake: Intake) -> None:
    for source, external_id, field in (("s" * 201, "TN-1", "source"), (SOURCE, "t" * 201, "external_id")):
        path = f"/v1/petitions/by-reference/{source}/{external_id}"
        refused = await intake.client.put(path, json=BODY | {"source_version": "1"})
        assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_push__of_a_number_after_an_instant_is_refused(intake: Intake) -> None:
    await put(intake, "2026-01-05T08:00:00+07:00", status=201)
    refused = await put(intake, "12", status=422, text="Khác.")
    assert (code(refused), refused["field"]) == ("invalid-value", "source_version")


async def test_push__of_a_reference_that_nobody_can_write(intake: Intake) -> None:
    for reference in ("a%09b", "a%0Ab", "%EF%BF%BE"):
        refused = await put(intake, "1", reference, status=422)
        assert (code(refused), refused["field"]) == ("invalid-value", "external_id")
    for reference in ("%FF", "%C3"):
        assert code(await put(intake, "1", reference, status=400)) == "invalid-request"


async def test_push__after_a_receipt_by_another_door_goes_on_from_it(intake: Intake) -> None:
    received = await intake.petition(**BODY, source=SOURCE, external_id="TN-1")
    assert (await put(intake, "1"))["id"] == received["id"]
    assert (await put(intake, "2", text="Khác."))["result"] == "changed"


async def test_push__if_match(intake: Intake) -> None:
    assert code(await put(intake, "1", status=412, if_match='"1"')) == "stale-version"
    await put(intake, "1", status=201)
    assert (await put(intake, "2", text="Khác.", if_match='"1"'))["version"] == 2
    assert code(await put(intake, "3", status=412, text="Nữa.", if_match='"1"')) == "stale-version"


async def test_pushes_at_once__of_one_record_are_one_petition(intake: Intake) -> None:
    head = await intake.head()
    done = await asyncio.gather(*(put_any(intake, str(number), f"Lần {number}.") for number in range(1, 9)))
    assert len({each.json()["id"] for each in done}) == 1
    assert [each.json()["result"] for each in done].count("created") == 1
    last = await put(intake, "8", text="Lần 8.")
    assert (last["result"], last["source_version"]) == ("unchanged", "8")
    assert await intake.head() <= head + 8


async def put_any(intake: Intake, version: str, text: str) -> httpx.Response:
    body = BODY | {"text": text, "source_version": version}
    return await intake.client.put(f"/v1/petitions/by-reference/{SOURCE}/TN-1", json=body)


# --- conflicts --------------------------------------------------------------------------------------------------------


async def classified(intake: Intake) -> str:
    created = await put(intake, "1", status=201)
    await intake.done(f"/v1/petitions/{created['id']}/classification", CLASSIFIED)
    return str(created["id"])


async def test_push__after_classification_waits_for_the_office(intake: Intake) -> None:
    petition = await classified(intake)
    head = await intake.head()
    pushed = await put(intake, "2", text="Khác.", channel="điện thoại")
    assert pushed["result"] == "conflict"
    by_field = {each["field"]: each for each in pushed["conflicts"]}
    assert by_field["channel"] == {"field": "channel", "ours": "cổng thông tin", "theirs": "điện thoại"}
    assert by_field["text"] == {"field": "text"}
    assert await intake.head() == head
    again = await put(intake, "2", text="Khác.", channel="điện thoại")
    assert (again["result"], again["conflict_id"]) == ("conflict", pushed["conflict_id"])
    (listed,) = (await intake.get("/v1/conflicts", state="open")).json()["items"]
    assert (listed["conflict_id"], listed["petition_id"]) == (pushed["conflict_id"], petition)
    shown = (await intake.get(f"/v1/conflicts/{pushed['conflict_id']}")).json()
    told = {each["field"]: (each["ours"], each["theirs"]) for each in shown["fields"]}
    assert told["text"] == (BODY["text"], "Khác.")
    accepted = await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/acceptance")
    assert (accepted.status_code, accepted.json()["conflict"]["state"]) == (200, "accepted")
    assert (await content(intake, petition))[-1] == {"text": "Khác."}
    twice = await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/acceptance")
    assert (twice.status_code, twice.json()) == (200, accepted.json())
    late = await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/refusal")
    assert (late.status_code, code(late.json())) == (409, "conflict-decided")
    assert (await put(intake, "3", text="Khác.", channel="điện thoại"))["result"] == "unchanged"


async def test_conflict__accepted_twice_or_half_is_recorded_once(intake: Intake) -> None:
    await classified(intake)
    one = f"/v1/conflicts/{(await put(intake, '2', text='Khác.'))['conflict_id']}/acceptance"
    head = await intake.head()
    both = await asyncio.gather(*(intake.post(one) for _ in range(2)))
    assert [each.status_code for each in both] == [200, 200]
    assert await intake.head() == head + 1
    # As if the process had died between the record and the mark.
    await intake.rows("UPDATE conflicts SET state = 'open', decided_by = '', decided_at = NULL")
    again = await intake.post(one)
    assert (again.status_code, again.json()["conflict"]["state"]) == (200, "accepted")
    assert again.json()["version"] == both[0].json()["version"]
    assert await intake.head() == head + 1


async def test_conflict__refused_while_its_acceptance_waits_is_not_recorded(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await classified(intake)
    one = f"/v1/conflicts/{(await put(intake, '2', text='Khác.'))['conflict_id']}"
    head = await intake.head()
    asked, gate, decide = asyncio.Event(), asyncio.Event(), pushes.StoredPushes.decide

    async def held(stored: pushes.StoredPushes, *decision: Any) -> bool:
        asked.set()
        await gate.wait()
        return await decide(stored, *decision)

    monkeypatch.setattr(pushes.StoredPushes, "decide", held)
    refusing = asyncio.create_task(intake.post(one + "/refusal"))
    await asked.wait()
    accepting = asyncio.create_task(intake.post(one + "/acceptance"))
    await asyncio.sleep(0.3)
    gate.set()
    assert ((await refusing).status_code, (await accepting).status_code) == (200, 409)
    assert await intake.head() == head


async def test_conflict__recorded_is_not_refused(intake: Intake) -> None:
    await classified(intake)
    one = f"/v1/conflicts/{(await put(intake, '2', text='Khác.'))['conflict_id']}"
    await intake.post(one + "/acceptance")
    # As if the process had died between the record and the mark.
    await intake.rows("UPDATE conflicts SET state = 'open', decided_by = '', decided_at = NULL")
    assert code((await intake.post(one + "/refusal")).json()) == "conflict-decided"
    assert (await intake.get(one)).json()["conflict"]["state"] == "accepted"


async def test_conflict__refused_is_not_asked_again(intake: Intake) -> None:
    await classified(intake)
    pushed = await put(intake, "2", text="Khác.")
    refused = await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/refusal")
    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    for version in ("2", "3"):
        again = await put(intake, version, text="Khác.")
        assert (again["result"], again["conflicts"]) == ("unchanged", [{"field": "text"}])
    more = await put(intake, "4", text="Khác.", village="Bản Thẳm")
    assert [each["field"] for each in more["conflicts"]] == ["village"]
    late = await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/acceptance")
    assert (late.status_code, code(late.json())) == (409, "conflict-decided")


async def test_conflict__a_later_push_takes_its_place(intake: Intake) -> None:
    await classified(intake)
    first = await put(intake, "2", text="Khác.")
    second = await put(intake, "3", text="Khác.", channel="điện thoại")
    states = {each["conflict_id"]: each["state"] for each in (await intake.get("/v1/conflicts")).json()["items"]}
    assert states == {first["conflict_id"]: "superseded", second["conflict_id"]: "open"}
    assert sorted(each["field"] for each in second["conflicts"]) == ["channel", "text"]
    assert (await put(intake, "4"))["result"] == "unchanged"
    assert (await intake.get("/v1/conflicts", state="open")).json()["items"] == []


async def decided(intake: Intake, pushed: dict[str, Any], decision: str) -> None:
    assert pushed["result"] == "conflict"
    assert (await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/{decision}")).status_code == 200


async def test_conflict__refused_once_is_asked_again_after_something_else_was_said(intake: Intake) -> None:
    await classified(intake)
    await decided(intake, await put(intake, "2", text="Hai."), "refusal")
    assert (await put(intake, "3"))["result"] == "unchanged"  # and alike from here on
    await decided(intake, await put(intake, "4", text="Hai."), "refusal")
    await decided(intake, await put(intake, "5", text="Năm."), "acceptance")
    assert (await put(intake, "6", text="Hai."))["result"] == "conflict"


async def overtaken(intake: Intake) -> tuple[str, dict[str, Any]]:
    """A conflict of version 2; 3 was recorded after it, and the process died before it marked that. Their petition."""
    created = await put(intake, "1", status=201)
    await intake.done(f"/v1/petitions/{created['id']}/correction", {"channel": "trực tiếp"})
    conflict = await put(intake, "2", channel="điện thoại", text="Hai.")
    assert conflict["result"] == "conflict"
    assert (await put(intake, "3", text="Ba."))["result"] == "changed"
    await intake.rows("UPDATE conflicts SET state = 'open', decided_at = NULL")
    await intake.rows("UPDATE push_versions SET source_version = '1'")
    return str(created["id"]), conflict


async def test_conflict__of_a_version_that_a_later_one_overtook__is_not_accepted(intake: Intake) -> None:
    petition, conflict = await overtaken(intake)
    late = await intake.post(f"/v1/conflicts/{conflict['conflict_id']}/acceptance")
    assert (late.status_code, code(late.json())) == (409, "conflict-decided")
    assert (await content(intake, petition))[-1] == {"text": "Ba."}
    assert (await intake.get("/v1/conflicts", state="open")).json()["items"] == []


async def test_push__again_after_a_crash_settles_the_conflict_that_it_overtook(intake: Intake) -> None:
    await overtaken(intake)
    assert (await put(intake, "3", text="Ba."))["result"] == "unchanged"
    assert [each["state"] for each in (await intake.get("/v1/conflicts")).json()["items"]] == ["superseded"]


async def test_conflict__of_an_ended_place_is_its_successors(placed: str, tmp_path: Path) -> None:
    token, entry = mint_token("van-phong", "office", "H35.12")
    elsewhere, other = mint_token("noi-khac", "office", "H35.13")
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry, other))) as intake:
        petition = await classified(intake)
        pushed = await put(intake, "2", text="Khác.")
        for code_, level, parent in (("H35.12", "district", PROVINCE), ("H35.12.31", "commune", "H35.12")):
            place = {"code": code_, "name": "Nơi mới", "level": level, "parent": parent, "valid_from": "2025-01-01"}
            await intake.done("/v1/jurisdictions", place)
        one = f"/v1/conflicts/{pushed['conflict_id']}"
        assert (await intake.get(one, token=token)).status_code == 404
        ending = {"effective_on": await intake.today(), "successor": "H35.12.31"}
        await intake.done(f"/v1/jurisdictions/{COMMUNE}/closure", ending)
        for caller, seen in ((token, [pushed["conflict_id"]]), (elsewhere, [])):
            listed = (await intake.get("/v1/conflicts", token=caller)).json()["items"]
            assert [each["conflict_id"] for each in listed] == seen
        assert (await intake.get(one, token=elsewhere)).status_code == 404
        assert (await intake.get(one, token=token)).json()["fields"][0]["theirs"] == "Khác."
        assert (await intake.post(f"{one}/acceptance", token=token)).status_code == 200
        assert (await content(intake, petition))[-1] == {"text": "Khác."}


async def test_push__of_what_the_office_corrected_is_a_conflict(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    await intake.done(f"/v1/petitions/{created['id']}/correction", {"channel": "trực tiếp"})
    assert (await put(intake, "2"))["result"] == "unchanged"
    both = await put(intake, "3", channel="điện thoại")
    assert [(each["ours"], each["theirs"]) for each in both["conflicts"]] == [("trực tiếp", "điện thoại")]
    assert (await put(intake, "4", channel="trực tiếp"))["result"] == "unchanged"
    # From here on both are alike: what its source changes next is its own.
    assert (await put(intake, "5", channel="điện thoại"))["result"] == "changed"


async def test_push__of_what_the_office_annulled_is_not_recorded_again(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    await put(intake, "2", channel="điện thoại")
    view = (await intake.get(f"/v1/petitions/{created['id']}")).json()
    wrong = {"event_id": view["facts"][-1]["event_id"], "reason": "nhầm"}
    await intake.done(f"/v1/petitions/{created['id']}/annulments", wrong)
    head = await intake.head()
    assert (await put(intake, "2", channel="điện thoại"))["result"] == "unchanged"
    assert (await put(intake, "3", channel="điện thoại"))["result"] == "unchanged"
    assert (await put(intake, "4", channel="trực tiếp"))["result"] == "conflict"
    assert await intake.head() == head


async def test_push__after_its_end_waits_for_the_office(intake: Intake) -> None:
    created, other = await put(intake, "1", status=201), await intake.petition()
    await intake.done(f"/v1/petitions/{created['id']}/merger", {"into": other["id"]})
    assert (await put(intake, "2"))["result"] == "unchanged"
    assert (await put(intake, "3", text="Khác."))["result"] == "conflict"


async def test_push__after_annulment_and_erasure(intake: Intake) -> None:
    created = await put(intake, "1", status=201)
    view = (await intake.get(f"/v1/petitions/{created['id']}")).json()
    wrong = {"event_id": view["facts"][0]["event_id"], "reason": "nhầm"}
    await intake.done(f"/v1/petitions/{created['id']}/annulments", wrong)
    assert code(await put(intake, "2", status=409)) == "reference-annulled"
    people: dict[str, Any] = {"petitioner_ids": ["cong-tinh-9"], "identities": {"cong-tinh-9": {"name": "Vàng A"}}}
    other = await put(intake, "1", "TN-2", 201, **people)
    await intake.done(f"/v1/petitions/{other['id']}/classification", CLASSIFIED)
    await put(intake, "2", "TN-2", **people, text="Khác.")
    await intake.done("/v1/petitioners/cong-tinh-9/erasure", {})
    assert code(await put(intake, "3", "TN-2", 409, **people)) == "reference-erased"
    await until(lambda: intake.rows("SELECT 1 FROM conflicts WHERE sealed = ''"))


async def test_conflict__that_an_erasure_left_behind_is_forgotten_later(placed: str, tmp_path: Path) -> None:
    people: dict[str, Any] = {"petitioner_ids": ["cong-tinh-9"], "identities": {"cong-tinh-9": {"name": "Vàng A"}}}
    async with served(placed, tmp_path) as intake:
        for reference in ("TN-1", "TN-2"):
            created = await put(intake, "1", reference, 201, **(people if reference == "TN-1" else {}))
            await intake.done(f"/v1/petitions/{created['id']}/classification", CLASSIFIED)
            await put(intake, "2", reference, **(people if reference == "TN-1" else {}), text="Khác.")
        (kept,) = await intake.rows("SELECT sealed FROM conflicts WHERE external_id = 'TN-1'")
        await intake.done("/v1/petitioners/cong-tinh-9/erasure", {})
    # As if the process had died after the erasure, while a push was weighed.
    await intake.rows("UPDATE conflicts SET sealed = $1 WHERE external_id = 'TN-1'", kept["sealed"])
    async with served(placed, tmp_path) as intake:
        for _ in range(100):
            kept_of = await intake.rows("SELECT external_id FROM conflicts WHERE sealed <> ''")
            if [row["external_id"] for row in kept_of] == ["TN-2"]:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("what an erased person said is still there")


async def test_conflict__of_an_erased_petition_is_not_accepted(intake: Intake) -> None:
    petition = await classified(intake)
    one = f"/v1/conflicts/{(await put(intake, '2', text='Khác.'))['conflict_id']}"
    kept = (await intake.rows("SELECT sealed FROM conflicts"))[0]["sealed"]
    await intake.done("/v1/petitioners/cong-tinh-1/erasure", {})
    await until(lambda: intake.rows("SELECT 1 FROM conflicts WHERE sealed = ''"))
    # As if the process had died before it forgot what was pushed beside the erasure.
    await intake.rows(f"UPDATE conflicts SET sealed = '\\x{kept.hex()}'")
    assert code((await intake.post(one + "/acceptance")).json()) == "reference-erased"
    assert [each for each in await content(intake, petition) if each] == []


async def test_conflict__does_not_pass_an_erasure(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept before the erasure, which then forgets it, or not at all."""
    await classified(intake)
    slow = "WHERE (SELECT true FROM pg_sleep(0.5)) AND (SELECT max"
    monkeypatch.setattr(pushes, "_OPEN", pushes._OPEN.replace("WHERE (SELECT max", slow))
    pushing = asyncio.create_task(put_any(intake, "2", "Khác."))
    sleeping = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
        "AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'"
    )
    await until(lambda: intake.rows(sleeping))
    await intake.done("/v1/petitioners/cong-tinh-1/erasure", {})
    await pushing
    await until(lambda: intake.rows("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM conflicts WHERE sealed <> '')"))


async def test_withdrawal__by_reference_can_be_sent_again(intake: Intake) -> None:
    await put(intake, "1", status=201)
    path = f"/v1/petitions/by-reference/{SOURCE}/TN-1/withdrawal"
    first = await intake.done(path, {"reason": "Đã giải quyết."})
    again = await intake.post(path, {})
    assert (again.status_code, again.json()["version"]) == (200, first["version"])


async def test_withdrawal__by_reference_sent_several_times_at_once_is_one(intake: Intake) -> None:
    await put(intake, "1", status=201)
    path = f"/v1/petitions/by-reference/{SOURCE}/TN-1/withdrawal"
    answers = await asyncio.gather(*(intake.post(path, {}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["version"] for answer in answers}) == 1


async def test_withdrawal__of_what_was_never_pushed_finds_nothing(intake: Intake) -> None:
    assert code((await intake.post(f"/v1/petitions/by-reference/{SOURCE}/TN-9/withdrawal")).json()) == "not-found"


async def test_systems__push_their_own_alone(placed: str, tmp_path: Path) -> None:
    own, entry = mint_token("portal", "system", jurisdiction=PROVINCE, sources=(SOURCE,))
    other, stranger = mint_token("other", "system", jurisdiction=PROVINCE)
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry, stranger))) as intake:
        created = await put(intake, "1", status=201, token=own)
        assert (await put(intake, "2", text="Khác.", token=own))["result"] == "changed"
        assert code(await put(intake, "3", status=403, token=other)) == "source-may-not"
        await intake.done(f"/v1/petitions/{created['id']}/classification", CLASSIFIED)
        pushed = await put(intake, "4", text="Nữa.", token=own)
        assert len((await intake.get("/v1/conflicts", token=own)).json()["items"]) == 1
        assert (await intake.get("/v1/conflicts", token=other)).json()["items"] == []
        one = f"/v1/conflicts/{pushed['conflict_id']}"
        assert (await intake.get(one, token=other)).status_code == 404
        assert (await intake.get(one, token=own)).json()["fields"] == [{"field": "text"}]
        assert (await intake.post(one + "/acceptance", token=own)).status_code == 403


# --- many at once -----------------------------------------------------------------------------------------------------


async def test_batch__answers_each_item_at_its_place(intake: Intake) -> None:
    items: list[dict[str, Any]] = [
        BODY | {"source": SOURCE, "external_id": f"TN-{number}", "source_version": "1"} for number in range(40)
    ]
    items[3] = items[3] | {"jurisdiction": "H99"}
    items[4] = items[4] | {"kind": "letter"}
    items[5] = items[2] | {"source_version": "2", "text": "Khác."}
    items[6] = items[6] | {"external_id": "12/2026"}
    answer = await intake.client.post("/v1/petitions/batch", json={"items": items})
    assert answer.status_code == 200
    found = answer.json()["items"]
    assert [each["index"] for each in found] == list(range(40))
    assert {number: each["status"] for number, each in enumerate(found) if each["status"] != 201} == {
        3: 422,
        4: 422,
        5: 200,
    }
    assert found[3]["problem"]["field"] == "jurisdiction" and found[4]["problem"]["field"] == "kind"
    assert (found[5]["push"]["result"], found[5]["push"]["id"]) == ("changed", found[2]["push"]["id"])
    head = await intake.head()
    again = (await intake.client.post("/v1/petitions/batch", json={"items": items})).json()["items"]
    assert {each["push"]["result"] for each in again if "push" in each} == {"unchanged", "stale"}
    assert await intake.head() == head


async def test_batch__of_one_record_leaves_room_for_others(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the item whose turn it is takes a place of those that all batches share."""
    gate, found = asyncio.Event(), PushHandler._place

    async def held(handler: PushHandler, reference: tuple[str, str]) -> Any:
        if reference[1] == "TN-1":
            await gate.wait()
        return await found(handler, reference)

    monkeypatch.setattr(PushHandler, "_place", held)
    one = [BODY | {"source": SOURCE, "external_id": "TN-1", "source_version": str(n)} for n in range(40)]
    long = asyncio.create_task(intake.client.post("/v1/petitions/batch", json={"items": one}))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        other = {"items": [BODY | {"source": SOURCE, "external_id": "TN-2", "source_version": "1"}]}
        answer = await intake.client.post("/v1/petitions/batch", json=other)
    assert answer.json()["items"][0]["status"] == 201 and not long.done()
    gate.set()
    assert {each["status"] for each in (await long).json()["items"]} == {200, 201}


async def test_batch__bounds(intake: Intake) -> None:
    many: list[list[Any]] = [[], [{}] * 1001]
    for items in many:
        refused = await intake.client.post("/v1/petitions/batch", json={"items": items})
        assert (refused.status_code, refused.json()["field"]) == (422, "items")
    large = await intake.client.post("/v1/petitions/batch", json={"items": [BODY | {"text": "x" * 1_100_000}]})
    assert large.status_code == 413


async def test_batch__takes_what_is_no_record_at_all(intake: Intake) -> None:
    hostile: list[Any] = [
        1,
        "x",
        None,
        {},
        [],
        {"external_id": "T"},
        {"a": [[[[[[1]]]]]]},
        BODY | {"source_version": "1"},
    ]
    answer = await intake.client.post("/v1/petitions/batch", json={"items": hostile})
    assert [each["status"] for each in answer.json()["items"]] == [422] * len(hostile)
    for wrong in (b"[]", b"{", b'{"items": {}}', b'{"items": [1], "more": 1}', b'{"items": ["\\u0000"]}'):
        assert (await intake.post("/v1/petitions/batch", wrong)).status_code in (400, 422)


async def test_queue__a_push_with_a_version_is_the_same(placed: str, tmp_path: Path) -> None:
    _, entry = mint_token("portal", "system", jurisdiction=PROVINCE, sources=(SOURCE,), amqp_user="portal")
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        for number, (text, result) in enumerate((("A", "created"), ("A", "unchanged"), ("B", "changed"))):
            data = BODY | {"source": SOURCE, "external_id": "TN-1", "text": text}
            body = {"command": "PetitionReceived", "source_version": str(number), "data": data}
            done = await intake.commands.take(json.dumps(body).encode(), "portal", f"m{number}")
            assert done.accepted and json.loads(done.body)["result"] == result
        wrong = {"command": "PetitionClassified", "source_version": "1", "data": CLASSIFIED}
        refused = await intake.commands.take(json.dumps(wrong).encode(), "portal", "m9")
        assert not refused.accepted and json.loads(refused.body)["field"] == "source_version"


@pytest.mark.parametrize("reference", ["a\tb", "a\nb", "a\ufffeb", "a\ufffdb", "a\u2028b"])
async def test_receipt__under_a_reference_that_nobody_can_write_is_refused(intake: Intake, reference: str) -> None:
    for field in ("external_id", "source"):
        body = BODY | {"source": SOURCE, "external_id": "TN-1", field: reference}
        refused = await intake.client.post("/v1/petitions", json=body)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert await intake.rows("SELECT 1 FROM external_references") == []


async def test_receipt__that_an_earlier_release_took_under_such_a_reference_is_known_by_it(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODY | {"source": SOURCE, "external_id": "a\tb"}
    with monkeypatch.context() as earlier:
        earlier.setattr(deciding, "check_reference", lambda *_: None)
        received = await intake.client.post("/v1/petitions", json=body)
    assert received.status_code == 201
    again = await intake.client.post("/v1/petitions", json=body)
    assert (again.status_code, again.json()) == (200, received.json())
    assert (await intake.get(f"/v1/petitions/{received.json()['id']}")).status_code == 200
    assert (await put(intake, "1", "a%09b"))["id"] == received.json()["id"]


async def test_push__of_a_wrong_day_is_refused_by_the_name_that_it_was_given(intake: Intake) -> None:
    await put(intake, "1", status=201)
    coming = (date.today() + timedelta(days=400)).isoformat()
    for wrong, said in ((coming, "future-deed"), ("1999-01-04", "calendar-year-missing")):
        refused = await put(intake, "2", status=422, effective_on=wrong)
        assert (code(refused), refused["field"]) == (said, "effective_on")
        items = [BODY | {"source": SOURCE, "external_id": "TN-1", "source_version": "2", "effective_on": wrong}]
        answer = (await intake.client.post("/v1/petitions/batch", json={"items": items})).json()
        assert answer["items"][0]["problem"]["field"] == "effective_on"


async def test_conflicts__stand_by_the_clock_of_the_store(intake: Intake) -> None:
    petition = await classified(intake)
    ahead = datetime.now(UTC) + timedelta(days=90)
    await intake.rows("UPDATE store_state SET clock_offset = $1", timedelta(days=91))
    for version, decision in (("2", "refusal"), ("3", "acceptance")):
        pushed = await put(intake, version, text=f"Khác {version}.")
        await intake.post(f"/v1/conflicts/{pushed['conflict_id']}/{decision}")
    found = (await intake.get("/v1/conflicts", petition_id=petition)).json()["items"]
    assert [each["state"] for each in found] == ["refused", "accepted"]
    assert all(datetime.fromisoformat(each[name]) > ahead for each in found for name in ("pushed_at", "decided_at"))
    assert (await put(intake, "4", text="Khác 3."))["result"] == "unchanged"
    # And whatever else is shown beside what is recorded.
    await intake.commands.take(b"{", None, "m1")
    await content(intake, petition)
    for column, table in (
        ("pushed_at", "push_versions"),
        ("refused_at", "refused_commands"),
        ("read_at", "content_reads"),
    ):
        (first,) = await intake.rows(f"SELECT min({column}) AS at FROM {table}")
        assert first["at"] > ahead, table


async def test_conflicts__after_a_cursor_that_nobody_gave(intake: Intake) -> None:
    await classified(intake)
    pushed = await put(intake, "2", text="Khác.")
    for cursor in (UUID(int=7), "x"):
        answer = await intake.get("/v1/conflicts", cursor=str(cursor))
        assert (answer.status_code, answer.json()["field"]) == (400, "cursor")
    end = await intake.get("/v1/conflicts", cursor=pushed["conflict_id"])
    assert (end.status_code, end.json()["items"]) == (200, [])


async def test_receipt__sent_again_by_the_successor_of_its_place_is_known(placed: str, tmp_path: Path) -> None:
    token, entry = mint_token("van-phong", "office", "H35.12", sources=(SOURCE,))
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        body = BODY | {"source": SOURCE, "external_id": "TN-1"}
        received = await intake.petition(**body)
        place = {"code": "H35.12", "name": "Nơi mới", "level": "district", "parent": PROVINCE}
        await intake.done("/v1/jurisdictions", place | {"valid_from": "2025-01-01"})
        assert (await intake.post("/v1/petitions", body, token=token)).status_code in (403, 409)
        ending = {"effective_on": await intake.today(), "successor": "H35.12"}
        await intake.done(f"/v1/jurisdictions/{COMMUNE}/closure", ending)
        again = await intake.post("/v1/petitions", body, token=token)
        assert (again.status_code, again.json()["id"]) == (200, received["id"])
        assert (await put(intake, "1", token=token))["id"] == received["id"]
