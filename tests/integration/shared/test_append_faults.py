"""The append when something breaks: each accepted command is recorded once, whatever got lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.event_store.append import Append, Appended
from shared.event_store.errors import StoreUnavailable, Unrecordable, VersionConflict
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.pool import create_pool
from shared.postgres.store import read_identity
from tests.integration.shared.test_append import command
from tests.support.commits import Fault, LossyProxy
from tests.support.intake import COMMUNE, served
from tests.support.waiting import until

WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"


@pytest.fixture
async def admin(database: str) -> AsyncIterator[Any]:
    """A connection that goes around the proxy."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def written(dsn: str, *appends: Append, proxy: LossyProxy | None = None, fault: Fault = "") -> list[Any]:
    """The outcomes of commands that wait together."""
    pool = await create_pool(dsn, application="test", largest=3)
    if proxy is not None:
        proxy.fault = fault
    writer = GroupCommit(pool, DurableHead())
    await writer.start()
    try:
        return await asyncio.gather(*(writer.append(a) for a in appends), return_exceptions=True)
    finally:
        await writer.close()
        await pool.close()


async def test_answer_lost__the_commands_are_recorded_once_and_told_so(database: str, admin: Any) -> None:
    proxy = LossyProxy(b"Tested")
    async with proxy.before(database) as dsn:
        found = await written(dsn, *(command(f"s{n}") for n in range(5)), proxy=proxy, fault="lose_answer")
    assert proxy.faults_total == 1
    assert all(isinstance(outcome, Appended) for outcome in found), found
    assert sorted(outcome.first_position for outcome in found) == [1, 2, 3, 4, 5]
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 5


async def test_append_that_arrives_after_it_was_given_up__is_no_conflict_with_itself(database: str, admin: Any) -> None:
    proxy = LossyProxy(b"Tested")
    async with proxy.before(database) as dsn:
        found = await written(dsn, *(command(f"s{n}") for n in range(3)), proxy=proxy, fault="hold")
    assert proxy.faults_total == 1
    assert all(isinstance(outcome, Appended) for outcome in found), found
    assert sorted(outcome.first_position for outcome in found) == [1, 2, 3]
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 3


async def test_append_still_at_work__is_waited_for_before_anything_is_tried_again(database: str, admin: Any) -> None:
    proxy = LossyProxy(b"Tested")
    await read_identity(admin)
    holder = await asyncpg.connect(database)
    async with proxy.before(database) as dsn:
        async with holder.transaction():
            await holder.execute("SELECT ordering_lock()")
            writing = asyncio.create_task(written(dsn, command("a"), proxy=proxy, fault="lose_answer"))
            # The append that nobody has heard of since, and whoever asks what became of it.
            await until(lambda: admin.fetchval(f"SELECT count(*) = 2 FROM ({WAITING}) AS waiting"))
        (outcome,) = await writing
    await holder.close()
    assert isinstance(outcome, Appended) and outcome.first_position == 1
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 1


async def test_answer_lost__a_petition_without_a_key_is_recorded_once(
    database: str, admin: Any, tmp_path: Path
) -> None:
    proxy = LossyProxy(b"PetitionReceived")
    async with proxy.before(database) as dsn, served(dsn, tmp_path) as intake:
        await intake.places()
        for fault in ("lose_answer", "hold", "lose_answer"):
            proxy.fault = fault
            await intake.done("/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường."})
    assert proxy.faults_total == 3
    assert await admin.fetchval("SELECT count(*) FROM stored_events WHERE topic = 'PetitionReceived'") == 3


async def test_command_that_the_store_refuses__fails_alone(database: str, admin: Any) -> None:
    poisoned = command("b", caller="\x00", key="k", fingerprint=b"f")
    first, second, third = await written(database, command("a"), poisoned, command("c"))
    assert isinstance(second, Unrecordable)
    assert isinstance(first, Appended) and isinstance(third, Appended)
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 2


async def test_conflicts_among_many__reject_those_commands_and_no_other(database: str, admin: Any) -> None:
    await written(database, *(command(f"s{n}") for n in range(0, 40, 4)))
    found = await written(database, *(command(f"s{n}") for n in range(40)))
    assert [n for n, outcome in enumerate(found) if isinstance(outcome, VersionConflict)] == list(range(0, 40, 4))
    assert sum(isinstance(outcome, Appended) for outcome in found) == 30
    positions = await admin.fetch("SELECT notification_id FROM stored_events ORDER BY 1")
    assert [row[0] for row in positions] == list(range(1, 41))


async def test_store_that_is_away__is_said_and_nothing_is_left_waiting(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    pool = asyncpg.create_pool(f"postgresql://postgres@/x?host={tmp_path}/nobody", min_size=0, timeout=1)
    async with pool:
        writer = GroupCommit(pool, DurableHead())
        await writer.start()
        waiting = asyncio.create_task(writer.append(command("a")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(writer.close())
        with pytest.raises(StoreUnavailable):
            await waiting
        await closing
