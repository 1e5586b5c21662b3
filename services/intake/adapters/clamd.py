"""ClamAV's daemon looks through a file before it is kept, by the command INSTREAM of its protocol."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import structlog

from services.intake.application.uploads import InfectedFile, ScannerAway

CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 60.0  # seconds for a whole file
CLEAN, FOUND = b"stream: OK", b" FOUND"
LONGEST_ANSWER = 4096  # bytes

log = structlog.get_logger("scanner")


class Clamd:
    """A clamd at `unix:///run/clamav/clamd.ctl` or `tcp://host:3310`. Raises ValueError for any other address."""

    def __init__(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            self._path, self._host, self._port = parts.path, parts.hostname or "", parts.port or 0
        except ValueError:
            raise ValueError(f"{address!r} is no address") from None
        is_unix = parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/")
        is_tcp = parts.scheme == "tcp" and self._host and self._port and not parts.path
        if not (is_unix or is_tcp):
            raise ValueError("name a socket as unix:///run/clamav/clamd.ctl, or a port as tcp://host:3310")
        self._is_unix = is_unix

    async def scan(self, blocks: Iterator[bytes]) -> None:
        """Show it a file. Raises InfectedFile, ScannerAway."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                answer = await self._asked(blocks)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("scanner_away", kind=type(error).__name__)
            raise ScannerAway from None
        if answer.endswith(FOUND):
            # Its word is the name of a signature, and nothing of the file.
            log.warning(
                "file_infected",
                signature=answer.removeprefix(b"stream: ").removesuffix(FOUND).decode("ascii", "replace"),
            )
            raise InfectedFile
        if answer != CLEAN:
            log.error("scanner_refused", answer=answer.decode("ascii", "replace"))
            raise ScannerAway

    async def _asked(self, blocks: Iterator[bytes]) -> bytes:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            if self._is_unix:
                reader, writer = await asyncio.open_unix_connection(self._path)
            else:
                reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            try:
                writer.write(b"zINSTREAM\0")
                while block := await asyncio.to_thread(next, blocks, b""):
                    writer.write(len(block).to_bytes(4) + block)
                    await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            except ConnectionError:
                pass  # it has heard enough, and says so before it hangs up
            answer = await reader.read(LONGEST_ANSWER)
            while answer and not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
                more = await reader.read(LONGEST_ANSWER)
                if not more:
                    break
                answer += more
            return answer.rstrip(b"\0\n")
        finally:
            writer.close()
