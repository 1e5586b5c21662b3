"""The language of the pages: one a page, Vietnamese until somebody chooses the other, kept in a cookie."""

from enum import StrEnum
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.console.addresses import MAX_ADDRESS, SEE_OTHER, own_path
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import cookie_of

COOKIE = "doithoai_language"
A_YEAR = 365 * 24 * 60 * 60  # seconds


class Language(StrEnum):
    """The languages that pages speak."""

    VIETNAMESE = "vi"
    ENGLISH = "en"


#: Where a language is chosen, also before anybody has signed in.
LANGUAGE = frozenset(f"/language/{language}" for language in Language)


def language_of(request: HttpRequest) -> Language:
    """The language in which whoever looks wants the pages."""
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
        is_secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=is_secure, path="/")
        return answer

    return [choose_language]
