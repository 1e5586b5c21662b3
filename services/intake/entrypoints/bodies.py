"""The body of a request: whole, not encoded, of a type that the route reads."""

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from services.intake.application.json_body import cleaned
from services.intake.entrypoints.limits import MAX_BODY
from shared.http.problems import problem

#: As they came: names in small letters.
Headers = Mapping[bytes, bytes]

_JSON = b"application/json"
_UTF_8 = (b"", b"utf-8", b"utf8", b"us-ascii")


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


def check_type(headers: Headers, body: bytes) -> None:
    """Refuse a body that is not JSON in UTF-8 as it stands. Raises ProblemError 415."""
    if b"content-encoding" in headers:
        check_encoding(headers)
    kind = headers.get(b"content-type", b"")
    if kind == _JSON:
        return
    named, _, parameters = kind.partition(b";")
    # Also a guard: a foreign web page cannot send this type without asking first.
    if named.strip().lower() != _JSON and (body or kind):
        raise problem(415, "unsupported-media-type")
    if _charset(parameters) not in _UTF_8:
        raise problem(415, "unsupported-media-type", "charset", field="Content-Type")


def check_encoding(headers: Headers) -> None:
    """Refuse a compressed body. Raises ProblemError 415."""
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        accepted = {"Accept-Encoding": "identity"}
        raise problem(415, "unsupported-media-type", "encoding", field="Content-Encoding", headers=accepted)


def _charset(parameters: bytes) -> bytes:
    for each in parameters.split(b";"):
        name, _, value = each.partition(b"=")
        if name.strip().lower() == b"charset":
            return value.strip().strip(b'"').lower()
    return b""


async def json_of(request: Request[Any, Any, Any]) -> bytes:
    """The JSON of a question, in NFC. Raises ProblemError 415, MalformedJson, NulCharacter."""
    check_encoding(dict(request.scope["headers"]))
    return cleaned(await request.body())
