"""The log of breaches: followup's own events from the broker, whatever else comes to its queue."""

import struct
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from services.followup.entrypoints import alerts
from services.followup.entrypoints.alerts import DeadlineAlerts
from shared.envelope import to_message
from shared.events import Metadata, Recorded, encode_state
from shared.events.deadline import DeadlineBreachRetracted
from shared.rabbit.topology import DEADLINES
from tests.support.history import at
from tests.support.raw_amqp import RawSender, short, table
from tests.support.waiting import until


class ListLog:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, _: str) -> Any:
        return lambda event, **fields: self.lines.append((event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.lines if name == event]


def retraction() -> Recorded:
    event = DeadlineBreachRetracted(
        deadline_id=uuid4(), source="local", duty="reply", subject="petition", subject_id=uuid4(), debtor="H35.10.4",
        cause_id=uuid4(), at=at("2019-08-02 00:00"), reason="calendar",
    )  # fmt: skip
    meta = Metadata(
        event_id=uuid4(), aggregate="deadline", jurisdiction="H35.10", actor="followup", correlation_id=uuid4()
    )
    return Recorded(
        source="followup", epoch="e", position=1, previous_id=None, event_id=meta.event_id, version=1,
        originator_id=event.deadline_id, topic=event.TOPIC, recorded_at=event.at, state=encode_state(event, meta),
    )  # fmt: skip


async def put(url: str, event: Recorded, user: str | None) -> None:
    message = to_message(event)
    headers: Any = message.headers
    async with await aio_pika.connect(url) as connection:
        exchange = await (await connection.channel()).get_exchange(DEADLINES.exchange, ensure=False)
        await exchange.publish(aio_pika.Message(message.body, headers=headers, user_id=user), "deadline.x.H35")


@pytest.mark.parametrize(
    ("flags", "properties"),
    [
        (1 << 7, short(b"\xff\xfe")),
        (1 << 13, table(short(b"at") + b"T" + struct.pack(">Q", 1 << 62))),
    ],
)
async def test_undecodable__is_passed_over_and_only_followups_own_are_told(
    amqp_url: str,
    other_user_url: str,
    monkeypatch: pytest.MonkeyPatch,
    flags: int,
    properties: bytes,
) -> None:
    log, told = ListLog(), retraction()
    monkeypatch.setattr(alerts, "log", log)
    consumer = DeadlineAlerts(amqp_url)
    await consumer.start()
    try:
        await until(lambda: log.of("deadlines_consumed"), 60)
        sender = await RawSender.connect(amqp_url)
        assert await sender.publish(DEADLINES.exchange, "deadline.x", flags, properties, b"{}") == "Basic.Ack"
        await sender.close()
        await put(other_user_url, retraction(), None)
        await put(amqp_url, told, "guest")
        await until(lambda: log.of("deadline_breach_retracted"), 60)
        assert [fields["deadline_id"] for fields in log.of("deadline_breach_retracted")] == [str(told.originator_id)]
        assert len(log.of("deadline_event_unreadable")) == 2
        assert consumer.hindrance == ""
    finally:
        await consumer.close()
