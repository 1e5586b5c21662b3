"""The body of a request: the type that routes read, and how a wrong one is answered, by both services alike."""

from collections.abc import Mapping

import msgspec

from shared.http.problems import ProblemError, problem
from shared.invalid_body import MalformedJson, wrong_field

#: As they came: names in small letters.
Headers = Mapping[bytes, bytes]

_JSON = b"application/json"
_UTF_8 = (b"", b"utf-8", b"utf8", b"us-ascii")


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


def invalid_body(error: msgspec.ValidationError) -> ProblemError:
    """How a body is answered that its type does not take: by the field, and by what may stand there."""
    wrong = wrong_field(error)
    allowed = {"allowed": wrong.values["allowed"]} if "allowed" in wrong.values else {}
    return problem(422, "invalid-body", wrong.sentence, field=wrong.field, members=allowed, **wrong.values)


def malformed_json(error: MalformedJson) -> ProblemError:
    """How a body is answered that is no JSON: by where it stops being that."""
    return problem(400, "malformed-json", error.sentence, **error.values)
