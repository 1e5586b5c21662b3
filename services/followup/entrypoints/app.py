"""The HTTP application of followup: every route, one place."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from services.followup.entrypoints.office import LOGIN, OPEN_PATHS
from services.followup.entrypoints.page import Pages
from services.followup.entrypoints.refusal_texts import refusal_words
from shared.http.auth import Callers
from shared.http.openapi import document
from shared.http.problems import EXCEPTION_HANDLERS, TYPE_PREFIX, Problem, ProblemError, problem_response
from shared.postgres.group_commit import PASSING

MAX_BODY = 256 * 1024  # bytes: forms
RETRY_AFTER = "1"  # seconds

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

log = structlog.get_logger("http")


def make_app(routes: Sequence[HTTPRouteHandler], callers: Callers, lifespan: Lifespan | None = None) -> Litestar:
    """The application over these routes; every one of them but the probes needs a caller."""
    told = _for_people(Pages())
    handlers: dict[int | type[Exception], Any] = {
        **EXCEPTION_HANDLERS,
        **dict.fromkeys(PASSING, _unavailable),
        ProblemError: _problem_or_login,
    }
    return Litestar(
        route_handlers=list(routes),
        before_request=callers.hook(OPEN_PATHS),
        exception_handlers={error: told(handler) for error, handler in handlers.items()},
        request_max_body_size=MAX_BODY,
        openapi_config=document(
            "Đối thoại – followup",
            "Who owes which answer by when: cases, deadlines, breaches, each explained. Read only.",
        ),
        lifespan=[lifespan] if lifespan else [],
        logging_config=None,
        debug=False,
    )


def _for_people(pages: Pages) -> Callable[[Handler], Handler]:
    """Problems on pages are pages too; a program, and whoever asks the API, gets the problem itself."""

    def told(handler: Handler) -> Handler:
        def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
            response = handler(request, error)
            if isinstance(response, Redirect) or request.url.path.startswith("/v1/") or not _is_browser(request):
                return response
            problem = msgspec.json.decode(response.content, type=Problem)
            words = refusal_words(problem.type.removeprefix(TYPE_PREFIX))
            shown = pages.show("problem.html", told=words, problem=problem)
            shown.status_code, shown.headers = response.status_code, {**response.headers, **shown.headers}
            return shown

        return answer

    return told


def _is_browser(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _problem_or_login(request: Request[Any, Any, Any], error: ProblemError) -> Response[Any]:
    """A person whose browser comes without a token is shown the way in; a program gets the problem."""
    if error.status == 401 and _is_browser(request):
        return Redirect(LOGIN, status_code=303)
    return problem_response(error)


def _unavailable(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.warning("store_unavailable", kind=type(error).__name__)
    detail = "the store cannot be reached now: ask again shortly"
    return problem_response(ProblemError(503, "store-unavailable", detail, headers={"Retry-After": RETRY_AFTER}))
