"""The HTTP application of followup: every route, one place."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from services.followup.entrypoints.office import LOGIN, OPEN_PATHS
from shared.http.auth import Callers
from shared.http.openapi import document
from shared.http.problems import EXCEPTION_HANDLERS, ProblemError, problem_response
from shared.postgres.group_commit import PASSING

MAX_BODY = 256 * 1024  # bytes: forms
RETRY_AFTER = "1"  # seconds

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

log = structlog.get_logger("http")


def make_app(routes: Sequence[HTTPRouteHandler], callers: Callers, lifespan: Lifespan | None = None) -> Litestar:
    """The application over these routes; every one of them but the probes needs a caller."""
    return Litestar(
        route_handlers=list(routes),
        before_request=callers.hook(OPEN_PATHS),
        exception_handlers={
            **EXCEPTION_HANDLERS,
            **dict.fromkeys(PASSING, _unavailable),
            ProblemError: _problem_or_login,
        },
        request_max_body_size=MAX_BODY,
        openapi_config=document(
            "Đối thoại – followup",
            "Who owes which answer by when: cases, deadlines, breaches, each explained. Read only.",
        ),
        lifespan=[lifespan] if lifespan else [],
        logging_config=None,
        debug=False,
    )


def _problem_or_login(request: Request[Any, Any, Any], error: ProblemError) -> Response[Any]:
    """A person whose browser comes without a token is shown the way in; a program gets the problem."""
    if error.status == 401 and "text/html" in request.headers.get("accept", ""):
        return Redirect(LOGIN, status_code=303)
    return problem_response(error)


def _unavailable(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.warning("store_unavailable", kind=type(error).__name__)
    detail = "the store cannot be reached now: ask again shortly"
    return problem_response(ProblemError(503, "store-unavailable", detail, headers={"Retry-After": RETRY_AFTER}))
