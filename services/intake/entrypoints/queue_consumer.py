"""The broker's side of the command queue: one command at a time, decided, answered, then acknowledged.

The queue of an earlier version is consumed as long as it exists, and never declared.
"""

import asyncio
from typing import Any
from uuid import UUID

import aio_pika
import msgspec
import structlog
from pamqp import commands as spec

from services.intake.entrypoints.queued_commands import CommandIntake, Passing, QueueAnswer
from shared.rabbit.consumer import Consumer
from shared.rabbit.delivery_frames import Sender, WatchedTransport, sender_of
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.topology import OURS, claim, commands_of, declare, waiting_in
from shared.tasks import cancel_and_wait
from shared.trace import ORIGIN, Origin, request_id_of

RETRY_PAUSE = 0.5  # seconds between two tries of a command while the store is away
REPLY_TIMEOUT = 10.0  # seconds
LOOK_EVERY = 5.0  # seconds between two looks at how much waits
DIRECT_REPLY = "amq.rabbitmq.reply-to."  # begins the name under which the broker hands a reply to a caller's channel

log = structlog.get_logger("amqp")


class QueueLoad(msgspec.Struct, frozen=True):
    """What waits in a queue, and how many processes consume it; None where there is no such queue."""

    messages: int | None = None
    consumers: int | None = None


class _Taken(msgspec.Struct, frozen=True):
    """A delivery, with the consumer that has to acknowledge it."""

    consumer: Consumer
    connection: int
    tag: int
    header: bytes
    body: bytes


class CommandQueue:
    """Consumes `intake.{source}.commands` for as long as the process lives, whatever the broker does."""

    def __init__(self, url: str, source: str, intake: CommandIntake, birth: UUID | None = None) -> None:
        self.waiting: dict[str, QueueLoad] = {}
        self.unanswered_total = 0
        self._hosts, self._source, self._intake, self._birth = BrokerHosts(url), source, intake, birth
        self._route = commands_of(source)
        self._deliveries: asyncio.Queue[_Taken] = asyncio.Queue()
        # One at a time: the commands of one sender are decided in the order in which they were sent.
        self._consumer = Consumer(url, self._route.queue, self._declared, self._keep_new, prefetch=1)
        self._old = Consumer(url, self._route.replaces, self._is_there, self._keep_old, prefetch=1)
        self._tasks: list[asyncio.Task[None]] = []
        self._stuck = ""
        self._replies: Any = None  # the connection on which answers leave

    @property
    def hindrance(self) -> str:
        """Why commands are not taken by queue; empty while they are, and without a broker."""
        return self._consumer.hindrance or self._old.hindrance or self._stuck

    @property
    def notices(self) -> dict[str, str]:
        """What an operator should know though intake is ready."""
        found: dict[str, str] = {}
        if self.hindrance:
            found["commands"] = self.hindrance
        if (old := self.waiting.get(self._route.replaces)) is not None and old.messages:
            found[self._route.replaces] = f"{old.messages} commands wait in this queue of an earlier version"
        return found

    async def start(self) -> None:
        """Start in the background: intake accepts over HTTP while the broker is away."""
        if self._hosts.is_named:
            works = {"command-queue": self._in_order(), "commands": self._work(), "command-watch": self._watch()}
            self._tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]

    async def close(self) -> None:
        """Stop consuming; what is not acknowledged comes again."""
        for task in self._tasks:
            await cancel_and_wait(task)
        await self._consumer.close()
        await self._old.close()
        if self._replies is not None:
            await self._replies.close()

    async def _in_order(self) -> None:
        """Begin with the queue of an earlier version: what a sender put there came before what it puts here."""
        await self._old.start()
        while self._old.is_connected or not (self._old.is_absent or self._old.hindrance):
            old = self.waiting.get(self._route.replaces)
            if self._old.is_connected and old is not None and not old.messages:
                break
            await asyncio.sleep(0.1)
        await self._consumer.start()

    async def _declared(self, connection: aio_pika.abc.AbstractConnection) -> bool:
        # Each on a channel of its own, which a refusal closes. The queue is looked at every few seconds, for ever.
        async with connection.channel() as channel:
            await claim(channel, self._source, self._birth)
        async with connection.channel() as channel:
            await declare(channel, self._route)
        return True

    async def _is_there(self, connection: aio_pika.abc.AbstractConnection) -> bool:
        found = await waiting_in(connection, self._route.replaces)
        if found is not None:
            log.warning("old_queue_consumed", queue=self._route.replaces, messages=found[0])
        return found is not None

    def _keep_new(self, connection: int, tag: int, header: bytes, body: bytes) -> None:
        self._deliveries.put_nowait(_Taken(self._consumer, connection, tag, header, body))

    def _keep_old(self, connection: int, tag: int, header: bytes, body: bytes) -> None:
        self._deliveries.put_nowait(_Taken(self._old, connection, tag, header, body))

    async def _work(self) -> None:
        while True:
            taken = await self._deliveries.get()
            # Held, not returned: each return counts towards the broker's delivery limit, which drops.
            while taken.connection == taken.consumer.connection:  # else it comes again
                try:
                    await self._take(taken)
                except Passing:
                    await asyncio.sleep(RETRY_PAUSE)
                except Exception as error:  # dropping it would lose it
                    self._stuck = f"a command can be neither decided nor kept: {type(error).__name__}"
                    log.error("command_stuck", kind=type(error).__name__)
                    await asyncio.sleep(RETRY_PAUSE)
                else:
                    self._stuck = ""
                    await taken.consumer.ack(taken.connection, taken.tag)
                    break

    async def _take(self, taken: _Taken) -> None:
        try:
            sender = sender_of(taken.header)
        except ValueError:
            await self._intake.refuse_undecodable(taken.body)
            return
        before = ORIGIN.set(Origin(request_id_of(sender.message_id), sender.traceparent))
        try:
            answer = await self._intake.take(taken.body, sender.user_id, sender.message_id)
        finally:
            ORIGIN.reset(before)
        await self._reply(sender, answer)

    async def _reply(self, sender: Sender, answer: QueueAnswer) -> None:
        if not sender.reply_to:
            return
        if not may_answer_to(sender.reply_to, sender.user_id):
            self.unanswered_total += 1
            log.warning("reply_refused", caller=sender.user_id, why="reply_to is no queue of the sender's own")
            return
        try:
            async with asyncio.timeout(REPLY_TIMEOUT):
                await self._publish(sender, answer)
        except Exception as error:  # a reply queue that is gone takes nothing back of what was decided
            self.unanswered_total += 1
            log.warning("reply_failed", kind=type(error).__name__)

    async def _publish(self, sender: Sender, answer: QueueAnswer) -> None:
        if self._replies is None or self._replies.is_closed:
            self._replies = await self._hosts.connect_raw(WatchedTransport())
        channel = await self._replies.channel(publisher_confirms=True, on_return_raises=True)
        try:
            await channel.basic_publish(
                answer.body,
                routing_key=sender.reply_to,
                properties=spec.Basic.Properties(
                    content_type="application/json" if answer.accepted else "application/problem+json",
                    correlation_id=sender.correlation_id,
                    delivery_mode=2,
                ),
                # A direct reply is no queue: a mandatory one would come back.
                mandatory=not sender.reply_to.startswith(DIRECT_REPLY),
            )
        finally:
            await channel.close()

    async def _watch(self) -> None:
        """Look at what the broker says of both queues: a consumer may be lost without anybody being told."""
        while True:
            try:
                async with await self._hosts.connect() as connection:
                    while not connection.is_closed:
                        await self._look(connection)
                        await asyncio.sleep(LOOK_EVERY)
            except Exception as error:  # the broker is away: what is known of it is nothing
                self.waiting = {}
                log.info("queues_not_seen", kind=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, connection: aio_pika.abc.AbstractConnection) -> None:
        if self._consumer.is_connected:  # the exchange or the binding may be gone while the queue goes on
            await self._declared(connection)
        found: dict[str, QueueLoad] = {}
        for queue in (self._route.queue, self._route.replaces):
            seen = await waiting_in(connection, queue)
            found[queue] = QueueLoad() if seen is None else QueueLoad(*seen)
        before, self.waiting = self.waiting.get(self._route.replaces), found
        old = found[self._route.replaces]
        if old.messages and old != before:
            log.warning("old_queue_waiting", queue=self._route.replaces, messages=old.messages)


def may_answer_to(reply_to: str, user: str) -> bool:
    """Whether a queue is the sender's own: a direct reply, or named with the sender's name first. Never one of ours."""
    if reply_to.startswith(DIRECT_REPLY):
        return True
    return bool(user) and reply_to.startswith(f"{user}.") and not reply_to.startswith(OURS)
