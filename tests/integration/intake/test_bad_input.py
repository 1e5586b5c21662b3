"""Every kind of bad input is refused with its own problem and leaves no event."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.intake import CLOSED, COMMUNE, Intake

TYPE = "urn:doithoai:problem:"


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


@pytest.mark.parametrize("body", [b"", b"[" * 5000, b'{"text": "\\u0110", "x": ' + b"[" * 100_000 + b"}"])
async def test_json_of_another_shape(intake: Intake, body: bytes) -> None:
    # An empty body is an empty object: then the required field is what is missing.
    response = await intake.post("/v1/petitions", body)
    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize(
    "body",
    [
        {"jurisdiction": 35},
        {"jurisdiction": None},
        {"jurisdiction": COMMUNE, "kind": "rumour"},
        {"jurisdiction": COMMUNE, "petitioner_ids": "one"},
        {"jurisdiction": COMMUNE, "identities": {"a": {"name": 1}}},
        {"jurisdiction": COMMUNE, "attachments": [{"digest": "x", "size": "12"}]},
        {"jurisdiction": COMMUNE, "effective_on": 20260101},
        {},
        [],
    ],
)
async def test_wrong_types(intake: Intake, body: Any) -> None:
    await refused(intake, "/v1/petitions", body, 422, "invalid-body")


@pytest.mark.parametrize(
    "body",
    [
        {"jurisdiction": COMMUNE, "colour": "red"},
        {"jurisdiction": COMMUNE, "receipt_code": "MINE"},
        {"jurisdiction": COMMUNE, "identities": {"a": {"name": "A", "sex": "f"}}} | {"x": 1},
    ],
)
async def test_unknown_fields(intake: Intake, body: Any) -> None:
    problem = await refused(intake, "/v1/petitions", body, 422, "invalid-body")
    assert "unknown field" in problem["detail"]


async def test_oversized_body(intake: Intake) -> None:
    await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "text": "x" * (1024 * 1024)}, 413)


async def test_a_body_that_is_not_json_by_its_type(intake: Intake) -> None:
    await refused(intake, "/v1/petitions", b"{}", 415, "unsupported-media-type", Content_Type="text/plain")


async def test_a_date_that_does_not_exist(intake: Intake) -> None:
    body = {"jurisdiction": COMMUNE, "effective_on": "2025-02-30"}
    assert "effective_on" in (await refused(intake, "/v1/petitions", body, 422, "invalid-body"))["detail"]


async def test_a_deed_dated_in_the_future(intake: Intake) -> None:
    tomorrow = date.fromisoformat(await intake.today()) + timedelta(days=1)
    await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "effective_on": tomorrow.isoformat()}, 422)


@pytest.mark.parametrize("text", ["2025-02-03T10:00:00", "2025-02-03T10:00:00+07:00", "today"])
async def test_a_time_where_a_day_is_meant(intake: Intake, text: str) -> None:
    await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "effective_on": text}, 422, "invalid-body")


async def test_a_naive_time(intake: Intake) -> None:
    await refused(intake, "/v1/clock", {"to": "2030-01-01T00:00:00"}, 422, "invalid-body")


@pytest.mark.parametrize("day", ["1899-12-31", "2101-01-01"])
async def test_a_date_outside_the_calendars(intake: Intake, day: str) -> None:
    problem = await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, "effective_on": day}, 422)
    assert day[:4] in problem["detail"]


async def test_an_unknown_jurisdiction(intake: Intake) -> None:
    await refused(intake, "/v1/petitions", {"jurisdiction": "H99"}, 422)


async def test_an_unknown_agency(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    await refused(intake, f"/v1/petitions/{petition}/forwarding", {"agency": "H35.77"}, 422)


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
    (row,) = await intake.rows("SELECT state FROM stored_events WHERE topic = 'PetitionClassified'")
    assert "Đường làng" in row["state"].decode()


async def test_escaped_decomposed_vietnamese_is_stored_in_nfc(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    body = b'{"subject": "la\\u0300ng", "field": "land"}'
    assert (await intake.post(f"/v1/petitions/{petition}/classification", body)).status_code == 201
    (row,) = await intake.rows("SELECT state FROM stored_events WHERE topic = 'PetitionClassified'")
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
    await refused(intake, path, {"subject": "S", "field": "land"}, 400, "invalid-if-match", If_Match='"one"')


async def test_names_and_references_are_bounded(intake: Intake) -> None:
    for field in ("source", "external_id", "on_behalf_of"):
        await refused(intake, "/v1/petitions", {"jurisdiction": COMMUNE, field: "x" * 201}, 422, "invalid-body")
    for ids in (["x" * 101], [""], ["p"] * 1001):
        body = {"jurisdiction": COMMUNE, "petitioner_ids": ids}
        await refused(intake, "/v1/petitions", body, 422, "invalid-value")


async def test_a_method_or_address_that_does_not_exist(intake: Intake) -> None:
    assert (await intake.client.delete("/v1/petitions")).status_code == 405
    assert (await intake.get("/v1/nothing")).status_code == 404
