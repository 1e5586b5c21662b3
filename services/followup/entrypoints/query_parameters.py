"""The parameters that questions over HTTP share, and the answers to wrong ones and to those that find nothing."""

from collections.abc import Awaitable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import QueryParameter

from services.followup.adapters.read.listings import CaseSort
from services.followup.adapters.read.models import SeveralSources
from services.followup.adapters.read.pagination import InvalidCursor
from services.followup.domain.deadlines.case_rows import CaseState
from shared.http.openapi import READ_STATUSES, answers, problems
from shared.http.problems import ProblemError, problem
from shared.identifiers import MAX_CODE_LENGTH, MalformedCode, agency_code
from shared.policy.duties import DUTIES

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
READ_PROBLEMS = problems(*READ_STATUSES)
#: What a page of a list says beside its items.
PAGE = answers("Link")
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, QueryParameter(max_length=1000, description="from the `Link` of the page before")]
Code = Annotated[str, QueryParameter(max_length=35)]
Body = Annotated[str, QueryParameter(max_length=35, description="an agency's code, or office, chair, unassigned")]
OfSource = Annotated[str, QueryParameter(max_length=64, description="the source, where several have what is asked for")]
Typed = Annotated[
    str,
    QueryParameter(
        max_length=200,
        description="Words of the title, a receipt's code, what a source calls the case, or an agency's name or code; "
        "all of the words, the last one from its first two letters on. Without marks `duong` finds `Đường`; "
        "what is found with its marks is not looked for without them.",
    ),
]
Exact = Annotated[str, QueryParameter(max_length=200)]
Ended = Annotated[bool | None, QueryParameter(description="true: those that have ended; false: those that have not")]
Sort = Annotated[
    CaseSort,
    QueryParameter(description="`late` begins with the least late; a minus turns an order round. Agencies by code."),
]
Day = Annotated[date | None, QueryParameter()]
Retracted = Annotated[
    bool, QueryParameter(description="true: the deadlines of which a breach was retracted, in the order of their ids")
]
if TYPE_CHECKING:
    InDuty = Annotated[str, QueryParameter()]
    InState = Annotated[str, QueryParameter()]
else:
    #: A duty of the rules, without the traits that may lengthen it; empty: any.
    InDuty = Annotated[Literal["", *DUTIES], QueryParameter()]
    #: How far a case has come; empty: any. `state` itself is a word of the framework's.
    InState = Annotated[Literal["", *map(str, CaseState)], QueryParameter(name="state")]
T = TypeVar("T")
HttpRequest = Request[Any, Any, Any]


def code_of(text: str) -> str:
    """A jurisdiction's code in its stored form. Raises ProblemError 400."""
    try:
        return agency_code(text) if text else ""
    except MalformedCode as error:
        raise problem(400, "invalid-code", text=error.text, most=MAX_CODE_LENGTH) from None


def body_of(text: str) -> str:
    """An agency's code, or the name of a body without one. Raises ProblemError 400."""
    return text if text in ("office", "chair", "unassigned") else code_of(text)


async def or_400(page: Awaitable[T]) -> T:
    """The page that was asked for. Raises ProblemError 400 for an invalid cursor."""
    try:
        return await page
    except InvalidCursor:
        raise problem(400, "invalid-cursor", field="cursor") from None


def several_sources(sources: Sequence[str]) -> ProblemError:
    """The problem that several sources have what was asked for, and none of them was named."""
    return problem(409, "several-sources", field="source", sources=", ".join(sources))


async def of_one_source(asked: Awaitable[T]) -> T:
    """What was asked for. Raises ProblemError 409 where several sources have it and none was named."""
    try:
        return await asked
    except SeveralSources as error:
        raise several_sources(error.sources) from None


def or_404(thing: T | None, what: str) -> T:
    """The thing that was found. Raises ProblemError 404."""
    if thing is None:
        raise problem(404, "not-found", "within-scope", what=what)
    return thing


def linked(request: HttpRequest, body: T, cursor: str) -> Response[T]:
    """An answer with the link to the next page, if there is one."""
    return Response(body, headers={"Link": f'<{next_link(request, cursor)}>; rel="next"'} if cursor else {})


def next_link(request: HttpRequest, cursor: str) -> str:
    """The address of the next page, which is the same question with another cursor."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"
