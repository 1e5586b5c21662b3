"""`GET /v1/me`: who the caller is, and what it may."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.followup.entrypoints.query_parameters import READ_PROBLEMS, HttpRequest
from shared.http.auth import Callers
from shared.http.caller_view import WhoCalls, who_calls
from shared.http.permissions import KNOWN, permitted


def me_routes(callers: Callers) -> list[HTTPRouteHandler]:
    """The one route."""

    @get(
        "/v1/me",
        summary="Who the caller is, and what it may",
        tags=["person"],
        responses=READ_PROBLEMS,
        operation_id="get_me",
    )
    async def get_me(request: HttpRequest) -> Response[WhoCalls]:
        return Response(WhoCalls(**who_calls(request, callers)), headers={"Cache-Control": "no-store"})

    return permitted(KNOWN, [get_me])
