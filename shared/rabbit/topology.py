"""The exchanges and queues of the pair. Arguments that are not named here are set by policy.

A virtual host belongs to one source. Changed arguments on an existing queue would fail its redeclaration, so a queue
that becomes another one gets another name, and the old one is read until it is empty.
"""

import re
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aio_pika
import msgspec
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue
from aio_pika.exceptions import ChannelPreconditionFailed

CONNECT_TIMEOUT = 10.0  # seconds
QUORUM = {"x-queue-type": "quorum"}
ONE_CONSUMER = {"x-single-active-consumer": True}  # the order of each sender holds with several processes

EVENTS_EXCHANGE = "dialogue.events"
COMMANDS_EXCHANGE = "dialogue.commands"
OWNER = "dialogue.source"  # nobody publishes to it: its one argument says whose virtual host this is
STORE = "intake.store"  # nor to it: its argument says by its first event which store of that name
#: What our own queues and exchanges begin with; no caller's does.
OURS = ("dialogue.", "intake.", "followup.")

_CURRENT = re.compile(r"current is '(?:[a-z]+\.[a-z]+\.)?([^']+)'")


class Route(msgspec.Struct, frozen=True):
    """A durable topic exchange and the quorum queue that takes from it what fits the pattern.

    `replaces` is the queue of an earlier version, which is never declared again.
    """

    exchange: str
    queue: str
    pattern: str = "#"
    one_consumer: bool = False
    replaces: str = ""


DEADLINES = Route("dialogue.deadlines", "followup.alerts")


class ForeignSource(Exception):
    """The virtual host belongs to another source, or to another store of the same name. The message names both."""


class Occupied(Exception):
    """A queue or exchange exists as another type or with other arguments. The message names it."""


def events_of(source: str) -> Route:
    """The way of a source's events to followup."""
    return Route(EVENTS_EXCHANGE, f"followup.{source}.events", replaces="followup.events")


def commands_of(source: str) -> Route:
    """The way of commands to the intake of a source, whose name is the routing key."""
    return Route(COMMANDS_EXCHANGE, f"intake.{source}.commands", source, one_consumer=True, replaces="intake.commands")


def user_of(url: str) -> str:
    """The user as whom a broker's URL connects. One without a user connects as `guest`, as aio-pika does."""
    return unquote(urlsplit(url).username or "guest")


async def declare(channel: AbstractChannel, route: Route) -> tuple[AbstractExchange, AbstractQueue]:
    """Create the exchange, its queue and the binding unless they exist. Safe to repeat. Raises Occupied."""
    arguments = QUORUM | (ONE_CONSUMER if route.one_consumer else {})
    try:
        exchange = await channel.declare_exchange(
            route.exchange, ExchangeType.TOPIC, durable=True, timeout=CONNECT_TIMEOUT
        )
        queue = await channel.declare_queue(
            route.queue, durable=True, arguments=dict(arguments), timeout=CONNECT_TIMEOUT
        )
        await queue.bind(exchange, route.pattern, timeout=CONNECT_TIMEOUT)
    except ChannelPreconditionFailed as error:
        raise Occupied(f"{route.queue} or {route.exchange} exists otherwise: {error}") from None
    return exchange, queue


async def claim(channel: AbstractChannel, source: str, birth: UUID | None = None) -> None:
    """Take the virtual host for a source, or find that it has it already. Raises ForeignSource.

    `birth` is the id of the store's first event, by which two stores of one name are told apart.
    """
    if (other := await _taken(channel, OWNER, source)) is not None:
        raise ForeignSource(
            f"the virtual host belongs to the source {other!r}, and this is {source!r}: give each source a virtual host"
        )
    if birth is not None and (known := await _taken(channel, STORE, str(birth))) is not None:
        raise ForeignSource(
            f"the virtual host belongs to the store {source!r} that begins with {known}, and this one, of the same "
            f"name, begins with {birth}: give each store its own INTAKE_SOURCE and virtual host; if this one stands in "
            f"for it, delete the exchange {STORE}"
        )


async def _taken(channel: AbstractChannel, exchange: str, owner: str) -> str | None:
    """Take an exchange for an owner; None, or the other owner that has it."""
    try:
        await channel.declare_exchange(
            exchange,
            ExchangeType.FANOUT,
            durable=True,
            internal=True,
            arguments={"alternate-exchange": f"{exchange}.{owner}"},  # the broker compares it, and says which it has
            timeout=CONNECT_TIMEOUT,
        )
    except ChannelPreconditionFailed as error:
        found = _CURRENT.search(str(error))
        return found[1] if found else "?"
    return None


async def waiting_in(connection: AbstractConnection, queue: str) -> tuple[int, int] | None:
    """How many messages wait in a queue and how many consume it; None where there is no such queue."""
    channel = await connection.channel()
    try:
        found = await channel.declare_queue(queue, passive=True, timeout=CONNECT_TIMEOUT)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return None
    result = found.declaration_result
    await channel.close()
    return result.message_count or 0, result.consumer_count or 0
