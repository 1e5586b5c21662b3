"""A small HTTP client for load: kept connections, bytes made beforehand, the time of each answer."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

_LENGTH = b"content-length: "


def post(path: str, body: bytes, key: str) -> bytes:
    """The bytes of one POST."""
    return request("POST", path, body, {"Idempotency-Key": key})


def request(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of one request with a JSON body."""
    own = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{own}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class BenchmarkConnection(asyncio.Protocol):
    """One connection that carries one request at a time."""

    def __init__(self) -> None:
        self._got = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        at = self._got.lower().find(_LENGTH, 0, end + 2)
        length = int(self._got[at + len(_LENGTH) : self._got.index(b"\r", at)]) if at >= 0 else 0
        if len(self._got) >= end + 4 + length:
            answer, self._got = self._got, b""
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())

    async def send(self, request: bytes) -> bytes:
        """The answer to a request. Raises OSError."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()


async def connect(url: str) -> BenchmarkConnection:
    """A connection to a server."""
    at = urlsplit(url)
    _, made = await asyncio.get_running_loop().create_connection(BenchmarkConnection, at.hostname, at.port)
    return made


async def load(url: str, requests: Sequence[bytes], connections: int, status: int = 201) -> tuple[float, list[float]]:
    """Requests a second over a number of connections, and the milliseconds of each. Every answer must be `status`."""
    opened = [await connect(url) for _ in range(connections)]
    expected = f"HTTP/1.1 {status} ".encode()
    taken: list[float] = []

    async def one(connection: BenchmarkConnection, mine: Iterator[bytes]) -> None:
        for request in mine:
            began = time.perf_counter()
            answer = await connection.send(request)
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.startswith(expected), answer[:500]

    began = time.perf_counter()
    await asyncio.gather(*(one(c, iter(requests[n::connections])) for n, c in enumerate(opened)))
    spent = time.perf_counter() - began
    for each in opened:
        each.close()
    return len(requests) / spent, taken
