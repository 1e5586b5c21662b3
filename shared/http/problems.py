"""Problem details (RFC 9457). Every error of both services has a stable type and carries no personal data."""

from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

TYPE_PREFIX = "urn:doithoai:problem:"
PROBLEM_JSON = "application/problem+json"

#: The problem types of HTTP itself; the domains bring their own codes.
_HTTP_CODES = {
    400: "invalid-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    503: "unavailable",
}

log = structlog.get_logger("http")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The members that every problem has; some types add their own beside them."""

    type: str
    title: str
    status: int
    detail: str = ""


class ProblemError(Exception):
    """An answer that is an error: its status, its stable code, what is wrong and what to do about it."""

    def __init__(self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.members = members


def problem_body(status: int, code: str, detail: str, **members: Any) -> bytes:
    """The JSON of a problem; the title is the code in words."""
    title = code.replace("-", " ").capitalize()
    known = {"type": TYPE_PREFIX + code, "title": title, "status": status, "detail": detail}
    return msgspec.json.encode(known | members)


def problem_response(error: ProblemError) -> Response[bytes]:
    """A problem as an answer."""
    return Response(
        problem_body(error.status, error.code, error.detail, **error.members),
        status_code=error.status,
        media_type=PROBLEM_JSON,
        headers=error.headers,
    )


def _on_problem(_: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return problem_response(error)


def _on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    # Litestar's own texts repeat parts of the request; the members below name the parameter at most.
    code = _HTTP_CODES.get(error.status_code, "invalid-request" if error.status_code < 500 else "internal-error")
    detail = {
        404: "there is nothing at this address",
        405: "this address does not take that method",
        413: "the body is too large: at most 1 MiB",
    }.get(error.status_code, "the request is not valid")
    names = error.extra if isinstance(error.extra, list) else []
    keys = [str(item["key"]) for item in names if isinstance(item, dict) and "key" in item]
    if keys:
        detail = f"not valid: {', '.join(keys)}"
    return problem_response(ProblemError(error.status_code, code, detail, headers=dict(error.headers or {})))


def _on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # The message of an unforeseen error may hold what a citizen wrote: only its kind and place are logged.
    log.error("unforeseen", path=request.url.path, kind=type(error).__name__, at=_place(error))
    return problem_response(ProblemError(500, "internal-error", "an unforeseen error; the log tells its kind"))


def _place(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


#: For `Litestar(exception_handlers=...)`.
EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    ProblemError: _on_problem,
    HTTPException: _on_http,
    Exception: _on_anything,
}

JSON = MediaType.JSON
