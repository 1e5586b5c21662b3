"""One real PostgreSQL for a test session; a copy of a migrated template for each test."""

import asyncio
import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.postgres.embedded import ensure_database, start_embedded
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
        wanted = packages or ("shared.postgres",)
        return asyncio.run(self._database(wanted))

    async def _database(self, packages: Sequence[str]) -> str:
        key = tuple(packages)
        if key not in self._templates:
            template = f"template_{os.getpid()}_{len(self._templates)}"
            await ensure_database(self.dsn("postgres"), template)
            await migrate(self.dsn(template), packages)
            self._templates[key] = template
        name = f"test_{os.getpid()}_{next(_numbers)}"
        await ensure_database(self.dsn("postgres"), name, self._templates[key])
        return self.dsn(name)
