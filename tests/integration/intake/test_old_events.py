"""What an earlier release stored is read by this one: version 1 of an event from the bytes that it wrote."""

from pathlib import Path

import asyncpg

from shared.event_store.append import Append, NewEvent
from shared.identifiers import derived_id
from shared.postgres.append import append_in
from tests.support.intake import DISTRICT, served

NUMBER, YEAR = "570/KH-UBND", 2019
VERSION_1 = (
    b'{"data":{"effective_on":"2019-06-24","jurisdiction":"H35.10","number":"570/KH-UBND","parent":"1017/KH-UBND",'
    b'"year":2019},"meta":{"actor":"office","aggregate":"plan","correlation_id":"018f0000-0000-7000-8000-000000000001",'
    b'"event_id":"018f0000-0000-7000-8000-000000000001","jurisdiction":"H35.10"},"v":1}'
)


async def test_a_plan_of_version_1_is_known_told_and_published_as_it_was_stored(database: str, tmp_path: Path) -> None:
    plan = derived_id("plan", DISTRICT, NUMBER, YEAR)
    event = NewEvent(
        originator_id=plan,
        version=1,
        topic="DialoguePlanAdopted",
        state=VERSION_1,
        event_id=derived_id("018f0000"),
    )
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await append_in(connection, [Append(events=(event,), expected={plan: 0})])
    await connection.close()
    async with served(database, tmp_path) as intake:
        await intake.places()
        (told,) = (await intake.get("/v1/plans")).json()["items"]
        assert (told["data"]["parent_plan"], told["data"]["policy_id"]) == ("1017/KH-UBND", "plan-570")
        again = await intake.post("/v1/plans", {"jurisdiction": DISTRICT, "number": NUMBER, "year": YEAR})
        assert again.json()["type"] == "urn:doithoai:problem:plan-already-adopted"
        (first,) = (await intake.get("/v1/events", limit="1")).json()["events"]
        assert first["data"]["v"] == 1 and first["data"]["data"]["parent"] == "1017/KH-UBND"
