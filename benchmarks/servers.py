"""A PostgreSQL and a RabbitMQ for one benchmark, with the durability of production: nothing is switched off."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from services.dev.postgres import ensure_database, start_embedded
from services.dev.rabbitmq import PrivateBroker, find_broker
from shared.postgres.migrate import migrate
from shared.postgres.pool import create_pool

#: Read from the running server before anything is measured: a fast figure without them would be worth nothing.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_numbers = itertools.count(1)


@contextlib.contextmanager
def postgres(**settings: str) -> Iterator[Callable[[str], str]]:
    """A server of its own, with settings that it reads when it starts; yields dsn(database)."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        dsn, stop = start_embedded(Path(folder) / "pg")
        try:
            if settings:
                asyncio.run(_set(dsn("postgres"), settings))
                stop()
                dsn, stop = start_embedded(Path(folder) / "pg")
            asyncio.run(_check(dsn("postgres")))
            yield dsn
        finally:
            stop()


async def _set(dsn: str, settings: dict[str, str]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for name, value in settings.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()


async def _check(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for name, wanted in DURABLE.items():
            assert await connection.fetchval(f"SHOW {name}") == wanted, f"{name} must be {wanted}"
    finally:
        await connection.close()


async def database(dsn: Callable[[str], str], name: str, *packages: str) -> str:
    """A new database, migrated with these packages; its dsn."""
    await ensure_database(dsn("postgres"), name)
    await migrate(dsn(name), packages)
    return dsn(name)


@contextlib.asynccontextmanager
async def pool_of(dsn: str, **options: Any) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """A pool as the services make it."""
    pool = await create_pool(dsn, application="bench", **options)
    try:
        yield pool
    finally:
        await pool.close()


@contextlib.contextmanager
def broker() -> Iterator[Callable[[], str]]:
    """A node of its own; yields a function that gives the URL of a fresh virtual host."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        found = find_broker(Path(folder), "auto", print)
        if not isinstance(found, PrivateBroker):
            raise RuntimeError("this benchmark needs rabbitmq-server: apt-get install rabbitmq-server")
        try:
            found.start()
            yield lambda: found.add_vhost(f"bench{next(_numbers)}")
        finally:
            found.stop()
