"""Real servers for the whole session; a database of its own for each test."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.postgres import TestServer
from tests.support.rabbit import amqp_url, broker_url_of, fresh_vhosts, other_user_url, rabbit_server

# How long an example takes says nothing on a machine that others use too.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")

# Each client reads whom it trusts, and the usual 140 take 25 ms. No test calls anybody beyond this machine.
os.environ.setdefault("SSL_CERT_FILE", str(Path(__file__).parent / "support" / "trusted.pem"))

ROOM = 8 * 2**30  # bytes: what the databases of several workers need at most, and their logs

__all__ = ["amqp_url", "broker_url_of", "database", "fresh_vhosts", "other_user_url", "pg_server", "rabbit_server"]


_servers: list[TestServer] = []


@pytest.fixture(scope="session")
def pg_server() -> Iterator[TestServer]:
    """A real PostgreSQL for the session."""
    # Not below pytest's own folder: every session that starts closes that to the user whom the server runs as.
    with tempfile.TemporaryDirectory(prefix="doithoai-", dir=_quick_folder(), ignore_cleanup_errors=True) as folder:
        server = TestServer(Path(folder) / "data")
        _servers.append(server)
        yield server
        _servers.remove(server)
        server.stop()


def _quick_folder() -> Path | None:
    """Memory where there is plenty: a database is 300 files, made and removed a thousand times; None: a disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None, item: pytest.Item) -> Generator[None]:
    """After the last test of a file its databases go, so that few are ever there at once."""
    yield
    if nextitem is not None and nextitem.path != item.path:
        for server in _servers:
            server.drop_all()


@pytest.fixture
def database(pg_server: TestServer) -> str:
    """The dsn of a fresh event store."""
    return pg_server.database()
