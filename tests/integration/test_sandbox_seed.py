"""The seed of a sandbox: taken and put back whole, also where the run ends in between."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from services.dev.postgres import ensure_database
from services.sandbox.store import DATABASES, SeedStore
from shared.postgres.migrate import migrate
from shared.postgres.store import move_clock, read_identity, store_now
from tests.support.postgres import TestServer

BEGINS = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def seeded(pg_server: TestServer, tmp_path: Path) -> Iterator[SeedStore]:
    """The seed of two databases, one with a movable clock, and of one file."""

    async def make() -> SeedStore:
        for name in DATABASES:
            await ensure_database(pg_server.dsn("postgres"), name)
            await migrate(pg_server.dsn(name), ("shared.postgres",))
        connection = await asyncpg.connect(pg_server.dsn("intake"))
        await move_clock(connection, BEGINS)
        await read_identity(connection)  # as a service does that serves it
        await connection.close()
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "one").write_text("1")
        kept = SeedStore(tmp_path, pg_server.dsn)
        await kept.take()
        return kept

    async def drop() -> None:
        connection = await asyncpg.connect(pg_server.dsn("postgres"))
        for name in DATABASES:
            for each in (name, f"{name}_seed"):
                await connection.execute(f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)')
        await connection.close()

    try:
        yield asyncio.run(make())
    finally:
        asyncio.run(drop())


async def test_seed__comes_back_with_its_clock_under_another_epoch(
    seeded: SeedStore, pg_server: TestServer, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(pg_server.dsn("intake"))
    before = await read_identity(connection)
    await move_clock(connection, BEGINS + timedelta(days=30))
    await connection.execute("CREATE TABLE of_the_life_before (one int)")
    (tmp_path / "files" / "two").write_text("2")
    await seeded.put_back()  # whoever is connected is cut off
    connection = await asyncpg.connect(pg_server.dsn("intake"))
    try:
        assert await store_now(connection) - BEGINS < timedelta(hours=1)
        assert await connection.fetchval("SELECT to_regclass('of_the_life_before')") is None
        assert (await read_identity(connection)).epoch != before.epoch
    finally:
        await connection.close()
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["one"]
    assert seeded.is_taken
    assert not seeded.is_half_back


async def test_seed__that_came_half_back_is_known_and_comes_whole_the_next_time(
    seeded: SeedStore, pg_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        async def dropped(self: SeedStore, name: str, to: str) -> None:
            connection = await asyncpg.connect(pg_server.dsn("postgres"))
            await connection.execute(f'DROP DATABASE "{to}" WITH (FORCE)')
            await connection.close()
            raise KeyboardInterrupt

        patched.setattr(SeedStore, "_copy", dropped)
        with pytest.raises(KeyboardInterrupt):
            await seeded.put_back()
    assert seeded.is_half_back
    await ensure_database(pg_server.dsn("postgres"), "intake")  # as the next start does, an empty one
    await seeded.put_back()
    connection = await asyncpg.connect(pg_server.dsn("intake"))
    try:
        assert await store_now(connection) - BEGINS < timedelta(hours=1)
    finally:
        await connection.close()
    assert not seeded.is_half_back
