"""Real intake processes and a real broker: one relays, another takes over, and nothing waits for the broker."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from services.dev.rabbitmq import PrivateBroker
from shared.http.auth import mint_token
from shared.rabbit.topology import commands_of, events_of
from tests.support import oracle
from tests.support.intake import tokens_file
from tests.support.office import bearer
from tests.support.pair import Pair, Service, pair, until
from tests.support.postgres import TestServer

EVENTS, COMMANDS = events_of("local"), commands_of("local")

PENDING, OLDEST = "intake_outbox_pending_events", "intake_outbox_oldest_pending_timestamp_seconds"
LEADER = "intake_outbox_leader"


@pytest.fixture
def made(pg_server: TestServer, tmp_path: Path) -> Iterator[Pair]:
    """A store on which intakes are started."""
    with pair(pg_server, tmp_path) as pair_:
        yield pair_


def opened(intake: Service) -> None:
    province = {"code": "H35", "name": "Tỉnh Lai Châu", "level": "province", "valid_from": "2004-01-01"}
    post(intake, "/v1/jurisdictions", province)


def post(intake: Service, path: str, body: Any) -> int:
    """The position of a command that must be accepted."""
    answer = httpx.post(f"{intake.url}{path}", json=body, timeout=30, verify=False, headers=bearer(intake.token))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["position"])


def receive(intake: Service, count: int) -> int:
    """So many petitions; the position of the last."""
    return [post(intake, "/v1/petitions", {"jurisdiction": "H35", "text": "Đường."}) for _ in range(count)][-1]


def leaders(*intakes: Service) -> list[Service]:
    return [intake for intake in intakes if intake.metrics()[LEADER]]


def is_drained(intake: Service) -> bool:
    """Whether nothing is pending, by figures that were read just now."""
    found = intake.metrics()
    return found[PENDING] == found[OLDEST] == 0 and found["intake_snapshot_timestamp_seconds"] > time.time() - 3


async def _drained(url: str) -> list[int]:
    connection = await aio_pika.connect(url)
    async with connection:
        queue = await (await connection.channel()).get_queue(EVENTS.queue)
        found = []
        while (message := await queue.get(fail=False, timeout=5)) is not None:
            found.append(int(str(message.headers["ce-position"])))
            await message.ack()
        return found


def in_order(url: str) -> list[int]:
    """The positions in the queue, each once, by their first delivery."""
    return list(dict.fromkeys(asyncio.run(_drained(url))))


def test_relaying_intake_killed__the_other_takes_over(made: Pair, amqp_url: str) -> None:
    made.amqp_url = amqp_url
    first, second = made.intake().start(), made.intake().start()
    opened(first)
    (leader,) = until(lambda: leaders(first, second), what="one relays")
    standby = second if leader is first else first
    receive(leader, 5)
    receive(standby, 5)
    until(lambda: is_drained(leader), what="all is relayed")
    assert leaders(first, second) == [leader]
    leader.kill()
    last = receive(standby, 5)
    until(lambda: leaders(standby), 20, "the other relays")
    until(lambda: is_drained(standby), what="all is relayed again")
    assert in_order(amqp_url) == list(range(1, last + 1))


@pytest.mark.slow
def test_relaying_intake_stopped__hands_over_at_once_and_loses_nothing(made: Pair, amqp_url: str) -> None:
    made.amqp_url = amqp_url
    first, second = made.intake().start(), made.intake().start()
    opened(first)
    (leader,) = until(lambda: leaders(first, second), what="one relays")
    standby = second if leader is first else first
    receive(leader, 5)
    assert leader.stop() == 0
    last = receive(standby, 5)
    until(lambda: leaders(standby), 20, "the other relays")
    until(lambda: is_drained(standby), what="all is relayed")
    assert in_order(amqp_url) == list(range(1, last + 1))


async def _queued(url: str, count: int) -> None:
    """Queue petitions, whose references are numbers in order."""
    async with await aio_pika.connect(url) as connection:
        exchange = await (await connection.channel()).get_exchange(COMMANDS.exchange)
        for number in range(count):
            data = {"jurisdiction": "H35", "external_id": str(number), "text": "Đường."}
            body = json.dumps({"command": "PetitionReceived", "data": data}).encode()
            message = aio_pika.Message(body, message_id=f"m{number}", user_id="guest", delivery_mode=2)
            await exchange.publish(message, COMMANDS.pattern)


def test_consuming_intake_killed__the_other_goes_on_in_the_senders_order(
    made: Pair, amqp_url: str, rabbit_server: PrivateBroker, tmp_path: Path
) -> None:
    made.amqp_url, vhost, count = amqp_url, amqp_url.rsplit("/", 1)[1], 300
    token, operations = mint_token("van-hanh", "operations")
    office = mint_token("van-phong", "office", "H35", amqp_user="guest")[1]
    tokens = str(tokens_file(tmp_path, operations, office))
    both = [made.intake(TOKENS_FILE=tokens) for _ in range(2)]
    for number, intake in enumerate(both, 1):
        intake.token = token
        intake.start()
        consumed = f"{COMMANDS.queue} {number}"
        until(lambda consumed=consumed: consumed in _consumers(rabbit_server, vhost), what="it consumes")
    opened(both[0])
    sending = threading.Thread(target=lambda: asyncio.run(_queued(amqp_url, count)))
    sending.start()
    taken = "SELECT external_id FROM external_references ORDER BY notification_id"
    until(lambda: len(oracle.rows(made.intake_dsn, taken)) > 20, what="some are taken")
    both[0].kill()  # the one active consumer: it came first
    assert len(oracle.rows(made.intake_dsn, taken)) < count, "all were taken before the first was killed"
    sending.join()
    until(lambda: len(oracle.rows(made.intake_dsn, taken)) >= count, what="the other takes the rest")
    found = [external_id for (external_id,) in oracle.rows(made.intake_dsn, taken)]
    assert found == [str(number) for number in range(count)]


def _consumers(broker: PrivateBroker, vhost: str) -> str:
    return broker.control("list_queues", "-p", vhost, "name", "consumers").replace("\t", " ")


@pytest.mark.slow
def test_broker_away__intake_accepts_says_what_is_pending_and_resumes(made: Pair, tmp_path: Path) -> None:
    broker = PrivateBroker(tmp_path / "broker")
    broker.start()
    try:
        made.amqp_url = broker.url
        intake = made.intake().start()
        opened(intake)
        receive(intake, 3)
        until(lambda: is_drained(intake), what="all is relayed")
        broker.stop()
        before = time.time()
        last = receive(intake, 7)
        assert intake.is_ready()
        found = until(lambda: shown if (shown := intake.metrics())[PENDING] == 7 else None, what="seven are pending")
        assert before - 1 <= found[OLDEST] <= time.time()
        broker.start()
        until(lambda: is_drained(intake), what="the backlog has left")
        assert in_order(broker.url) == list(range(1, last + 1))
        # The command queue has its consumer again too.
        until(
            lambda: "intake.local.commands 1" in broker.control("list_queues", "name", "consumers").replace("\t", " ")
        )
    finally:
        broker.stop()
