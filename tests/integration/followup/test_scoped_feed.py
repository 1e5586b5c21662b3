"""followup's feed for who may see a part: several sources that share their ids, own petitions, older deadlines."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from shared.events import PetitionReference
from shared.events.petition import PetitionClassified, PetitionReceived
from shared.http.auth import Callers, Role
from shared.http.tokens import mint_token
from tests.support.following import projection_pool
from tests.support.history import History, day
from tests.support.postgres import TestServer
from tests.support.projection import AUTUMN, COMMUNE, ELSEWHERE, PACKAGES, petition, project
from tests.support.reading import read_side

HERE, THERE = "ban-ho", "than-uyen"
CALLERS: list[tuple[str, Role, str]] = [
    ("cong-tinh", "system", "H35"),
    ("cong-khac", "system", "H35"),
    ("van-phong", "office", COMMUNE),
    ("xa-khac", "office", ELSEWHERE),
]
TOKENS: dict[str, str] = {}


def pushed(history: History, name: str, place: str, external_id: str, *, of_0_5: bool = False) -> None:
    """A petition that the province's portal pushed, raised at a conference; 0.5.0 kept no reference aside."""
    received = PetitionReceived(effective_on=day("2019-07-10"), jurisdiction=place, petitioner_ids=(f"p-{name}",))
    fact = history.record(petition(name), received, jurisdiction=place)
    reference = None if of_0_5 else PetitionReference("cong-tinh", external_id)
    meta = msgspec.structs.replace(fact.meta, source="cong-tinh", external_id=external_id, petition_reference=reference)
    history.facts[-1] = msgspec.structs.replace(fact, meta=meta)
    classified = PetitionClassified(effective_on=day("2019-07-10"), subject=name, field="đất đai")
    history.record(petition(name), classified, jurisdiction=place)


def told(source: str) -> History:
    """One conference with the same petitions at both sources; at the other one they came from nobody's portal."""
    history = History(source)
    conference = history.plan("c", "2019-08-23")
    if source == HERE:
        pushed(history, "moi", COMMUNE, "TN-1")
        pushed(history, "cu", COMMUNE, "TN-2", of_0_5=True)
    else:
        for name, place in (("moi", ELSEWHERE), ("cu", COMMUNE)):
            received = PetitionReceived(effective_on=day("2019-07-10"), jurisdiction=place)
            history.record(petition(name), received, jurisdiction=place)
    history.hold(conference, petition("moi"), petition("cu"), first="2019-08-23")
    return history


@pytest.fixture
async def client(pg_server: TestServer) -> AsyncIterator[httpx.AsyncClient]:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        for source in (HERE, THERE):
            await project(pool, told(source), AUTUMN)
    entries = []
    for name, role, place in CALLERS:
        TOKENS[name], entry = mint_token(name, role, place)
        entries.append(entry)
    callers = Callers(tuple(entries), local_allowed=False)
    async with projection_pool(dsn) as pool, read_side(pool, dsn, callers) as served:
        yield served


async def read(client: httpx.AsyncClient, caller: str, limit: int = 3, **asked: str) -> list[dict[str, Any]]:
    """Every event that a caller sees, in pages of a few."""
    found, cursor = list[dict[str, Any]](), ""
    while True:
        headers = {"Authorization": f"Bearer {TOKENS[caller]}"}
        query = {"cursor": cursor, "limit": str(limit)} | asked
        answer = await client.get("/v1/events", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found, cursor = found + page["events"], page["next"]
        if page["complete_to"] is not None:
            return found


def cases(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(e["data"]["data"]["source"], e["data"]["data"]["subject_id"]) for e in events}


async def test_part__of_one_source_is_not_that_of_another_with_the_same_ids(client: httpx.AsyncClient) -> None:
    assert cases(await read(client, "van-phong")) == {
        (HERE, str(petition("moi"))),
        (HERE, str(petition("cu"))),
        (THERE, str(petition("cu"))),
    }
    assert cases(await read(client, "xa-khac")) == {(THERE, str(petition("moi")))}


async def test_mine__is_what_the_portal_pushed_and_what_it_pushed_to_the_release_before(
    client: httpx.AsyncClient,
) -> None:
    seen = await read(client, "cong-tinh", mine="true")
    assert cases(seen) == {(HERE, str(petition("moi"))), (HERE, str(petition("cu")))}
    assert {(e["externalsource"], e["externalid"]) for e in seen} == {("cong-tinh", "TN-1"), ("cong-tinh", "TN-2")}
    assert await read(client, "cong-khac", mine="true") == []
    kinds = {e["type"] for e in seen}
    assert {"DeadlineSet", "DeadlineBreached"} <= kinds
    breaches = await read(client, "cong-tinh", mine="true", type="DeadlineBreached")
    assert [e["id"] for e in breaches] == [e["id"] for e in seen if e["type"] == "DeadlineBreached"]
