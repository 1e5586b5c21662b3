"""Idempotency keys, versions and external references: a retry gets its first answer and adds nothing."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, Intake, served, tokens_file

BODY = {"jurisdiction": COMMUNE, "text": "Nước sinh hoạt."}
CLASSIFIED = {"subject": "Nước sinh hoạt", "field": "water"}


async def test_the_same_key_and_body_get_the_first_answer(intake: Intake) -> None:
    first = await intake.post("/v1/petitions", BODY, Idempotency_Key="k1")
    head = await intake.head()
    again = await intake.post("/v1/petitions", {**dict(reversed(BODY.items()))}, Idempotency_Key="k1")
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), first.headers["etag"])
    assert await intake.head() == head


async def test_the_same_key_with_another_body_is_refused(intake: Intake) -> None:
    await intake.done("/v1/petitions", BODY, Idempotency_Key="k1")
    head = await intake.head()
    other = await intake.post("/v1/petitions", BODY | {"text": "Khác."}, Idempotency_Key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:doithoai:problem:idempotency-key-reused")
    assert await intake.head() == head


async def test_many_retries_at_once_record_once(intake: Intake) -> None:
    head = await intake.head()
    answers = await asyncio.gather(*(intake.post("/v1/petitions", BODY, Idempotency_Key="k1") for _ in range(12)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert await intake.head() == head + 1


async def test_a_stale_version_is_refused(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    await intake.done(path, CLASSIFIED, If_Match='"1"')
    stale = await intake.post(path, CLASSIFIED, If_Match='"1"')
    assert (stale.status_code, stale.json()["version"], stale.headers["etag"]) == (412, 2, '"2"')


async def test_a_retry_of_a_done_command_gets_its_answer_whatever_its_version(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    first = await intake.done(path, CLASSIFIED, If_Match='"1"', Idempotency_Key="c1")
    await intake.done(path, CLASSIFIED | {"urgency": "urgent"})
    again = await intake.post(path, CLASSIFIED, If_Match='"1"', Idempotency_Key="c1")
    assert (again.status_code, again.json()) == (201, first)


async def test_a_retry_of_a_command_that_could_not_be_done_twice(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/withdrawal"
    first = await intake.done(path, {}, Idempotency_Key="w1")
    again = await intake.post(path, {}, Idempotency_Key="w1")
    assert (again.status_code, again.json()) == (201, first)
    assert (await intake.post(path, {})).status_code == 409


async def test_the_same_reference_twice_adds_nothing(intake: Intake) -> None:
    pushed = BODY | {"source": "cong-tinh", "external_id": "LC-1"}
    first = await intake.done("/v1/petitions", pushed, Idempotency_Key="a")
    head = await intake.head()
    for key in ("b", "c"):
        again = await intake.post("/v1/petitions", pushed, Idempotency_Key=key)
        assert (again.status_code, again.json()) == (200, first)
    assert await intake.head() == head
    found = await intake.get("/v1/petitions", source="cong-tinh", external_id="LC-1")
    assert found.json()["id"] == first["id"]
    assert (await intake.get("/v1/petitions", source="cong-tinh", external_id="LC-2")).status_code == 404


WHOLE = BODY | {
    "source": "cong-tinh",
    "external_id": "LC-1",
    "kind": "petition",
    "channel": "portal",
    "effective_on": "2026-01-05",
    "identities": {"1": {"name": "Lò Văn A"}, "2": {"name": "Giàng Thị B"}},
}


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"text": "Nước sinh hoạt đục."}, ["text"]),
        ({"kind": "reflection"}, ["kind"]),
        ({"effective_on": "2026-01-06"}, ["effective_on"]),
        ({"identities": {"1": {"name": "Lò Văn A"}, "2": {"name": "Giàng Thị C"}}}, ["identities"]),
        ({"identities": {"1": {"name": "Lò Văn A"}}}, ["petitioner_ids", "identities"]),
        ({"text": "", "channel": "post"}, ["channel", "text"]),
    ],
)
async def test_a_push_that_changed_something_is_a_conflict_that_names_it(
    intake: Intake, changed: dict[str, Any], fields: list[str]
) -> None:
    await intake.done("/v1/petitions", WHOLE)
    head = await intake.head()
    other = await intake.post("/v1/petitions", WHOLE | changed)
    assert (other.status_code, other.json()["type"]) == (409, "urn:doithoai:problem:reference-differs")
    assert sorted(other.json()["fields"]) == sorted(fields)
    assert "Giàng" not in other.text
    assert await intake.head() == head


async def test_a_push_that_says_the_same_in_other_words_is_no_conflict(intake: Intake) -> None:
    first = await intake.done("/v1/petitions", WHOLE)
    reordered = dict(reversed(WHOLE.items())) | {"attachments": [], "correlation_id": str(uuid4())}
    undated = {name: value for name, value in WHOLE.items() if name != "effective_on"}
    for same in (WHOLE, reordered, undated, WHOLE | {"jurisdiction": "000.31.10.H35"}):
        again = await intake.post("/v1/petitions", same)
        assert (again.status_code, again.json()) == (200, first), same


async def test_a_push_of_what_was_annulled_is_told_so(intake: Intake) -> None:
    pushed = BODY | {"source": "cong-tinh", "external_id": "LC-9"}
    first = await intake.done("/v1/petitions", pushed)
    (event,) = (await intake.get(f"/v1/petitions/{first['id']}")).json()["facts"]
    await intake.done(f"/v1/petitions/{first['id']}/annulments", {"event_id": event["event_id"], "reason": "trùng"})
    again = await intake.post("/v1/petitions", pushed)
    assert (again.status_code, again.json()["type"]) == (409, "urn:doithoai:problem:reference-annulled")
    assert (await intake.get("/v1/petitions", source="cong-tinh", external_id="LC-9")).status_code == 404


async def test_a_push_of_what_was_erased_is_held_against_what_is_left(intake: Intake) -> None:
    first = await intake.done("/v1/petitions", WHOLE | {"petitioner_ids": ["nguoi-1"], "identities": {}})
    await intake.done("/v1/petitioners/nguoi-1/erasure", {"ground": "yêu cầu"})
    pushed = WHOLE | {"petitioner_ids": ["nguoi-1"], "identities": {}}
    assert (await intake.post("/v1/petitions", pushed)).json() == first
    assert (await intake.post("/v1/petitions", pushed | {"kind": "reflection"})).json()["fields"] == ["kind"]


async def test_a_key_that_a_known_reference_answered_is_kept(intake: Intake) -> None:
    pushed = BODY | {"source": "cong-tinh", "external_id": "LC-1"}
    first = await intake.done("/v1/petitions", pushed)
    for _ in range(2):  # a retry gets the first answer, which was 200
        known = await intake.post("/v1/petitions", pushed, Idempotency_Key="k1")
        assert (known.status_code, known.json()) == (200, first)
    head = await intake.head()
    other = await intake.post("/v1/petitions", BODY | {"text": "Khác."}, Idempotency_Key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:doithoai:problem:idempotency-key-reused")
    assert await intake.head() == head


async def test_a_known_reference_with_a_key_that_stands_for_another_body_is_refused(intake: Intake) -> None:
    pushed = BODY | {"source": "cong-tinh", "external_id": "LC-1"}
    await intake.done("/v1/petitions", pushed)
    await intake.done("/v1/petitions", BODY, Idempotency_Key="k1")
    assert (await intake.post("/v1/petitions", pushed, Idempotency_Key="k1")).status_code == 422


async def test_if_match__lists_and_weak_tags(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    assert (await intake.post(path, CLASSIFIED, If_Match='W/"1"')).status_code == 412
    assert (await intake.post(path, CLASSIFIED, If_Match='"2", "3"')).status_code == 412
    await intake.done(path, CLASSIFIED, If_Match='"1", "2"')
    several = [("If-Match", '"1"'), ("If-Match", '"2"'), ("Content-Type", "application/json")]
    answer = await intake.client.post(path, json=CLASSIFIED, headers=several)
    assert answer.status_code == 201
    calendar = {"year": 2099, "holidays": [], "document": "x"}
    assert (await intake.post("/v1/calendars", calendar, If_Match="*")).status_code == 412


async def test_if_none_match__gets_304_while_nothing_changed(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    first = await intake.get(f"/v1/petitions/{petition}")
    known = {"If-None-Match": f'W/"9", {first.headers["etag"]}'}
    same = await intake.client.get(f"/v1/petitions/{petition}", headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    head = await intake.client.head(f"/v1/petitions/{petition}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    await intake.done(f"/v1/petitions/{petition}/classification", CLASSIFIED)
    assert (await intake.client.get(f"/v1/petitions/{petition}", headers=known)).status_code == 200


async def test_a_reference_that_belongs_to_another_record_is_refused(intake: Intake) -> None:
    reference = {"source": "cong-tinh", "external_id": "LC-3"}
    petition = (await intake.done("/v1/petitions", BODY | reference))["id"]
    head = await intake.head()
    # Taken for the petition itself, the withdrawal would be swallowed and nobody would know.
    other = await intake.post(f"/v1/petitions/{petition}/withdrawal", reference)
    assert (other.status_code, other.json()["type"]) == (409, "urn:doithoai:problem:reference-used")
    assert await intake.head() == head


async def test_a_reference_recorded_elsewhere_is_not_told(database: str, tmp_path: Path) -> None:
    token, entry = mint_token("portal-36", "system", "H36", sources=("cong-tinh",))
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        await intake.places()
        province = {"code": "H36", "name": "Tỉnh khác", "level": "province", "valid_from": "2004-01-01"}
        await intake.done("/v1/jurisdictions", province)
        reference = {"source": "cong-tinh", "external_id": "LC-4"}
        await intake.done("/v1/petitions", BODY | reference)
        other = await intake.post("/v1/petitions", {"jurisdiction": "H36"} | reference, token=token)
        assert (other.status_code, other.json()["type"]) == (409, "urn:doithoai:problem:reference-used")
        assert "id" not in other.json()


async def test_of_many_who_name_the_same_version_one_is_taken(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    answers = await asyncio.gather(*(intake.post(path, CLASSIFIED, If_Match='"1"') for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [412] * 7
