"""The broker's side of the command queue, on FastStream: starts when the broker does, answers, then acknowledges."""

import asyncio
import contextlib

import structlog
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage as Delivered

from services.intake.entrypoints.queued_commands import CommandIntake, Passing, QueueAnswer
from shared.rabbit.topology import COMMANDS
from shared.tasks import cancel_and_wait

CONNECT_PAUSE = 2.0  # seconds between two tries while the broker still starts
RETRY_PAUSE = 0.5  # seconds between two tries of a command while the store is away
REPLY_TIMEOUT = 10.0  # seconds

log = structlog.get_logger("amqp")


async def _as_bytes(message: RabbitMessage) -> bytes:
    # Whatever the body is, the intake reads it: a body that FastStream cannot decode would be lost to it.
    return message.body


class CommandQueue:
    """Consumes `intake.commands` for as long as the process lives, whatever the broker does."""

    def __init__(self, url: str, intake: CommandIntake) -> None:
        self._url = url
        self._intake = intake
        self._task: asyncio.Task[None] | None = None
        # One at a time: the commands of one sender are decided in the order in which they were sent.
        self._broker = RabbitBroker(url, default_channel=Channel(prefetch_count=1), logger=None) if url else None
        if self._broker is not None:
            subscriber = self._broker.subscriber(
                RabbitQueue(COMMANDS, durable=True, queue_type=QueueType.QUORUM),
                ack_policy=AckPolicy.MANUAL,
                decoder=_as_bytes,
                no_reply=True,
                title="commands",
                description="Commands as over HTTP; message_id is the idempotency key, user_id the caller.",
            )
            subscriber(self._on_command)

    @property
    def broker(self) -> RabbitBroker | None:
        """The FastStream broker, for AsyncAPI."""
        return self._broker

    async def start(self) -> None:
        """Start in the background: intake accepts over HTTP while the broker is away."""
        if self._broker is not None:
            self._task = asyncio.create_task(self._connect(self._broker), name="command-queue")

    async def close(self) -> None:
        """Stop consuming; what is not acknowledged comes again."""
        await cancel_and_wait(self._task)
        if self._broker is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._broker.stop(), REPLY_TIMEOUT)

    async def _connect(self, broker: RabbitBroker) -> None:
        while True:
            try:
                await broker.start()
            except Exception as error:  # refused, not yet up, wrong password: the log names it, the next try may do
                log.warning("broker_away", kind=type(error).__name__)
                with contextlib.suppress(Exception):
                    await broker.stop()
                await asyncio.sleep(CONNECT_PAUSE)
            else:
                log.info("commands_consumed", queue=COMMANDS)
                return

    async def _on_command(self, body: bytes, message: Delivered) -> None:
        raw = message.raw_message
        answer = await self._answer(body, raw.user_id, raw.message_id)
        if raw.reply_to and self._broker is not None:
            try:
                async with asyncio.timeout(REPLY_TIMEOUT):
                    await self._broker.publish(
                        answer.body,
                        queue=raw.reply_to,
                        correlation_id=raw.correlation_id,
                        content_type="application/json" if answer.accepted else "application/problem+json",
                        persist=True,
                    )
            except Exception as error:  # a reply queue that is gone takes nothing back of what was decided
                log.warning("reply_failed", kind=type(error).__name__)
        await message.ack()

    async def _answer(self, body: bytes, user_id: str | None, message_id: str | None) -> QueueAnswer:
        while True:
            try:
                return await self._intake.take(body, user_id, message_id)
            except Passing:
                # Held, not returned: each return counts towards the broker's delivery limit, which drops.
                await asyncio.sleep(RETRY_PAUSE)
