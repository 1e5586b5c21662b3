"""The seed of a sandbox: copies of both databases and of the files, taken once and put back at each reset."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from shared.postgres.store import store_now

DATABASES = ("intake", "followup")
Dsn = Callable[[str], str]


class Seeded(msgspec.Struct, frozen=True):
    """What the clock showed when the seed was taken."""

    now: datetime


class SeedStore:
    """The seed within a sandbox's folder. No service may be connected while it is taken or put back."""

    def __init__(self, data: Path, dsn: Dsn) -> None:
        self._dsn = dsn
        self._note, self._files, self._kept = data / "seed.json", data / "files", data / "files.seed"
        self._begun = data / "reset.begun"

    @property
    def is_taken(self) -> bool:
        """Whether the whole seed is there."""
        return self._note.exists()

    @property
    def is_half_back(self) -> bool:
        """Whether a run ended while it put the seed back: a database may be missing until that is done again."""
        return self._begun.exists()

    async def take(self) -> None:
        """Keep what both databases and the files hold now."""
        connection = await asyncpg.connect(self._dsn("intake"))
        try:
            now = await store_now(connection)
        finally:
            await connection.close()
        for name in DATABASES:
            await self._copy(name, _seed_of(name))
        shutil.rmtree(self._kept, ignore_errors=True)
        if self._files.exists():
            shutil.copytree(self._files, self._kept)
        self._note.write_bytes(msgspec.json.encode(Seeded(now)))  # the last: with it the seed is whole

    async def put_back(self) -> None:
        """Replace both databases and the files by the seed, and let the clock show what it showed then.

        The copies are other databases to PostgreSQL, so that each log goes on under a new epoch, as after a restore:
        who holds a position of the seed reads on, and who holds a later one is told that it is no more.
        """
        seeded = msgspec.json.decode(self._note.read_bytes(), type=Seeded)
        self._begun.touch()
        for name in DATABASES:
            await self._copy(_seed_of(name), name)
        shutil.rmtree(self._files, ignore_errors=True)
        if self._kept.exists():
            shutil.copytree(self._kept, self._files)
        connection = await asyncpg.connect(self._dsn("intake"))
        try:
            # The clock is no event: a store that was begun as a sandbox never shows a real one.
            await connection.execute("UPDATE store_state SET clock_offset = $1 - clock_timestamp()", seeded.now)
        finally:
            await connection.close()
        self._begun.unlink()

    async def _copy(self, name: str, to: str) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"))
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{to}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{to}" TEMPLATE "{name}"')
        finally:
            await connection.close()


def _seed_of(name: str) -> str:
    return f"{name}_seed"
