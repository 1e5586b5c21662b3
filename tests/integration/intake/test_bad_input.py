"""Every kind of bad input is refused with its own problem and leaves no event."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from shared.policy import shipped_policy
from tests.support.bad_input import BAD, Bad
from tests.support.intake import CLOSED, COMMUNE, Intake, served
from tests.support.postgres import TestServer

JSON = "application/json"
UNKNOWN = UUID(int=7)
TYPE = "urn:doithoai:problem:"
LAST_CLASSIFIED = "SELECT state FROM stored_events WHERE topic = 'PetitionClassified' ORDER BY notification_id"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """One intake for all of it: what is refused leaves nothing behind."""
    dsn = await pg_server.fresh("shared.postgres")
    async with served(dsn, tmp_path_factory.mktemp("intake")) as running:
        await running.places()
        yield running


async def refused(intake: Intake, path: str, body: Any, status: int, code: str = "", **headers: str) -> dict[str, Any]:
    """The problem, after checking that nothing was recorded."""
    before = await intake.head()
    response = await intake.post(path, body, **headers)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status and problem["title"] and problem["detail"]
    if code:
        assert problem["type"] == TYPE + code
    assert await intake.head() == before
    return problem


@pytest.mark.parametrize("body", [b"{", b'{"jurisdiction": "H35"', b'\xff\xfe{"a":1}', b"nul", b'{"text": "\\ud800"}'])
async def test_malformed_json(intake: Intake, body: bytes) -> None:
    await refused(intake, "/v1/petitions", body, 400, "malformed-json")


async def test_body_that_ends_early__is_told_as_that_by_every_operation(intake: Intake) -> None:
    paths: dict[str, Any] = (await intake.get("/schema/openapi.json")).json()["paths"]
    asked = [
        (method, re.sub(r"{[^}]*}", str(UNKNOWN), path))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(asked) > 60
    for method, path in asked:
        answer = await intake.client.request(method, path, content=b'{\n"a":', headers={"Content-Type": JSON})
        told = answer.json()
        assert (answer.status_code, told["type"]) == (400, TYPE + "malformed-json"), path
        assert "line 2, column 5" in told["detail"], path
    wrong = await intake.client.put(
        f"/v1/petitions/by-reference/s/{UNKNOWN}", content=b'{"a": }', headers={"Content-Type": JSON}
    )
    assert "line 1, column 7" in wrong.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"[" * 5000, b'{"text": "\\u0110", "x": ' + b"[" * 100_000 + b"}"])
async def test_json_of_another_shape(intake: Intake, body: bytes) -> None:
    # An empty body is an empty object: then the required field is what is missing.
    response = await intake.post("/v1/petitions", body)
    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_bad_command(intake: Intake, bad: Bad) -> None:
    petition = (await intake.petition(effective_on="2025-02-03"))["id"] if bad.on_petition else ""
    version = {"If_Match": f'"{bad.if_match}"'} if bad.if_match is not None else {}
    status = {"stale-version": 412, "never-ended": 409}.get(bad.code, 422)
    await refused(intake, bad.path(petition), bad.data, status, bad.code, **version)


@pytest.mark.parametrize("mebibytes", [1, 16, 64])
async def test_oversized_body(intake: Intake, mebibytes: int) -> None:
    text = "x" * (mebibytes * 1024 * 1024)
    await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "text": text}, 413, "body-too-large")


async def test_oversized_body_in_pieces(intake: Intake) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"jurisdiction": "H35.10.31", "text": "'
        for _ in range(40):
            yield b"x" * 65536
        yield b'"}'

    before = await intake.head()
    headers = {"Content-Type": "application/json"}
    answer = await intake.client.post("/v1/petitions", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, TYPE + "body-too-large")
    assert await intake.head() == before


async def test_body_in_pieces__is_put_together(intake: Intake) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"jurisdiction": "H35.10.31", "te', b"", b'xt": "' + b"x" * 100_000, b'"}'):
            yield piece

    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await intake.client.post("/v1/petitions", content=pieces(), headers=headers)
    assert answer.status_code == 201, answer.text


async def test_a_body_that_is_not_json_by_its_type(intake: Intake) -> None:
    await refused(intake, "/v1/petitions", b"{}", 415, "unsupported-media-type", Content_Type="text/plain")


async def test_a_deed_dated_in_the_future(intake: Intake) -> None:
    tomorrow = date.fromisoformat(await intake.today()) + timedelta(days=1)
    await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "effective_on": tomorrow.isoformat()}, 422)


async def test_a_naive_time(intake: Intake) -> None:
    await refused(intake, "/v1/clock", {"to": "2030-01-01T00:00:00"}, 422, "invalid-body")


async def test_an_agency_closed_on_that_date(intake: Intake) -> None:
    petition = (await intake.petition(effective_on="2019-12-02"))["id"]
    path = f"/v1/petitions/{petition}/forwarding"
    await refused(intake, path, {"agency": CLOSED, "effective_on": "2020-01-02"}, 422)
    # The body is judged by the date of the deed: a day before its closing it existed.
    await intake.done(path, {"agency": CLOSED, "effective_on": "2019-12-31"})


async def test_an_unknown_petition(intake: Intake) -> None:
    body = {"subject": "Đường", "field": "land"}
    missing = "01a20e75-ee14-7fd1-9ed5-007838522e81"
    await refused(intake, f"/v1/petitions/{missing}/classification", body, 404, "not-found")
    await refused(intake, "/v1/petitions/none/classification", body, 404, "not-found")


async def test_vietnamese_is_stored_in_nfc(intake: Intake) -> None:
    decomposed = "\u0110u\u031bo\u031b\u0300ng la\u0300ng"
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    await intake.done(path, {"subject": decomposed, "field": "land"})
    row = (await intake.rows(LAST_CLASSIFIED))[-1]
    assert "Đường làng" in row["state"].decode()


async def test_escaped_decomposed_vietnamese_is_stored_in_nfc(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    body = b'{"subject": "la\\u0300ng", "field": "land"}'
    assert (await intake.post(f"/v1/petitions/{petition}/classification", body)).status_code == 201
    row = (await intake.rows(LAST_CLASSIFIED))[-1]
    assert "làng" in row["state"].decode()


@pytest.mark.parametrize("body", [b'{"jurisdiction": "H35", "text": "a\\u0000b"}', b'{"jurisdiction": "H35\\u0000"}'])
async def test_nul_characters(intake: Intake, body: bytes) -> None:
    await refused(intake, "/v1/petitions", body, 422, "nul-character")


async def test_a_backslash_before_u0000_is_ordinary_text(intake: Intake) -> None:
    body = b'{"jurisdiction": "H35.10.31", "text": "C:\\\\u0000 \\u0110"}'
    assert (await intake.post("/v1/petitions", body)).status_code == 201


async def test_a_bad_idempotency_key_or_version(intake: Intake) -> None:
    body = {"jurisdiction": COMMUNE}
    await refused(intake, "/v1/petitions", body, 400, "invalid-idempotency-key", Idempotency_Key="k" * 201)
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    classified = {"subject": "S", "field": "land"}
    await refused(intake, path, classified, 400, "invalid-if-match", If_Match="one")
    await refused(intake, path, classified, 412, "stale-version", If_Match='"one"')  # a tag, and not ours
    for keys in ([b"\xc4\x90\xc6\xa1n-1"], [b"X1", b"X2"]):
        headers = [(b"Content-Type", b"application/json"), *((b"Idempotency-Key", key) for key in keys)]
        answer = await intake.client.post("/v1/petitions", content=json.dumps(body), headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_a_body_that_is_compressed_or_in_another_charset(intake: Intake) -> None:
    body = json.dumps({"jurisdiction": COMMUNE}).encode()
    for path in ("/v1/petitions", "/v1/policies/check", "/v1/policies/comparison", "/v1/calendars/check", "/v1/clock"):
        packed = await intake.post(path, gzip.compress(body), Content_Encoding="gzip")
        assert (packed.status_code, packed.json()["field"]) == (415, "Content-Encoding"), path
        assert packed.headers["accept-encoding"] == "identity"
        broken = await intake.post(path, b'{"a": "\xff"}')
        assert (broken.status_code, broken.json()["type"]) == (400, "urn:doithoai:problem:malformed-json"), path
    as_it_is = await intake.post("/v1/petitions", body, Content_Encoding="identity")
    assert as_it_is.status_code == 201
    for charset, status in (("utf-8", 201), ('"UTF-8"', 201), ("windows-1258", 415), ("utf-16", 415)):
        kind = f"application/json; charset={charset}"
        assert (await intake.post("/v1/petitions", body, Content_Type=kind)).status_code == status, charset


async def test_a_number_that_is_too_large_for_anything(intake: Intake) -> None:
    huge = "9" * 5000
    for path in (f"/v1/events?after={2**63}", f"/v1/events?after={huge}", f"/v1/agencies?limit={huge}"):
        assert (await intake.client.get(path)).status_code == 400, path[:40]
    assert (await intake.client.get(f"/v1/calendars/{huge}")).status_code == 404
    assert (await intake.get("/v1/agencies", cursor="OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5")).status_code in (200, 400)
    sized = {"jurisdiction": COMMUNE, "attachments": [{"digest": "0" * 64, "size": 0}]}
    body = json.dumps(sized).replace('"size": 0', f'"size": {huge}').encode()
    await refused(intake, "/v1/petitions", body, 422, "invalid-body")
    await refused(intake, "/v1/policies/check", b'{"rules": ' + huge.encode() + b"}", 422, "invalid-body")


async def test_a_method_or_address_that_does_not_exist(intake: Intake) -> None:
    assert (await intake.client.delete("/v1/petitions")).status_code == 405
    assert (await intake.get("/v1/nothing")).status_code == 404


async def test_nul_in_an_address(intake: Intake) -> None:
    for path in ("/v1/petitions?source=a%00&external_id=b", "/v1/petitions/a%00", "/v1/agencies?cursor=%00"):
        assert (await intake.client.get(path)).status_code == 400


async def test_pages_of_the_register(intake: Intake) -> None:
    seen, path = [], "/v1/agencies?limit=3"
    while path:
        answer = await intake.client.get(path)
        assert len(answer.json()["items"]) <= 3
        seen += [item["position"] for item in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    everything = (await intake.get("/v1/agencies")).json()["items"]
    assert seen == [item["position"] for item in everything] and len(seen) == 4
    assert (await intake.get("/v1/agencies", cursor="???")).status_code == 400


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1900-01-01", "2100-12-31"])
async def test_a_day_at_the_end_of_the_calendar_in_a_question(intake: Intake, day: str) -> None:
    policy = msgspec.to_builtins(shipped_policy("plan-570"))
    for query in (f"on=receipt={day}", f"on=conference_end={day}", f"conference={day}"):
        answer = await intake.post(f"/v1/policies/check?{query}", policy)
        assert answer.status_code < 500, (query, answer.text)
    answer = await intake.post("/v1/policies/check", {**policy, "valid_from": day})
    assert answer.status_code == 200, answer.text
