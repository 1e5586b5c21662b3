"""One real private RabbitMQ for a test session, a fresh virtual host for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.rabbit.embedded import BrokerUnavailable, PrivateBroker, find_broker

_numbers = itertools.count(1)


def private_broker(folder: Path) -> PrivateBroker:
    """A node of a test's own, not yet started. Raises BrokerUnavailable."""
    found = find_broker(folder, "auto", print)
    if not isinstance(found, PrivateBroker):
        raise BrokerUnavailable("the tests need rabbitmq-server: apt-get install rabbitmq-server")
    return found


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """A node of this session's own."""
    found = private_broker(tmp_path_factory.mktemp("rabbit"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture
def amqp_url(rabbit_server: PrivateBroker) -> str:
    """The URL of a fresh virtual host."""
    return rabbit_server.add_vhost(f"test{next(_numbers)}")
