"""Append-only by grant: the service writes through the functions alone, an auditor reads events and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.event_store.append import Appended
from shared.postgres.append import append_in
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.pool import create_pool
from tests.integration.shared.test_append import command
from tests.support.intake import COMMUNE, served
from tests.support.postgres import TestServer, as_role

SERVICE, AUDITOR = "grants_service", "grants_auditor"


@pytest.fixture
async def granted(pg_server: TestServer) -> AsyncIterator[str]:
    """The dsn of a database of intake, in which both roles have their grants."""
    dsn = await pg_server.fresh("shared.postgres", "services.intake")
    owner = await asyncpg.connect(dsn)
    for role in (SERVICE, AUDITOR):
        if not await owner.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await owner.execute(f"CREATE ROLE {role} LOGIN")
    await owner.execute("SELECT grant_intake($1)", SERVICE)
    await owner.execute("SELECT grant_erasing_refused($1)", SERVICE)
    await owner.execute("SELECT grant_master_key($1)", SERVICE)
    await owner.execute("SELECT grant_pushes($1)", SERVICE)
    await owner.execute("SELECT grant_auditing($1)", AUDITOR)
    yield dsn
    await owner.close()


async def test_service__appends_and_runs_as_a_role_that_owns_nothing(granted: str, tmp_path: Path) -> None:
    async with served(as_role(granted, SERVICE), tmp_path, migrate=False) as intake:
        await intake.places()
        petition = await intake.petition(text="Đường.")
        content = (await intake.get(f"/v1/petitions/{petition['id']}/content")).json()
        assert content["events"][0]["content"]["text"] == "Đường."
        assert (await intake.get("/v1/events", after=str(await intake.head()))).json()["complete_to"]
        await intake.petition(jurisdiction=COMMUNE, petitioner_ids=["p1"])
        await intake.commands.take(b'{"command": "Nothing", "data": {"petitioner_ids": ["p1"]}}', "nobody", "m1")
        await intake.done("/v1/petitioners/p1/erasure", {})
        assert [row["sealed"] for row in await intake.rows("SELECT sealed FROM refused_commands")] == [b""]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_events SET topic = 'x'",
        "DELETE FROM stored_events",
        "TRUNCATE stored_events",
        "INSERT INTO stored_events SELECT * FROM stored_events",
        "ALTER TABLE stored_events DISABLE TRIGGER ALL",
        "DELETE FROM sealing_keys",
        "DELETE FROM idempotency_keys",
        "UPDATE store_state SET complete_to = NULL",
        "UPDATE store_state SET clock_offset = '1 day'",
        "DELETE FROM refused_commands",
        "UPDATE master_key SET fingerprint = 'x'",
        "DELETE FROM master_key",
        "UPDATE content_reads SET caller = 'x'",
    ],
)
async def test_service__may_not_go_around_the_functions(granted: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(as_role(granted, SERVICE))
    try:
        async with connection.transaction():
            (outcome,) = await append_in(connection, [command("a")])
        assert isinstance(outcome, Appended)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_auditor__reads_the_events_and_nothing_else(granted: str) -> None:
    pool = await create_pool(granted, application="test")
    writer = GroupCommit(pool, DurableHead())
    await writer.start()
    await writer.append(command("a"))
    await writer.close()
    await pool.close()
    reader: Any = await asyncpg.connect(as_role(granted, AUDITOR))
    try:
        assert await reader.fetchval("SELECT count(*) FROM stored_events") == 1
        for statement in (
            "SELECT * FROM sealing_keys",
            "SELECT * FROM idempotency_keys",
            "SELECT * FROM refused_commands",
            "DELETE FROM stored_events",
            "SELECT state_complete()",
            "SELECT move_clock(now())",
            f"SELECT * FROM append_events({', '.join(['NULL'] * 27)})",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.execute(statement)
    finally:
        await reader.close()
