"""HTTP/1.1 over one kept connection, with no more than a load generator needs: it must not cost what it measures."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from shared.http.loopback import is_loopback

TIMEOUT = 30.0  # seconds for one answer
DEFAULT_PORT = 80


#: What a connection may raise.
BROKEN = (OSError, TimeoutError, EOFError, ValueError)


class NotLoopback(ValueError):
    """The host is not this machine, and load goes nowhere else."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """The status and body of an answer."""

    status: int
    body: bytes


class Address(msgspec.Struct, frozen=True):
    """Where a service listens on this machine, and the token for it."""

    host: str
    port: int
    token: str = ""


def address_of(url: str, token: str = "") -> Address:
    """The address in a URL. Raises NotLoopback."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not is_loopback(host):
        raise NotLoopback(f"{host or url!r} is not this machine: load is generated on loopback only")
    if parts.scheme != "http":
        raise NotLoopback(f"{url!r}: a service on loopback is reached by http://")
    return Address(host, parts.port or DEFAULT_PORT, token)


class HttpConnection:
    """One connection, opened when first needed and again after it broke."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Send one request. Raises OSError, TimeoutError, EOFError, ValueError; the connection is then closed."""
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await self._open()
                writer.write(self._head(method, path, len(body), headers or {}) + body)
                return await _answer(reader)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it. The next request opens it again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._address.host, self._address.port)
        return self._streams

    def _head(self, method: str, path: str, length: int, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._address.host}:{self._address.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if length:
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        if self._address.token:
            lines.append(f"Authorization: Bearer {self._address.token}")
        return "\r\n".join([*lines, "", ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> HttpAnswer:
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line[:15].lower() == b"content-length:"), None)
    if length is None:
        raise ValueError("an answer without Content-Length")
    return HttpAnswer(int(status.split(b" ", 2)[1]), await reader.readexactly(length))
