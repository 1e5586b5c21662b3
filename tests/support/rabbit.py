"""One real private RabbitMQ for a test session, a fresh virtual host for each test."""

import importlib.util
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import aio_pika
import pytest

from services.dev.rabbitmq import BrokerUnavailable, PrivateBroker, find_broker
from shared.rabbit.topology import STORE

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "rabbitmq"
USERS = ("intake", "followup", "monitoring", "portal")

#: The broker's URL for one of the shipped users.
UrlOf = Callable[[str], str]

AT_ONCE = 4  # virtual hosts that are made by one command, which takes seconds whatever it does

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
        found.kill()  # nothing of it is needed again, and a stop in good order takes long


@pytest.fixture(scope="session")
def fresh_vhosts(rabbit_server: PrivateBroker) -> Iterator[str]:
    """The URLs of virtual hosts that no test has used, without end."""

    def made() -> Iterator[str]:
        while True:
            yield from rabbit_server.add_vhosts(*(f"test{next(_numbers)}" for _ in range(AT_ONCE)))

    return made()


@pytest.fixture
def amqp_url(fresh_vhosts: Iterator[str]) -> str:
    """The URL of a fresh virtual host."""
    return next(fresh_vhosts)


@pytest.fixture
def other_user_url(rabbit_server: PrivateBroker, amqp_url: str) -> str:
    """The same virtual host for a second user of the broker, whose name must be quoted in a URL."""
    user, vhost = f"other/user {next(_numbers)}", amqp_url.rsplit("/", 1)[1]
    rabbit_server.control("add_user", user, "other")
    rabbit_server.control("set_permissions", "-p", vhost, user, ".*", ".*", ".*")
    return amqp_url.replace("guest:guest", f"{quote(user, safe='')}:other")


async def forget_store(url: str) -> None:
    """Give a virtual host back, as an operator does for a store that stands in for another."""
    async with await aio_pika.connect(url) as connection:
        await (await connection.channel()).exchange_delete(STORE)


@pytest.fixture(scope="module")
def broker_url_of(rabbit_server: PrivateBroker, tmp_path_factory: pytest.TempPathFactory) -> UrlOf:
    """The URL of each shipped user on a fresh virtual host with the shipped rights."""
    spec = importlib.util.spec_from_file_location("with_passwords", SHIPPED / "with_passwords.py")
    assert spec is not None and spec.loader is not None
    filler = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(filler)
    vhost, passwords = f"shipped{next(_numbers)}", {user: f"{user}-secret" for user in USERS}
    text = (SHIPPED / "definitions.json").read_text("utf-8")
    assert "password" not in text
    shipped = json.loads(text.replace('"doithoai"', f'"{vhost}"'))
    made = tmp_path_factory.mktemp("definitions") / "definitions.json"
    made.write_text(json.dumps(filler.with_passwords(shipped, passwords)), "utf-8")
    rabbit_server.control("import_definitions", str(made))
    whole = rabbit_server.vhost_url(vhost)
    return lambda user: whole.replace("guest:guest", f"{user}:{passwords[user]}")
