"""A list of the broker's nodes is walked past those that are silent or gone, by everything that connects."""

import asyncio
import contextlib
import gc
import logging
import re
import socket
import warnings
from typing import Any
from urllib.parse import urlsplit

import pytest
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ProbableAuthenticationError

from services.dev.rabbitmq import free_ports
from services.followup.entrypoints.alerts import DeadlineAlerts
from services.intake.entrypoints.queue_consumer import CommandQueue
from shared.host_walk import NoHost
from shared.rabbit.delivery_frames import DeliveryFrames
from shared.rabbit.hosts import HEARTBEAT, BrokerHosts, told, urls_of
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import DEADLINES, Route, commands_of, user_of, waiting_in
from shared.sockets import UNACKNOWLEDGED
from tests.support.silent_hosts import mute, resolve, swallowing
from tests.support.waiting import until

COMMANDS = commands_of("local")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("amqp://u:p@one:5672/v", ["amqp://u:p@one:5672/v?heartbeat=5"]),
        ("amqp://u:p%40@one,two:1/v", ["amqp://u:p%40@one/v?heartbeat=5", "amqp://u:p%40@two:1/v?heartbeat=5"]),
        ("amqps://[::1]:1,[::2]/?cafile=/x", ["amqps://[::1]:1/?cafile=/x&heartbeat=5", "amqps://[::2]/?cafile=/x&heartbeat=5"]),
        ("amqp://one/?heartbeat=9", ["amqp://one/?heartbeat=9"]),
    ],
)  # fmt: skip
def test_nodes__are_those_that_the_url_names(url: str, expected: list[str]) -> None:
    assert list(urls_of(url).values()) == expected


@pytest.mark.parametrize("url", ["http://one/", "amqp://", "amqp://u:p@/v", "amqp://one,,two/", "amqp://one:port/"])
def test_url_that_names_no_nodes__is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|begin|port"):
        urls_of(url)


def test_user__is_that_of_a_list_too() -> None:
    assert user_of("amqp://in%2Ftake:secret@one:1,two:2/v") == "in/take"


def listing(url: str, *ports: int) -> str:
    """The broker's URL behind other nodes."""
    return url.replace("@", "@" + "".join(f"127.0.0.1:{port}," for port in ports))


async def test_connection_that_was_not_made__is_no_trouble_to_the_collector_of_another_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "aiormq.connection")  # a record that is kept would keep the connection
    ports = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        gc.disable()
        try:
            with contextlib.suppress(NoHost):
                await BrokerHosts(f"amqp://u:p@{ports}/").connect()
            await asyncio.to_thread(gc.collect)
        finally:
            gc.enable()
    assert [str(warning.message) for warning in warned] == []


async def test_silent_nodes__are_passed_and_the_last_good_one_is_tried_first(amqp_url: str) -> None:
    with swallowing() as black, mute() as frozen:
        hosts = BrokerHosts(listing(amqp_url, black, frozen.port))
        for _ in range(2):
            async with await hosts.connect() as connection:
                await connection.channel()
        assert len(frozen.taken) == 1
        raw = await hosts.connect_raw(DeliveryFrames())
        await raw.close()
        assert len(frozen.taken) == 1


@pytest.mark.slow
async def test_address_that_swallows_packets__is_passed_for_the_next_one_of_its_name(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, mq=["127.0.0.2", "127.0.0.1"])
    nobody: Any = None
    url = amqp_url.replace("127.0.0.1", "mq")
    with swallowing("127.0.0.2", urlsplit(url).port or 0):
        hosts = BrokerHosts(url)
        raw = await hosts.connect_raw(DeliveryFrames())
        await raw.close()
        bell, alerts, queue = Subscriber(url, Route("e", "q")), DeadlineAlerts(url), CommandQueue(url, "local", nobody)
        await asyncio.gather(bell.start(), alerts.start(), queue.start())
        try:
            async with await hosts.connect() as connection:
                await until(lambda: consumed(connection))
        finally:
            await asyncio.gather(bell.close(), alerts.close(), queue.close())


async def consumed(connection: AbstractConnection) -> bool:
    """Whether every queue has its consumer."""
    found = [await waiting_in(connection, name) for name in ("q", DEADLINES.queue, COMMANDS.queue)]
    return all(each is not None and each[1] == 1 for each in found)


async def test_connection__is_watched_by_the_kernel_and_by_heartbeats(amqp_url: str) -> None:
    frames = DeliveryFrames()
    made: list[Any] = []
    create = frames.create

    async def kept(*given: Any, **options: Any) -> Any:
        made.append(await create(*given, **options))
        return made[-1]

    frames.create = kept  # type: ignore[method-assign]
    connection: Any = await BrokerHosts(amqp_url).connect_raw(frames)
    connected = made[0][1].get_extra_info("socket")
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED
    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert connection.connection_tune.heartbeat == HEARTBEAT
    await connection.close()


async def test_all_nodes_away__each_is_named_with_its_reason() -> None:
    (nobody,) = free_ports(1)
    with mute() as frozen, pytest.raises(NoHost) as raised:
        await BrokerHosts(f"amqp://u:secret@127.0.0.1:{frozen.port},127.0.0.1:{nobody}/").connect()
    said = told(raised.value)
    assert f"127.0.0.1:{frozen.port} does not answer within 1.5 s" in said
    assert f"127.0.0.1:{nobody} cannot be reached" in said
    assert "secret" not in said


async def test_silent_node__is_tried_after_the_others_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.host_walk.EACH", 0.2)
    (nobody,) = free_ports(1)
    with mute() as silent:
        hosts = BrokerHosts(f"amqp://127.0.0.1:{silent.port},127.0.0.1:{nobody}/")
        for order in ([silent.port, nobody], [nobody, silent.port]):
            with pytest.raises(NoHost) as raised:
                await hosts.connect()
            assert [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+) ", str(raised.value))] == order


async def test_wrong_password__is_said_at_once(amqp_url: str) -> None:
    with mute() as other:
        hosts = BrokerHosts(
            amqp_url.replace("guest:guest", "guest:wrong").replace("/test", f",127.0.0.1:{other.port}/test")
        )
        with pytest.raises(ProbableAuthenticationError) as raised:
            await hosts.connect()
        assert told(raised.value) == "the broker refuses the user or the password of its URL"
        assert other.taken == []


async def test_every_loop__finds_the_node_that_answers(amqp_url: str) -> None:
    nobody: Any = None
    with mute() as frozen:
        url = listing(amqp_url, frozen.port)
        bell, alerts, queue = Subscriber(url, Route("e", "q")), DeadlineAlerts(url), CommandQueue(url, "local", nobody)
        await asyncio.gather(bell.start(), alerts.start(), queue.start())
        try:
            async with await BrokerHosts(amqp_url).connect() as connection:
                await until(lambda: consumed(connection))
        finally:
            await asyncio.gather(bell.close(), alerts.close(), queue.close())


async def test_every_loop__ends_while_it_waits_for_a_silent_node() -> None:
    nobody: Any = None
    with mute() as frozen:
        url = f"amqp://127.0.0.1:{frozen.port}/"
        before = asyncio.all_tasks()
        loops = Subscriber(url, Route("e", "q")), DeadlineAlerts(url), CommandQueue(url, "local", nobody)
        await asyncio.gather(*(each.start() for each in loops))
        await until(lambda: len(frozen.taken) >= len(loops))
        await asyncio.gather(*(each.close() for each in loops))
        # A task that is left would go on for ever, and the process would not end.
        await until(lambda: not {each for each in asyncio.all_tasks() - before if not each.done()})
