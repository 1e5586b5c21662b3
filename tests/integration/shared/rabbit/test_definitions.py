"""The users and rights of deploy/rabbitmq on a real broker: who may do what, right by right."""

from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import aiormq
import pytest

from shared.rabbit.topology import DEADLINES, claim, commands_of, declare, events_of
from tests.support.rabbit import UrlOf

COMMANDS, EVENTS = commands_of("local"), events_of("local")


@pytest.fixture
async def declared(broker_url_of: UrlOf) -> None:
    """What the services declare, each as its own user."""
    async with await aio_pika.connect(broker_url_of("intake")) as connection:
        await claim(await connection.channel(), "local")
        for route in (COMMANDS, EVENTS):
            await declare(await connection.channel(), route)
    async with await aio_pika.connect(broker_url_of("followup")) as connection:
        for route in (EVENTS, DEADLINES):
            await declare(await connection.channel(), route)


async def publish(channel: Any, exchange: str, key: str, **properties: Any) -> None:
    target = channel.default_exchange if not exchange else await channel.get_exchange(exchange, ensure=False)
    await target.publish(aio_pika.Message(b"{}", **properties), key, mandatory=False)


def publishes(exchange: str, key: str, **properties: Any) -> Callable[[Any], Awaitable[Any]]:
    return lambda channel: publish(channel, exchange, key, **properties)


async def _ignored(_: Any) -> None:
    pass


def reads(queue: str) -> Callable[[Any], Awaitable[Any]]:
    async def read(channel: Any) -> None:
        found = await channel.get_queue(queue, ensure=False)
        await found.cancel(await found.consume(_ignored))

    return read


def declares(queue: str, **arguments: Any) -> Callable[[Any], Awaitable[Any]]:
    return lambda channel: channel.declare_queue(queue, arguments=arguments or None, auto_delete=True)


def deletes(queue: str) -> Callable[[Any], Awaitable[Any]]:
    return lambda channel: channel.queue_delete(queue)


def binds(exchange: str, key: str, queue: str = "portal.news") -> Callable[[Any], Awaitable[Any]]:
    async def bind(channel: Any) -> None:
        if queue.startswith("portal."):
            await channel.declare_queue(queue, auto_delete=True)
        await (await channel.get_queue(queue, ensure=False)).bind(exchange, key)

    return bind


RIGHTS: dict[str, tuple[str, Callable[[Any], Awaitable[Any]], bool]] = {
    "queues a command": ("portal", publishes("dialogue.commands", "local", user_id="portal"), True),
    "queues for another source": ("portal", publishes("dialogue.commands", "other"), False),
    "queues as another user": ("portal", publishes("dialogue.commands", "local", user_id="intake"), False),
    "has a queue of its own": ("portal", declares("portal.replies"), True),
    "binds its province": ("portal", binds("dialogue.events", "petition.#.H35.#"), True),
    "binds its commune": ("portal", binds("dialogue.deadlines", "deadline.deadline_breached.H35.10.31"), True),
    "binds everything": ("portal", binds("dialogue.events", "#"), False),
    "binds a neighbour": ("portal", binds("dialogue.events", "petition.#.H36.#"), False),
    "binds a neighbour's deadlines": ("portal", binds("dialogue.deadlines", "*.*.H36"), False),
    "binds whose name begins alike": ("portal", binds("dialogue.events", "*.*.H355"), False),
    "publishes an event": ("portal", publishes("dialogue.events", "petition.petition_received.H35"), False),
    "publishes a deadline": ("portal", publishes("dialogue.deadlines", "deadline.deadline_raised.H35"), False),
    "publishes to the default exchange": ("portal", publishes("", EVENTS.queue), False),
    "publishes to its own queue by it": ("portal", publishes("", "portal.replies"), False),
    "reads commands": ("portal", reads(COMMANDS.queue), False),
    "reads followup's events": ("portal", reads(EVENTS.queue), False),
    "reads another's replies": ("portal", reads("other.replies"), False),
    "declares ours": ("portal", declares("followup.other.events"), False),
    "deletes ours": ("portal", deletes(COMMANDS.queue), False),
    "declares another's": ("portal", declares("portal2.replies"), False),
    "binds our queue": ("portal", binds("dialogue.events", "petition.#.H35.#", EVENTS.queue), False),
    "dead-letters to events": (
        "portal",
        declares("portal.trap", **{"x-dead-letter-exchange": "dialogue.events"}),
        False,
    ),
    "dead-letters to queues": ("portal", declares("portal.trap", **{"x-dead-letter-exchange": ""}), False),
    "intake publishes events": ("intake", publishes("dialogue.events", "a.b.H35", user_id="intake"), True),
    "intake answers": ("intake", publishes("", "portal.replies"), True),
    "intake reads commands": ("intake", reads(COMMANDS.queue), True),
    "intake reads no events": ("intake", reads(EVENTS.queue), False),
    "intake raises no deadline": ("intake", publishes("dialogue.deadlines", "a.b.H35"), False),
    "followup raises deadlines": ("followup", publishes("dialogue.deadlines", "a.b.H35", user_id="followup"), True),
    "followup reads events": ("followup", reads(EVENTS.queue), True),
    "followup publishes no event": ("followup", publishes("dialogue.events", "a.b.H35"), False),
    "followup queues no command": ("followup", publishes("dialogue.commands", "local"), False),
    "followup reads no command": ("followup", reads(COMMANDS.queue), False),
    "followup reaches no queue": ("followup", publishes("", COMMANDS.queue), False),
    "monitoring reads nothing": ("monitoring", reads(COMMANDS.queue), False),
    "monitoring publishes nothing": ("monitoring", publishes("dialogue.commands", "local"), False),
    "monitoring declares nothing": ("monitoring", declares("monitoring.queue"), False),
}


@pytest.mark.parametrize("right", RIGHTS)
async def test_right(broker_url_of: UrlOf, declared: None, right: str) -> None:
    user, act, allowed = RIGHTS[right]
    async with await aio_pika.connect(broker_url_of(user)) as connection:
        channel = await connection.channel(publisher_confirms=True)
        if allowed:
            await act(channel)
        else:
            with pytest.raises((aiormq.exceptions.ChannelAccessRefused, aiormq.exceptions.ChannelPreconditionFailed)):
                await act(channel)
