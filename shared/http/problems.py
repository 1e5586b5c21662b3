"""Problem details (RFC 9457). Every error of both services has a stable type and carries no personal data.

Title and detail come in the language that the caller asks for, Vietnamese or English (without `Accept-Language`
English), and once more in both under `translations`, for pages that show both.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from shared.problem_words import DOOR_NAMES, DOOR_WORDS
from shared.sentences import ProblemText, problem_text
from shared.trace import ORIGIN

TYPE_PREFIX = "urn:doithoai:problem:"
PAGES = "/v1/problems/"  # where a problem is told of, by its code
PROBLEM_JSON = "application/problem+json"
DEFAULT_LANGUAGE = "en"
MAX_BODY_MIB = 1  # as the server takes it, for the words of 413
LONGEST_LANGUAGES = 1000  # characters of `Accept-Language` that are looked at

_WEIGHT = re.compile(r"\s*[qQ]\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)\s*")

#: The problem types of HTTP itself; the domains bring their own codes.
HTTP_CODES = {
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


class ProblemTranslation(msgspec.Struct, frozen=True):
    """What a problem says in one language."""

    title: str
    detail: str


class ProblemTranslations(msgspec.Struct, frozen=True):
    """What a problem says in each language."""

    vi: ProblemTranslation
    en: ProblemTranslation


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members that every problem has; some types add their own beside them.

    `field` is the field, parameter or header that is to blame; it is missing where none is.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    field: str | None = None
    translations: ProblemTranslations | None = None
    allowed: Annotated[list[str] | None, msgspec.Meta(description="What may stand there instead.")] = None
    fields: Annotated[
        list[str] | None, msgspec.Meta(description="The fields that differ from what was recorded before.")
    ] = None
    version: Annotated[int | None, msgspec.Meta(description="The current version, where another was named.")] = None
    request_id: Annotated[
        str | None,
        msgspec.Meta(description="The id of the request, as `X-Request-Id`; for who asks for help."),
    ] = None


class ProblemError(Exception):
    """An answer that is an error: its status, its stable code, what is wrong and what to do about it, and where.

    `sentence` says which of the code's sentences it is; with one alone, the code.
    """

    def __init__(
        self,
        status: int,
        code: str,
        text: ProblemText,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        sentence: str = "",
        **members: Any,
    ) -> None:
        super().__init__(f"{field}: {text.detail.en}" if field else text.detail.en)
        self.status = status
        self.code = code
        self.text = text
        self.field = field
        self.sentence = sentence or code
        self.headers = dict(headers or {})
        self.members = members


def problem(
    status: int,
    code: str,
    sentence: str = "",
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
    **values: object,
) -> ProblemError:
    """The problem of a door, in the words of `shared.problem_words`; `values` are for the places in the sentence.

    Raises KeyError where there are no such words.
    """
    text = problem_text(DOOR_WORDS[code], sentence, values, DOOR_NAMES)
    return ProblemError(status, code, text, field=field, headers=headers, sentence=sentence, **(members or {}))


def problem_body(error: ProblemError, language: str = DEFAULT_LANGUAGE) -> bytes:
    """The JSON of a problem."""
    title, detail = error.text
    found = Problem(
        type=TYPE_PREFIX + error.code,
        title=title.vi if language == "vi" else title.en,
        status=error.status,
        detail=detail.vi if language == "vi" else detail.en,
        field=error.field,
        translations=ProblemTranslations(
            ProblemTranslation(title.vi, detail.vi), ProblemTranslation(title.en, detail.en)
        ),
        request_id=ORIGIN.get().request_id or None,
    )
    return msgspec.json.encode(msgspec.to_builtins(found) | error.members)


def problem_response(error: ProblemError, language: str = DEFAULT_LANGUAGE) -> Response[bytes]:
    """A problem as an answer."""
    return Response(
        problem_body(error, language),
        status_code=error.status,
        media_type=PROBLEM_JSON,
        headers={
            "Link": f'<{PAGES}{error.code}>; rel="help"',
            **error.headers,
            "Content-Language": language,
            "Vary": "Accept-Language",
        },
    )


def language_of(request: Request[Any, Any, Any]) -> str:
    """The language of ours that a request prefers by `Accept-Language`; English where it says nothing."""
    best, found = 0.0, DEFAULT_LANGUAGE
    header = ",".join(line[:LONGEST_LANGUAGES] for line in request.headers.getall("accept-language", []))
    for part in header[:LONGEST_LANGUAGES].split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in ("vi", "en") and (quality := _quality(parameter)) > best:
            best, found = quality, language
    return found


def _quality(parameter: str) -> float:
    """A weight from 0 to 1 (RFC 9110, 12.4.2); 1 where none is given, 0 where it cannot be read."""
    if not parameter.strip():
        return 1.0
    found = _WEIGHT.fullmatch(parameter)
    return float(found[1]) if found else 0.0


def _on_problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return problem_response(error, language_of(request))


def _on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return problem_response(problem_of_http(error), language_of(request))


def problem_of_http(error: HTTPException) -> ProblemError:
    """The problem that an exception of the framework is answered with."""
    # Litestar's own texts repeat parts of the request; the members below name the parameter at most.
    code = HTTP_CODES.get(error.status_code, "invalid-request" if error.status_code < 500 else "internal-error")
    headers = dict(error.headers or {})
    match code:
        case "not-found":
            return problem(error.status_code, "not-found", "address", headers=headers)
        case "body-too-large":
            return problem(error.status_code, "body-too-large", headers=headers, most=MAX_BODY_MIB)
        case "internal-error":
            return problem(error.status_code, "internal-error", "http", headers=headers)
        case _:
            return problem(error.status_code, code, headers=headers)


def _on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # The message of an unforeseen error may hold what a citizen wrote: only its kind and place are logged.
    log.error("unforeseen", path=request.url.path, kind=type(error).__name__, at=_place(error))
    return problem_response(problem(500, "internal-error"), language_of(request))


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
