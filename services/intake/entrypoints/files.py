"""Files: sent as they are to `POST /v1/files`, and given out by the case whose event names them."""

from collections.abc import AsyncIterator
from email.message import Message
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from litestar import Request, Response, get, post
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from services.intake.application.command_body import CODECS, MAX_SHORT
from services.intake.application.file_queries import ErasedFile, FileQueries, OpenedFile
from services.intake.application.ports import DamagedFile, MissingFile
from services.intake.application.stream_ids import target_id
from services.intake.application.uploads import (
    FILE_TYPES,
    MOST_UNNAMED,
    EmptyFile,
    InfectedFile,
    ScannerAway,
    StoredFile,
    TooLargeFile,
    TooMuchUnnamed,
    UnknownFileType,
    Uploads,
    WrongUpload,
)
from services.intake.domain import topics_that_name_files
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller, reader
from shared.http.auth import caller_of
from shared.http.bodies import check_encoding
from shared.http.permissions import KNOWN_OWN, for_roles, permitted
from shared.http.problems import ProblemError, problem

PATH = "/v1/files"
#: Who may give a command that names a file.
UPLOADERS = frozenset(
    role for codec in CODECS.values() if codec.route.topic in topics_that_name_files() for role in codec.route.roles
)
LONGEST_HEADER = 4000  # bytes: a name is far shorter
MOST_UPLOADS = 8  # of one caller at once in one process
MIB = 1 << 20
RETRY_AFTER = "30"  # seconds
#: A file that somebody sent is never shown within a page of ours, and no page of others reads it.
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DESCRIPTION = (
    "The body is the file itself: PDF, DOCX, JPEG or PNG by what stands in it, whatever `Content-Type` says. The "
    "answer has its `digest`, by which a command of the same caller names it within 24 hours; otherwise it is "
    "dropped. The same file sent again is answered 200. Roles: {roles}."
)

log = structlog.get_logger("files")


class FileTroubles:
    """How often a file that should be there could not be given out."""

    def __init__(self) -> None:
        self.unreadable_total = 0


def upload_route(uploads: Uploads | None) -> HTTPRouteHandler:
    """`POST /v1/files`. Without a folder for files nothing is taken."""
    under_way: dict[str, int] = {}

    @post(
        PATH,
        summary="Store a file that a command will name",
        description=DESCRIPTION.format(roles=openapi.in_words(UPLOADERS)),
        tags=["file"],
        responses=openapi.FILE_PROBLEMS,
        operation_class=openapi.upload_operation(FILE_TYPES),
        operation_id="upload_file",
        opt=for_roles(UPLOADERS),
        raises=[],
    )
    async def upload(
        request: Request[Any, Any, Any],
    ) -> Response[StoredFile]:
        caller = caller_of(request)
        if uploads is None:
            raise problem(404, "not-found", "no-folder")
        headers = dict(request.scope["headers"])
        check_encoding(headers)
        if int(headers.get(b"content-length", b"0")) > uploads.largest:
            raise _problem_of(TooLargeFile(), uploads.largest)
        if under_way.get(caller.name, 0) >= MOST_UPLOADS:
            headers_of_answer = {"Retry-After": RETRY_AFTER}
            raise problem(503, "overloaded", "uploads", headers=headers_of_answer, most=MOST_UPLOADS)
        under_way[caller.name] = under_way.get(caller.name, 0) + 1
        try:
            stored, is_new = await uploads.take(caller.name, _name_in(headers), _blocks(request))
        except TooMuchUnnamed:
            retry = {"Retry-After": RETRY_AFTER}
            raise problem(503, "overloaded", "unnamed", headers=retry, most=MOST_UNNAMED // MIB) from None
        except (WrongUpload, ScannerAway) as error:
            raise _problem_of(error, uploads.largest) from None
        except OSError as error:
            log.error("folder_failed", kind=type(error).__name__, errno=error.errno)
            raise problem(503, "files-unavailable", "folder", headers={"Retry-After": RETRY_AFTER}) from None
        finally:
            under_way[caller.name] -= 1
            if not under_way[caller.name]:
                del under_way[caller.name]
        return Response(stored, status_code=201 if is_new else 200)

    return upload


def file_routes(files: FileQueries, troubles: FileTroubles) -> list[HTTPRouteHandler]:
    """`GET /v1/petitions/{id}/files/{digest}`, and the same of a conference."""
    return permitted(KNOWN_OWN, [_file_route(files, troubles, "petition"), _file_route(files, troubles, "conference")])


def _file_route(files: FileQueries, troubles: FileTroubles, aggregate: str) -> HTTPRouteHandler:
    @get(
        f"/v1/{aggregate}s/{{target:str}}/files/{{digest:str}}",
        summary=f"A file that a record of the {aggregate} names; every reading is recorded",
        tags=[aggregate],
        responses=openapi.FILE_READ_PROBLEMS,
        operation_id=f"{aggregate}_file",
        operation_class=openapi.download_operation(aggregate, FILE_TYPES),
    )
    async def file(
        request: Request[Any, Any, Any],
        target: FromPath[str],
        digest: FromPath[str],
        on_behalf_of: Annotated[str, QueryParameter(max_length=MAX_SHORT, description="the person who reads")] = "",
    ) -> Stream:
        subject_id, caller = target_id(aggregate, target), caller_of(request)
        read = files.petition_file if aggregate == "petition" else files.conference_file
        try:
            found = await read(domain_caller(caller), reader(caller, on_behalf_of), subject_id, digest)
        except ErasedFile:
            raise problem(410, "file-erased") from None
        except (MissingFile, DamagedFile, OSError) as error:
            troubles.unreadable_total += 1
            log.error("file_unreadable", subject_id=str(subject_id), kind=type(error).__name__)
            headers = {"Retry-After": RETRY_AFTER}
            raise problem(503, "files-unavailable", "unreadable", headers=headers) from None
        log.info("file_read", caller=caller.name, subject_id=str(subject_id))
        return Stream(
            found.blocks,
            media_type=found.media_type,
            headers={
                **_SAFE,
                "Content-Length": str(found.size),
                "Content-Disposition": disposition(found),
            },
        )

    return file


def disposition(file: OpenedFile) -> str:
    """To be saved, under its own name, or one made of its digest (RFC 6266; the plain form is for old programs)."""
    plain = f"{file.digest[:16]}{FILE_TYPES[file.media_type][0]}"
    own = f"; filename*=UTF-8''{quote(file.name, safe='')}" if file.name else ""
    return f'attachment; filename="{plain}"{own}'


def _name_in(headers: dict[bytes, bytes]) -> str:
    """What the sender calls the file (RFC 6266). In a header: it may name a citizen, and addresses are logged."""
    text = headers.get(b"content-disposition", b"")
    if len(text) > LONGEST_HEADER:
        return ""
    try:
        parsed = Message()
        parsed["Content-Disposition"] = text.decode("utf-8")
        return parsed.get_filename("")
    except (ValueError, LookupError, TypeError):  # no UTF-8, a character set that nobody knows, parts in no order
        return ""


async def _blocks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes. Litestar's own way holds it to the bound of a command."""
    more = True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientException("the caller went away")
        if message["body"]:
            yield message["body"]
        more = message["more_body"]


def _problem_of(error: WrongUpload | ScannerAway, largest: int) -> ProblemError:
    match error:
        case EmptyFile():
            return problem(422, "invalid-file", "empty")
        case InfectedFile():
            return problem(422, "invalid-file", "infected")
        case TooLargeFile():
            return problem(413, "body-too-large", most=largest // MIB)
        case UnknownFileType():
            allowed = {"allowed": sorted(FILE_TYPES)}
            return problem(415, "unsupported-media-type", "file", members=allowed)
        case ScannerAway():
            return problem(503, "files-unavailable", "scanner", headers={"Retry-After": RETRY_AFTER})
        case _:
            raise error
