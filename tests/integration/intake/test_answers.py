"""The answer comes back: state, reply, file and reasons for the system that pushed, each reading recorded."""

import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from shared.http.auth import Role, mint_token
from tests.support.files import PDF, PNG, digest_of
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, PROVINCE, Intake, served, tokens_file, with_places
from tests.support.postgres import TestServer

TOKENS: dict[str, str] = {}
GROUND = "Thuộc thẩm quyền của Tòa án."
TEXT = "Đã sửa đường, xong trước ngày 20."


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """Two portals, one more without the right to read answers, an office, an agency, an auditor; files are kept."""
    folder = tmp_path_factory.mktemp("answers")
    callers: list[tuple[str, Role, str, str]] = [
        ("portal", "system", PROVINCE, ""),
        ("other-portal", "system", PROVINCE, ""),
        ("office", "office", DISTRICT, ""),
        ("education", "agency", DISTRICT, EDUCATION),
        ("auditor", "auditor", "VN", ""),
        ("far-portal", "system", "H36", ""),
        ("far-office", "office", "H36", ""),
        ("other-commune", "office", f"{DISTRICT}.32", ""),
        ("other-agency", "agency", DISTRICT, f"{DISTRICT}.99"),
    ]
    entries = []
    for name, role, place, agency in callers:
        TOKENS[name], entry = mint_token(name, role, place, agency)
        entries.append(entry)
    TOKENS["deaf"], entry = mint_token("deaf", "system", PROVINCE, sources=("portal",), may=())
    entries.append(entry)
    tokens = str(tokens_file(folder, *entries))
    database = await pg_server.filled(with_places)
    async with served(database, folder, tokens_file=tokens, files=str(folder / "files")) as running:
        yield running


_numbers = itertools.count(1)


async def pushed(intake: Intake, external_id: str = "", petitioner: str = "", **fields: Any) -> str:
    """The id of a petition that the portal pushed; each is of another citizen."""
    number = next(_numbers)
    petitioner = petitioner or f"portal-{number}"
    body = {
        "jurisdiction": COMMUNE,
        "text": "Đường vào bản bị sạt lở.",
        "petitioner_ids": [petitioner],
        "identities": {petitioner: {"name": "Lò Thị Mai"}},
        "external_id": external_id or f"N-{number}",
    }
    answer = await intake.post("/v1/petitions", body | fields, token=TOKENS["portal"])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def replied(intake: Intake, petition: str, number: str = "12/UBND", content: bytes = PDF, **more: Any) -> None:
    await intake.client.post("/v1/files", content=content)
    body = {"number": number, "signatory": "Chủ tịch", "digest": digest_of(content), "text": TEXT}
    await intake.done(f"/v1/petitions/{petition}/reply", body | more)


async def asked(intake: Intake, caller: str, petition: str, **headers: str) -> httpx.Response:
    headers["Authorization"] = f"Bearer {TOKENS[caller]}"
    return await intake.client.get(f"/v1/petitions/{petition}/answer", headers=headers)


async def answer(intake: Intake, caller: str, petition: str) -> dict[str, Any]:
    found = await asked(intake, caller, petition)
    assert found.status_code == 200, found.text
    told: dict[str, Any] = found.json()
    return told


async def readings(intake: Intake, petition: str) -> list[str]:
    """Who has read what is sealed of a petition."""
    query = "SELECT caller FROM content_reads WHERE subject_id::text = $1 ORDER BY read_at"
    return [row["caller"] for row in await intake.rows(query, petition)]


async def test_answer__of_a_petition_that_waits_says_so_and_opens_nothing(intake: Intake) -> None:
    petition = await pushed(intake, "A-1")
    told = await answer(intake, "portal", petition)
    assert (told["state"], told["open311"]["status"], told["content"]) == ("received", "open", "open")
    assert told["reference"] == {"source": "portal", "external_id": "A-1"}
    assert told["reply"] is None and told["earlier_replies"] == []
    assert await readings(intake, petition) == []


async def test_answer__brings_reply_and_file_to_who_pushed_and_records_it(intake: Intake) -> None:
    petition = await pushed(intake)
    await replied(intake, petition)
    told = await answer(intake, "portal", petition)
    reply = told["reply"]
    assert (told["state"], reply["number"], reply["signatory"], reply["text"]) == (
        "replied",
        "12/UBND",
        "Chủ tịch",
        TEXT,
    )
    file = await intake.get(reply["file"], token=TOKENS["portal"])
    assert (file.status_code, file.content) == (200, PDF)
    assert await readings(intake, petition) == ["portal"] * 2


async def test_answer__is_found_by_reference(intake: Intake) -> None:
    path = f"/v1/petitions/by-reference/portal/{quote('LC 0417 ạ')}/answer"
    assert (await intake.get(path, token=TOKENS["portal"])).status_code == 404
    petition = await pushed(intake, "LC 0417 ạ")
    assert (await intake.get(path, token=TOKENS["portal"])).json()["id"] == petition
    assert (await intake.get(path, token=TOKENS["other-portal"])).status_code == 403


@pytest.mark.parametrize("caller", ["deaf", "auditor"])
async def test_answer__without_the_right_is_its_public_part(intake: Intake, caller: str) -> None:
    petition = await pushed(intake)
    await replied(intake, petition)
    told = await answer(intake, caller, petition)
    assert (told["state"], told["content"]) == ("replied", "withheld")
    assert (told["reply"]["number"], told["reply"]["text"]) == ("12/UBND", "")
    tags = {(await asked(intake, each, petition)).headers["etag"] for each in (caller, "portal")}
    assert len(tags) == 2
    assert told["reply"]["file"] is None and (await answer(intake, "portal", petition))["reply"]["file"] is not None
    path = f"/v1/petitions/{petition}/files/{told['reply']['digest']}"
    assert (await intake.get(path, token=TOKENS[caller])).status_code == 403
    assert caller not in await readings(intake, petition)


async def test_answer__says_how_the_petitioner_agreed_to_be_told(intake: Intake) -> None:
    petition = await pushed(intake, consent={"told_by": ["sms"], "on": "2026-11-30"})
    assert (await answer(intake, "portal", petition))["consent"] == {"told_by": ["sms"], "on": "2026-11-30"}
    assert (await answer(intake, "portal", await pushed(intake)))["consent"] is None


async def test_answer__is_for_nobody_else(intake: Intake) -> None:
    petition = await pushed(intake)
    await replied(intake, petition)
    refused = await asked(intake, "other-portal", petition)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "source-may-not")
    assert (await asked(intake, "education", petition)).status_code == 404
    assert (await answer(intake, "office", petition))["reply"]["text"] == TEXT


@pytest.mark.parametrize("caller", ["far-portal", "other-agency"])
async def test_reference__of_what_is_out_of_reach_looks_like_none(intake: Intake, caller: str) -> None:
    await pushed(intake, f"HIDDEN-{caller}")
    said = []
    for external_id in (f"HIDDEN-{caller}", "NEVER-PUSHED"):
        found = await intake.get("/v1/petitions", token=TOKENS[caller], source="portal", external_id=external_id)
        path = f"/v1/petitions/by-reference/portal/{external_id}/answer"
        asked_for = await intake.get(path, token=TOKENS[caller])
        assert (found.status_code, asked_for.status_code) == (404, 404)
        said.append([{**each.json(), "request_id": ""} for each in (found, asked_for)])
    assert said[0] == said[1]


@pytest.mark.parametrize("caller", ["far-office", "other-commune"])
async def test_withdrawal__of_what_is_out_of_reach_looks_like_none(intake: Intake, caller: str) -> None:
    petition = await pushed(intake, f"KEPT-{caller}")
    said = []
    for external_id in (f"KEPT-{caller}", "NEVER-PUSHED"):
        path = f"/v1/petitions/by-reference/portal/{external_id}/withdrawal"
        refused = await intake.post(path, {}, token=TOKENS[caller])
        assert refused.status_code == 404
        said.append({**refused.json(), "request_id": ""})
    assert said[0] == said[1]
    assert (await answer(intake, "office", petition))["state"] == "received"


async def test_file__that_answers_nobody_stays_inside(intake: Intake) -> None:
    petition = await pushed(intake)
    await intake.done(f"/v1/petitions/{petition}/forwarding", {"agency": EDUCATION})
    await intake.client.post("/v1/files", content=PNG)
    await intake.done(f"/v1/petitions/{petition}/prepared-answer", {"agency": EDUCATION, "digest": digest_of(PNG)})
    path = f"/v1/petitions/{petition}/files/{digest_of(PNG)}"
    assert (await intake.get(path)).status_code == 200
    assert (await intake.get(path, token=TOKENS["portal"])).status_code == 404


async def test_attachment__of_its_own_comes_back_to_who_pushed_it(intake: Intake) -> None:
    sent = await intake.client.post("/v1/files", content=PNG, headers={"Authorization": f"Bearer {TOKENS['portal']}"})
    petition = await pushed(intake, attachments=[sent.json()])
    path = f"/v1/petitions/{petition}/files/{digest_of(PNG)}"
    assert (await intake.get(path, token=TOKENS["portal"])).content == PNG
    assert (await intake.get(path, token=TOKENS["other-portal"])).status_code == 403


async def test_answer__that_was_replaced_tells_the_current_one_and_another_tag(intake: Intake) -> None:
    petition = await pushed(intake)
    await replied(intake, petition)
    first = await asked(intake, "portal", petition)
    tag = {"If-None-Match": first.headers["etag"]}
    known = await asked(intake, "portal", petition, **tag)
    assert (known.status_code, known.content) == (304, b"")
    before = len(await readings(intake, petition))
    await replied(intake, petition, "13/UBND", PNG)
    second = await asked(intake, "portal", petition, **tag)
    assert second.json()["reply"]["number"] == "13/UBND"
    assert [each["number"] for each in second.json()["earlier_replies"]] == ["12/UBND"]
    assert len(await readings(intake, petition)) == before + 1
    await intake.done(
        f"/v1/petitions/{petition}/annulments", {"event_id": second.json()["reply"]["event_id"], "reason": "nhầm"}
    )
    assert (await answer(intake, "portal", petition))["reply"]["number"] == "12/UBND"


async def test_answer__of_a_refusal_gives_its_ground(intake: Intake) -> None:
    petition = await pushed(intake)
    await intake.done(f"/v1/petitions/{petition}/refusal", {"number": "3/TB", "ground": GROUND})
    told = await answer(intake, "portal", petition)
    assert (told["state"], told["open311"]["status"]) == ("refused", "closed")
    assert (told["refusal"]["number"], told["refusal"]["ground"]) == ("3/TB", GROUND)
    assert (await answer(intake, "deaf", petition))["refusal"]["ground"] == ""


async def test_answer__of_a_redirection_says_where_it_belongs(intake: Intake) -> None:
    petition = await pushed(intake)
    body = {"procedure": "complaint", "body": "Thanh tra tỉnh"}
    await intake.done(f"/v1/petitions/{petition}/redirection", body)
    told = await answer(intake, "portal", petition)
    assert told["state"] == "redirected" and told["redirection"].items() >= body.items()


async def test_answer__of_an_annulled_petition_says_that_it_is(intake: Intake) -> None:
    petition = await pushed(intake)
    (fact,) = (await intake.get(f"/v1/petitions/{petition}")).json()["facts"]
    await intake.done(f"/v1/petitions/{petition}/annulments", {"event_id": fact["event_id"], "reason": "nhầm"})
    assert (await answer(intake, "portal", petition))["state"] == "annulled"


async def test_answer__after_an_erasure_has_no_word_and_another_tag(intake: Intake) -> None:
    petition = await pushed(intake, petitioner="portal-erased")
    await replied(intake, petition)
    before = (await asked(intake, "portal", petition)).headers["etag"]
    await intake.done("/v1/petitioners/portal-erased/erasure", {"ground": "hết mục đích"})
    after = await asked(intake, "portal", petition)
    told = after.json()
    assert after.headers["etag"] != before
    assert (told["state"], told["content"], told["reply"]["text"], told["reply"]["file"]) == (
        "replied",
        "erased",
        "",
        None,
    )
    assert told["reply"]["number"] == "12/UBND"


@pytest.mark.parametrize("caller", ["portal", "deaf"])
async def test_answer__after_an_erasure_says_so_where_nobody_had_answered(intake: Intake, caller: str) -> None:
    petition = await pushed(intake, petitioner=f"portal-unanswered-{caller}")
    before = (await asked(intake, caller, petition)).headers["etag"]
    await intake.done(f"/v1/petitioners/portal-unanswered-{caller}/erasure", {"ground": "hết mục đích"})
    after = await asked(intake, caller, petition)
    assert (after.json()["state"], after.json()["content"]) == ("received", "erased")
    assert after.headers["etag"] != before


async def test_answer__to_the_other_of_two_says_that_one_was_erased(intake: Intake) -> None:
    petition = await pushed(intake, petitioner="portal-first", petitioner_ids=["portal-first", "portal-second"])
    await intake.done("/v1/petitioners/portal-first/erasure", {"ground": "hết mục đích"})
    await replied(intake, petition)
    told = await answer(intake, "portal", petition)
    assert (told["content"], told["reply"]["text"]) == ("erased", TEXT)


async def test_answer__of_a_merged_petition_is_that_of_its_survivor(intake: Intake) -> None:
    merged, survivor = (
        await pushed(intake, petitioner="portal-merged"),
        str((await intake.petition(petitioner_ids=["p2"]))["id"]),
    )
    await replied(intake, survivor, "1/UBND")
    await intake.done(f"/v1/petitions/{merged}/merger", {"into": survivor})
    told = await answer(intake, "portal", merged)
    assert (told["state"], told["merged_into"], told["reply"]) == (
        "merged",
        {"id": survivor, "state": "replied"},
        None,
    )
    tag = (await asked(intake, "portal", merged)).headers["etag"]
    await replied(intake, survivor, "2/UBND", PNG, answers=["p2"])
    assert (await answer(intake, "portal", merged))["reply"] is None
    await replied(intake, survivor, "3/UBND", answers=["portal-merged"])
    found = await asked(intake, "portal", merged)
    told = found.json()
    assert found.headers["etag"] != tag
    assert (told["reply"]["number"], told["reply"]["text"]) == ("3/UBND", TEXT)
    assert (await intake.get(told["reply"]["file"], token=TOKENS["portal"])).content == PDF
    other = f"/v1/petitions/{merged}/files/{digest_of(PNG)}"
    assert (await intake.get(other, token=TOKENS["portal"])).status_code == 404
    assert set(await readings(intake, survivor)) == {"portal"} and await readings(intake, merged) == []
