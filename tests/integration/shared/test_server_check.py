"""What the server and the database must be is said in one sentence; what a session can set does not matter."""

import asyncio
import itertools
import os
from pathlib import Path

import asyncpg
import pytest

from shared.postgres.migrate import migrate
from shared.postgres.pool import create_pool
from shared.postgres.server_check import UnfitServer, failure, require_fit
from tests.support import forked
from tests.support.intake import COMMUNE, served
from tests.support.postgres import TestServer, as_role

_numbers = itertools.count(1)


async def made(server: TestServer, options: str = "", *settings: str) -> str:
    """The dsn of a database made with these options, as a role of its own that owns it and has these settings."""
    name = f"check_{os.getpid()}_{next(_numbers)}"
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute(f"CREATE ROLE {name} LOGIN")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 {options}")
    for setting in settings:
        await admin.execute(f"ALTER ROLE {name} {setting}")
    await admin.close()
    return as_role(server.dsn(name), name)


async def refused(dsn: str) -> str:
    """Why a service would not start on a database."""
    pool = await create_pool(dsn, application="test", event_store=False)
    try:
        with pytest.raises(UnfitServer) as error:
            await require_fit(pool, connections=8)
        return str(error.value)
    finally:
        await pool.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1258", "SQL_ASCII"])
async def test_database_without_room_for_vietnamese__is_refused_before_anything_is_made(
    pg_server: TestServer, encoding: str
) -> None:
    dsn = await made(pg_server, f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(UnfitServer, match=f"in {encoding}.*UTF8"):
        await migrate(dsn, ["shared.postgres"])
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()
    assert f"in {encoding}" in await refused(dsn)


async def test_too_few_connections__are_refused_with_both_numbers(pg_server: TestServer) -> None:
    told = await refused(await made(pg_server, "CONNECTION LIMIT 4"))
    assert "up to 8 connections" in told and "allows 4" in told
    assert "allows 5" in await refused(await made(pg_server, "", "CONNECTION LIMIT 5"))


async def test_database_without_plpgsql__is_refused(pg_server: TestServer) -> None:
    dsn = await made(pg_server)
    admin = await asyncpg.connect(pg_server.dsn(dsn.partition("?")[0].rpartition("/")[2]))
    await admin.execute("DROP EXTENSION plpgsql")
    await admin.close()
    assert "CREATE EXTENSION plpgsql" in await refused(dsn)


async def test_pooler_that_drops_the_settings__is_refused(database: str) -> None:
    connection = await asyncpg.connect(database)  # no setting of ours has arrived
    with pytest.raises(UnfitServer, match="pgbouncer"):
        await require_fit(connection)
    await connection.close()


async def test_old_server__is_refused(database: str) -> None:
    class Old:
        async def fetchrow(self, statement: str) -> dict[str, int]:
            return {"version": 14}

    with pytest.raises(UnfitServer, match="PostgreSQL 14: upgrade"):
        await require_fit(Old())


async def test_defaults_of_a_role__do_not_matter(pg_server: TestServer, tmp_path: Path) -> None:
    dsn = await made(
        pg_server,
        "ENCODING 'UTF8'",
        "SET default_transaction_isolation = 'serializable'",
        "SET default_transaction_read_only = on",
        "SET statement_timeout = '5ms'",
        "SET timezone = 'America/New_York'",
        "SET standard_conforming_strings = off",
        "SET datestyle = 'German'",
        "SET search_path = nonsense",
        "SET synchronous_commit = off",
        "SET client_min_messages = error",
    )
    connection = await asyncpg.connect(as_role(dsn, "postgres"))
    role = dsn.partition("@")[0].rpartition("/")[2]
    await connection.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")  # `"$user"` of the usual search path
    await connection.close()
    async with served(dsn, tmp_path) as intake:
        await intake.places()
        external = {"source": "sổ-tiếp-dân", "external_id": "Đ/1"}
        first = await intake.petition(jurisdiction=COMMUNE, text="Đường.", **external)
        again = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường.", **external})
        assert (again.status_code, again.json()["id"]) == (200, first["id"])
        assert await intake.is_ready()
    of_followup = await made(pg_server, "ENCODING 'UTF8'", "SET default_transaction_read_only = on")
    await migrate(of_followup, ["shared.postgres", "services.followup"])


@pytest.mark.parametrize("command", [("migrate",), ("intake", "serve"), ("followup", "serve")])
async def test_command__says_in_one_line_what_is_wrong(
    pg_server: TestServer, tmp_path: Path, command: tuple[str, ...]
) -> None:
    dsn = await made(pg_server, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    key = tmp_path / "master.key"
    key.write_bytes(os.urandom(32))
    settings = {
        "INTAKE_DATABASE_URL": dsn, "FOLLOWUP_DATABASE_URL": dsn, "INTAKE_MASTER_KEY_FILE": str(key),
        "INTAKE_PORT": "0", "FOLLOWUP_PORT": "0",
    }  # fmt: skip
    done = await asyncio.to_thread(forked.run, *command, env=os.environ | settings)
    said = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "_DATABASE_URL: the database is in LATIN1" in said, done.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.InvalidCatalogNameError("x"), "there is no such database"),
        (asyncpg.UndefinedTableError("x"), "run `doithoai migrate` first"),
        (asyncpg.InsufficientPrivilegeError("x"), "run as the owner"),
        (asyncpg.ProtocolViolationError("unsupported startup parameter: jit"), "pgbouncer"),
        (asyncpg.InvalidPasswordError("x"), "refuses its user or password"),
        (ConnectionRefusedError("10.0.0.1"), "ConnectionRefusedError; is THE_URL right?"),
    ],
)
def test_failure__names_the_setting_and_no_value(error: Exception, told: str) -> None:
    text = failure(error, "THE_URL")
    assert told in text and "THE_URL" in text and "10.0.0.1" not in text
