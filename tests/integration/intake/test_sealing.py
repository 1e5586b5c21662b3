"""What a citizen wrote is nowhere in the clear, opens through one route, and is gone when its keys are."""

import asyncio
from typing import Any

import asyncpg

from tests.support.intake import COMMUNE, EDUCATION, OFFICE, Intake

LOG = "SELECT * FROM stored_events ORDER BY notification_id"


def petition_of(petitioner: str, name: str, text: str) -> dict[str, Any]:
    return {
        "jurisdiction": COMMUNE,
        "petitioner_ids": [petitioner],
        "identities": {petitioner: {"name": name}},
        "text": text,
    }


async def content(intake: Intake, petition: str) -> list[dict[str, Any]]:
    answer = await intake.get(f"/v1/petitions/{petition}/content", on_behalf_of="can-bo-1")
    assert answer.status_code == 200, answer.text
    return [event["content"] for event in answer.json()["events"]]


async def test_two_first_petitions_at_one_instant_both_open(intake: Intake) -> None:
    answers = await asyncio.gather(
        intake.done("/v1/petitions", petition_of("p1", "Lò Thị A", "Thứ nhất.")),
        intake.done("/v1/petitions", petition_of("p1", "Lò Thị A", "Thứ hai.")),
    )
    texts = [(await content(intake, answer["id"]))[0]["text"] for answer in answers]
    assert texts == ["Thứ nhất.", "Thứ hai."]


async def test_nothing_is_stored_in_the_clear(intake: Intake) -> None:
    secret, name = "Nhà tôi ở đầu bản.", "Lò Thị Bí Mật"
    petition = (await intake.done("/v1/petitions", petition_of("p1", name, secret)))["id"]
    await intake.done(f"/v1/petitions/{petition}/withdrawal", {"reason": secret})
    tables = await intake.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for table in tables:
        for row in await intake.rows(f'SELECT t::text AS line FROM "{table["table_name"]}" t'):
            for word in (secret, name):
                assert word not in row["line"] and word.encode().hex() not in row["line"]
    feed = (await intake.get("/v1/events", limit="5000")).text
    assert secret not in feed and name not in feed
    assert [c.get("text") or c.get("reason") for c in await content(intake, petition)] == [secret, secret]


async def test_later_words_are_sealed_under_the_keys_of_the_petition(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "A", "Một.")))["id"]
    await intake.done(f"/v1/petitions/{petition}/forwarding", {"agency": EDUCATION})
    await intake.done(f"/v1/petitions/{petition}/prepared-answer", {"agency": EDUCATION, "text": "Trả lời."})
    (keys,) = await intake.rows("SELECT count(*) AS n FROM sealing_keys WHERE owner_id = 'p1'")
    assert keys["n"] == 1
    assert (await content(intake, petition))[1] == {"text": "Trả lời."}


async def test_with_the_keys_deleted_nothing_opens_and_no_byte_has_changed(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "Lò Thị A", "Của tôi.")))["id"]
    second = (await intake.done("/v1/petitions", petition_of("p1", "Lò Thị A", "Cũng của tôi.")))["id"]
    other = (await intake.done("/v1/petitions", petition_of("p2", "Vàng A B", "Của người khác.")))["id"]
    before = [tuple(row.values()) for row in await intake.rows(LOG)]
    erased = await intake.done("/v1/petitioners/p1/erasure", {"ground": "hết mục đích"}, Idempotency_Key="e1")
    after = [tuple(row.values()) for row in await intake.rows(LOG)]
    assert after[: len(before)] == before
    assert [row[2] for row in after[len(before) :]] == ["PersonalDataErased"] * 2
    assert (await content(intake, petition))[0] == {} and (await content(intake, second))[0] == {}
    assert (await content(intake, other))[0]["text"] == "Của người khác."
    assert await intake.rows("SELECT 1 FROM sealing_keys WHERE owner_id = 'p1'") == []
    again = await intake.post("/v1/petitioners/p1/erasure", {"ground": "hết mục đích"}, Idempotency_Key="e1")
    assert (again.status_code, again.json()) == (201, erased)
    assert (await intake.post("/v1/petitioners/p1/erasure", {})).status_code == 404


async def test_of_several_petitioners_one_is_erased(intake: Intake) -> None:
    body = petition_of("p1", "A", "Chung.") | {
        "petitioner_ids": ["p1", "p2"],
        "identities": {"p1": {"name": "A"}, "p2": {"name": "B"}},
    }
    petition = (await intake.done("/v1/petitions", body))["id"]
    await intake.done("/v1/petitioners/p1/erasure", {})
    assert (await content(intake, petition))[0] == {"identities": {"p2": {"name": "B"}}, "text": "Chung."}


async def test_a_label_that_is_no_id_gets_a_new_one(intake: Intake) -> None:
    body = {"jurisdiction": COMMUNE, "identities": {"1": {"name": "A"}}, "text": "x"}
    first, second = (await intake.done("/v1/petitions", body))["id"], (await intake.done("/v1/petitions", body))["id"]
    (one,), (two,) = [
        (await intake.get(f"/v1/petitions/{p}")).json()["facts"][0]["data"]["petitioner_ids"] for p in (first, second)
    ]
    assert one != two and "1" not in (one, two)


async def test_the_log_cannot_be_changed(intake: Intake) -> None:
    connection = await asyncpg.connect(intake.dsn)
    try:
        for statement in (
            "UPDATE stored_events SET topic = 'X'",
            "DELETE FROM stored_events",
            "TRUNCATE stored_events",
        ):
            try:
                await connection.execute(statement)
            except asyncpg.PostgresError:
                continue
            raise AssertionError(statement)
    finally:
        await connection.close()


async def test_an_office_word_stays_readable_after_the_petitioner_is_erased(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "A", "Một.")))["id"]
    await intake.done(f"/v1/petitions/{petition}/assignment", {"agency": EDUCATION})
    await intake.done(f"/v1/petitions/{petition}/reassignment", {"agency": OFFICE, "reason": "Không đúng thẩm quyền."})
    await intake.done("/v1/petitioners/p1/erasure", {})
    assert {"reason": "Không đúng thẩm quyền."} in await content(intake, petition)


async def test_no_new_key_for_an_erased_petitioner(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "A", "Một.")))["id"]
    await intake.done(f"/v1/petitions/{petition}/forwarding", {"agency": EDUCATION})
    await intake.done("/v1/petitioners/p1/erasure", {})
    await intake.done(f"/v1/petitions/{petition}/prepared-answer", {"agency": EDUCATION, "text": "Trả lời."})
    assert await intake.rows("SELECT 1 FROM sealing_keys WHERE owner_id = 'p1'") == []
