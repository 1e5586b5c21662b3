"""Takes deliveries from the byte stream before aiormq makes tasks of them, with one call for each message, in order.

aiormq keeps the connection: its handshake, TLS, heartbeats, channels and their closing. Its transport factory gives the
place at which the frames of deliveries on one channel are taken out. The frames are those of AMQP 0-9-1, sections 2.3
and 4.2.
"""

import asyncio
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pamqp.frame
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from pamqp.header import ContentHeader

from shared.rabbit.publish_frames import PROPERTIES
from shared.sockets import watch_peer
from shared.trace import traceparent_of

#: Called for each delivery with its tag, its content header and its body.
OnDelivery = Callable[[int, bytes, bytes], None]

CHUNK = 1 << 18  # bytes
SIGN_OF_LIFE = 1.0  # seconds after which deliveries alone are a sign of life for aiormq
_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_BEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"  # a whole frame
_DELIVER = b"\x00\x3c\x00\x3c"  # class basic, method deliver
_FRAME = struct.Struct(">BHL")  # type, channel, size; an octet ends the frame
_CONTENT = struct.Struct(">HHQH")  # class, weight, size of the body, which properties follow


class WatchedTransport(TransportFactory):
    """Makes a transport as aiormq does, and has its peer watched."""

    async def create(
        self, url: Any, *, address: str = "", **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The transport to one address of the URL's host, with TLS where the URL says so.

        The host stays what the certificate must be for.
        """
        plain: TransportFactory = TCPTransportFactory()
        if url.scheme == "amqps":
            plain, kwargs["server_hostname"] = TLSTransportFactory(), url.host
        reader, writer = await plain.create(url.with_host(address) if address else url, **kwargs)
        watch_peer(writer)
        return reader, writer


class DeliveryFrames(TransportFactory):
    """Makes the connection's transport. After `open` the deliveries on that channel go to the callback."""

    def __init__(self) -> None:
        self.reader: _Reader | None = None

    def open(self, channel: int, on_delivery: OnDelivery) -> None:
        """Take the deliveries of a channel from now on."""
        assert self.reader is not None, "connect first"
        self.reader.channel, self.reader.on_delivery = channel, on_delivery

    async def create(self, url: Any, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The transport as aiormq makes it, with this reader before its own."""
        plain_reader, writer = await WatchedTransport().create(url, **kwargs)
        self.reader = _Reader(plain_reader)
        reader: Any = self.reader
        return reader, writer


class DecodableFrames(TransportFactory):
    """Makes a transport on which aiormq can decode everything: what it could not comes without its properties."""

    async def create(self, url: Any, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The transport as aiormq makes it, with a reader before its own."""
        frames = DeliveryFrames()
        _, writer = await frames.create(url, **kwargs)
        assert frames.reader is not None
        frames.reader.only_decodable = True
        reader: Any = frames.reader
        return reader, writer


class _Reader:
    """The reader of aiormq, which gets every frame but the deliveries."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.channel = -1
        self.only_decodable = False
        self.on_delivery: OnDelivery = _nobody
        self._reader = reader
        self._raw = b""  # read, and not yet a whole frame
        self._passed = bytearray()  # frames for aiormq
        self._tag = -1  # of the delivery that is being read
        self._header = b""
        self._missing = 0  # bytes of its body
        self._body: list[bytes] = []
        self._told_at = 0.0  # when aiormq last had something

    def at_eof(self) -> bool:
        return not self._passed and self._reader.at_eof()

    async def readexactly(self, count: int) -> bytes:
        while len(self._passed) < count:
            chunk = await self._reader.read(CHUNK)
            if not chunk:
                partial, self._passed = bytes(self._passed), bytearray()
                raise asyncio.IncompleteReadError(partial, count)
            self._take(chunk)
            self._show_life()
        found = bytes(self._passed[:count])
        del self._passed[:count]
        return found

    async def read(self, _: int = -1) -> bytes:
        found, self._passed = bytes(self._passed), bytearray()
        return found

    def _show_life(self) -> None:
        """Hand on a heartbeat where all that came were deliveries: the broker sends none while it delivers.

        aiormq would take a connection on which nothing else comes for a stuck one.
        """
        now = asyncio.get_running_loop().time()
        if self.channel >= 0 and not self._passed and now - self._told_at >= SIGN_OF_LIFE:
            self._passed += _BEAT
        if self._passed:
            self._told_at = now

    def _take(self, chunk: bytes) -> None:
        raw, at = self._raw + chunk if self._raw else chunk, 0
        while len(raw) - at >= _FRAME.size:
            kind, channel, size = _FRAME.unpack_from(raw, at)
            if kind not in (_METHOD, _HEADER, _BODY, _HEARTBEAT):  # no AMQP: aiormq says what is wrong with it
                self._passed += raw[at:]
                at = len(raw)
                break
            end = at + _FRAME.size + size + 1
            if len(raw) < end:
                break
            if channel != self.channel or not self._deliver(kind, raw, at + _FRAME.size, size):
                self._passed += _decodable(raw[at:end]) if self.only_decodable else raw[at:end]
            at = end
        self._raw = raw[at:]

    def _deliver(self, kind: int, raw: bytes, at: int, size: int) -> bool:
        """Handle a frame of a delivery. False means that the frame is none."""
        if kind == _METHOD:
            if raw[at : at + 4] != _DELIVER:
                return False
            start = at + 5 + raw[at + 4]  # behind the consumer's tag
            self._tag = int.from_bytes(raw[start : start + 8], "big")
            return True
        if self._tag < 0:  # the content of something else, such as a returned message
            return False
        if kind == _HEADER:
            self._missing = int.from_bytes(raw[at + 4 : at + 12], "big")
            self._header = raw[at : at + size]
            self._body = []
        else:
            self._body.append(raw[at : at + size])
            self._missing -= size
        if self._missing <= 0:
            tag, self._tag = self._tag, -1
            self.on_delivery(tag, self._header, b"".join(self._body))
        return True


def _decodable(frame: bytes) -> bytes:
    """A frame that pamqp can decode: without its routing key or its properties where it cannot decode them."""
    try:
        pamqp.frame.unmarshal(frame)
    except Exception:
        kind, channel, _ = _FRAME.unpack_from(frame)
        payload = frame[_FRAME.size : -1]
        if kind == _HEADER:
            payload = payload[: _CONTENT.size - 2] + b"\0\0"
        elif payload[:4] == _DELIVER:
            payload = payload[: 5 + payload[4] + 9] + b"\0\0"  # exchange and routing key are empty
        return _FRAME.pack(kind, channel, len(payload)) + payload + frame[-1:]
    return frame


def properties_of(payload: bytes) -> tuple[Mapping[str, Any], str | None]:
    """The headers and user id in a content header. Those of our relays are read here, others by pamqp."""
    _, _, _, flags = _CONTENT.unpack_from(payload)
    if flags == PROPERTIES:
        at = _CONTENT.size + 1 + payload[_CONTENT.size]  # behind the content type
        end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
        at += 4
        found: dict[str, Any] = {}
        while at < end:
            middle = at + 1 + payload[at]
            if payload[middle] != 0x53:  # "S": a text
                break
            stop = middle + 5 + int.from_bytes(payload[middle + 1 : middle + 5], "big")
            found[payload[at + 1 : middle].decode()] = payload[middle + 5 : stop].decode()
            at = stop
        else:
            at = end + 2 + payload[end + 1]  # behind the delivery mode and the message id
            return found, payload[at + 1 : at + 1 + payload[at]].decode()
    header = ContentHeader()
    header.unmarshal(payload)
    return header.properties.headers or {}, header.properties.user_id


class Sender(msgspec.Struct, frozen=True):
    """The properties by which a command is taken and answered; empty where the message has none."""

    user_id: str = ""
    message_id: str = ""
    reply_to: str = ""
    correlation_id: str = ""
    traceparent: str = ""


#: The properties in the order in which a content header has them: the bit of its flag, and its name or fixed size.
_TABLE = 13
_FIXED = {12: 1, 11: 1, 6: 8}  # delivery mode, priority, timestamp
_TEXTS = {10: "correlation_id", 9: "reply_to", 7: "message_id", 4: "user_id"}


def sender_of(payload: bytes) -> Sender:
    """What a content header says of its sender. Of its headers one is looked for, the trace. Raises ValueError."""
    try:
        _, _, _, flags = _CONTENT.unpack_from(payload)
        found: dict[str, str] = {}
        at = _CONTENT.size
        for bit in range(15, 1, -1):
            if not flags >> bit & 1:
                continue
            if bit == _TABLE:
                end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
                found["traceparent"] = _traceparent_in(payload[at + 4 : end])
                at = end
            elif bit in _FIXED:
                at += _FIXED[bit]
            else:
                end = at + 1 + payload[at]
                if bit in _TEXTS:
                    found[_TEXTS[bit]] = payload[at + 1 : end].decode()
                at = end
        if flags & 3 or at > len(payload):
            raise ValueError("properties beyond the protocol's")
    except (struct.error, IndexError) as error:
        raise ValueError("not a content header") from error
    return Sender(**found)


_TRACE = re.compile(rb"\x0btraceparentS\x00\x00\x00\x37([0-9a-f-]{55})")  # a header of this name, a text of 55 bytes


def _traceparent_in(table: bytes) -> str:
    """The trace that a table of headers names. It is searched, not decoded: others of it may be of any kind."""
    found = _TRACE.search(table)
    return traceparent_of(found[1].decode()) if found else ""


def _nobody(_: int, __: bytes, ___: bytes) -> None:
    raise AssertionError("nobody takes deliveries yet")
