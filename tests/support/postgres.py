"""One real PostgreSQL for a test session; a copy of a migrated template for each test."""

import asyncio
import itertools
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from services.dev.postgres import ensure_database, start_embedded
from shared.postgres.migrate import migrate

_numbers = itertools.count(1)

#: Of every store of a test: a store is bound to its key, so those that are copies of one template have the same.
MASTER_KEY = bytes(range(32))
#: What brings the events into a store.
Filling = Callable[[str], Awaitable[None]]


class TestServer:
    """A server with its templates: `database("shared.postgres", ...)` makes a fresh migrated database."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.dsn: Callable[[str], str]
        self.dsn, self._cleanup = start_embedded(folder)
        self._templates: dict[tuple[str, ...], str] = {}
        self._filled: dict[Filling, str] = {}
        self._folder = folder
        self._made: list[str] = []

    def stop(self) -> None:
        """End it at once: nothing of it is needed again, and hundreds of databases take long to write out."""
        os.kill(int((self._folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self._cleanup()

    def database(self, *packages: str) -> str:
        """The dsn of a new database migrated with these packages."""
        return asyncio.run(self.fresh(*(packages or ("shared.postgres",))))

    async def fresh(self, *packages: str) -> str:
        """The same for who is in a loop already."""
        if packages not in self._templates:
            template = f"template_{os.getpid()}_{len(self._templates)}"
            await ensure_database(self.dsn("postgres"), template)
            await migrate(self.dsn(template), packages)
            self._templates[packages] = template
        return await self.empty(self._templates[packages])

    async def filled(self, fill: Filling) -> str:
        """The dsn of a copy of an event store that was filled once. Nobody may be connected once it is filled."""
        if fill not in self._filled:
            dsn = await self.fresh("shared.postgres")
            await fill(dsn)
            connection = await asyncpg.connect(dsn)
            # A copy is no store that was restored.
            await connection.execute("UPDATE store_state SET fingerprint = ''")
            await connection.close()
            self._filled[fill] = urlsplit(dsn).path.lstrip("/")
            self._made.remove(self._filled[fill])
        return await self.empty(self._filled[fill])

    async def empty(self, template: str = "template1") -> str:
        """The dsn of a new database without any table, or with those of a template."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        await ensure_database(self.dsn("postgres"), name, template)
        self._made.append(name)
        return self.dsn(name)

    def drop_all(self) -> None:
        """Drop every database that was made, but no template; who is still connected is cut off."""
        if self._made:
            asyncio.run(self._drop_all())

    async def _drop_all(self) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            while self._made:
                await connection.execute(f'DROP DATABASE IF EXISTS "{self._made.pop()}" WITH (FORCE)')
        finally:
            await connection.close()


def as_role(dsn: str, role: str) -> str:
    """The same database, reached as another role."""
    return re.sub(r"//[^@/]*@", f"//{role}@", dsn, count=1)
