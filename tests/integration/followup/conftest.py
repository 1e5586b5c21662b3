"""A database of followup for each test."""

import pytest

from tests.support.postgres import TestServer


@pytest.fixture
def followup_dsn(pg_server: TestServer) -> str:
    """The dsn of a fresh followup."""
    return pg_server.database("shared.postgres", "services.followup")
