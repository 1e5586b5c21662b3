"""What may not stop the command queue: what no library decodes, queues of another kind or version, strangers."""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import asyncpg
import pytest
from aiormq.exceptions import ChannelPreconditionFailed

from services.intake.entrypoints import queue_consumer
from services.intake.entrypoints.queue_consumer import CommandQueue, may_answer_to
from shared.http import metrics
from shared.http.auth import mint_token
from shared.rabbit import consumer
from shared.rabbit.delivery_frames import Sender, sender_of
from shared.rabbit.topology import OWNER, claim, commands_of, waiting_in
from shared.settings import WrongSettings
from tests.support.intake import COMMUNE, Intake, served, tokens_file
from tests.support.postgres import TestServer
from tests.support.rabbit import UrlOf, forget_store
from tests.support.raw_amqp import RawSender, short, table
from tests.support.waiting import until

ROUTE = commands_of("local")
HEADERS, REPLY_TO, MESSAGE_ID, TIMESTAMP, USER_ID = 1 << 13, 1 << 9, 1 << 7, 1 << 6, 1 << 4
GOOD = json.dumps({"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE}}).encode()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are looked at often."""
    monkeypatch.setattr(queue_consumer, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(consumer, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(metrics, "REFRESH_EVERY", 0.2)


@pytest.fixture
async def queued(placed: str, tmp_path: Path, amqp_url: str) -> AsyncIterator[Intake]:
    """An intake behind its queue; the broker's user is the district's office."""
    async with served(placed, tmp_path, amqp_url=amqp_url, tokens_file=office(tmp_path)) as intake:
        yield intake


def office(folder: Path) -> str:
    return str(tokens_file(folder, mint_token("van-phong", "office", "H35.10", amqp_user="guest")[1]))


async def sample(intake: Intake, name: str) -> float | None:
    """A metric as it is shown now."""
    for line in (await intake.get("/metrics")).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rsplit(" ", 1)[1])
    return None


async def is_consumed(intake: Intake) -> bool:
    return await sample(intake, f'intake_queue_consumers{{queue="{ROUTE.queue}"}}') == 1


async def refused(intake: Intake) -> list[tuple[str, str]]:
    rows = await intake.rows("SELECT caller, reason_code FROM refused_commands ORDER BY refused_at")
    return [(row["caller"], row["reason_code"]) for row in rows]


#: Flags and bytes of properties that the broker takes and a library does not decode.
UNDECODABLE = {
    "a user that is no UTF-8": (MESSAGE_ID, short(b"\xff\xfe")),
    "a reply queue that is no UTF-8": (REPLY_TO | MESSAGE_ID, short(b"\xff") + short(b"m")),
}
DECODABLE = {
    "a time beyond the calendar": (HEADERS, table(short(b"at") + b"T" + struct.pack(">Q", 1 << 62))),
    "a timestamp beyond the calendar": (TIMESTAMP, struct.pack(">Q", (1 << 63) - 1)),
    "a header that is no UTF-8": (HEADERS, table(short(b"\xff\xff") + b"S" + struct.pack(">L", 2) + b"\xff\xfe")),
    "a byte array": (HEADERS, table(short(b"x") + b"x" + struct.pack(">L", 2) + b"\x00\xff")),
    "a decimal of many places": (HEADERS, table(short(b"d") + b"D" + b"\xff" + struct.pack(">L", 7))),
}


async def test_undecodable__is_refused_or_taken_and_the_next_is_served(queued: Intake, amqp_url: str) -> None:
    await until(lambda: is_consumed(queued), 60)
    before, sender = await queued.head(), await RawSender.connect(amqp_url)
    # The order of the properties is that of their flags: message id before user id.
    flags = MESSAGE_ID | USER_ID
    for number, (odd, properties) in enumerate((UNDECODABLE | DECODABLE).values()):
        assert await sender.publish(ROUTE.exchange, "local", odd, properties, GOOD) == "Basic.Ack"
        good = short(b"good%d" % number) + short(b"guest")
        assert await sender.publish(ROUTE.exchange, "local", flags, good, GOOD) == "Basic.Ack"
    await until(lambda: _at(queued, before + len(UNDECODABLE | DECODABLE)), 60)
    await sender.close()
    codes = ["undecodable-message"] * len(UNDECODABLE) + ["unauthenticated"] * len(DECODABLE)
    assert await refused(queued) == [("", code) for code in codes]


async def _at(intake: Intake, position: int) -> bool:
    (row,) = await intake.rows("SELECT max(notification_id) AS head FROM stored_events")
    return bool(row["head"] == position)


async def test_queue_of_another_type__is_told_by_readyz_log_and_metric(
    database: str, tmp_path: Path, amqp_url: str
) -> None:
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        await (await connection.channel()).declare_queue(ROUTE.queue, durable=True)
        async with served(database, tmp_path, amqp_url=amqp_url, tokens_file=office(tmp_path)) as intake:

            async def told() -> bool:
                return (await intake.get("/readyz")).json().get("notices", {}).get("commands", "") != ""

            await until(told, 60)
            answer = await intake.get("/readyz")
            assert answer.status_code == 200 and ROUTE.queue in answer.json()["notices"]["commands"]
            await until(lambda: _shows(intake, "intake_broker_hindered", 1), 60)
            assert not await is_consumed(intake)
            await (await connection.channel()).queue_delete(ROUTE.queue)
            await until(lambda: is_consumed(intake), 30)
            await until(lambda: _shows(intake, "intake_broker_hindered", 0), 60)
            assert "notices" not in (await intake.get("/readyz")).json()


async def test_queue_that_becomes_another_type__is_told(queued: Intake, amqp_url: str) -> None:
    await until(lambda: is_consumed(queued), 60)
    async with await aio_pika.connect(amqp_url) as connection:

        async def is_replaced() -> bool:
            with contextlib.suppress(ChannelPreconditionFailed):  # intake declares its own again, and may be quicker
                channel = await connection.channel()
                await channel.queue_delete(ROUTE.queue)
                await channel.declare_queue(ROUTE.queue, durable=True)
                return True
            return False

        await until(is_replaced, 30)
    await until(lambda: _shows(queued, "intake_broker_hindered", 1), 60)


async def _shows(intake: Intake, name: str, value: float) -> bool:
    return await sample(intake, name) == value


async def test_queue_of_the_version_before__is_consumed_first_and_never_declared(
    database: str, tmp_path: Path, amqp_url: str
) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        arguments: Any = {"x-queue-type": "quorum"}
        await channel.declare_queue(ROUTE.replaces, durable=True, arguments=arguments)
        replies = await channel.declare_queue("guest.replies", exclusive=True)

        async def put(message_id: str, body: bytes = GOOD) -> None:
            message = aio_pika.Message(body, message_id=message_id, user_id="guest", reply_to=replies.name)
            await channel.default_exchange.publish(message, ROUTE.replaces)

        async with served(database, tmp_path) as intake:
            await intake.places()
            before = await intake.head()
        for number in range(5):
            await put(f"old{number}")
        async with served(database, tmp_path, amqp_url=amqp_url, tokens_file=office(tmp_path)) as intake:
            async with asyncio.timeout(30), replies.iterator() as answers:
                positions = []
                async for answer in answers:
                    positions.append(json.loads(answer.body)["position"])
                    await answer.ack()
                    if len(positions) == 5:
                        break
            assert positions == [before + 1 + n for n in range(5)]
            await until(lambda: is_consumed(intake), 60)
            await put("late")  # from a sender that has not moved yet
            await until(lambda: _at(intake, before + 6), 60)
            await channel.queue_delete(ROUTE.replaces)
            await asyncio.sleep(0.5)
            with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                await (await connection.channel()).declare_queue(ROUTE.replaces, passive=True)


async def test_old_queue_that_holds_messages__is_told(queued: Intake, amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        arguments: Any = {"x-queue-type": "quorum"}
        await channel.declare_queue(ROUTE.replaces, durable=True, arguments=arguments)
        held: Any = await asyncpg.connect(queued.dsn)
        async with held.transaction():
            await held.execute(
                "LOCK TABLE refused_commands"
            )  # what is refused cannot be kept, so it stays in the queue
            for _ in range(3):
                await channel.default_exchange.publish(aio_pika.Message(GOOD), ROUTE.replaces)
            await until(lambda: _shows(queued, f'intake_queue_waiting_commands{{queue="{ROUTE.replaces}"}}', 2), 60)
            answer = await queued.get("/readyz")
            assert answer.json()["notices"][ROUTE.replaces].startswith("2 commands wait")
        await held.close()


async def test_virtual_host_of_another_source__refuses_to_start_and_names_both(
    database: str, tmp_path: Path, amqp_url: str
) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        await (await connection.channel()).declare_exchange(
            OWNER, aio_pika.ExchangeType.FANOUT, durable=True, internal=True,
            arguments={"alternate-exchange": f"{OWNER}.tam-duong"},
        )  # fmt: skip
    with pytest.raises(WrongSettings, match=r"INTAKE_AMQP_URL: .*'tam-duong'.*'local'"):
        async with served(database, tmp_path, amqp_url=amqp_url):
            pass


async def test_virtual_host_that_another_source_took_meanwhile__is_told_and_not_consumed(amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        await claim(await connection.channel(), "tam-duong")
        nobody: Any = None
        queue = CommandQueue(amqp_url, "local", nobody)
        await queue.start()  # as after a start without the broker
        await until(lambda: "'tam-duong'" in queue.hindrance and "'local'" in queue.hindrance)
        assert await waiting_in(connection, ROUTE.queue) is None
        await queue.close()


async def test_two_stores_of_one_name__on_one_virtual_host_are_refused_and_both_named(
    queued: Intake, pg_server: TestServer, tmp_path: Path, amqp_url: str
) -> None:
    (birth,) = await queued.rows("SELECT event_id FROM stored_events WHERE notification_id = 1")
    known = str(birth["event_id"])
    other = await pg_server.fresh("shared.postgres")
    async with served(other, tmp_path) as stranger:
        (begun,) = await stranger.rows("SELECT event_id FROM stored_events WHERE notification_id = 1")
    with pytest.raises(WrongSettings, match=f"'local' that begins with {known}.*begins with {begun['event_id']}"):
        async with served(other, tmp_path, amqp_url=amqp_url):
            pass


@pytest.mark.parametrize(
    ("reply_to", "user", "is_own"),
    [
        ("portal.replies", "portal", True),
        ("amq.rabbitmq.reply-to.g1hk", "portal", True),
        ("amq.rabbitmq.reply-to.g1hk", "", True),
        ("portal", "portal", False),
        ("portal2.replies", "portal", False),
        ("other.replies", "portal", False),
        (".replies", "", False),
        ("followup.local.events", "followup", False),
        ("intake.local.commands", "intake", False),
        ("dialogue.x", "dialogue", False),
        ("amq.gen-abc", "portal", False),
    ],
)
def test_reply_to__is_a_queue_of_the_sender(reply_to: str, user: str, is_own: bool) -> None:
    assert may_answer_to(reply_to, user) is is_own


async def test_reply_to_a_queue_of_ours__is_decided_and_not_answered(queued: Intake, amqp_url: str) -> None:
    await until(lambda: is_consumed(queued), 60)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        victim = await channel.declare_queue(f"other.{uuid4()}", exclusive=True)
        exchange = await channel.get_exchange(ROUTE.exchange)
        before = await queued.head()
        await exchange.publish(aio_pika.Message(GOOD, message_id="v", user_id="guest", reply_to=victim.name), "local")
        await until(lambda: _at(queued, before + 1), 60)
        await until(lambda: _shows(queued, "intake_queue_unanswered_commands_total", 1), 60)
        assert await victim.get(fail=False) is None


def test_sender__is_read_past_what_is_not_needed() -> None:
    flags = (1 << 16) - 4  # every property
    properties = b"".join((
        short(b"application/json"), short(b"utf-8"), table(short(b"\xff") + b"?"), b"\x02", b"\x09",
        short(b"c"), short(b"r"), short(b"60000"), short(b"m"), struct.pack(">Q", 1 << 63),
        short(b"\xff"), short(b"u"), short(b"\xfe"), short(b"\xfd"),
    ))  # fmt: skip
    header = struct.pack(">HHQH", 60, 0, 5, flags) + properties
    assert sender_of(header) == Sender(user_id="u", message_id="m", reply_to="r", correlation_id="c")
    for cut in range(len(header)):
        with pytest.raises(ValueError):
            sender_of(header[:cut])


@pytest.mark.parametrize("direct", [True, False])
async def test_portal__queues_and_is_answered_under_the_shipped_rights(
    database: str, tmp_path: Path, broker_url_of: UrlOf, direct: bool
) -> None:
    entry = mint_token("cong-tinh", "system", "H35", amqp_user="portal")[1]
    with_places = tokens_file(tmp_path, entry)
    async with served(database, tmp_path) as intake:
        await intake.places()
    await forget_store(broker_url_of("intake"))
    async with (
        served(database, tmp_path, amqp_url=broker_url_of("intake"), tokens_file=str(with_places)) as intake,
        await aio_pika.connect(broker_url_of("portal")) as connection,
    ):
        await until(lambda: is_consumed(intake), 60)
        channel = await connection.channel(publisher_confirms=False)
        name = "amq.rabbitmq.reply-to" if direct else (await channel.declare_queue("portal.replies")).name
        queue = await channel.get_queue(name, ensure=False)
        answers: asyncio.Queue[Any] = asyncio.Queue()
        await queue.consume(answers.put, no_ack=True)
        exchange = await channel.get_exchange(ROUTE.exchange, ensure=False)
        message = aio_pika.Message(GOOD, message_id="m", user_id="portal", reply_to=name, correlation_id="c")
        await exchange.publish(message, "local")
        answer = await asyncio.wait_for(answers.get(), 60)
        assert (answer.correlation_id, json.loads(answer.body)["version"]) == ("c", 1)
