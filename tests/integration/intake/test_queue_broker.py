"""The command queue on a real RabbitMQ: the broker vouches for the sender, every command is answered."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aio_pika

from shared.http.auth import mint_token
from shared.rabbit.topology import COMMANDS
from tests.support.intake import COMMUNE, Intake, served, tokens_file


async def ask(url: str, *commands: dict[str, Any], user: str | None = "guest") -> list[dict[str, Any]]:
    """Send commands in order; their answers by correlation id, in the same order."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        for number, command in enumerate(commands):
            message = aio_pika.Message(
                json.dumps(command).encode(),
                content_type="application/json",
                message_id=f"m{number}",
                correlation_id=str(number),
                reply_to=replies.name,
                user_id=user,
                delivery_mode=2,
            )
            await channel.default_exchange.publish(message, COMMANDS)
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(30), replies.iterator() as iterator:
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
                queue = await channel.declare_queue(COMMANDS, passive=True)
            except aio_pika.exceptions.ChannelClosed:
                queue = None
            if queue is not None and (queue.declaration_result.consumer_count or 0) > 0:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody consumes the command queue")


async def test_commands_are_answered_in_order(database: str, tmp_path: Path, amqp_url: str) -> None:
    entry = mint_token("portal", "system", "H35", amqp_user="guest")[1]
    tokens = str(tokens_file(tmp_path, entry))
    async with served(database, tmp_path, amqp_url=amqp_url, tokens_file=tokens) as intake:
        await intake.places()
        await consumed(intake, amqp_url)
        good = {"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE, "text": "Đường."}}
        bad = {"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE, "colour": "red"}}
        first, second, third = await ask(amqp_url, good, bad, good | {"data": {"jurisdiction": COMMUNE}})
        assert first["version"] == 1 and first["position"] < third["position"]
        assert second["type"] == "urn:doithoai:problem:invalid-body" and second["refused_id"]
        (unvouched,) = await ask(amqp_url, good, user=None)
        assert unvouched["type"] == "urn:doithoai:problem:unauthenticated"
        assert len(await intake.rows("SELECT 1 FROM refused_commands")) == 2
