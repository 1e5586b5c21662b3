"""Which store this is: another database under the log is another epoch, on the first connection that finds it so."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.postgres.store import FINGERPRINT, read_identity
from tests.support.intake import served
from tests.support.waiting import until

STRANGE = "UPDATE store_state SET fingerprint = 'that of the database before the restore'"


@pytest.fixture
async def owner(database: str) -> AsyncIterator[Any]:
    """A connection that nothing of the product has looked at."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def test_fingerprint__names_system_timeline_database_and_table(owner: Any) -> None:
    system, timeline, database, table = (await owner.fetchval(FINGERPRINT)).split("/")
    assert system == str(await owner.fetchval("SELECT system_identifier FROM pg_control_system()"))
    assert int(timeline, 16) == await owner.fetchval("SELECT timeline_id FROM pg_control_checkpoint()")
    assert database == str(await owner.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()"))
    assert table == str(await owner.fetchval("SELECT 'stored_events'::regclass::oid"))


async def test_first_look__keeps_the_epoch_and_a_changed_fingerprint_mints_one(owner: Any) -> None:
    made = await owner.fetchval("SELECT epoch FROM store_state")
    assert (await read_identity(owner)).epoch == made
    await owner.execute(STRANGE)
    minted = await read_identity(owner)
    assert minted.epoch != made
    assert await read_identity(owner) == minted


async def test_many_connections_at_once__mint_one_epoch(database: str, owner: Any) -> None:
    before = await read_identity(owner)
    await owner.execute(STRANGE)
    connections = [await asyncpg.connect(database) for _ in range(6)]
    found = await asyncio.gather(*(read_identity(c) for c in connections))
    assert len(set(found)) == 1 and found[0].epoch != before.epoch
    for connection in connections:
        await connection.close()


async def test_minting__waits_for_an_append_under_way(database: str, owner: Any) -> None:
    await read_identity(owner)
    await owner.execute(STRANGE)
    other, holder = await asyncpg.connect(database), await asyncpg.connect(database)
    async with holder.transaction():
        await holder.execute("SELECT ordering_lock()")
        minting = asyncio.create_task(read_identity(other))
        waits = "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $1"
        await until(lambda: owner.fetchval(waits, other.get_server_pid()))
        assert not minting.done()
    assert (await minting).epoch == await owner.fetchval("SELECT epoch FROM store_state")
    await other.close()
    await holder.close()


async def test_running_intake__answers_a_reader_of_the_old_epoch_with_the_new_one(
    database: str, owner: Any, tmp_path: Path
) -> None:
    async with served(database, tmp_path) as intake:
        await intake.places()
        first = (await intake.get("/v1/events", limit="1")).json()
        await owner.execute(STRANGE)
        # The fail-over ends every connection; those that follow find another database.
        await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        await until(intake.is_ready)
        stale = await intake.get("/v1/events", epoch=first["epoch"], after="1")
        assert (stale.status_code, stale.json()["type"]) == (409, "urn:doithoai:problem:stale-epoch")
        assert stale.json()["epoch"] != first["epoch"]
        adopted = await intake.get("/v1/events", epoch=stale.json()["epoch"], after="1")
        assert adopted.status_code == 200
        assert adopted.json()["previous_id"] == first["events"][0]["id"]
        assert {event["epoch"] for event in adopted.json()["events"]} == {stale.json()["epoch"]}
