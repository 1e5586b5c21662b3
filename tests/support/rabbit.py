"""One real private RabbitMQ for a test session, a fresh virtual host for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from services.dev.rabbitmq import BrokerUnavailable, PrivateBroker, find_broker

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


@pytest.fixture
def other_user_url(rabbit_server: PrivateBroker, amqp_url: str) -> str:
    """The same virtual host for a second user of the broker, whose name must be quoted in a URL."""
    user, vhost = f"other/user {next(_numbers)}", amqp_url.rsplit("/", 1)[1]
    rabbit_server.control("add_user", user, "other")
    rabbit_server.control("set_permissions", "-p", vhost, user, ".*", ".*", ".*")
    return amqp_url.replace("guest:guest", f"{quote(user, safe='')}:other")
