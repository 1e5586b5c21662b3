"""Which commands there are, and which of them each caller can give now: what forms are made from."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from services.intake.application.definitions import ACT_DEFINITIONS, DEFINITIONS
from services.intake.entrypoints.command_queries import CommandDefinitions
from shared.http.auth import Role, mint_token
from shared.identifiers import derived_id
from tests.support.bilingual import check_bilingual
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, OFFICE, Intake, served, tokens_file
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLERS: dict[str, tuple[Role, str, str]] = {
    "office": ("office", DISTRICT, ""),
    "chair": ("chair", DISTRICT, ""),
    "portal": ("system", "H35", ""),
    "education": ("agency", DISTRICT, EDUCATION),
    "other agency": ("agency", DISTRICT, OFFICE),
    "auditor": ("auditor", "VN", ""),
    "elsewhere": ("office", "H36", ""),
}
TOKENS: dict[str, str] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """An intake with one caller of each kind."""
    folder: Path = tmp_path_factory.mktemp("commands")
    entries = []
    for name, (role, place, agency) in CALLERS.items():
        TOKENS[name], entry = mint_token(name, role, place, agency)
        entries.append(entry)
    file = str(tokens_file(folder, *entries))
    async with served(await pg_server.fresh("shared.postgres"), folder, tokens_file=file) as running:
        await running.places()
        yield running


async def judged(intake: Intake, path: str, caller: str = "office") -> dict[str, Any]:
    """Each command by its name."""
    answer = await intake.get(f"{path}/commands", token=TOKENS[caller])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return {each["command"]: each for each in answer.json()["items"]}


async def possible(intake: Intake, path: str, caller: str = "office") -> set[str]:
    return {name for name, each in (await judged(intake, path, caller)).items() if each["possible"]}


async def test_commands__are_told_once_and_then_by_their_tag(intake: Intake) -> None:
    answer = await intake.get("/v1/commands", token=TOKENS["auditor"])
    told = msgspec.json.decode(answer.content, type=CommandDefinitions)
    assert told == CommandDefinitions(tuple(DEFINITIONS.values()), ACT_DEFINITIONS)
    tag = answer.headers["etag"]
    for sent, status in ((tag, 304), (f'"other", {tag}', 304), (f"W/{tag}", 304), ('"other"', 200), ("*", 304)):
        headers = {"Authorization": f"Bearer {TOKENS['auditor']}", "If-None-Match": sent}
        again = await intake.client.get("/v1/commands", headers=headers)
        assert (again.status_code, again.headers["etag"], bool(again.content)) == (status, tag, status == 200), sent


async def test_petition__is_told_with_what_is_possible_and_why_the_rest_is_not(intake: Intake) -> None:
    path = f"/v1/petitions/{(await intake.petition())['id']}"
    found = await judged(intake, path)
    assert set(found) == {d.command for d in DEFINITIONS.values() if d.aggregate == "petition" and not d.creates}
    assert found["PetitionClassified"] == {
        "command": "PetitionClassified", "path": f"{path}/classification", "possible": True,
    }  # fmt: skip
    assert {"PetitionForwarded", "PetitionScheduled", "PetitionWithdrawn"} <= await possible(intake, path)
    refused = found["PetitionReopened"]["problem"]
    assert refused["type"] == "urn:doithoai:problem:never-ended" and refused["status"] == 409
    check_bilingual(refused["translations"]["vi"]["detail"], refused["translations"]["en"]["detail"])
    for each in found.values():
        assert each["possible"] == ("problem" not in each)
        # What is refused here is refused at its address, whatever its body says; and here nothing is recorded.
        if each.get("problem", {}).get("status") == 409:
            assert (await intake.post(each["path"], {}, token=TOKENS["office"])).status_code in (409, 422), each
    assert (await intake.get(path, token=TOKENS["office"])).headers["etag"] == '"1"'


async def test_petition__that_was_acted_on_is_told_otherwise(intake: Intake) -> None:
    path = f"/v1/petitions/{(await intake.petition())['id']}"
    before = await possible(intake, path)
    await intake.done(f"{path}/withdrawal", {"reason": "đã xong"})
    after = await judged(intake, path)
    assert after["PetitionReopened"]["possible"] and "PetitionReopened" not in before
    assert after["PetitionWithdrawn"]["problem"]["type"] == "urn:doithoai:problem:case-ended"


async def test_petition__is_told_to_each_by_role_and_part(intake: Intake) -> None:
    mine = f"/v1/petitions/{(await intake.petition())['id']}"
    other = f"/v1/petitions/{(await intake.petition())['id']}"
    await intake.done(f"{mine}/forwarding", {"agency": EDUCATION})
    assert await possible(intake, mine, "auditor") == set()
    assert {each["problem"]["status"] for each in (await judged(intake, mine, "auditor")).values()} == {403}
    assert "AnswerPrepared" in await possible(intake, mine, "education")
    assert "PetitionClassified" not in await possible(intake, mine, "education")
    assert {"PetitionClassified", "PetitionMerged"} <= await possible(intake, mine, "chair")
    # A system takes back what it brought itself, and nothing else.
    assert await possible(intake, mine, "portal") == set()
    brought = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường."}, token=TOKENS["portal"])
    own = f"/v1/petitions/{brought.json()['id']}"
    assert await possible(intake, own, "portal") == {"PetitionWithdrawn"}
    # Those who may not see it are not told that it is there.
    for path, caller in ((mine, "elsewhere"), (mine, "other agency"), (other, "education")):
        answer = await intake.get(f"{path}/commands", token=TOKENS[caller])
        assert answer.status_code == 404, (caller, answer.text)
    assert (await intake.client.get(f"{mine}/commands", headers={"Authorization": "Bearer dt_x"})).status_code == 401


async def test_conference__is_told_by_how_far_it_has_come(intake: Intake) -> None:
    today = await intake.today()
    days = {"first_day": today, "last_day": today, "place": "Hội trường"}
    planned = await intake.done("/v1/conferences", {"jurisdiction": DISTRICT, "kind": "periodic"} | days)
    path = f"/v1/conferences/{planned['id']}"
    found = await judged(intake, path)
    assert set(found) == {d.command for d in DEFINITIONS.values() if d.aggregate == "conference" and not d.creates}
    assert found["ConferenceOpened"]["possible"] and not found["ConferenceClosed"]["possible"]
    assert found["ConferenceOpened"]["path"] == f"{path}/opening"
    await intake.done(f"{path}/opening")
    found = await judged(intake, path)
    assert found["ConferenceClosed"]["possible"] and not found["ConferenceOpened"]["possible"]
    assert (await intake.get(f"{path}/commands", token=TOKENS["elsewhere"])).status_code == 404


async def test_place__is_told_with_what_begins_there_by_its_code_in_either_order(intake: Intake) -> None:
    path = f"/v1/jurisdictions/{DISTRICT}"
    found = await judged(intake, path)
    assert {"PetitionReceived", "ConferencePlanned", "DialoguePlanAdopted", "ReceptionDayHeld"} <= set(found)
    assert not {"PetitionClassified", "CalendarPublished", "AgencyClosed"} & set(found)
    assert found["PetitionReceived"] == {"command": "PetitionReceived", "path": "/v1/petitions", "possible": True}
    assert {"PetitionReceived", "ConferencePlanned"} <= await possible(intake, path, "chair")
    assert await possible(intake, path, "auditor") == {"ConferenceProposed"}
    assert await possible(intake, path, "portal") == {"PetitionReceived"}
    # An office receives in the communes below it, and nowhere else.
    assert "PetitionReceived" in await possible(intake, f"/v1/jurisdictions/{COMMUNE}")
    above = (await judged(intake, "/v1/jurisdictions/H35"))["PetitionReceived"]
    assert above["problem"]["type"] == "urn:doithoai:problem:jurisdiction-may-not"
    assert await possible(intake, path, "elsewhere") == set()
    by_other_order = await intake.get("/v1/jurisdictions/000.00.10.H35/commands", token=TOKENS["office"])
    assert by_other_order.status_code == 200, by_other_order.text


async def test_what_is_not_there__is_not_found(intake: Intake) -> None:
    nobody = derived_id("nobody")
    for path in (
        f"/v1/petitions/{nobody}", f"/v1/conferences/{nobody}", "/v1/petitions/x", "/v1/jurisdictions/H35.99",
        "/v1/jurisdictions/không",
    ):  # fmt: skip
        answer = await intake.get(f"{path}/commands", token=TOKENS["office"])
        assert answer.status_code in (400, 404, 422), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    petition = (await intake.petition())["id"]
    assert (await intake.get(f"/v1/conferences/{petition}/commands", token=TOKENS["office"])).status_code == 404
