"""A proxy before a PostgreSQL socket that loses one append: its answer, or the append itself until it is sent again."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

CHUNK = 65536  # bytes

Fault = Literal["", "lose_answer", "hold"]


class LossyProxy:
    """Passes everything on but for one fault at the next append; then it is a plain proxy again.

    `lose_answer`: the server gets the append, the client's connection ends before the answer. `hold`: the client's
    connection ends, and the append reaches the server just before its second try does. `pattern`: bytes of an append.
    """

    def __init__(self, pattern: bytes) -> None:
        self.fault: Fault = ""
        self.faults_total = 0
        self._pattern = pattern
        self._again = asyncio.Event()
        self._arrived = asyncio.Event()
        self._serving: set[asyncio.Task[Any]] = set()

    @contextlib.asynccontextmanager
    async def before(self, dsn: str) -> AsyncIterator[str]:
        """The dsn of a database through the proxy."""
        parts = urlsplit(dsn)
        path = f"{unquote(parse_qs(parts.query)['host'][0])}/.s.PGSQL.5432"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._serving.add(task)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer, *await asyncio.open_unix_connection(path))

        with tempfile.TemporaryDirectory(prefix="proxy-") as own:
            server = await asyncio.start_unix_server(serve, Path(own) / ".s.PGSQL.5432")
            try:
                yield urlunsplit(parts._replace(query=f"host={own}"))
            finally:
                server.close()
                for task in self._serving:
                    task.cancel()
                await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        back = asyncio.create_task(_copy(up_reader, writer))
        try:
            while chunk := await reader.read(CHUNK):
                if self._pattern in chunk and self.fault:
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    writer.close()
                    await self._spoil(chunk, up_reader, up_writer)
                    return
                if self._pattern in chunk and self.faults_total:
                    self._again.set()
                    await self._arrived.wait()
                up_writer.write(chunk)
                await up_writer.drain()
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            writer.close()
            up_writer.close()

    async def _spoil(self, append: bytes, up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter) -> None:
        fault, self.fault = self.fault, ""
        self.faults_total += 1
        self._arrived.clear()
        if fault == "hold":
            await self._again.wait()
        up_writer.write(append)
        await up_reader.read(1)  # the server has answered, so it has done it
        self._arrived.set()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
