"""Signing in at an OpenID provider, and out again here or everywhere; choosing the post that is acted in."""

import secrets
from typing import Annotated, Any
from uuid import UUID

import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Redirect

from services.followup.adapters.sessions import SessionSeals, SignInUnderWay, StoredSessions, digest_of
from services.followup.adapters.sign_in_provider import SignInProvider, SignInRefused
from services.followup.console.addresses import CALLBACK, FORGET, LOGIN, LOGOUT, MAX_ADDRESS, POSTS, SEE_OTHER, own_path
from services.followup.console.form_body import read_form
from services.followup.console.pages import Pages
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.signed_in import SessionCallers
from shared.http.auth import cookie_of, refuse_foreign_pages
from shared.http.permissions import OPEN, permitted
from shared.http.problems import ProblemError, problem
from shared.http.provider import ProviderAway

START = "/office/sign-in"
LOGOUT_EVERYWHERE = "/office/logout-everywhere"
#: What needs no post, and looks after its caller by itself.
OPEN_PATHS = frozenset({LOGIN, START, CALLBACK, POSTS, LOGOUT, LOGOUT_EVERYWHERE})
MAX_SENT = 8192  # bytes of a form of these pages
MAX_CODE = 4096  # characters of what a provider sends back

log = structlog.get_logger("sign-in")


def provider_sign_in_routes(
    pages: Pages,
    people: SessionCallers,
    sessions: StoredSessions,
    seals: SessionSeals,
    provider: SignInProvider,
) -> list[HTTPRouteHandler]:
    """The routes of sign-in, sign-out and posts where a provider is set."""
    secure = people.cookie.startswith("__Host-")
    under_way = f"{people.cookie}_sign_in"

    def set_cookie(answer: Response[Any], name: str, value: str) -> None:
        # Lax, since the provider leads a browser back here. Without an age it ends with the browser.
        answer.set_cookie(name, value, httponly=True, samesite="lax", secure=secure, path="/")

    def drop_cookie(answer: Response[Any], name: str) -> None:
        answer.set_cookie(name, "", max_age=0, httponly=True, samesite="lax", secure=secure, path="/")

    @get(LOGIN, include_in_schema=False)
    async def login_page(
        request: HttpRequest,
        to: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "/",
        out: Annotated[str, QueryParameter(max_length=1)] = "",
    ) -> Response[str]:
        end = await provider.end_address() if out else ""
        return pages.bare(request, "sign_in.html", to=own_path(to), signed_out=bool(out), end=end, failed=False)

    @get(START, include_in_schema=False, status_code=SEE_OTHER)
    async def start(request: HttpRequest, to: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "/") -> Redirect:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        try:
            address = await provider.address(state, nonce, verifier)
        except ProviderAway as error:
            raise _away(error) from None
        answer = Redirect(address, status_code=SEE_OTHER)
        carried = SignInUnderWay(state, nonce, verifier, own_path(to))
        set_cookie(answer, under_way, seals.seal_sign_in(carried))
        return answer

    @get(CALLBACK, include_in_schema=False)
    async def callback(
        request: HttpRequest,
        given: Annotated[str, QueryParameter(name="state", max_length=MAX_CODE)] = "",
        code: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
        iss: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
        error: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
        error_description: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
        error_uri: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
        session_state: Annotated[str, QueryParameter(max_length=MAX_CODE)] = "",
    ) -> Response[Any]:
        carried = seals.open_sign_in(cookie_of(request, under_way) or "")
        is_ours = carried is not None and secrets.compare_digest(given.encode(), carried.state.encode())
        if carried is None or not is_ours or error or not code or iss not in ("", provider.issuer):
            log.warning("sign_in_failed", why="provider" if error else "not-under-way")
            return _failed(request, carried.to if carried and is_ours else "/")
        try:
            person = await provider.person(code, carried.verifier, carried.nonce)
        except SignInRefused as refused:
            log.warning("sign_in_failed", why=str(refused))
            return _failed(request, carried.to)
        except ProviderAway as away:
            raise _away(away) from None
        if (before := await sessions.find(cookie_of(request, people.cookie) or "")) is not None:
            await sessions.revoke(before.digest)  # whoever knew the old cookie knows nothing of the new one
        answer = Redirect(carried.to, status_code=SEE_OTHER)
        set_cookie(answer, people.cookie, await sessions.begin(person.subject, person.name, person.tokens))
        drop_cookie(answer, under_way)
        log.info("signed_in")
        return answer

    def _failed(request: HttpRequest, to: str) -> Response[Any]:
        shown = pages.bare(request, "sign_in.html", status=401, to=to, signed_out=False, end="", failed=True)
        drop_cookie(shown, under_way)
        return shown

    @get(POSTS, include_in_schema=False)
    async def posts_page(
        request: HttpRequest, to: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "/"
    ) -> Response[str]:
        found = await people.signed_in(request)
        return pages.bare(
            request,
            "posts.html",
            called=found.called,
            own_code=found.session.subject,
            posts=found.known.posts,
            chosen=found.post,
            to=own_path(to),
        )

    @post(POSTS, include_in_schema=False, status_code=SEE_OTHER)
    async def choose(request: HttpRequest) -> Redirect:
        refuse_foreign_pages(request)
        found = await people.signed_in(request)
        filled = await read_form(request, most=MAX_SENT)
        try:
            wanted = UUID(filled.get("post", ""))
        except ValueError:
            wanted = None
        if wanted is None or all(each.id != wanted for each in found.known.posts):
            raise problem(403, "no-post", "other", field="post")
        await sessions.choose(found.session, wanted)
        return Redirect(own_path(filled.get("to", "/")), status_code=SEE_OTHER)

    async def sign_out(request: HttpRequest, *, everywhere: bool) -> Redirect:
        refuse_foreign_pages(request)
        cookie = cookie_of(request, people.cookie) or ""
        session = await sessions.find(cookie)
        if session is None:
            await sessions.revoke(digest_of(cookie))  # it may have been ended just now, and the answer got lost
        else:
            try:
                session = (await people.signed_in(request)).session
            except ProblemError:
                pass  # whose tokens are of no use any more signs out all the same
            else:
                await read_form(request, most=MAX_SENT)  # refuses what no page of this session sent
            if everywhere:
                await sessions.revoke_all(session.subject)
            else:
                await sessions.revoke(session.digest)
            try:
                await provider.revoke(session.tokens)
            except (ProviderAway, SignInRefused) as error:
                log.warning("not_revoked_at_the_provider", kind=type(error).__name__)
        answer = Redirect(f"{LOGIN}?out=1", status_code=SEE_OTHER)
        drop_cookie(answer, people.cookie)
        answer.headers.update(FORGET)
        return answer

    @post(LOGOUT, include_in_schema=False, status_code=SEE_OTHER)
    async def logout(request: HttpRequest) -> Redirect:
        return await sign_out(request, everywhere=False)

    @post(LOGOUT_EVERYWHERE, include_in_schema=False, status_code=SEE_OTHER)
    async def logout_everywhere(request: HttpRequest) -> Redirect:
        return await sign_out(request, everywhere=True)

    return permitted(OPEN, [login_page, start, callback, posts_page, choose, logout, logout_everywhere])


def _away(error: ProviderAway) -> ProblemError:
    log.warning("provider_away", why=str(error))
    return problem(503, "provider-away", headers={"Retry-After": "10"})
