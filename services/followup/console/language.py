"""The language of the pages: one a page, Vietnamese until somebody chooses the other, kept in a cookie.

A page without a form is asked for again in the other language by a link. A form is sent to itself instead, with the
language as a field: the page comes back in it with all that was typed, and nothing is recorded.
"""

from enum import StrEnum
from typing import Annotated, Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.console.addresses import MAX_ADDRESS, SEE_OTHER, own_path
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import cookie_of
from shared.http.permissions import OPEN, permitted

COOKIE = "doithoai_language"
FIELD = "in_language"
ASKED = "asked_language"  # where a request's scope keeps the language that its form asks for
A_YEAR = 365 * 24 * 60 * 60  # seconds


class Language(StrEnum):
    """The languages that pages speak."""

    VIETNAMESE = "vi"
    ENGLISH = "en"


#: Where a language is chosen, also before anybody has signed in.
LANGUAGE = frozenset(f"/language/{language}" for language in Language)


def ask_in_language(request: HttpRequest, asked: str) -> None:
    """Answer a form that asks for a language in that language; what is no language asks for nothing."""
    if asked in set(Language):
        request.scope["state"][ASKED] = Language(asked)


def is_only_language_asked(request: HttpRequest) -> bool:
    """Whether a form that was read came for the language alone: it is shown again with what was typed, and not sent."""
    return ASKED in request.scope["state"]


def keep_language(request: HttpRequest, answer: Response[Any], language: Language) -> None:
    """Let the browser keep a language."""
    is_secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=is_secure, path="/")


def language_of(request: HttpRequest) -> Language:
    """The language in which whoever looks wants the pages."""
    asked: Language | None = request.scope["state"].get(ASKED)
    if asked is not None:
        return asked
    return Language.ENGLISH if cookie_of(request, COOKIE) == Language.ENGLISH else Language.VIETNAMESE


def language_routes() -> list[HTTPRouteHandler]:
    """The route by which a page is seen in the other language."""

    @get("/language/{language:str}", include_in_schema=False)
    async def choose_language(
        request: HttpRequest,
        language: FromPath[Language],
        to: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "/",
    ) -> Redirect:
        answer = Redirect(own_path(to), status_code=SEE_OTHER)
        keep_language(request, answer, language)
        return answer

    return permitted(OPEN, [choose_language])
