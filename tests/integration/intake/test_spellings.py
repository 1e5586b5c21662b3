"""One name is one name, however it is typed and whatever door it comes through; what earlier releases kept is found."""

import json
import unicodedata
from pathlib import Path

import pytest

from shared.http.tokens import mint_token
from tests.support.intake import COMMUNE, Intake, served, tokens_file
from tests.support.postgres import TestServer

NAME = "Sổ-tiếp-dân"
TYPED = [NAME, unicodedata.normalize("NFD", NAME), f" {NAME}\u200b", f"\ufeff{NAME}\u00a0", f"\u200e{NAME}\u200e"]


def received(name: str) -> dict[str, object]:
    return {"jurisdiction": COMMUNE, "source": name, "external_id": name, "effective_on": "2025-07-01"}


@pytest.mark.parametrize("typed", TYPED[1:])
async def test_reference__is_found_however_it_is_typed(intake: Intake, typed: str) -> None:
    first = await intake.post("/v1/petitions", received(NAME))
    again = await intake.post("/v1/petitions", received(typed))
    asked = await intake.get("/v1/petitions", source=typed, external_id=typed)
    assert [answer.status_code for answer in (first, again, asked)] == [201, 200, 200]
    assert first.json()["id"] == again.json()["id"] == asked.json()["id"]


@pytest.mark.parametrize("typed", TYPED)
async def test_petitioner__is_erased_however_the_id_is_typed(intake: Intake, typed: str) -> None:
    person = {NAME: {"name": "Lò Văn X"}}
    await intake.petition(petitioner_ids=[NAME], identities=person, text="Của tôi.")
    await intake.done(f"/v1/petitioners/{typed}/erasure", {"ground": "hết mục đích"})
    assert await intake.rows("SELECT 1 FROM sealing_keys") == []


async def test_names_that_earlier_releases_kept__are_found_as_they_stand(intake: Intake) -> None:
    body = {"jurisdiction": COMMUNE, "source": "cong", "external_id": "LC-9", "petitioner_ids": ["p9"], "text": "x"}
    petition = (await intake.done("/v1/petitions", body))["id"]
    await intake.rows("UPDATE external_references SET external_id = 'LC-9   '")
    asked = await intake.get("/v1/petitions", source="cong", external_id="LC-9   ")
    again = await intake.post("/v1/petitions", body | {"external_id": "LC-9   "})
    assert (asked.json()["id"], again.status_code, again.json()["id"]) == (petition, 200, petition)
    await intake.rows("UPDATE sealing_keys SET owner_id = ' p9'")
    await intake.done("/v1/petitioners/%20p9/erasure", {})
    assert await intake.rows("SELECT 1 FROM sealing_keys") == []


async def test_queue__takes_names_as_the_other_doors_do(pg_server: TestServer, tmp_path: Path) -> None:
    database = await pg_server.fresh("shared.postgres")
    entry = mint_token("portal", "office", "VN", amqp_user="portal", sources=("*",))[1]
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        await intake.places()
        answers = []
        for number, typed in enumerate(TYPED):
            body = {"command": "PetitionReceived", "data": received(typed) | {"petitioner_ids": [typed], "text": "x"}}
            answers.append(await intake.commands.take(json.dumps(body).encode(), "portal", f"m{number}"))
        assert len({json.loads(answer.body)["id"] for answer in answers}) == 1
        again = await intake.commands.take(json.dumps(body).encode(), "portal", "m4\u200b")
        assert again == answers[-1]
        erasing = {"command": "PersonalDataErased", "id": TYPED[1], "data": {}}
        assert (await intake.commands.take(json.dumps(erasing).encode(), "portal", "e")).accepted
        assert await intake.rows("SELECT 1 FROM sealing_keys") == []
