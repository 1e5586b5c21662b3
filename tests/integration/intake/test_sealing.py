"""What a citizen wrote is nowhere in the clear, opens through one route, and is gone when its keys are."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, EDUCATION, OFFICE, Intake, served, tokens_file

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


async def test_erasure_racing_with_new_petitions__loses_no_text(intake: Intake) -> None:
    first = (await intake.done("/v1/petitions", petition_of("p1", "A", "Số 0.")))["id"]
    posts = [intake.post("/v1/petitions", petition_of("p1", "A", f"Số {n}.")) for n in range(1, 9)]
    erasures = [intake.post("/v1/petitioners/p1/erasure", {}) for _ in range(3)]
    answers = await asyncio.gather(
        *(step for pair in zip(posts[:3], erasures, strict=True) for step in pair), *posts[3:]
    )
    assert {a.status_code for a in answers} <= {201, 404}, [a.text for a in answers]
    received = {a.json()["id"] for a in answers if a.json().get("receipt_code")} | {first}
    assert len(received) == 9
    for petition in received:
        facts = (await intake.get(f"/v1/petitions/{petition}")).json()["facts"]
        erased = "PersonalDataErased" in [fact["topic"] for fact in facts]
        opened = (await content(intake, petition))[0]
        keys = await intake.rows("SELECT 1 FROM sealing_keys WHERE originator_id = $1::uuid", petition)
        # Either it says that it was erased and has no key, or it opens whole.
        assert (opened == {}) is erased and (not keys) is erased
        assert erased or set(opened) == {"identities", "text"}


async def test_what_was_said_at_a_conference_is_read_by_the_office_alone_and_the_reading_is_recorded(
    database: str, tmp_path: Path
) -> None:
    token, entry = mint_token("gd", "agency", "H35.10", EDUCATION)
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        await intake.places()
        conference = await intake.conference()
        await intake.done(f"/v1/conferences/{conference}/secretary", {"name": "Thư ký"})
        await intake.done(f"/v1/conferences/{conference}/minutes", {"digest": "d" * 64, "minutes": "Biên bản."})
        path = f"/v1/conferences/{conference}/content"
        assert (await intake.get(path, token=token)).status_code == 404  # it has no part in it
        answer = await intake.get(path, on_behalf_of="can-bo-1")
        assert [e["content"] for e in answer.json()["events"]] == [{"name": "Thư ký"}, {"minutes": "Biên bản."}]
        assert answer.headers["cache-control"] == "no-store"
        (read,) = await intake.rows("SELECT caller, on_behalf_of, subject_id FROM content_reads")
        assert tuple(read.values()) == ("tests", "can-bo-1", UUID(conference))


async def test_a_speakers_words_are_erased_with_their_petition(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "A", "Một.")))["id"]
    conference = await intake.conference()
    speaker = {"speaker": "s1", "petition_id": petition, "name": "Lò Thị A", "matter": "Đường"}
    await intake.done(f"/v1/conferences/{conference}/speakers", speaker)
    await intake.done(f"/v1/conferences/{conference}/calls", {"speaker": "s1", "words": "Xin trình bày."})
    path = f"/v1/conferences/{conference}/content"
    said = [event["content"] for event in (await intake.get(path)).json()["events"]]
    assert said == [{"name": "Lò Thị A", "matter": "Đường"}, {"words": "Xin trình bày."}]
    await intake.done("/v1/petitioners/p1/erasure", {})
    assert [event["content"] for event in (await intake.get(path)).json()["events"]] == [{}, {}]
    # What is said later goes under no new key of theirs.
    await intake.done(f"/v1/conferences/{conference}/speakers", speaker | {"speaker": "s2"})
    assert await intake.rows("SELECT 1 FROM sealing_keys WHERE owner_id = 'p1'") == []


async def test_an_erasure_never_reaches_what_belongs_to_no_petitioner(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", petition_of("p1", "A", "Một.")))["id"]
    await intake.done(f"/v1/petitions/{petition}/assignment", {"agency": EDUCATION})
    await intake.done(f"/v1/petitions/{petition}/reassignment", {"agency": OFFICE, "reason": "Không đúng thẩm quyền."})
    assert (await intake.post(f"/v1/petitioners/{petition}/erasure", {})).status_code == 404
    assert {"reason": "Không đúng thẩm quyền."} in await content(intake, petition)
