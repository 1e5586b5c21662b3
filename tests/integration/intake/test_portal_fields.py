"""What a portal sends beside the words: recorded by every way in, sealed where it tells who or where."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.http.tokens import mint_token
from tests.support.importing import Importing, write_lines
from tests.support.intake import COMMUNE, PROVINCE, Intake, served, tokens_file

DECLARED = "lai-chau.ho-ngheo,lai-chau.so-ho"
E_MAIL, ADDRESS = "lo.thi.bi.mat@example.vn", "Số nhà 7, bản Kín"
PUBLIC: dict[str, Any] = {
    "submitted_at": "2025-02-03T21:47:05+07:00",
    "area": "21.38,103.02",
    "category": "giao-thong",
    "consent": {"told_by": ["sms", "email"], "on": "2025-02-03"},
    "language": "blt-Latn",
    "attributes": {"lai-chau.ho-ngheo": True, "lai-chau.so-ho": 12},
}
PLACE = {"address": ADDRESS, "latitude": 21.38125, "longitude": 103.0233}
PETITION = PUBLIC | {
    "jurisdiction": COMMUNE,
    "petitioner_ids": ["p1", "p2"],
    "identities": {"p1": {"name": "Lò Thị Bí Mật", "email": E_MAIL}},
    "text": "Đường vào bản bị sạt lở.",
    "place": PLACE,
}
KEPT = PUBLIC | {"submitted_at": "2025-02-03T14:47:05Z"}


@pytest.fixture
async def declared(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake in which the province has declared two attributes."""
    async with served(placed, tmp_path, attributes=DECLARED) as intake:
        yield intake


@pytest.fixture
async def queued(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """The same, with a portal that may queue."""
    _, entry = mint_token("cong", "system", PROVINCE, amqp_user="cong")
    tokens = str(tokens_file(tmp_path, entry))
    async with served(placed, tmp_path, tokens_file=tokens, attributes=DECLARED) as intake:
        yield intake


async def told(intake: Intake, petition: str) -> dict[str, Any]:
    """The fields of its receipt that are not sealed."""
    answer = (await intake.get(f"/v1/petitions/{petition}")).json()
    data: dict[str, Any] = answer["facts"][0]["data"]
    return {name: value for name, value in data.items() if name in PETITION}


async def content(intake: Intake, petition: str) -> dict[str, Any]:
    answer = await intake.get(f"/v1/petitions/{petition}/content", on_behalf_of="can-bo-1")
    found: dict[str, Any] = answer.json()["events"][0]["content"]
    return found


async def test_fields__are_recorded_alike_over_http_by_queue_and_within_an_act(queued: Intake) -> None:
    pushed = (await queued.done("/v1/petitions", PETITION))["id"]
    parts = [{"command": "PetitionReceived", "body": PETITION}]
    classified = {"command": "PetitionClassified", "target": "#0", "body": {"subject": "Đường", "field": "transport"}}
    by_act = await queued.done("/v1/acts/receive-and-classify", {"parts": [*parts, classified]})
    message = json.dumps({"command": "PetitionReceived", "data": PETITION}).encode()
    by_queue = json.loads((await queued.commands.take(message, "cong", "k1")).body)
    for petition in (pushed, by_act["parts"][0]["id"], by_queue["id"]):
        found = await told(queued, petition)
        assert {name: found[name] for name in KEPT} == KEPT
        assert "place" not in found and "identities" not in found
        sealed = await content(queued, petition)
        assert (sealed["place"], sealed["identities"]["p1"]["email"]) == (PLACE, E_MAIL)


async def test_e_mail_and_place__are_nowhere_in_the_clear_and_go_with_the_last_petitioner(declared: Intake) -> None:
    petition = (await declared.done("/v1/petitions", PETITION))["id"]
    for table in await declared.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"):
        for row in await declared.rows(f'SELECT t::text AS line FROM "{table["table_name"]}" t'):
            for word in (E_MAIL, ADDRESS, "21.38125"):
                assert word not in row["line"] and word.encode().hex() not in row["line"]
    assert E_MAIL not in (feed := (await declared.get("/v1/events", limit="5000")).text) and ADDRESS not in feed
    await declared.done("/v1/petitioners/p1/erasure", {})
    left = await content(declared, petition)
    assert (left["place"], left.get("identities", {})) == (PLACE, {})
    await declared.done("/v1/petitioners/p2/erasure", {})
    answer = await declared.get(f"/v1/petitions/{petition}/content", on_behalf_of="can-bo-1")
    assert ADDRESS not in answer.text and E_MAIL not in answer.text


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("submitted_at", {"submitted_at": "2099-01-01T00:00:00+07:00"}),
        ("submitted_at", {"submitted_at": "2025-02-03T21:47:05"}),
        ("place.latitude", {"place": {"latitude": 103.02, "longitude": 21.38}}),
        ("language", {"language": "tiếng Thái"}),
        ("attributes", {"attributes": {"lai-chau.khac": 1}}),
        ("identities[...].email", {"identities": {"p1": {"name": "Lò Thị Bí Mật", "email": "khong-co"}}}),
    ],
)
async def test_refusal__names_the_field_in_both_languages(declared: Intake, field: str, sent: dict[str, Any]) -> None:
    answer = await declared.post("/v1/petitions", PETITION | sent)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) in ((400, field), (422, field)), problem
    assert problem["translations"]["vi"]["detail"] and problem["translations"]["en"]["detail"]


async def test_register__may_have_columns_for_them(
    declared: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = Importing(declared, monkeypatch)
    row = {
        "Mã đơn": "7",
        "Ngày tiếp": "04/02/2025",
        "Họ tên": "Lò Thị Bí Mật",
        "Email": E_MAIL,
        "Thời điểm gửi": "03/02/2025 21:47",
        "Nơi xảy ra": ADDRESS,
        "Khu vực": COMMUNE,
        "Chuyên mục": "giao-thong",
        "Ngôn ngữ": "vi",
        "Nội dung đơn": "Đường vào bản bị sạt lở.",
    }
    file = write_lines(tmp_path / "register.jsonl", row)
    options = ("--source", "cong-cu", "--jurisdiction", COMMUNE)
    assert (await importing.done(file, *options))["recorded"]
    (place,) = await declared.rows("SELECT originator_id FROM stored_events WHERE topic = 'PetitionReceived'")
    found = await told(declared, str(place["originator_id"]))
    assert {name: found[name] for name in ("submitted_at", "area", "category", "language")} == {
        "submitted_at": "2025-02-03T14:47:00Z",
        "area": COMMUNE,
        "category": "giao-thong",
        "language": "vi",
    }
    sealed = await content(declared, str(place["originator_id"]))
    assert sealed["place"] == {"address": ADDRESS}
    assert next(iter(sealed["identities"].values()))["email"] == E_MAIL
    assert not (await importing.done(file, *options))["recorded"]
    for column, other in (("Email", "khac@example.vn"), ("Thời điểm gửi", "03/02/2025 21:48"), ("Nơi xảy ra", "Khác")):
        code, _, _ = await importing.run(write_lines(tmp_path / "other.jsonl", row | {column: other}), *options)
        assert code != 0, column
    code, _, _ = await importing.run(write_lines(tmp_path / "bad.jsonl", row | {"Thời điểm gửi": "hôm qua"}), *options)
    assert code != 0
