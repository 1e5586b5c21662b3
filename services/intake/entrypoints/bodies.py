"""The body of a request, whole."""

from typing import Any

from litestar import Request
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from services.intake.application.json_body import cleaned
from services.intake.entrypoints.limits import MAX_BODY
from shared.http.bodies import Headers, check_encoding


async def whole_body(request: Request[Any, Any, Any], headers: Headers) -> bytes:
    """The whole body. Litestar's own way streams it, which takes as long as a decision."""
    size, pieces, more = int(headers.get(b"content-length", b"0")), list[bytes](), True
    while more and size <= MAX_BODY:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientException("the caller went away")
        pieces.append(message["body"])
        size, more = max(size, sum(map(len, pieces))), message["more_body"]
    if size > MAX_BODY:
        raise RequestEntityTooLarge
    return b"".join(pieces)


async def json_of(request: Request[Any, Any, Any]) -> bytes:
    """The JSON of a question, in NFC. Raises ProblemError 415, MalformedJson, NulCharacter."""
    check_encoding(dict(request.scope["headers"]))
    return cleaned(await request.body())
