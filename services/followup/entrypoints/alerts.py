"""The consumer of deadline events, on FastStream, which logs one line for each breach and each retraction.

Only what the broker vouches for as sent by followup's own user is taken, and only public fields are logged. What is
marked as backfilled, entered from old files, alerts nobody.
"""

import asyncio
import contextlib
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage as Delivered

from shared.envelope import topic_of
from shared.events import decode_state
from shared.events.deadline import DeadlineBreached, DeadlineBreachRetracted, DeadlineEvent
from shared.rabbit.hosts import BrokerHosts, WalkingConnection, told
from shared.rabbit.topology import DEADLINES
from shared.tasks import cancel_and_wait

PREFETCH = 100
CONNECT_TIMEOUT = 3.0  # seconds for one node
CONNECT_PAUSE = 2.0  # seconds between two tries while the broker still starts
STOP_TIMEOUT = 10.0  # seconds

log = structlog.get_logger("alerts")


async def _as_bytes(message: RabbitMessage) -> bytes:
    return message.body


class DeadlineAlerts:
    """Consumes `followup.alerts` for as long as the process lives, whatever the broker does."""

    def __init__(self, url: str) -> None:
        self.hindrance = ""  # why nothing is consumed
        self._hosts = hosts = BrokerHosts(url)
        self._connection: WalkingConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._broker: RabbitBroker | None = None
        if hosts.is_named:
            channel = Channel(prefetch_count=PREFETCH)
            self._broker = RabbitBroker(hosts.url, default_channel=channel, timeout=CONNECT_TIMEOUT, logger=None)
            # FastStream hands it to aio-pika with the rest, and has no name of its own for it.
            self._broker._connection_kwargs["connection_class"] = self._connecting
            subscriber = self._broker.subscriber(
                RabbitQueue(DEADLINES.queue, durable=True, queue_type=QueueType.QUORUM, routing_key=DEADLINES.pattern),
                RabbitExchange(DEADLINES.exchange, type=ExchangeType.TOPIC, durable=True),
                ack_policy=AckPolicy.MANUAL,
                decoder=_as_bytes,
                no_reply=True,
                title="deadlines",
                description="Every deadline event that followup raises.",
            )
            subscriber(self._on_event)

    @property
    def broker(self) -> RabbitBroker | None:
        """The FastStream broker, for AsyncAPI."""
        return self._broker

    async def start(self) -> None:
        """Start in the background: followup follows while the broker is away."""
        if self._broker is not None:
            self._task = asyncio.create_task(self._connect(self._broker), name="deadline-alerts")

    async def close(self) -> None:
        """Stop consuming."""
        await cancel_and_wait(self._task)
        if self._broker is not None:
            await self._stop(self._broker)

    def _connecting(self, _: Any, **options: Any) -> WalkingConnection:
        self._connection = WalkingConnection(self._hosts, **options)
        return self._connection

    async def _stop(self, broker: RabbitBroker) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_TIMEOUT):
                await broker.stop()
                # One that has never connected is unknown to FastStream, and would go on trying when the loop has ended.
                if self._connection is not None:
                    await self._connection.close()

    async def _connect(self, broker: RabbitBroker) -> None:
        while True:
            try:
                await broker.start()
            except Exception as error:
                self.hindrance = told(error)
                log.warning("broker_away", queue=DEADLINES.queue, kind=type(error).__name__)
                await self._stop(broker)
                await asyncio.sleep(CONNECT_PAUSE)
            else:
                self.hindrance = ""
                log.info("deadlines_consumed", queue=DEADLINES.queue)
                return

    async def _on_event(self, body: bytes, message: Delivered) -> None:
        topic = topic_of(str(message.headers.get("ce-type", "")))
        try:
            if message.raw_message.user_id != self._hosts.user:
                raise ValueError("not sent by followup")
            event, meta = decode_state(topic, body)
        except ValueError as error:
            # Not ours, or newer than this release: whoever watches must know, and nothing depends on this queue.
            log.error("deadline_event_unreadable", topic=topic, kind=type(error).__name__)
        else:
            if isinstance(event, DeadlineBreached | DeadlineBreachRetracted) and not meta.backfilled:
                log.warning(_NAMES[type(event)], **_public(event))
        await message.ack()


_NAMES: dict[type[DeadlineEvent], str] = {
    DeadlineBreached: "deadline_breached",
    DeadlineBreachRetracted: "deadline_breach_retracted",
}


def _public(event: DeadlineEvent) -> dict[str, Any]:
    return {
        "deadline_id": str(event.deadline_id),
        "source": event.source,
        "duty": event.duty,
        "subject_id": str(event.subject_id),
        "debtor": event.debtor,
        "due_on": event.due_on.isoformat() if event.due_on else "",
        "breached_at": event.breached_at,
    }
