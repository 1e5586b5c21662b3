"""Reads what was filled into a form, within bounds that are kept before anything is parsed.

Only files may be large: they are hashed as they come, and nothing of them is kept. All else is small enough to be
parsed without holding up other requests.
"""

import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Collection
from typing import Any, NamedTuple, Protocol

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser  # type: ignore[import-untyped]

from services.followup.console.language import FIELD, ask_in_language
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.signed_in import FORM_TOKEN, is_own_form, signed_in_of
from shared.http.problems import ProblemError, problem

MIB = 1024 * 1024  # bytes
MAX_TEXT = MIB  # bytes of a form without its files: the longest text that intake takes, with its escapes
MAX_FILES = 32 * MIB  # bytes of a form's files: the scan of a written reply
MAX_EMPTY = 1024  # bytes of a form that has a button alone
MAX_FIELDS = 600  # of our largest form, a catalogue of a hundred rows with five fields each
MAX_BOUNDARY = 70  # characters (RFC 2046)
MAX_HEADER = 2048  # bytes of one header of a part: a file's name is in it
MAX_HEADERS = 4  # of one part
URL_ENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
TYPED = "typed"  # where a request's scope keeps what was typed into a refused form
#: What a part's text may say that it is written in.
CHARSETS = ("utf-8", "utf8", "us-ascii")

_NOT_ESCAPED = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class _FileHead(NamedTuple):
    """The input of a file, and its name in the browser."""

    name: str
    called: str


class FileSink(Protocol):
    """Takes the files of a form as they come, one after another."""

    async def begin(self, name: str, called: str) -> None:
        """The file of an input begins; `called` is its name in the browser."""
        ...

    async def write(self, piece: bytes) -> None:
        """A piece of it."""
        ...

    async def end(self) -> None:
        """It has ended."""
        ...


async def read_form(
    request: HttpRequest,
    files: Collection[str] = (),
    most: int = MAX_TEXT,
    text_files: Collection[str] = (),
    sink: FileSink | None = None,
) -> dict[str, str]:
    """What was filled in, at most `most` bytes beside the files. Of a name that comes twice the first counts.

    An input of `files` (`digest_file`) gives the field without `_file` the SHA-256 of its file, one of `text_files`
    gives its text; other files are passed over. `sink` gets the files of `files` too. Raises ProblemError 400, 413,
    415, and 403 for a form that no page of the caller's session sent.
    """
    filled = await _filled(request, files, most, text_files, sink)
    ask_in_language(request, filled.pop(FIELD, ""))
    if not is_own_form(request, filled.pop(FORM_TOKEN, "")):
        keep_as_typed(request, filled)
        raise problem(403, "foreign-origin", "form")
    return filled


async def need_own_form(request: HttpRequest) -> None:
    """Refuse a form without fields that no page of the caller's session sent. Raises ProblemError 403."""
    if signed_in_of(request) is not None:
        await read_form(request, most=MAX_EMPTY)


def keep_as_typed(request: HttpRequest, filled: dict[str, str]) -> None:
    """Keep what was typed into a form that is refused, for the page that says so."""
    request.scope["state"][TYPED] = [(name, value) for name, value in filled.items() if value]


async def _filled(
    request: HttpRequest, files: Collection[str], most: int, text_files: Collection[str], sink: FileSink | None
) -> dict[str, str]:
    kind, options = request.content_type
    if kind == URL_ENCODED:
        return await read_url_encoded(request, most)
    if kind != MULTIPART:
        raise problem(415, "unsupported-media-type", "form")
    boundary = options.get("boundary", "")
    if not (0 < len(boundary) <= MAX_BOUNDARY and boundary.isascii()):
        raise problem(400, "malformed-form", "boundary", field="Content-Type")
    parts = _Parts(files, most, text_files)
    try:
        with PushMultipartParser(
            boundary, max_header_size=MAX_HEADER, max_header_count=MAX_HEADERS, max_segment_count=MAX_FIELDS
        ) as parser:
            async for chunk in _chunks(request, most + (MAX_FILES if files else 0)):
                for found in parser.parse(chunk):
                    parts.take(found)
                parts.count(len(chunk))
                if sink is not None:
                    await parts.pour(sink)
    except ParserLimitReached:
        raise problem(400, "malformed-form", "fields", most=MAX_FIELDS) from None
    except MultipartError:
        raise problem(400, "malformed-form", "parts") from None
    return parts.texts | parts.hashes


async def read_url_encoded(request: HttpRequest, most: int = MAX_TEXT) -> dict[str, str]:
    """What was filled into a form without files. Raises ProblemError 400, 413, 415."""
    if request.content_type[0] != URL_ENCODED:
        raise problem(415, "unsupported-media-type", "url-encoded")
    body = b"".join([chunk async for chunk in _chunks(request, most)])
    if body.count(b"&") >= MAX_FIELDS:
        raise problem(400, "malformed-form", "fields", most=MAX_FIELDS)
    if _NOT_ESCAPED.search(body):
        raise problem(400, "malformed-form", "percent")
    filled: dict[str, str] = {}
    for pair in body.split(b"&") if body else ():
        name, _, value = pair.partition(b"=")
        filled.setdefault(_text(_unescaped(name)), _text(_unescaped(value)))
    return filled


async def _chunks(request: HttpRequest, most: int) -> AsyncIterator[bytes]:
    """The body as it comes, refused by the length that it announces or once it is longer."""
    if (request.content_length or 0) > most:
        raise _too_large(most)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        if chunk:
            yield chunk


class _Parts:
    """The parts of a multipart form, taken as they come: texts are collected, files hashed."""

    def __init__(self, files: Collection[str], most: int, text_files: Collection[str]) -> None:
        self.texts: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        self._files, self._most, self._text_files = files, most, text_files
        self._part: MultipartSegment | None = None
        self._text = bytearray()
        self._hash: Any = None  # of hashlib
        self._beside_files = self._in_files = 0
        self._waiting: list[_FileHead | bytes | None] = []  # for the sink: a file, its pieces, its end

    async def pour(self, sink: FileSink) -> None:
        """Give the sink what was taken of files."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            match each:
                case _FileHead():
                    await sink.begin(each.name, each.called)
                case bytes():
                    await sink.write(each)
                case None:
                    await sink.end()

    def take(self, found: MultipartSegment | bytes | None) -> None:
        """Take the head of a part, a piece of it, or (None) its end. Raises ProblemError 400."""
        if isinstance(found, MultipartSegment):
            self._part, self._text = found, bytearray()
            name = found.name if found.filename and found.name in self._files else None
            is_first = name is not None and name.removesuffix("_file") not in self.hashes
            self._hash = hashlib.sha256() if is_first else None
            if self._hash is not None:
                self._waiting.append(_FileHead(str(found.name).removesuffix("_file"), str(found.filename)))
        elif found is None:
            self._end()
        elif self._hash is not None:
            self._hash.update(found)
            self._waiting.append(bytes(found))
            self._in_files += len(found)
            self._beside_files -= len(found)
        else:
            self._text += found

    def count(self, size: int) -> None:
        """Count a chunk whose pieces were taken. Raises ProblemError 413."""
        self._beside_files += size
        if self._beside_files > self._most:
            raise _too_large(self._most)
        if self._in_files > MAX_FILES:
            raise _too_large(MAX_FILES)

    def _end(self) -> None:
        part = self._part
        assert part is not None and part.name is not None  # the parser gives the head of a part before its end
        if self._hash is not None:
            self.hashes[part.name.removesuffix("_file")] = self._hash.hexdigest()
            self._waiting.append(None)
        elif not part.filename or part.name in self._text_files:
            if (part.charset or "utf-8").lower() not in CHARSETS:
                raise problem(400, "malformed-form", "charset")
            self.texts.setdefault(part.name, _text(bytes(self._text)))


def _unescaped(text: bytes) -> bytes:
    """The bytes of a name or value of a form, of which every % is known to escape one.

    Quoted-printable is the same code with another sign. Its decoder takes 3 ms for a MiB where that of urllib, which
    goes through the escapes in Python, takes 180.
    """
    return binascii.a2b_qp(text.replace(b"=", b"%3D").replace(b"+", b" ").replace(b"%", b"="))


def _text(text: bytes) -> str:
    try:
        found = text.decode()
    except UnicodeDecodeError:
        raise problem(400, "malformed-form") from None
    if "\ufffd" in found:  # what was no UTF-8 before a browser sent it
        raise problem(400, "malformed-form")
    return found


def _too_large(most: int) -> ProblemError:
    if most < MIB:
        return problem(413, "body-too-large", "bytes", most=most)
    return problem(413, "body-too-large", most=most // MIB)
