"""Plain numbered SQL migrations under an advisory lock; what was applied is never edited."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files

import asyncpg

from shared.postgres.pool import WRITABLE

LOCK = 70340001


class EditedMigration(RuntimeError):
    """A migration file differs from what was applied under its name."""


async def migrate(dsn: str, packages: Sequence[str]) -> list[str]:
    """Apply what is missing of each package's `migrations`, in order; the names applied. Raises EditedMigration."""
    connection = await asyncpg.connect(dsn, timeout=10, **WRITABLE)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        applied = {r["name"]: r["sha256"] for r in await connection.fetch("SELECT name, sha256 FROM schema_migrations")}
        done = []
        for package in packages:
            for name, sql in _files(package):
                digest = hashlib.sha256(sql.encode()).hexdigest()
                if name in applied:
                    if applied[name] != digest:
                        raise EditedMigration(f"{name} was edited after it was applied: write a new migration instead")
                    continue
                async with connection.transaction():
                    await connection.execute(sql)
                    await connection.execute(
                        "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", name, digest
                    )
                done.append(name)
        return done
    finally:
        await connection.close()


def _files(package: str) -> list[tuple[str, str]]:
    folder = files(package).joinpath("migrations")
    found = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return [(f"{package}/{f.name}", f.read_text(encoding="utf-8")) for f in sorted(found, key=lambda f: f.name)]
