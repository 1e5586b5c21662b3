"""A stand-in for clamd that speaks INSTREAM, and knows one bad thing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

#: What the stand-in, and a signature of the tests for the real one, take for malicious.
MALICIOUS = b"doithoai-test-virus-5f1d"
STREAM_MAX = 40 << 20  # bytes


class StandInClamd:
    """What it was shown, and what it answers in place of its own finding."""

    def __init__(self) -> None:
        self.shown: list[bytes] = []
        self.answer = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            content = bytearray()
            while size := int.from_bytes(await reader.readexactly(4)):
                content += await reader.readexactly(size)
                assert len(content) <= STREAM_MAX
            self.shown.append(bytes(content))
            found = b"stream: Doithoai.Test FOUND" if MALICIOUS in content else b"stream: OK"
            writer.write((self.answer or found) + b"\0")
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def clamd_on_a_socket(path: Path) -> AsyncIterator[StandInClamd]:
    """The stand-in on a Unix socket."""
    made = StandInClamd()
    server = await asyncio.start_unix_server(made.serve, path)
    async with server:
        yield made


@contextlib.asynccontextmanager
async def clamd_on_a_port() -> AsyncIterator[tuple[StandInClamd, str]]:
    """The stand-in on a port of loopback, and its address."""
    made = StandInClamd()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
