"""The broker as others' libraries take it: amqplib, the CloudEvents SDKs, the AsyncAPI CLI; and mutated messages."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from shared.http.auth import mint_token
from tests.support.intake import Intake, served, tokens_file
from tests.support.interop import NODE_FOLDER, run_node_tool
from tests.support.queue_fuzz import fuzzed
from tests.support.rabbit import UrlOf, forget_store

ROOT = Path(__file__).resolve().parents[2]
PORTAL = Path(__file__).parent / "node" / "queue.js"
PAGE = ROOT / "docs" / "howto" / "connect-a-system.md"
CE = "urn:doithoai:schema:PetitionReceived"


@pytest.fixture
async def queued(database: str, tmp_path: Path, broker_url_of: UrlOf) -> AsyncIterator[Intake]:
    """An intake on a broker with the shipped users and rights; the user `portal` is a province's portal."""
    tokens = str(tokens_file(tmp_path, mint_token("cong-tinh", "system", "H35", amqp_user="portal")[1]))
    async with served(database, tmp_path) as first:
        await first.places()
    await forget_store(broker_url_of("intake"))
    async with served(database, tmp_path, amqp_url=broker_url_of("intake"), tokens_file=tokens) as intake:
        yield intake


def test_asyncapi__is_valid_for_the_cli() -> None:
    done = run_node_tool("asyncapi", "validate", str(ROOT / "contracts" / "asyncapi.yaml"), "--fail-severity", "error")
    assert done.returncode == 0, done.stdout + done.stderr


async def test_portal_in_javascript__queues_is_answered_and_reads_events(queued: Intake, broker_url_of: UrlOf) -> None:
    before = await _head(queued)
    done = await asyncio.to_thread(run_node_tool, "node", str(PORTAL), broker_url_of("portal"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {answer["correlation"] for answer in told["answers"].values()} == {"c"}
    positions = [answer["body"]["position"] for answer in told["answers"].values()]
    assert positions == [before + 1, before + 2]
    stored = await queued.rows(
        "SELECT event_id, topic, state FROM stored_events WHERE notification_id > $1 ORDER BY notification_id", before
    )
    for event, row in zip(told["events"], stored, strict=True):
        assert event["valid"] and event["user"] == "intake"
        assert (event["id"], event["type"]) == (str(row["event_id"]), row["topic"])
        assert (event["source"], event["dataschema"]) == ("/doithoai/local", CE)
        assert event["data"] == json.loads(row["state"])
    own_keys = [(event["externalsource"], event["externalid"]) for event in told["events"]]
    assert own_keys == [("cong-tinh", "JS/amq.rabbitmq.reply-to"), ("cong-tinh", "JS/portal.replies")]
    assert set(told["refusals"].values()) == {403}, told["refusals"]


async def test_portal_of_the_page_in_node__is_answered_and_reads_an_event(
    queued: Intake, broker_url_of: UrlOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```js\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "portal.js").write_text(code, "utf-8")
    monkeypatch.setenv("NODE_PATH", str(NODE_FOLDER / "node_modules"))
    done = await asyncio.to_thread(run_node_tool, "node", str(tmp_path / "portal.js"), broker_url_of("portal"))
    assert done.returncode == 0, done.stderr
    assert "receipt_code" in done.stdout and "intake PetitionReceived {" in done.stdout
    again = await asyncio.to_thread(run_node_tool, "node", str(tmp_path / "portal.js"), broker_url_of("portal"))
    answer = done.stdout.partition("intake PetitionReceived")[0]
    assert again.stdout == answer and "AbortError" in again.stderr, again.stderr


async def test_python_sdk__reads_what_the_broker_delivers(queued: Intake, broker_url_of: UrlOf) -> None:
    async with await aio_pika.connect(broker_url_of("portal")) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("portal.python", exclusive=True)
        came: asyncio.Queue[Any] = asyncio.Queue()
        for _ in range(100):  # until the relay has declared the exchange
            try:
                await queue.bind("dialogue.events", "petition.#.H35.#")
                break
            except aio_pika.exceptions.ChannelClosed:
                await asyncio.sleep(0.1)
                channel = await connection.channel()
                queue = await channel.declare_queue("portal.python", exclusive=True)
        await queue.consume(came.put, no_ack=True)
        exchange = await channel.get_exchange("dialogue.commands", ensure=False)
        data = {"jurisdiction": "H35.10.31", "external_id": "Đơn số 7/2026"}
        command = json.dumps({"command": "PetitionReceived", "data": data}).encode()
        await exchange.publish(aio_pika.Message(command, message_id="py", user_id="portal"), "local")
        message = await asyncio.wait_for(came.get(), 20)
        headers: Any = dict(message.headers)
        event = from_binary(RabbitMQMessage(headers, message.content_type, message.body), JSONFormat())
        assert event.get_type() == "PetitionReceived" and event.get_dataschema() == CE
        assert event.get_data() == json.loads(message.body)
        own_key = event.get_extension("externalsource"), event.get_extension("externalid")
        assert own_key == ("cong-tinh", "Đơn số 7/2026")


async def _head(intake: Intake) -> int:
    (row,) = await intake.rows("SELECT max(notification_id) AS head FROM stored_events")
    return int(row["head"])


async def test_fuzzed_messages__stop_nothing_and_lose_no_good_command(queued: Intake, broker_url_of: UrlOf) -> None:
    await fuzzed(queued, broker_url_of("portal"), "portal", rounds=12, seed=7)
