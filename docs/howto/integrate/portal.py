"""A province's portal in one file, by doithoai-client: what integrate.md does, step by step.

Usage: python portal.py push|correct|deadlines|answer|file|offline|follow|reconcile|subscribe|webhook|queue
"""

import asyncio
import json
import os
import sqlite3
import sys
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import aio_pika

from doithoai_client import (
    Client,
    DayRecord,
    FeedEvent,
    FeedQuestion,
    SqliteStore,
    WebhookRefused,
    event_of_message,
    once,
    verified_event,
)

STATE = Path(os.environ.get("STATE", ".data/portal"))
SUBSCRIPTION = STATE / "subscription.json"
SINK = ("127.0.0.1", int(os.environ.get("SINK_PORT", "8600")))
PETITION = {
    "jurisdiction": "H35.10.31",
    "channel": "cổng thông tin",
    "text": "Rác ở chợ trung tâm ba ngày mới thu gom một lần.",
    "petitioner_ids": ["cong-thu-nghiem-5821"],
    "identities": {"cong-thu-nghiem-5821": {"name": "Lò Thị Mai", "phone": "0900000000"}},
}
ELSEWHERE = PETITION | {"jurisdiction": "H35.11.31"}  # where a reply is owed from the day of receipt
CORRECTED = PETITION | {"text": "Rác ở chợ trung tâm năm ngày mới thu gom một lần."}


def client() -> Client:
    """Who we are, and where the services are: as the sandbox wrote it."""
    return Client(os.environ["SOURCE"], os.environ["TOKEN"], os.environ["INTAKE"], os.environ["FOLLOWUP"])


def store() -> SqliteStore:
    """What we hold: how far we are, and what the events made us do."""
    STATE.mkdir(parents=True, exist_ok=True)
    opened = SqliteStore(STATE / "portal.sqlite")
    opened.connection.execute("CREATE TABLE IF NOT EXISTS news (event_id, type, external_id, way)")
    return opened


def take_in(held: SqliteStore, event: FeedEvent, way: str) -> None:
    """Take in an event that was delivered, unless it came before by whichever way."""

    def write(event: FeedEvent, transaction: sqlite3.Connection) -> None:
        row = (event.id, event.type, event.external_id, way)
        transaction.execute("INSERT INTO news VALUES (?, ?, ?, ?)", row)

    is_new = once(held, event, write)
    print(way, event.type, event.external_id, "new" if is_new else "known", flush=True)


def push() -> None:
    with client() as calls:
        pushed = calls.put("TN-0001", "1", PETITION)
        print(pushed.result, pushed.id, pushed.receipt_code)


def correct() -> None:
    with client() as calls:
        print(calls.put("TN-0001", "2", CORRECTED).result)


def deadlines() -> None:
    with client() as calls:
        petition = calls.put("TN-0001", "2", CORRECTED)  # unchanged: says its id
        for each in calls.deadlines(petition.id):
            print(each["duty"], each["due_on"], each["status"])


def answer() -> None:
    with client() as calls:
        found = calls.answer("TN-0001")
        print(found.state, found.vi, found.reply and found.reply["text"])


def file() -> None:
    with client() as calls:
        found = calls.answer("TN-0001")
        if found.reply is not None:
            (STATE / "reply.pdf").write_bytes(calls.fetch_file(found.id, found.reply["digest"]))
            print("reply.pdf", found.reply["digest"])


def offline() -> None:
    """What the portal gets from its citizens on the day on which it hears of nothing."""
    with client() as calls:
        items = [ELSEWHERE | {"external_id": name, "source_version": "1"} for name in ("TN-0002", "TN-0003")]
        for each in calls.batch(items):
            print(each.external_id, each.pushed.result if each.pushed else each.refused)


def follow() -> None:
    """Both feeds, up to their ends of now."""
    with client() as calls, store() as held:
        for service in ("intake", "followup"):
            written = 0

            def write(event: FeedEvent, transaction: sqlite3.Connection) -> None:
                nonlocal written
                written += 1
                row = (event.id, event.type, event.external_id, "feed")
                transaction.execute("INSERT INTO news VALUES (?, ?, ?, ?)", row)

            calls.consume(held, write, FeedQuestion(service, mine=True))
            print(service, written, "new")


def reconcile() -> None:
    """Compare a day: the versions are our own, the states those that we read of each petition."""
    day = date.fromisoformat(sys.argv[2])
    with client() as calls:
        ours = [DayRecord(name, "1", calls.answer(name).state) for name in ("TN-0002", "TN-0003")]
        compared = calls.reconcile(day, ours)
        print(compared.differences or "the same", compared.digest)


def subscribe() -> None:
    body = {
        "sink": f"http://{SINK[0]}:{SINK[1]}/",
        "protocol": "HTTP",
        "types": ["DeadlineBreached"],
        "config": {"mine": True},
    }
    with client() as calls:
        made = calls.send("followup", "POST", "/v1/subscriptions", body)
        SUBSCRIPTION.write_text(json.dumps(made))
        print(made["status"])


class Sink(BaseHTTPRequestHandler):
    """Takes webhooks: consents to the sender, and takes in what it signed."""

    def do_OPTIONS(self) -> None:
        self.send_response(200)
        self.send_header("WebHook-Allowed-Origin", self.headers["WebHook-Request-Origin"])
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            secret = json.loads(SUBSCRIPTION.read_text())["secret"]
            event = verified_event(secret, dict(self.headers.items()), body)
        except WebhookRefused:
            self.send_response(401)
        else:
            with store() as held:
                take_in(held, event, "webhook")  # committed before it is acknowledged
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep what is printed to the events."""


def webhook() -> None:
    store().close()
    server = HTTPServer(SINK, Sink)
    print("webhook listens", flush=True)
    server.serve_forever()


async def listen() -> None:
    async with await aio_pika.connect(os.environ["BROKER"]) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("portal.breaches", durable=True)
        await queue.bind("dialogue.deadlines", "deadline.deadline_breached.H35.#")
        print("queue listens", flush=True)
        with store() as held:
            async for message in queue.iterator():
                async with message.process():  # acknowledged once it is taken in
                    if message.user_id == "followup":
                        take_in(held, event_of_message(message.headers, message.body), "queue")


def queue() -> None:
    asyncio.run(listen())


COMMANDS = (push, correct, deadlines, answer, file, offline, follow, reconcile, subscribe, webhook, queue)

if __name__ == "__main__":
    {each.__name__: each for each in COMMANDS}[sys.argv[1]]()
