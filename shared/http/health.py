"""Three questions: `/healthz`, does it answer; `/readyz`, can it serve; `/progressz`, does its work go on.

A balancer asks the second: a service whose sources are silent still has pages to show. Alerts, and whoever operates the
pair, ask the third, which names each work.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from shared.http.openapi import problems
from shared.http.permissions import OPEN, permitted
from shared.http.problems import language_of, problem, problem_response
from shared.http.server import stopping
from shared.sentences import Sentence

#: Tells why the store cannot be used; None when it can.
Reachable = Callable[[], Awaitable[Sentence | None]]
#: Tells of each work, by name, what keeps it from going on; empty where it goes on.
Works = Callable[[], Awaitable[dict[str, str]]]
#: Tells what an operator should know of a service that is ready, by name.
Notices = Callable[[], dict[str, str]]


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer of a healthy or ready service. `notices` are what an operator should know of it, by name."""

    status: str
    notices: dict[str, str] = {}


class Progressing(msgspec.Struct, frozen=True):
    """The answer of a service whose work goes on."""

    status: str
    works: Annotated[dict[str, str], msgspec.Meta(description="Each work, with why it stands; empty: it goes on.")]


_READY = ResponseSpec(Health, generate_examples=False, description="it can serve")
_GOES_ON = ResponseSpec(Progressing, generate_examples=False, description="every work goes on")


def health_routes(store: Reachable, works: Works, notices: Notices = dict) -> list[HTTPRouteHandler]:
    """The three probes. None needs a token."""

    @get("/healthz", summary="The process answers", tags=["operations"], responses=problems(400))
    async def healthz() -> Health:
        return Health("ok")

    @get("/readyz", summary="It can serve", tags=["operations"], responses={200: _READY, **problems(400, 503)})
    async def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        missing: Sentence | None = None
        if stopping(request.app)():
            missing = Sentence("đang dừng", "closing")
        elif (why := await store()) is not None:
            missing = Sentence(f"store: {why.vi}", f"store: {why.en}")
        if missing is not None:
            return problem_response(problem(503, "not-ready", missing=missing), language_of(request))
        return Response(Health("ready", notices()))

    @get(
        "/progressz",
        summary="Its work goes on",
        tags=["operations"],
        responses={200: _GOES_ON, **problems(400, 503)},
    )
    async def progressz(request: Request[Any, Any, Any]) -> Response[Any]:
        found = await works()
        if missing := "; ".join(f"{name}: {why}" for name, why in sorted(found.items()) if why):
            return problem_response(
                problem(503, "no-progress", missing=missing, members={"works": found}), language_of(request)
            )
        return Response(Progressing("progressing", found))

    return permitted(OPEN, [healthz, readyz, progressz])
