"""The ceilings on RabbitMQ: a blocking socket that writes frames made beforehand and looks at nothing but tags."""

import socket
import struct
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import pamqp.frame
from pamqp import commands as spec
from pamqp.header import ProtocolHeader

WINDOW = 1_000  # messages in flight, as the relay has
CHUNK = 250  # messages in one write
_ACK = struct.Struct(">BHLHHQB")  # a frame's head, class and method, tag, multiple


class RawChannel:
    """One connection with one channel."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._socket = socket.create_connection((at.hostname or "", at.port or 5672))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self._socket.sendall(ProtocolHeader().marshal())
        self._expect("Connection.Start")
        self.send(0, spec.Connection.StartOk(mechanism="PLAIN", response=f"\0{at.username}\0{at.password}"))
        tune: Any = self._expect("Connection.Tune")
        self.send(0, spec.Connection.TuneOk(tune.channel_max, tune.frame_max, 0))
        self.send(0, spec.Connection.Open(virtual_host=unquote(at.path[1:])))
        self._expect("Connection.OpenOk")
        self.send(1, spec.Channel.Open())
        self._expect("Channel.OpenOk")

    def send(self, channel: int, frame: Any) -> None:
        self._socket.sendall(pamqp.frame.marshal(frame, channel))

    def call(self, frame: Any, answer: str) -> None:
        self.send(1, frame)
        self._expect(answer)

    def close(self) -> None:
        self._socket.close()

    def _expect(self, name: str) -> Any:
        while True:
            used, _, frame = pamqp.frame.unmarshal(self._rest) if len(self._rest) >= 8 else (0, 0, None)
            if used:
                self._rest = self._rest[used:]
                assert frame.name == name, frame
                return frame
            self._read()

    def _read(self) -> None:
        got = self._socket.recv(1 << 18)
        assert got, "the broker closed the connection"
        self._rest += got

    def publish(self, publishes: Sequence[bytes]) -> float:
        """Messages a second, confirmed; each of `publishes` is the frames of one."""
        self.call(spec.Confirm.Select(), "Confirm.SelectOk")
        sent = confirmed = 0
        singles: set[int] = set()
        began = time.perf_counter()
        while confirmed < len(publishes):
            while sent < len(publishes) and sent - confirmed < WINDOW:
                self._socket.sendall(b"".join(publishes[sent : sent + CHUNK]))
                sent += len(publishes[sent : sent + CHUNK])
            self._read()
            at = 0
            while len(self._rest) - at >= _ACK.size + 1:
                _, _, _, _, method, tag, multiple = _ACK.unpack_from(self._rest, at)
                assert method == 80, f"not an ack: {method}"
                at += _ACK.size + 1
                if multiple:
                    confirmed = max(confirmed, tag)
                else:
                    singles.add(tag)
                while confirmed + 1 in singles:
                    confirmed += 1
                    singles.discard(confirmed)
            self._rest = self._rest[at:]
        return len(publishes) / (time.perf_counter() - began)

    def consume(self, queue: str, count: int, prefetch: int) -> float:
        """Deliveries a second, acknowledged in halves of the prefetch; what they hold is not looked at."""
        self.call(spec.Basic.Qos(prefetch_count=prefetch), "Basic.QosOk")
        began = time.perf_counter()
        self.call(spec.Basic.Consume(queue=queue), "Basic.ConsumeOk")
        seen = acknowledged = 0
        while seen < count:
            at = 0
            while len(self._rest) - at >= 7:
                kind, _, size = struct.unpack_from(">BHL", self._rest, at)
                if len(self._rest) - at < size + 8:
                    break
                seen += kind == 1  # a delivery's method frame
                at += size + 8
            self._rest = self._rest[at:]
            if seen - acknowledged >= prefetch // 2:
                # Not the last one: its header or body may still be on the way.
                acknowledged = seen - 1
                self.send(1, spec.Basic.Ack(delivery_tag=acknowledged, multiple=True))
            if seen < count:
                self._read()
        return count / (time.perf_counter() - began)
