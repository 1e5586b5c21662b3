"""Plain numbered SQL migrations under an advisory lock; what was applied is never edited.

A line `\\ir PATH` stands for the text of a file, named from the migration's folder, as in psql. Its text is part of the
migration: where the file is to change, its old text takes the line's place, and a new migration runs the file.

A file that begins with `-- migrate: concurrently` runs statement by statement outside a transaction, so that an index
can be built while others write. It may be interrupted anywhere and then runs again: each statement must allow that.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg

from shared.postgres.pool import connected
from shared.postgres.server_check import UnfitServer, require_fit

LOCK = 70340001  # the key of the advisory lock: one process migrates a database at a time

LOOK_AGAIN = 0.2  # seconds between two tries to take the lock
CONCURRENTLY = "-- migrate: concurrently\n"

_INCLUDE = re.compile(r"^\\ir (\S+)\n", re.MULTILINE)


class EditedMigration(RuntimeError):
    """A migration file differs from what was applied under its name."""


class OwnsItsStore(ValueError):
    """A role that is to be held to its grants owns the events, which no grant can keep it from changing."""


async def migrate(dsn: str, packages: Sequence[str]) -> list[str]:
    """Apply what is missing of each package's `migrations`, in order, and return the names applied.

    Each migration commits alone. Raises EditedMigration, UnfitServer, Unconfirmed.
    """
    async with connected(dsn, timeout=10) as connection:
        await require_fit(connection)
        await _lock(connection)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        applied = {r["name"]: r["sha256"] for r in await connection.fetch("SELECT name, sha256 FROM schema_migrations")}
        if others := sorted({name.rpartition("/")[0] for name in applied} - set(packages)):
            raise UnfitServer(
                f"this database belongs to {', '.join(others)}, and its tables are not to be mixed with those of "
                f"{packages[-1]}: name the other database"
            )
        done = []
        for package in packages:
            for name, sql in _files(package):
                digest = hashlib.sha256(sql.encode()).hexdigest()
                if name in applied:
                    if applied[name] != digest:
                        raise EditedMigration(f"{name} was edited after it was applied: write a new migration instead")
                    continue
                if sql.startswith(CONCURRENTLY):
                    for statement in sql.split(";\n"):
                        if statement.strip():
                            await connection.execute(statement)
                    await _note(connection, name, digest)
                else:
                    async with connection.transaction():
                        await connection.execute(sql)
                        await _note(connection, name, digest)
                done.append(name)
        return done


async def grant(dsn: str, roles: Mapping[str, str]) -> None:
    """Call the functions that grant, each with its role; one with an empty role is left out.

    Raises OwnsItsStore, Unconfirmed, and UndefinedObjectError for a role that does not exist.
    """
    async with connected(dsn, timeout=10) as connection:
        owner = await connection.fetchval(
            "SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = 'stored_events'"
        )
        for function, role in roles.items():
            if role == owner:
                raise OwnsItsStore(
                    f"the role {role} owns the events, so no grant holds it; create an owner and, as a superuser in "
                    f"this database, REASSIGN OWNED BY {role} TO that owner, who then migrates"
                )
            if role:
                await connection.execute(f"SELECT {function}($1)", role)


def names_of(package: str) -> list[str]:
    """The names of a package's migrations, in order."""
    return [name for name, _ in _files(package)]


async def _lock(connection: asyncpg.Connection) -> None:
    """Take the lock. A statement that waited for it would hold a snapshot, whose end a concurrent index waits for."""
    while True:
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return
        await asyncio.sleep(LOOK_AGAIN)


async def _note(connection: asyncpg.Connection, name: str, digest: str) -> None:
    await connection.execute("INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", name, digest)


def _files(package: str) -> list[tuple[str, str]]:
    """The migrations of a package by name, each with its whole text."""
    folder = files(package).joinpath("migrations")
    found = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return [(f"{package}/{f.name}", _text(folder, f)) for f in sorted(found, key=lambda f: f.name)]


def _text(folder: Traversable, file: Traversable) -> str:
    text = file.read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda line: folder.joinpath(line[1]).read_text(encoding="utf-8"), text)
