"""The HTTP application of intake: every route, one place."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.intake.application.pushing.push import PushBody
from services.intake.domain import NotAllowed
from services.intake.entrypoints import openapi
from services.intake.entrypoints.clock import ClockMove
from services.intake.entrypoints.limits import MAX_BODY
from services.intake.entrypoints.pushes import PushBatch
from services.intake.entrypoints.refusals import REFUSAL_HANDLERS
from services.intake.entrypoints.rule_queries import CalendarYearInput, Comparison
from shared.http.auth import Callers
from shared.http.methods import with_head_and_options
from shared.http.parameters import PARAMETER_HANDLERS
from shared.http.problems import EXCEPTION_HANDLERS

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def make_app(
    routes: Sequence[HTTPRouteHandler], callers: Callers, lifespan: Lifespan | None = None, *, prefix: str = ""
) -> Litestar:
    """The application over these routes; every one of them but the probes needs a caller.

    A proxy may show it under a path, the `prefix`.
    """
    return Litestar(
        route_handlers=with_head_and_options(routes),
        before_request=callers.hook(),
        after_exception=[callers.noting((NotAllowed,))],
        exception_handlers={**EXCEPTION_HANDLERS, **PARAMETER_HANDLERS, **REFUSAL_HANDLERS},
        request_max_body_size=MAX_BODY,
        openapi_config=openapi.config(
            ClockMove, CalendarYearInput, Comparison, PushBody, PushBatch, prefix=prefix, routes=routes
        ),
        lifespan=[lifespan] if lifespan else [],
        logging_config=None,
        debug=False,
    )
