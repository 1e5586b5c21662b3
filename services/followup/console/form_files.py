"""The files of a form on their way to intake: each is sent on as it comes, and nothing of it is kept here."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from services.followup.adapters.intake_client import IntakeClient, Refusal, StoredFileAnswer
from services.followup.console.command_forms import CommandForm, FormError
from services.followup.console.form_body import read_form
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.command_definitions import Translated
from shared.http.auth import token_of

IN_FLIGHT = 16  # pieces that wait for intake: no file is ever whole in this process


class FormFiles:
    """Takes the files of one form. A file that intake refuses is an error of its input, and the form is not sent."""

    def __init__(self, intake: IntakeClient, url: str, token: str) -> None:
        self._intake, self._url, self._token = intake, url, token
        self._name = ""
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._sending: asyncio.Task[StoredFileAnswer | None] | None = None
        self.stored: dict[str, StoredFileAnswer] = {}
        self.errors: list[FormError] = []

    async def begin(self, name: str, called: str) -> None:
        """The file of an input begins; `called` is its name in the browser."""
        self._name, self._pieces = name, asyncio.Queue(IN_FLIGHT)
        self._sending = asyncio.create_task(self._intake.upload(self._url, _read(self._pieces), called, self._token))

    async def write(self, piece: bytes) -> None:
        """A piece of it. What comes after intake has refused the file is passed over."""
        await self._put(piece)

    async def end(self) -> None:
        """It has ended: intake has it, or says why not."""
        await self._put(None)
        assert self._sending is not None  # a file that ends has begun
        try:
            if (stored := await self._sending) is not None:
                self.stored[self._name] = stored
        except Refusal as refusal:
            self.errors.append(FormError(self._name, Translated(refusal.detail.vi, refusal.detail.en)))

    async def _put(self, piece: bytes | None) -> None:
        assert self._sending is not None  # as above
        waiting = asyncio.ensure_future(self._pieces.put(piece))
        await asyncio.wait({waiting, self._sending}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()

    async def aclose(self) -> None:
        """End what is still being sent of a form that broke off."""
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            await asyncio.wait({self._sending})


async def read_with_files(
    request: HttpRequest, form: CommandForm, intake: IntakeClient, url: str
) -> tuple[dict[str, str], list[FormError]]:
    """What was filled into a form, its files sent on to intake, and what intake refused of them.

    A file that was refused leaves its field empty. Of one that intake keeps its type and size are filled in too, under
    `.media_type` and `.size` behind its field. Raises ProblemError as `read_form` does.
    """
    files = FormFiles(intake, url, token_of(request))
    try:
        filled = await read_form(request, form.file_inputs, sink=files)
    finally:
        await files.aclose()
    for error in files.errors:
        filled.pop(error.at, None)
    for name, stored in files.stored.items():
        filled |= {f"{name}.media_type": stored.media_type, f"{name}.size": str(stored.size)}
    return filled, files.errors


def with_file_errors(of_files: Sequence[FormError], others: Sequence[FormError]) -> list[FormError]:
    """The errors of a form: a file that was refused is not missing besides."""
    refused = {error.at for error in of_files}
    return [*of_files, *(error for error in others if error.at not in refused)]


async def _read(pieces: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
    while (piece := await pieces.get()) is not None:
        yield piece
