"""The trace of a request or message stands in what it causes, in the feed and in messages."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from shared.envelope import TYPE_PREFIX
from shared.http.auth import mint_token
from shared.rabbit.topology import commands_of
from tests.support.intake import COMMUNE, Intake, served, tokens_file

BY_HTTP = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BY_QUEUE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
COMMANDS = commands_of("local")
BODY = {"jurisdiction": COMMUNE, "text": "Rác ở chợ."}


async def queued_with_trace(intake: Intake, url: str) -> None:
    """Send a command by queue, in a trace of its own, once intake takes commands."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.declare_exchange(COMMANDS.exchange, "topic", durable=True)
        body = json.dumps({"command": "PetitionReceived", "data": BODY}).encode()
        headers: Any = {"tries": 1, "traceparent": BY_QUEUE}
        sent = aio_pika.Message(body, message_id="traced", user_id="guest", delivery_mode=2, headers=headers)
        async with asyncio.timeout(10):
            while True:
                try:
                    await exchange.publish(sent, COMMANDS.pattern, mandatory=True)
                    return
                except aio_pika.exceptions.DeliveryError:
                    await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_trace__goes_from_door_to_feed_and_message(database: str, tmp_path: Path, amqp_url: str) -> None:
    token, entry = mint_token("guest", "system", "H35", amqp_user="guest")
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("followup.local.events", durable=True, arguments={"x-queue-type": "quorum"})
        await queue.purge()
        tokens = str(tokens_file(tmp_path, entry))
        prefix: Any = TYPE_PREFIX
        async with served(
            database, tmp_path, amqp_url=amqp_url, tokens_file=tokens, event_type_prefix=prefix
        ) as intake:
            await intake.places()
            headers = {"Authorization": f"Bearer {token}", "traceparent": BY_HTTP}
            answer = await intake.client.post("/v1/petitions", json=BODY, headers=headers)
            assert answer.status_code == 201, answer.text
            await queued_with_trace(intake, amqp_url)
            found: dict[str, dict[str, Any]] = {}
            async with asyncio.timeout(10), queue.iterator() as messages:
                async for message in messages:
                    await message.ack()
                    if "traceparent" in message.headers:
                        found[str(message.headers["traceparent"])] = dict(message.headers)
                    if len(found) == 2:
                        break
            page = (await intake.get("/v1/events", limit="500")).json()["events"]
    assert found.keys() == {BY_HTTP, BY_QUEUE}
    in_feed = {event["traceparent"]: event for event in page if "traceparent" in event}
    for trace, headers in found.items():
        assert headers["ce-traceparent"] == trace == in_feed[trace]["data"]["meta"]["traceparent"]
        assert headers["ce-id"] == in_feed[trace]["id"]
        assert headers["ce-type"] == in_feed[trace]["type"] == f"{TYPE_PREFIX}PetitionReceived"
    assert all("traceparent" not in e for e in page if e["data"]["meta"]["actor"] != "guest")
