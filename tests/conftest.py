"""Real servers for the whole session; a database of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import TestServer
from tests.support.rabbit import amqp_url, rabbit_server

__all__ = ["amqp_url", "database", "pg_server", "rabbit_server"]


@pytest.fixture(scope="session")
def pg_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A real PostgreSQL for the session."""
    server = TestServer(tmp_path_factory.mktemp("pg") / "data")
    yield server
    server.stop()


@pytest.fixture
def database(pg_server: TestServer) -> str:
    """The dsn of a fresh event store."""
    return pg_server.database()
