"""The HTTP application of followup with all its routes."""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPI, Schema

from services.followup.adapters.intake_client import Refusal
from services.followup.entrypoints.compression import compression
from services.followup.entrypoints.subscription_bodies import BODIES
from shared.http.auth import PROBES, Callers
from shared.http.methods import with_head_and_options
from shared.http.openapi import REF, document, finish, without_defaults
from shared.http.openapi_details import with_details
from shared.http.parameters import PARAMETER_HANDLERS
from shared.http.problem_registry import ProblemKind, kinds_of, problems_of
from shared.http.problems import EXCEPTION_HANDLERS, ProblemError, language_of, problem, problem_response
from shared.postgres.transient_errors import TRANSIENT_ERRORS
from shared.problem_words import DOOR_WORDS
from shared.sentences import ProblemText

MAX_BODY = 1024 * 1024  # bytes
RETRY_AFTER = "1"  # seconds

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

log = structlog.get_logger("http")


def make_app(
    routes: Sequence[HTTPRouteHandler],
    callers: Callers,
    lifespan: Lifespan | None = None,
    *,
    open_paths: frozenset[str] = frozenset(),
    for_people: Callable[[Handler], Handler] = lambda handler: handler,
    before_refusal: Callable[[Request[Any, Any, Any]], Awaitable[None]] | None = None,
    prefix: str = "",
) -> Litestar:
    """The application over these routes. All of them but the probes and `open_paths` need a caller.

    `for_people` shows problems to those who came with a browser. `before_refusal` is given each request that has no
    caller. A proxy may show it under a path, the `prefix`.
    """
    handlers: dict[int | type[Exception], Any] = {
        **EXCEPTION_HANDLERS,
        **PARAMETER_HANDLERS,
        **dict.fromkeys(TRANSIENT_ERRORS, _unavailable),
        ProblemError: _problem,
        Refusal: _refused,
    }
    return Litestar(
        route_handlers=with_head_and_options(routes),
        after_exception=[callers.noting()],
        before_request=callers.hook(PROBES | open_paths, before_refusal),
        exception_handlers={error: for_people(handler) for error, handler in handlers.items()},
        request_max_body_size=MAX_BODY,
        compression_config=compression(),
        openapi_config=document(
            "Đối thoại – followup",
            "Who owes which answer by when: cases, deadlines, breaches, each explained. Read only.",
            _complete,
            lambda found: with_details(found, _problems_of),
            prefix,
            routes,
        ),
        lifespan=[lifespan] if lifespan else [],
        logging_config=None,
        debug=False,
    )


@functools.cache
def _kinds() -> dict[str, ProblemKind]:
    return kinds_of("followup", DOOR_WORDS)


def _problems_of(operation: Mapping[str, Any], status: int) -> list[ProblemKind]:
    return problems_of("followup", _kinds(), operation["operationId"], status)


def _complete(found: OpenAPI) -> None:
    """Add the bodies, which Litestar does not parse itself."""
    _, bodies = msgspec.json.schema_components(BODIES, ref_template=REF)
    asked = cast(dict[str, Schema], without_defaults(bodies))
    found.components.schemas = {**asked, **(found.components.schemas or {})}
    finish(found)


def _problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return problem_response(error, language_of(request))


def _refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    """What a source said where the page has no form to say it beside; mostly that it does not answer."""
    code = refusal.code if refusal.code in DOOR_WORDS else "intake-away"
    text = ProblemText(DOOR_WORDS[code].title, refusal.detail)
    status = 503 if refusal.status >= 500 else refusal.status
    return problem_response(ProblemError(status, code, text), language_of(request))


def _unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.warning("store_unavailable", kind=type(error).__name__)
    away = problem(503, "store-unavailable", "reading", headers={"Retry-After": RETRY_AFTER})
    return problem_response(away, language_of(request))
