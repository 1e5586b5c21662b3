"""The exchanges and queues of the pair. Only `x-queue-type` is an argument; everything else is set by policy."""

from urllib.parse import unquote, urlsplit

import msgspec
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue

CONNECT_TIMEOUT = 10.0  # seconds
QUORUM = {"x-queue-type": "quorum"}  # changed arguments on an existing queue would fail its redeclaration


class Route(msgspec.Struct, frozen=True):
    """A durable topic exchange and the quorum queue that takes everything from it."""

    exchange: str
    queue: str
    pattern: str = "#"


EVENTS = Route("dialogue.events", "followup.events")
DEADLINES = Route("dialogue.deadlines", "followup.alerts")
COMMANDS = "intake.commands"


def user_of(url: str) -> str:
    """The user as whom a broker's URL connects. One without a user connects as `guest`, as aio-pika does."""
    return unquote(urlsplit(url).username or "guest")


async def declare(channel: AbstractChannel, route: Route) -> tuple[AbstractExchange, AbstractQueue]:
    """Create the exchange, its queue and the binding unless they exist. Safe to repeat."""
    exchange = await channel.declare_exchange(route.exchange, ExchangeType.TOPIC, durable=True, timeout=CONNECT_TIMEOUT)
    queue = await channel.declare_queue(route.queue, durable=True, arguments=dict(QUORUM), timeout=CONNECT_TIMEOUT)
    await queue.bind(exchange, route.pattern, timeout=CONNECT_TIMEOUT)
    return exchange, queue
