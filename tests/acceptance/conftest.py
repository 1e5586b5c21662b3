"""A real pair: PostgreSQL, RabbitMQ, and the services as processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pair import Pair
from tests.support.pair import pair as made_pair
from tests.support.postgres import TestServer


@pytest.fixture
def pair(pg_server: TestServer, tmp_path: Path, amqp_url: str) -> Iterator[Pair]:
    """A pair with a broker, nothing started yet."""
    with made_pair(pg_server, tmp_path, amqp_url) as made:
        yield made
