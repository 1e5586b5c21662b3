"""Deliveries taken out of the byte stream: what aiormq still sees of a connection on which nothing else comes."""

import asyncio
import struct
from typing import Any

import pamqp.frame
import pytest
from pamqp.heartbeat import Heartbeat

from shared.rabbit import delivery_frames
from shared.rabbit.delivery_frames import DeliveryFrames, WatchedTransport

CHANNEL = 1


def delivery(tag: int) -> bytes:
    """The frames of one message with the body `x`."""
    method = b"\x00\x3c\x00\x3c" + b"\x01c" + struct.pack(">Q", tag) + b"\x00\x00\x00"
    header = struct.pack(">HHQH", 60, 0, 1, 0)
    parts = ((1, method), (2, header), (3, b"x"))
    return b"".join(struct.pack(">BHL", kind, CHANNEL, len(each)) + each + b"\xce" for kind, each in parts)


async def opened(monkeypatch: pytest.MonkeyPatch, taken: list[int]) -> tuple[asyncio.StreamReader, Any]:
    """What the broker writes to, and the reader that aiormq has."""
    source = asyncio.StreamReader()

    async def create(*_: object, **__: object) -> tuple[asyncio.StreamReader, None]:
        return source, None

    monkeypatch.setattr(WatchedTransport, "create", create)
    frames = DeliveryFrames()
    reader, _ = await frames.create(None)
    frames.open(CHANNEL, lambda tag, header, body: taken.append(tag))
    return source, reader


async def test_deliveries_alone__are_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_frames, "SIGN_OF_LIFE", 0.0)
    taken = list[int]()
    source, reader = await opened(monkeypatch, taken)
    for tag in (1, 2):
        source.feed_data(delivery(tag))
        size, channel, frame = pamqp.frame.unmarshal(await reader.readexactly(8))
        assert (size, channel, type(frame)) == (8, 0, Heartbeat)
    assert taken == [1, 2]


async def test_many_deliveries__are_one_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_frames, "SIGN_OF_LIFE", 3600.0)
    taken = list[int]()
    source, reader = await opened(monkeypatch, taken)
    asked = asyncio.create_task(reader.readexactly(16))
    for tag in range(10):
        source.feed_data(delivery(tag))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert taken == list(range(10)) and not asked.done()
    source.feed_data(b"\x08\x00\x00\x00\x00\x00\x00\xce" * 2)  # the broker's own
    assert len(await asked) == 16
