"""Sign-in and sign-out for a browser."""

from typing import Any, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from services.followup.console.form_body import read_url_encoded
from services.followup.console.pages import Pages
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import COOKIE, Callers, refuse_foreign_pages

LOGIN = "/office/login"
MAX_SENT = 4096  # bytes of a stranger's form, which holds one token
SEE_OTHER: Literal[303] = 303


def sign_in_routes(callers: Callers) -> list[HTTPRouteHandler]:
    """The routes of sign-in, a form that puts a token into a cookie, and of sign-out."""

    pages = Pages()

    @get(LOGIN, include_in_schema=False)
    async def login_form() -> Response[str]:
        return pages.show("login.html", sources=[], failed=False)

    @post(LOGIN, include_in_schema=False, status_code=200)
    async def login(request: HttpRequest) -> Response[Any]:
        refuse_foreign_pages(request)  # it sets a cookie: no page of others signs anybody in
        token = (await read_url_encoded(request, MAX_SENT)).get("token", "").strip()
        if not await callers.knows(request, token):
            shown = pages.show("login.html", sources=[], failed=True)
            shown.status_code = 401
            return shown
        answer = Redirect("/", status_code=SEE_OTHER)
        answer.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
        )
        return answer

    @post("/office/logout", include_in_schema=False, status_code=SEE_OTHER)
    async def logout() -> Redirect:
        answer = Redirect(LOGIN, status_code=SEE_OTHER)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    return [login_form, login, logout]
