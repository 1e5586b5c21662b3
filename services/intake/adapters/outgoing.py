"""Events leave by the relay: leased and fenced, in order, persistent, mandatory, advanced only after the confirms."""

import asyncio
import contextlib
import os
import socket
from typing import Any

import aio_pika
import asyncpg
import structlog
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError, PublishError

from shared.envelope import CONTENT_TYPE, to_message
from shared.events import Recorded
from shared.postgres import lease, store
from shared.postgres.pool import Notifications
from shared.postgres.store import Identity

RELAY = "intake"
EXCHANGE = "dialogue.events"
READER_QUEUE = "followup.events"
BATCH = 500
PUBLISH_TIMEOUT = 30.0  # seconds: `connection.ready()` is awaited outside aio-pika's own timeout
CONNECT_TIMEOUT = 10.0  # seconds
PAUSE = 1.0  # seconds between two tries, and between two looks without a notification

_TAKE_OVER = """
INSERT INTO relay_position AS r (name, position, fence) VALUES ($1, 0, $2)
ON CONFLICT (name) DO UPDATE SET fence = excluded.fence WHERE r.fence <= excluded.fence RETURNING position
"""
_ADVANCE = "UPDATE relay_position SET position = $3 WHERE name = $1 AND fence = $2 AND position = $4 RETURNING position"

log = structlog.get_logger("relay")


class LostLease(Exception):
    """Another process relays now."""


class Outgoing:
    """The relay of one process; of several only the holder of the lease publishes."""

    name = RELAY

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", notifications: Notifications, url: str) -> None:
        self._pool = pool
        self._notifications = notifications
        self._url = url
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._task: asyncio.Task[None] | None = None
        self.unroutable_total = 0
        self.is_leader = False

    async def start(self) -> None:
        """Start in the background; without a broker's URL events leave by the feed alone."""
        if self._url:
            self._task = asyncio.create_task(self._run(), name="relay")

    async def close(self) -> None:
        """Stop, and let another process take over at once."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await lease.release(self._pool, f"relay:{RELAY}", self._holder)

    async def _run(self) -> None:
        while True:
            try:
                if (fence := await self._leased()) is not None:
                    await self._relay(fence)
            except LostLease:
                log.info("relay_handed_over")
            except PublishError:
                # Returned: no queue takes it. It is tried again for ever, since skipping it would lose it.
                self.unroutable_total += 1
                log.error("event_unroutable", exchange=EXCHANGE)
            except (AMQPError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("relay_interrupted", kind=type(error).__name__)
            except Exception as error:  # the relay may fail, it may not end
                log.error("relay_failed", kind=type(error).__name__)
            self.is_leader = False
            await asyncio.sleep(PAUSE)

    async def _leased(self) -> int | None:
        return await lease.acquire(self._pool, f"relay:{RELAY}", self._holder)

    async def _relay(self, fence: int) -> None:
        position = await self._pool.fetchval(_TAKE_OVER, RELAY, fence)
        if position is None:
            raise LostLease
        connection = await aio_pika.connect(self._url, timeout=CONNECT_TIMEOUT)
        async with connection, self._notifications.subscribed() as event:
            exchange = await _declared(connection)
            self.is_leader = True
            log.info("relay_started", after=position)
            while True:
                event.clear()
                if await self._leased() != fence:
                    raise LostLease
                position = await self._publish_after(position, fence, exchange)
                if not event.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(event.wait(), PAUSE)
                if connection.is_closed:
                    raise ConnectionResetError("the broker went away")

    async def _publish_after(self, position: int, fence: int, exchange: AbstractExchange) -> int:
        """Publish everything after a position, batch by batch; the new position."""
        row = await self._pool.fetchrow("SELECT source, epoch FROM store_state")
        assert row is not None
        identity = Identity(row["source"], row["epoch"])
        while events := await store.read_page(self._pool, identity, position, BATCH):
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                # One channel, so they leave in order; gathered, so that the confirms are awaited together.
                await asyncio.gather(*(_publish(exchange, event) for event in events))
            moved = await self._pool.fetchval(_ADVANCE, RELAY, fence, events[-1].position, position)
            if moved is None or await self._leased() != fence:
                raise LostLease
            position = moved
        return position


async def _declared(connection: Any) -> AbstractExchange:
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    exchange: AbstractExchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue(READER_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(exchange, "#")
    return exchange


async def _publish(exchange: AbstractExchange, event: Recorded) -> None:
    message = to_message(event)
    await exchange.publish(
        aio_pika.Message(
            message.body,
            headers=dict(message.headers),
            content_type=CONTENT_TYPE,
            message_id=message.message_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        ),
        message.routing_key,
        mandatory=True,
    )
