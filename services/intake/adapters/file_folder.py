"""The folder that holds the sealed bytes of files. Several processes may share it; none holds anything else in it.

`incoming/` is where files arrive: under a drawn name with `.part` behind it while they are written, under their stored
name once they are whole. From there they are put in their place, `ab/ab12…`. Whoever dies in between leaves something
in `incoming/` and nowhere else.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from services.intake.adapters.file_types import has_parts_of_docx
from services.intake.adapters.sealed_files import SealedReader, SealingWriter
from services.intake.application.ports import DamagedFile, MissingFile

INCOMING, PART = "incoming", ".part"
AT_ONCE = 1 << 20  # bytes that are written or read in one go
LEFT_OVER = 3600.0  # seconds after which nobody works any more on what lies in `incoming/`


class LocalFolder:
    """A folder of this machine, or one that is mounted on every machine with an intake of the store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / INCOMING).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.check()

    def check(self) -> None:
        """Whether it takes files. Raises OSError."""
        trial = self._folder / INCOMING / f"{secrets.token_hex(8)}{PART}"
        trial.touch(mode=0o600)
        trial.unlink()

    @contextlib.asynccontextmanager
    async def incoming(self, key: bytes) -> AsyncIterator["ArrivingFile"]:
        """Begin a file that is sealed under a key."""
        file = await asyncio.to_thread(ArrivingFile, self, self._folder / INCOMING, key)
        try:
            yield file
        finally:
            await asyncio.to_thread(file.discard)

    def holds(self, stored_name: str) -> bool:
        """Whether the sealed bytes are there."""
        # Looked for a second time in its place: it may be put there between the two.
        paths = (self._place(stored_name), self._arrived(stored_name), self._place(stored_name))
        return any(path.exists() for path in paths)

    async def blocks(self, stored_name: str, key: bytes, size: int) -> AsyncIterator[bytes]:
        """The file, block by block, each verified. Raises MissingFile, DamagedFile."""
        reader = await asyncio.to_thread(self._open, stored_name, key)
        try:
            if reader.size != size:
                raise DamagedFile
            found = _in_blocks(reader.chunks())
            while block := await asyncio.to_thread(next, found, b""):
                yield block
        finally:
            reader.close()

    def remove(self, stored_name: str) -> None:
        """Delete sealed bytes; it is none the worse where they are gone."""
        for path in (self._place(stored_name), self._arrived(stored_name)):
            path.unlink(missing_ok=True)

    def left_over(self) -> tuple[Sequence[str], Sequence[str]]:
        """The stored names of what is not in its place, and the old ones of them. Half a file that is old goes."""
        names, old = list[str](), list[str]()
        for entry in os.scandir(self._folder / INCOMING):
            with contextlib.suppress(FileNotFoundError):  # somebody else put it in its place
                is_old = time.time() - entry.stat().st_mtime > LEFT_OVER
                if not entry.name.endswith(PART):
                    names.append(entry.name)
                    old += [entry.name] if is_old else []
                elif is_old:
                    os.unlink(entry.path)
        return names, old

    def put_in_place(self, stored_name: str) -> None:
        """Move what has arrived to where it stays. It is none the worse where it is there already."""
        place = self._place(stored_name)
        place.parent.mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            self._arrived(stored_name).rename(place)
        for folder in (place.parent, self._folder, self._folder / INCOMING):
            sync_folder(folder)

    def _open(self, stored_name: str, key: bytes) -> SealedReader:
        for path in (self._place(stored_name), self._arrived(stored_name), self._place(stored_name)):
            with contextlib.suppress(FileNotFoundError):
                return SealedReader(path.open("rb"), key)
        raise MissingFile

    def _place(self, stored_name: str) -> Path:
        return self._folder / stored_name[:2] / stored_name

    def _arrived(self, stored_name: str) -> Path:
        return self._folder / INCOMING / stored_name


class ArrivingFile:
    """A file that is being stored. What is not kept in the end leaves nothing behind."""

    def __init__(self, folder: LocalFolder, incoming: Path, key: bytes) -> None:
        self._folder, self._incoming, self._key = folder, incoming, key
        self._path: Path | None = incoming / f"{secrets.token_hex(16)}{PART}"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._output = os.fdopen(descriptor, "wb")
        self._sealing = SealingWriter(self._output, key)
        self._held, self._held_size = list[bytes](), 0

    @property
    def size(self) -> int:
        """How much of the file has come, in bytes."""
        return self._sealing.size + self._held_size

    @property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        return self._sealing.digest

    @property
    def stored_name(self) -> str:
        """The SHA-256 of its sealed bytes."""
        return self._sealing.stored_name

    async def write(self, block: bytes) -> None:
        """Take in more of the file."""
        self._held.append(block)
        self._held_size += len(block)
        if self._held_size >= AT_ONCE:
            await asyncio.to_thread(self._write)

    async def finish(self) -> None:
        """Write the end, and make all of it durable."""
        await asyncio.to_thread(self._finish)

    def has_parts_of_docx(self) -> bool:
        """Whether a finished file is a ZIP with the parts of a DOCX."""
        with self._read() as reader:
            return has_parts_of_docx(reader)

    def blocks(self) -> Iterator[bytes]:
        """The finished file, read back."""
        with self._read() as reader:
            yield from _in_blocks(reader.chunks())

    async def keep(self) -> None:
        """Put the file where it stays; the row that says what it is has been committed."""
        self._path = None
        await asyncio.to_thread(self._folder.put_in_place, self.stored_name)

    def discard(self) -> None:
        """Leave nothing behind of what was not kept."""
        self._output.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        data, self._held, self._held_size = b"".join(self._held), [], 0
        self._sealing.write(data)

    def _finish(self) -> None:
        self._write()
        self._sealing.finish()
        self._output.flush()
        os.fsync(self._output.fileno())
        self._output.close()
        assert self._path is not None
        self._path = self._path.rename(self._incoming / self.stored_name)
        sync_folder(self._incoming)

    def _read(self) -> SealedReader:
        assert self._path is not None
        return SealedReader(self._path.open("rb"), self._key)


def _in_blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same in pieces of about a mebibyte: each costs a way to a thread and back."""
    held, size = list[bytes](), 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= AT_ONCE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
