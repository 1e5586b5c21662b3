"""Real servers for the whole session; a database of its own for each test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.postgres import TestServer
from tests.support.rabbit import amqp_url, broker_url_of, fresh_vhosts, other_user_url, rabbit_server

# How long an example takes says nothing on a machine that others use too.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")

__all__ = ["amqp_url", "broker_url_of", "database", "fresh_vhosts", "other_user_url", "pg_server", "rabbit_server"]


@pytest.fixture(scope="session")
def pg_server() -> Iterator[TestServer]:
    """A real PostgreSQL for the session."""
    # Not below pytest's own folder: every session that starts closes that to the user whom the server runs as.
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        server = TestServer(Path(folder) / "data")
        yield server
        server.stop()


@pytest.fixture
def database(pg_server: TestServer) -> str:
    """The dsn of a fresh event store."""
    return pg_server.database()
