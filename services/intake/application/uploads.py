"""Taking files in: sealed as they come, told by what stands in them, looked through, kept until a command names them.

WrongUpload
├── EmptyFile        nothing was sent
├── TooLargeFile     it is longer than is taken
├── UnknownFileType  it is none of the types that are taken
└── InfectedFile     the scanner knows something bad in it
ScannerAway          nobody can say whether something bad is in it
TooMuchUnnamed       what its caller has sent and no command has named yet is too much already
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import PurePosixPath
from typing import Protocol

import msgspec

from services.intake.application.ports import FileFolder, FileRecords, FileSeals, IncomingFile, NewUpload
from shared.identifiers import normalised

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#: The types that are taken, each with how the name of a file of it ends; the first is what a name is given.
FILE_TYPES = {PDF: (".pdf",), DOCX: (".docx",), JPEG: (".jpg", ".jpeg"), PNG: (".png",)}
HEAD = 8192  # bytes by which a file is told
KEY_BYTES = 32
MOST_UNNAMED = 2 * 2**30  # bytes of one caller that no command has named: nobody fills the folder by sending alone
LONGEST_NAME = 150  # characters of a file's name that are kept


class WrongUpload(Exception):
    """A file that is not taken."""


class EmptyFile(WrongUpload):
    """Nothing was sent."""


class TooLargeFile(WrongUpload):
    """It is longer than is taken."""


class UnknownFileType(WrongUpload):
    """It is none of the types that are taken."""


class InfectedFile(WrongUpload):
    """The scanner knows something bad in it."""


class ScannerAway(Exception):
    """Nobody can say whether something bad is in a file."""


class TooMuchUnnamed(Exception):
    """A caller has sent more than is kept for commands to come."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it was stored: the digest by which a command names it, its type by what stands in it, its size."""

    digest: str
    media_type: str
    size: int


class Scanner(Protocol):
    """Looks through files."""

    async def scan(self, blocks: Iterator[bytes]) -> None:
        """Show it a file. Raises InfectedFile, ScannerAway."""
        ...


class Uploads:
    """Takes files in. `sniffed` says what begins so, empty where it is nothing that is taken."""

    def __init__(
        self,
        folder: FileFolder,
        records: FileRecords,
        seals: FileSeals,
        sniffed: Callable[[bytes], str],
        scanner: Scanner | None,
        largest: int,
    ) -> None:
        self._folder, self._records, self._seals = folder, records, seals
        self._sniffed, self._scanner = sniffed, scanner
        self.largest = largest  # bytes

    async def take(self, caller: str, name: str, blocks: AsyncIterator[bytes]) -> tuple[StoredFile, bool]:
        """Store a file, and whether its caller had not stored it before.

        Raises WrongUpload, ScannerAway, TooMuchUnnamed.
        """
        if await self._records.unnamed(caller) > MOST_UNNAMED:
            raise TooMuchUnnamed
        key = os.urandom(KEY_BYTES)
        async with self._folder.incoming(key) as incoming:
            media_type = await self._received(incoming, blocks)
            await incoming.finish()
            if media_type == DOCX and not await asyncio.to_thread(incoming.has_parts_of_docx):
                raise UnknownFileType
            if self._scanner is not None:
                await self._scanner.scan(incoming.blocks())
            upload = NewUpload(
                stored_name=incoming.stored_name,
                digest=incoming.digest,
                size=incoming.size,
                media_type=media_type,
                name=self._seals.seal_name(key, kept_name(name, media_type)),
                wrapped=self._seals.wrap_upload(incoming.stored_name, key),
                uploaded_by=caller,
            )
            is_new = await self._kept(incoming, upload)
        return StoredFile(upload.digest, upload.media_type, upload.size), is_new

    async def _received(self, incoming: IncomingFile, blocks: AsyncIterator[bytes]) -> str:
        """The media type of a file that has come whole. What is not taken is not waited for."""
        head, media_type = b"", ""
        async for block in blocks:
            if len(head) < HEAD and not media_type:
                head += block[: HEAD - len(head)]
                if len(head) == HEAD:
                    media_type = self._told(head)
            await incoming.write(block)
            if incoming.size > self.largest:
                raise TooLargeFile
        if not head:
            raise EmptyFile
        return media_type or self._told(head)

    def _told(self, head: bytes) -> str:
        if not (found := self._sniffed(head)):
            raise UnknownFileType
        return found

    async def _kept(self, incoming: IncomingFile, upload: NewUpload) -> bool:
        stored = await self._records.add(upload)
        if stored != upload.stored_name:
            is_open = upload.digest in await self._records.openable(upload.uploaded_by, [upload.digest])
            if is_open and await asyncio.to_thread(self._folder.holds, stored):
                return False
            # Its keys or its bytes are gone; or it was dropped just now.
            await self._records.forget(stored)
            return await self._kept(incoming, upload)
        await incoming.keep()
        return True


def kept_name(name: str, media_type: str) -> str:
    """The name under which a file is given out: its last part, in NFC, without control characters, with its type's end.

    Empty where nothing is left of it.
    """
    last = normalised(name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if c.isprintable()).strip(" .")
    ends = FILE_TYPES[media_type]
    path = PurePosixPath(shown[:LONGEST_NAME])
    if not shown:
        return ""
    return path.name if path.suffix.lower() in ends else f"{path.name}{ends[0]}"
