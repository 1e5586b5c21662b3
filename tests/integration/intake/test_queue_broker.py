"""The command queue on a real RabbitMQ: the broker vouches for the sender, every command is answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from services.intake.adapters.seals import Kept
from services.intake.configured import seals_of
from shared.http.auth import mint_token
from shared.rabbit.topology import commands_of
from tests.support.bad_input import BAD
from tests.support.intake import COMMUNE, Intake, reason_of, served, tokens_file
from tests.support.waiting import until

COMMANDS = commands_of("local")


async def ask(url: str, *commands: bytes, user: str | None = "guest", prefix: str = "m") -> list[dict[str, Any]]:
    """Send commands in order; their answers, in the same order."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(f"guest.{uuid4()}", exclusive=True)
        exchange = await channel.get_exchange(COMMANDS.exchange)
        for number, command in enumerate(commands):
            message = aio_pika.Message(
                command,
                content_type="application/json",
                message_id=f"{prefix}{number}",
                correlation_id=str(number),
                reply_to=replies.name,
                user_id=user,
                delivery_mode=2,
            )
            await exchange.publish(message, COMMANDS.pattern)
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(60), replies.iterator() as iterator:
            async for reply in iterator:
                found[str(reply.correlation_id)] = json.loads(reply.body)
                await reply.ack()
                if len(found) == len(commands):
                    break
    return [found[str(number)] for number in range(len(commands))]


async def consumed(intake: Intake, url: str) -> None:
    """Wait until intake has declared its queue."""
    for _ in range(200):
        connection = await aio_pika.connect(url)
        async with connection:
            channel = await connection.channel()
            try:
                queue = await channel.declare_queue(COMMANDS.queue, passive=True)
            except aio_pika.exceptions.ChannelClosed:
                queue = None
            if queue is not None and (queue.declaration_result.consumer_count or 0) > 0:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody consumes the command queue")


def as_bytes(command: dict[str, Any]) -> bytes:
    return json.dumps(command).encode()


def received(**fields: Any) -> bytes:
    return as_bytes({"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE} | fields})


@pytest.fixture
async def queued(database: str, tmp_path: Path, amqp_url: str) -> AsyncIterator[Intake]:
    """An intake behind its queue; the broker's user is the district's office."""
    entry = mint_token("van-phong", "office", "H35.10", amqp_user="guest")[1]
    tokens = str(tokens_file(tmp_path, entry))
    async with served(database, tmp_path, amqp_url=amqp_url, tokens_file=tokens) as intake:
        await intake.places()
        await consumed(intake, amqp_url)
        yield intake


async def test_commands_are_answered_in_order(queued: Intake, amqp_url: str) -> None:
    first, second, third = await ask(amqp_url, received(text="Đường."), received(colour="red"), received())
    assert first["version"] == 1 and first["position"] < third["position"]
    assert second["type"] == "urn:doithoai:problem:invalid-body" and second["refused_id"]
    assert len(await queued.rows("SELECT 1 FROM refused_commands")) == 1


async def test_every_bad_command_is_answered_and_kept(queued: Intake, amqp_url: str) -> None:
    petition = (await queued.petition(effective_on="2025-02-03"))["id"]
    head = await queued.head()
    sent = [as_bytes(bad.message(petition)) for bad in BAD] + [b"{", b"\xff", received(jurisdiction="H36")]
    codes = [bad.code for bad in BAD] + ["malformed-json", "malformed-json", "jurisdiction-may-not"]
    answers = await ask(amqp_url, *sent)
    assert [answer["type"] for answer in answers] == [f"urn:doithoai:problem:{code}" for code in codes]
    rows = {str(row["refused_id"]): row for row in await queued.rows("SELECT * FROM refused_commands")}
    seals = seals_of(queued.settings)
    for answer, body in zip(answers, sent, strict=True):
        row = rows.pop(answer["refused_id"])
        assert row["caller"] == "guest"
        assert seals.open_refused(row["refused_id"], row["sealed"]) == Kept(reason_of(answer), body)
    assert rows == {} and await queued.head() == head


async def test_large_messages_are_refused_and_what_follows_is_not_held_up(queued: Intake, amqp_url: str) -> None:
    large = [received(text="x" * (mebibytes * 1024 * 1024)) for mebibytes in (1, 16)]
    *refused, accepted = await ask(amqp_url, *large, received())
    assert {answer["type"] for answer in refused} == {"urn:doithoai:problem:body-too-large"}
    assert accepted["version"] == 1
    assert len(await queued.rows("SELECT 1 FROM refused_commands")) == 2
    # Not one byte under the limit is lost on its way out either.
    full = received(text="x" * 190_000, channel="y" * 2_000)
    (taken,) = await ask(amqp_url, full, prefix="full")
    await until(lambda: relayed(queued, taken["position"]))


async def relayed(intake: Intake, position: int) -> bool:
    found = await intake.rows("SELECT 1 FROM relay_position WHERE position >= $1", position)
    return bool(found)
