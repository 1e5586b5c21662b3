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
WHERE c.relnamespace = 'followed'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1, 2
"""
RELATIONS = """
SELECT relname, relkind, relpersistence, relowner::regrole::text AS owner, relacl::text, reloptions,
    CASE WHEN relkind = 'i' THEN pg_get_indexdef(oid) END AS index
FROM pg_class WHERE relnamespace = 'followed'::regnamespace AND relkind <> 't' ORDER BY 1
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text AS relation, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE connamespace = 'followed'::regnamespace ORDER BY 1, 2
"""
TRIGGERS = """
SELECT tgrelid::regclass::text AS relation, tgname, pg_get_triggerdef(t.oid) AS definition
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = 'followed'::regnamespace ORDER BY 1, 2
"""
FUNCTIONS = """
SELECT oid::regprocedure::text AS function, pg_get_functiondef(oid) AS definition, proowner::regrole::text AS owner,
    proacl::text
FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'followed'::regnamespace) AND prokind = 'f'
    -- Grants are of the tables beside the projection too; the others are called by the release before.
    AND proname NOT IN ('grant_followup', 'grant_following', 'grant_webhooks', 'create_projection', 'write_rows',
        'advance_cursor')
ORDER BY 1
"""
SCHEMA = "SELECT nspowner::regrole::text AS owner, nspacl::text FROM pg_namespace WHERE nspname = 'followed'"
CATALOGS = {
    "schema": SCHEMA,
    "relations": RELATIONS,
    "columns": COLUMNS,
    "constraints": CONSTRAINTS,
    "triggers": TRIGGERS,
    "functions": FUNCTIONS,
}

#: What the code calls; a function that it no longer calls stays here for one release.
CALLED = ["create_projection", "write_rows", "advance_cursor"]
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
            await connection.execute("SELECT create_followed('followed')")
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
    assert len(said["relations"]) > 20 and {"create_followed(text)"} < {f["function"] for f in said["functions"]}
    for name, expected in said.items():
        assert found[name] == expected, name


#: The tables that are partitioned, each with what one of its partitions has of columns, indexes and constraints.
_PARTS = """
SELECT p.relname, (
    SELECT array_agg((a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)::text ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = {of} AND a.attnum > 0
) AS columns, (
    SELECT array_agg(definition ORDER BY definition) FROM (
        SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING', '')
        FROM pg_index i WHERE i.indrelid = {of}
    ) AS each (definition)
) AS indexes, (SELECT array_agg(contype::text ORDER BY contype) FROM pg_constraint WHERE conrelid = {of}) AS constraints
FROM pg_class p LEFT JOIN (
    SELECT h.* FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
    WHERE c.relnamespace = to_regnamespace(quote_ident(followed_schema('a-new.one')))
) AS h ON h.inhparent = p.oid
WHERE p.relnamespace = 'followed'::regnamespace AND p.relkind = 'p' ORDER BY 1
"""


async def test_source_that_is_followed__gets_what_the_tables_of_all_have(migrated: str) -> None:
    connection = await asyncpg.connect(migrated)
    try:
        for _ in range(2):  # again, as another process may
            await connection.execute("SELECT begin_source($1)", "a-new.one")
        every = await connection.fetch(_PARTS.format(of="p.oid"))
        own = await connection.fetch(_PARTS.format(of="h.inhrelid"))
        assert len(own) == 8 and [tuple(row) for row in own] == [tuple(row) for row in every]
        longest = "x" * 64
        await connection.execute("SELECT begin_source($1)", longest)
        assert await connection.fetchval("SELECT to_regnamespace(quote_ident(followed_schema($1)))", longest)
    finally:
        await connection.close()


@pytest.mark.parametrize("release", RELEASES[-1:])
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


#: The cases of the releases that kept all sources in one table, and of those since.
_CASES = """(
    SELECT row, searched, found, title_order FROM projection.cases
    UNION ALL SELECT row, searched, found, title_order FROM followed.cases
) AS cases"""


@pytest.mark.parametrize("release", RELEASES)
async def test_migrated_database__has_what_its_old_cases_are_searched_by(pg_server: TestServer, release: str) -> None:
    dsn = await restored_in(pg_server, STORES / release, "followup")
    await migrate(dsn, PACKAGES)
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT searched = followup_searched(followup_row(row)) AND found = followup_found(searched) "
            f"AND title_order = followup_order(searched ->> 0) AS is_right FROM {_CASES}"
        )
        assert rows and all(row["is_right"] for row in rows)
        found = f"SELECT count(*) FROM {_CASES} WHERE found @@ $1::tsquery"
        assert await connection.fetchval(found, "'duong':*") > 0
    finally:
        await connection.close()
