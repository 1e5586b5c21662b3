"""Every event leaves for the broker, in order, once the broker is there; intake accepts while it is not."""

import asyncio
from pathlib import Path

import aio_pika
import pytest

from shared.envelope import from_message
from shared.rabbit import relay as relaying
from tests.support.intake import served


async def test_every_event_leaves_in_order(database: str, tmp_path: Path, amqp_url: str) -> None:
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        arguments = {"x-queue-type": "quorum"}
        queue = await channel.declare_queue("followup.local.events", durable=True, arguments=arguments)
        await queue.purge()
        async with served(database, tmp_path, amqp_url=amqp_url) as intake:
            await intake.places()
            await asyncio.gather(*(intake.petition() for _ in range(20)))
            head = await intake.head()
            seen = []
            async with asyncio.timeout(30), queue.iterator() as messages:
                async for message in messages:
                    seen.append(from_message(message.headers, message.body))
                    await message.ack()
                    if seen[-1].position == head:
                        break
            assert [e.position for e in seen] == list(range(1, head + 1))
            assert [e.previous_id for e in seen[1:]] == [e.event_id for e in seen[:-1]]
            stored = await intake.rows("SELECT state FROM stored_events ORDER BY notification_id")
            assert [e.state for e in seen] == [row["state"] for row in stored]
            for _ in range(300):
                text = (await intake.get("/metrics")).text
                if "intake_outbox_pending_events 0.0" in text and "intake_outbox_leader 1.0" in text:
                    break
                await asyncio.sleep(0.1)
            assert "intake_outbox_pending_events 0.0" in text


async def test_intake_accepts_while_the_broker_is_away(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "WAITS_AFTER", 0.0)
    async with served(database, tmp_path, amqp_url="amqp://guest:guest@127.0.0.1:1/") as intake:
        await intake.places()
        await intake.petition()
        assert (await intake.get("/readyz")).status_code == 200
        for _ in range(60):
            text = (await intake.get("/metrics")).text
            if "intake_outbox_pending_events 0.0" not in text:
                break
            await asyncio.sleep(0.1)
        assert "intake_outbox_pending_events 0.0" not in text
        assert "intake_outbox_oldest_pending_timestamp_seconds 0.0" not in text
        stands = await intake.get("/progressz")
        assert (stands.status_code, stands.json()["type"]) == (503, "urn:doithoai:problem:no-progress")
        works = stands.json()["works"]
        assert works.keys() >= {"store", "relay", "commands", "files", "posts"}
        assert "cannot be reached" in works["commands"] and not works["store"]
        assert "events wait to leave" in works["relay"], "though no try has failed for a minute"
