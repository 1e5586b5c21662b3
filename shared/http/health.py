"""`/healthz` says that the process answers, `/readyz` that some path makes progress."""

from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from shared.http.problems import problem_body

#: Tells what hinders progress, by name; empty when the service is ready.
Hindrances = Callable[[], Awaitable[dict[str, str]]]


class Health(msgspec.Struct, frozen=True):
    """The answer of a healthy or ready service."""

    status: str


def health_routes(hindrances: Hindrances) -> list[HTTPRouteHandler]:
    """The two probes. Neither needs a token."""

    @get("/healthz", summary="The process answers", tags=["operations"])
    async def healthz() -> Health:
        return Health("ok")

    @get("/readyz", summary="Some path makes progress", tags=["operations"])
    async def readyz() -> Response[Health | bytes]:
        if found := await hindrances():
            detail = "; ".join(f"{name}: {why}" for name, why in sorted(found.items()))
            return Response(
                problem_body(503, "not-ready", detail), status_code=503, media_type="application/problem+json"
            )
        return Response(Health("ready"))

    return [healthz, readyz]
