"""Sign-in and sign-out for a browser."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Redirect

from services.followup.console.addresses import FORGET, LOGIN, LOGOUT, MAX_ADDRESS, SEE_OTHER, own_path
from services.followup.console.doors import DOORS
from services.followup.console.form_body import read_url_encoded
from services.followup.console.pages import Pages
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import COOKIE, Callers, refuse_foreign_pages
from shared.http.permissions import KNOWN, OPEN, permitted

MAX_SENT = 8192  # bytes of a stranger's form, which holds one token and where to go on


def sign_in_routes(pages: Pages, callers: Callers) -> list[HTTPRouteHandler]:
    """The routes of sign-in, a form that puts a token into a cookie, and of sign-out."""

    @get(LOGIN, include_in_schema=False)
    async def login_form(
        request: HttpRequest, to: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "/"
    ) -> Response[str]:
        return pages.bare(request, "login.html", failed=False, to=own_path(to))

    @post(LOGIN, include_in_schema=False, status_code=200)
    async def login(request: HttpRequest) -> Response[Any]:
        refuse_foreign_pages(request)  # it sets a cookie: no page of others signs anybody in
        filled = await read_url_encoded(request, MAX_SENT)
        token, to = filled.get("token", "").strip(), own_path(filled.get("to", "/"))
        if not await callers.knows(request, token):
            return pages.bare(request, "login.html", status=401, failed=True, to=to)
        answer = Redirect(to, status_code=SEE_OTHER)
        answer.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
        )
        return answer

    @post(LOGOUT, include_in_schema=False, status_code=SEE_OTHER)
    async def logout() -> Redirect:
        answer = Redirect(DOORS if callers.are_local else LOGIN, status_code=SEE_OTHER)
        answer.delete_cookie(COOKIE, path="/")
        answer.headers.update(FORGET)
        return answer

    return [*permitted(OPEN, [login_form, login]), *permitted(KNOWN, [logout])]
