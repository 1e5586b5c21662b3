"""`/healthz` says that the process answers, `/readyz` that some path makes progress."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from shared.http.openapi import problems
from shared.http.problems import language_of, problem, problem_response

#: Tells what hinders progress, by name; empty when the service is ready.
Hindrances = Callable[[], Awaitable[dict[str, str]]]
#: Tells what an operator should know of a service that is ready, by name.
Notices = Callable[[], dict[str, str]]


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer of a healthy or ready service. `notices` are what an operator should know of it, by name."""

    status: str
    notices: dict[str, str] = {}


_READY = ResponseSpec(Health, generate_examples=False, description="some path makes progress")


def health_routes(hindrances: Hindrances, notices: Notices = dict) -> list[HTTPRouteHandler]:
    """The two probes. Neither needs a token."""

    @get("/healthz", summary="The process answers", tags=["operations"], responses=problems(400))
    async def healthz() -> Health:
        return Health("ok")

    @get(
        "/readyz",
        summary="Some path makes progress",
        tags=["operations"],
        responses={200: _READY, **problems(400, 503)},
    )
    async def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        if found := await hindrances():
            missing = "; ".join(f"{name}: {why}" for name, why in sorted(found.items()))
            return problem_response(problem(503, "not-ready", missing=missing), language_of(request))
        return Response(Health("ready", notices()))

    return [healthz, readyz]
