"""The files of cases, for those who may read what is sealed of them; each reading is recorded."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from services.intake.application.answers import Answers, CaseFiles
from services.intake.application.case_queries import CaseQueries
from services.intake.application.errors import NotFound
from services.intake.application.ports import FileFolder, FileSeals, MissingFile
from services.intake.domain import Caller


class ErasedFile(Exception):
    """There was such a file; its keys are gone with the petitioner to whom it belonged."""


class OpenedFile(msgspec.Struct, frozen=True):
    """A file that may be given out: what it is, its name as it was uploaded, its content as it is read."""

    digest: str
    media_type: str
    name: str
    size: int
    blocks: AsyncIterator[bytes]


class FileQueries:
    """Opens files within what the caller may read."""

    def __init__(
        self, reading: CaseQueries, answers: Answers, files: CaseFiles, folder: FileFolder | None, seals: FileSeals
    ) -> None:
        self._reading, self._answers = reading, answers
        self._files, self._folder, self._seals = files, folder, seals

    async def petition_file(self, caller: Caller, on_behalf_of: str, petition_id: UUID, digest: str) -> OpenedFile:
        """A file of a petition; for a system one that it sent, or that answers it.

        Raises NotFound, NotAllowed, ErasedFile, MissingFile, DamagedFile.
        """
        if caller.is_sender:
            petition_id = await self._answers.begin_reading_file(caller, on_behalf_of, petition_id, digest.lower())
        else:
            await self._reading.begin_reading_petition(caller, on_behalf_of, petition_id)
        return await self._opened(petition_id, digest)

    async def conference_file(self, caller: Caller, on_behalf_of: str, conference_id: UUID, digest: str) -> OpenedFile:
        """A file of a conference. Raises NotFound, NotAllowed, ErasedFile, MissingFile, DamagedFile."""
        await self._reading.begin_reading_conference(caller, on_behalf_of, conference_id)
        return await self._opened(conference_id, digest)

    async def _opened(self, subject_id: UUID, digest: str) -> OpenedFile:
        file = await self._files.named(subject_id, digest.lower())
        if file is None:
            raise NotFound(None, "file")
        if file.uploaded is None:
            raise ErasedFile
        if self._folder is None:
            raise MissingFile
        key = self._seals.file_key(file.uploaded)
        blocks = self._folder.blocks(file.uploaded.stored_name, key, file.size)
        # The first block shows whether it can be read at all, while that can still be said.
        first = await anext(blocks, b"")
        name = self._seals.open_name(key, file.name)
        return OpenedFile(file.digest, file.media_type, name, file.size, _with_first(first, blocks))


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block
