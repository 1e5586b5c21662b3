"""Idempotency keys, versions and external references: a retry gets its first answer and adds nothing."""

import asyncio

from tests.support.intake import COMMUNE, Intake

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


async def test_callers_have_keys_of_their_own_and_versions_hold_under_contention(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    answers = await asyncio.gather(*(intake.post(path, CLASSIFIED, If_Match='"1"') for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [412] * 7
