"""Publishes many messages in one write to a channel, with one future for all their confirmations.

aiormq makes a task, a lock, three frames and a future for each message; the broker takes several times as many as that
can send. What is used of it is public and hardly documented: `lock`, `delivery_tag`, `confirmations`,
`message_id_delivery_tag`, `write_queue`. The frames are those of AMQP 0-9-1, sections 2.3 and 4.2.
"""

import asyncio
import functools
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from aiormq.abc import ChannelFrame
from aiormq.exceptions import PublishError

from shared.envelope import CONTENT_TYPE, Message

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC, _PUBLISH = 60, 40
_MANDATORY = 1
_PERSISTENT = 2
_FRAME = struct.Struct(">BHL")  # type, channel, size
_BASIC_PUBLISH = struct.Struct(">HHH")  # class, method, reserved
_BASIC_HEADER = struct.Struct(">HHQH")  # class, weight, size of the body, which properties follow
#: Which properties a message of ours has: content type, headers, delivery mode, message id, user id.
PROPERTIES = 1 << 15 | 1 << 13 | 1 << 12 | 1 << 7 | 1 << 4


class Batch:
    """Stands for each of its messages among a channel's confirmations, and counts the broker's answers."""

    def __init__(self, confirmed: "asyncio.Future[None]", pending: int) -> None:
        self.returned = 0
        self._confirmed, self._pending = confirmed, pending

    async def wait(self, timeout: float) -> None:
        """Wait until every message is confirmed.

        Raises PublishError when one was returned, DeliveryError when one was refused, TimeoutError, ConnectionError.
        """
        # Not awaited itself: a channel that closes rejects it with CancelledError, which would end our own task.
        await asyncio.wait({self._confirmed}, timeout=timeout)
        if not self._confirmed.done():
            raise TimeoutError("the broker did not confirm")
        error = None if self._confirmed.cancelled() else self._confirmed.exception()
        if isinstance(error, Exception):
            raise error
        if self._pending:
            raise ConnectionResetError("the channel was closed")

    @property
    def is_settled(self) -> bool:
        """Whether the broker has answered for every message, or the batch has failed."""
        return self._confirmed.done()

    @property
    def is_confirmed(self) -> bool:
        """Whether every message is confirmed already."""
        return self.is_settled and not self._pending

    async def settled_or(self, event: asyncio.Event, timeout: float) -> None:
        """Wait until the batch is settled, the event is set, or `timeout` seconds have passed."""
        waiting: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
        both: set[asyncio.Future[Any]] = {self._confirmed, waiting}
        try:
            await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    # --- what the channel asks of a confirmation ---

    def done(self) -> bool:
        return False

    def cancelled(self) -> bool:
        return False

    def set_result(self, _: object) -> None:
        self._pending -= 1
        if not self._pending and not self._confirmed.done():
            self._confirmed.set_result(None)

    def set_exception(self, error: BaseException) -> None:
        self.returned += isinstance(error, PublishError)
        if not self._confirmed.done():
            self._confirmed.set_exception(error)


async def publish(channel: Any, exchange: str, messages: Sequence[Message], user_id: str) -> Batch:
    """Send messages persistently and mandatory, in order and before the next batch.

    The channel has confirms on and raises on return. `user_id` is the user of its connection: the broker closes the
    channel over any other. `Batch.wait` tells what became of the messages.
    """
    batch = Batch(channel.create_future(), len(messages))
    frames: list[bytes] = []
    for message in messages:
        frames += _frames(channel.number, exchange, message, channel.max_content_size, user_id)
    async with channel.lock:
        for message in messages:
            channel.delivery_tag += 1
            channel.confirmations[channel.delivery_tag] = batch
            channel.message_id_delivery_tag[message.message_id] = channel.delivery_tag
        drained = channel.create_future()
        await channel.write_queue.put(ChannelFrame(b"".join(frames), False, drained))
        await drained
    return batch


def forget(channel: Any, messages: Iterable[Message]) -> None:
    """Drop the ids of messages that were confirmed."""
    for message in messages:
        channel.message_id_delivery_tag.pop(message.message_id, None)


def _frames(number: int, exchange: str, message: Message, largest: int, user_id: str) -> list[bytes]:
    method = b"".join(
        (
            _BASIC_PUBLISH.pack(_BASIC, _PUBLISH, 0),
            _short(exchange),
            _short(message.routing_key),
            b"\x01",  # mandatory, not immediate
        )
    )
    fields = b"".join([_short(name) + _long(value) for name, value in message.headers.items()])
    header = b"".join(
        (
            _BASIC_HEADER.pack(_BASIC, 0, len(message.body), PROPERTIES),
            _short(CONTENT_TYPE),
            len(fields).to_bytes(4, "big"),
            fields,
            bytes((_PERSISTENT, len(message.message_id))),
            message.message_id.encode(),
            _short(user_id),
        )
    )
    frames = [_FRAME.pack(_METHOD, number, len(method)), method, _END]
    frames += (_FRAME.pack(_HEADER, number, len(header)), header, _END)
    for start in range(0, len(message.body), largest):
        part = message.body[start : start + largest]
        frames += (_FRAME.pack(_BODY, number, len(part)), part, _END)
    return frames


@functools.lru_cache(maxsize=4096)
def _short(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise ValueError(f"longer than 255 bytes: {text[:40]}...")
    return bytes((len(raw),)) + raw


def _long(text: str) -> bytes:
    raw = text.encode()
    return b"S" + len(raw).to_bytes(4, "big") + raw
