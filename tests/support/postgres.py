"""One real PostgreSQL for a test session; a copy of a migrated template for each test."""

import asyncio
import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path

from services.dev.postgres import ensure_database, start_embedded
from shared.postgres.migrate import migrate

_numbers = itertools.count(1)


class TestServer:
    """A server with its templates: `database("shared.postgres", ...)` makes a fresh migrated database."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.dsn: Callable[[str], str]
        self.dsn, self.stop = start_embedded(folder)
        self._templates: dict[tuple[str, ...], str] = {}

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

    async def empty(self, template: str = "template1") -> str:
        """The dsn of a new database without any table, or with those of a template."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        await ensure_database(self.dsn("postgres"), name, template)
        return self.dsn(name)


def as_role(dsn: str, role: str) -> str:
    """The same database, reached as another role."""
    return re.sub(r"//[^@/]*@", f"//{role}@", dsn, count=1)
