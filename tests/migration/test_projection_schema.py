"""The schema of the projection: whichever way a database was migrated, it has what `projection.sql` says."""

from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from shared.postgres.migrate import migrate
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES
from tests.support.stored_release import STORES, restored_in

FILE = files("services.followup").joinpath("projection.sql")
RELEASES = sorted(folder.name for folder in STORES.glob("store-*"))

COLUMNS = """
SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
    l.collname, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relnamespace = 'projection'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1, 2
"""
RELATIONS = """
SELECT relname, relkind, relpersistence, relowner::regrole::text AS owner, relacl::text, reloptions,
    CASE WHEN relkind = 'i' THEN pg_get_indexdef(oid) END AS index
FROM pg_class WHERE relnamespace = 'projection'::regnamespace AND relkind <> 't' ORDER BY 1
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text AS relation, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE connamespace = 'projection'::regnamespace ORDER BY 1, 2
"""
TRIGGERS = """
SELECT tgrelid::regclass::text AS relation, tgname, pg_get_triggerdef(t.oid) AS definition
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = 'projection'::regnamespace ORDER BY 1, 2
"""
FUNCTIONS = """
SELECT oid::regprocedure::text AS function, pg_get_functiondef(oid) AS definition, proowner::regrole::text AS owner,
    proacl::text
FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'projection'::regnamespace) AND prokind = 'f'
    AND proname <> 'grant_followup' -- of the tables beside the projection too
ORDER BY 1
"""
SCHEMA = "SELECT nspowner::regrole::text AS owner, nspacl::text FROM pg_namespace WHERE nspname = 'projection'"
CATALOGS = {
    "schema": SCHEMA,
    "relations": RELATIONS,
    "columns": COLUMNS,
    "constraints": CONSTRAINTS,
    "triggers": TRIGGERS,
    "functions": FUNCTIONS,
}

#: What the code calls; a function that it no longer calls stays here for one release.
CALLED = ["create_projection", "write_rows", "move_cursor"]
SIGNATURES = """
SELECT proname || '(' || pg_get_function_arguments(oid) || ') ' || pg_get_function_result(oid) AS function
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = ANY($1)
"""


async def catalogs(dsn: str) -> dict[str, list[dict[str, Any]]]:
    """What a database holds of the projection, and its functions."""
    connection = await asyncpg.connect(dsn)
    try:
        return {name: [dict(row) for row in await connection.fetch(sql)] for name, sql in CATALOGS.items()}
    finally:
        await connection.close()


@pytest.fixture
async def said(pg_server: TestServer) -> dict[str, list[dict[str, Any]]]:
    """What a database holds in which the file alone has run, beside the event store."""
    dsn = await pg_server.fresh("shared.postgres")
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(FILE.read_text("utf-8"))
            await connection.execute("SELECT create_projection('projection')")
    finally:
        await connection.close()
    return await catalogs(dsn)


@pytest.fixture(params=["fresh", *RELEASES])
async def migrated(request: pytest.FixtureRequest, pg_server: TestServer) -> AsyncIterator[str]:
    """A database that every migration has gone through: a new one, and one that each release left."""
    if request.param == "fresh":
        yield await pg_server.fresh(*PACKAGES)
        return
    dsn = await restored_in(pg_server, STORES / request.param, "followup")
    await migrate(dsn, PACKAGES)
    yield dsn


async def test_migrated_database__has_what_the_file_says(migrated: str, said: dict[str, list[dict[str, Any]]]) -> None:
    found = await catalogs(migrated)
    assert len(said["relations"]) > 20 and {"create_projection(text)"} < {f["function"] for f in said["functions"]}
    for name, expected in said.items():
        assert found[name] == expected, name


async def test_migrated_database__makes_for_a_rebuild_what_it_has(migrated: str) -> None:
    """`create_projection` of the database makes the tables that are live, under another name."""
    live = await catalogs(migrated)
    connection = await asyncpg.connect(migrated)
    try:
        async with connection.transaction():
            await connection.execute("ALTER SCHEMA projection RENAME TO projection_old")
            await connection.execute("SELECT create_projection('projection')")
    finally:
        await connection.close()
    assert await catalogs(migrated) == live


@pytest.mark.parametrize("release", RELEASES)
async def test_migrated_database__keeps_the_functions_that_the_release_before_calls(
    pg_server: TestServer, release: str
) -> None:
    """A release runs beside its successor for a while, on the database that the successor has migrated."""
    dsn = await restored_in(pg_server, STORES / release, "followup")
    connection = await asyncpg.connect(dsn)
    try:
        before = {row["function"] for row in await connection.fetch(SIGNATURES, CALLED)}
        assert len(before) == len(CALLED)
        await migrate(dsn, PACKAGES)
        assert {row["function"] for row in await connection.fetch(SIGNATURES, CALLED)} == before
    finally:
        await connection.close()


@pytest.mark.parametrize("release", RELEASES)
async def test_migrated_database__has_what_its_old_cases_are_searched_by(pg_server: TestServer, release: str) -> None:
    dsn = await restored_in(pg_server, STORES / release, "followup")
    await migrate(dsn, PACKAGES)
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT searched = followup_searched(followup_row(row)) AND found = followup_found(searched) "
            "AND title_order = followup_order(searched ->> 0) AS is_right FROM projection.cases"
        )
        assert rows and all(row["is_right"] for row in rows)
        found = "SELECT count(*) FROM projection.cases WHERE found @@ $1::tsquery"
        assert await connection.fetchval(found, "'duong':*") > 0
    finally:
        await connection.close()
