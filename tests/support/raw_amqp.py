"""AMQP 0-9-1 as it goes over the wire, so that a message may be what no library would send."""

import asyncio
import struct
from typing import Any
from urllib.parse import unquote, urlsplit

import pamqp.frame
from pamqp import commands as spec
from pamqp.header import ProtocolHeader

_FRAME = struct.Struct(">BHL")
_END = b"\xce"


class RawSender:
    """One connection with one channel, on which content headers are sent as they are given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, url: str) -> "RawSender":
        """Log in and open a channel with confirmations."""
        at = urlsplit(url)
        made = cls(*await asyncio.open_connection(at.hostname, at.port))
        made._writer.write(ProtocolHeader().marshal())
        await made.expect("Connection.Start")
        login = f"\0{unquote(at.username or '')}\0{unquote(at.password or '')}"
        made._send(0, spec.Connection.StartOk(mechanism="PLAIN", response=login))
        tune: Any = await made.expect("Connection.Tune")
        made._send(0, spec.Connection.TuneOk(channel_max=1, frame_max=tune.frame_max, heartbeat=0))
        made._send(0, spec.Connection.Open(virtual_host=unquote(at.path[1:]) or "/"))
        await made.expect("Connection.OpenOk")
        made._send(1, spec.Channel.Open())
        await made.expect("Channel.OpenOk")
        made._send(1, spec.Confirm.Select())
        await made.expect("Confirm.SelectOk")
        return made

    async def publish(self, exchange: str, routing_key: str, flags: int, properties: bytes, body: bytes) -> str:
        """Publish with these bytes as properties; the name of the broker's answer."""
        self._send(1, spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True))
        self._frame(2, struct.pack(">HHQH", 60, 0, len(body), flags) + properties)
        for start in range(0, len(body), 100_000):
            self._frame(3, body[start : start + 100_000])
        await self._writer.drain()
        return (await self.next()).name

    async def expect(self, name: str) -> Any:
        """The next frame, which must be of this kind."""
        found = await self.next()
        assert found.name == name, (found.name, getattr(found, "reply_text", ""))
        return found

    async def next(self) -> Any:
        """The next method frame."""
        while True:
            head = await self._reader.readexactly(_FRAME.size)
            kind, _, size = _FRAME.unpack(head)
            payload = await self._reader.readexactly(size + 1)
            if kind == 1:
                return pamqp.frame.unmarshal(head + payload)[2]

    async def garbage(self, raw: bytes) -> None:
        """Send bytes that are no frame."""
        self._writer.write(raw)
        await self._writer.drain()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _send(self, channel: int, frame: Any) -> None:
        self._writer.write(pamqp.frame.marshal(frame, channel))

    def _frame(self, kind: int, payload: bytes) -> None:
        self._writer.write(_FRAME.pack(kind, 1, len(payload)) + payload + _END)


def short(text: bytes) -> bytes:
    """A short string."""
    return bytes((len(text),)) + text


def table(*fields: bytes) -> bytes:
    """A field table of fields that are encoded already."""
    raw = b"".join(fields)
    return struct.pack(">L", len(raw)) + raw
