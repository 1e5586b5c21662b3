"""A database that is put back to an earlier state under the feet of whoever uses it."""

from typing import Any

import asyncpg

from tests.support.postgres import TestServer
from tests.support.waiting import until


def name_of(dsn: str) -> str:
    return dsn.partition("?")[0].rpartition("/")[2]


async def copied(server: TestServer, dsn: str) -> str:
    """The name of a copy of a database, as it is now."""
    name = f"{name_of(dsn)}_copy"
    await _cut_off(server, dsn, f'CREATE DATABASE "{name}" TEMPLATE "{name_of(dsn)}"')
    return name


async def in_its_place(server: TestServer, dsn: str, copy: str) -> None:
    """Put a copy in the place of a database."""
    await _cut_off(
        server,
        dsn,
        f'ALTER DATABASE "{name_of(dsn)}" RENAME TO "{copy}_old"',
        f'ALTER DATABASE "{copy}" RENAME TO "{name_of(dsn)}"',
    )


async def _cut_off(server: TestServer, dsn: str, *statements: str) -> None:
    admin = await asyncpg.connect(server.dsn("postgres"))
    name = name_of(dsn)
    try:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        for statement in statements:
            await until(lambda statement=statement: _done(admin, statement))
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await admin.close()


async def _done(admin: Any, statement: str) -> bool:
    try:
        await admin.execute(statement)
    except asyncpg.ObjectInUseError:
        return False
    return True
