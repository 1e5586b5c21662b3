"""A proxy before a PostgreSQL socket that loses what matters: the answer to a COMMIT, or the COMMIT for a while."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

COMMIT = b"COMMIT"
CHUNK = 65536  # bytes

Fault = Literal["", "lose_answer", "hold_commit"]


class CommitProxy:
    """Passes everything on but for one fault at the next COMMIT; then it is a plain proxy again.

    `lose_answer`: the server commits, the client's connection ends before it learns so. `hold_commit`: the client's
    connection ends, and the COMMIT reaches the server only once `released` is set.
    """

    def __init__(self) -> None:
        self.fault: Fault = ""
        self.released = asyncio.Event()
        self.faults_total = 0
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
                if self.fault and COMMIT in chunk:
                    back.cancel()
                    await self._spoil(chunk, writer, up_reader, up_writer)
                    return
                up_writer.write(chunk)
                await up_writer.drain()
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            writer.close()
            up_writer.close()

    async def _spoil(
        self,
        commit: bytes,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        fault, self.fault = self.fault, ""
        self.faults_total += 1
        writer.close()
        if fault == "hold_commit":
            await self.released.wait()
        up_writer.write(commit)
        await up_reader.read(1)  # the server has answered, so it has committed


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
