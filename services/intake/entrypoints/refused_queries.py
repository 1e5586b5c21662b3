"""`GET /v1/refused-commands`: which queued commands were refused, without a word of what they said.

Who sees one goes by its sender, for whom the broker vouched, and never by what it said: the place that it names is a
claim of somebody who was refused.
"""

import base64
import binascii
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from services.intake.adapters.refused import RefusedCommand, RefusedCommands
from services.intake.application.regulation_cache import RegulationCache
from services.intake.entrypoints import openapi
from services.intake.entrypoints.queries import DEFAULT_LIMIT, MAX_LIMIT, covers_all
from shared.http.auth import Callers, caller_of
from shared.http.openapi import answers
from shared.http.permissions import for_roles
from shared.http.problems import ProblemError, problem
from shared.identifiers import NATION

PATH = "/v1/refused-commands"
SEEN_BY = (
    "Refused commands, the newest first, without a word of what they said. Offices and operators see those that were "
    "sent by the broker's user of a caller whose own place is theirs or lies below it. The place that a command speaks "
    "of does not matter: what the portal of a province sent about a commune is seen by the office and the operators of "
    "the province, and not by the office of the district. Those whose place holds every registered one see all, also "
    "what came without `user_id` or from a user of the broker whom nobody knows."
)


class RefusedItems(msgspec.Struct, frozen=True):
    """One page of refused commands, the newest first; the `Link` header names the next."""

    items: list[RefusedCommand]


def refused_route(refused: RefusedCommands, callers: Callers, regulation_cache: RegulationCache) -> HTTPRouteHandler:
    """The route. Who sees the whole store also sees what came from users of the broker whom nobody knows."""

    @get(
        PATH,
        summary="Refused commands of the queue",
        description=SEEN_BY,
        tags=["operations"],
        opt=for_roles(("office", "operations")),
        responses=openapi.READ_PROBLEMS,
        operation_class=answers("Link"),
    )
    async def list_refused_commands(
        request: Request[Any, Any, Any],
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[str, QueryParameter(max_length=40, description="from the `Link` of the page before")] = "",
    ) -> Response[RefusedItems]:
        caller = caller_of(request)
        await regulation_cache.refresh()
        # Commands may have been refused before any jurisdiction was registered: then only the nation holds them all.
        is_placed = caller.jurisdiction == NATION or bool(regulation_cache.regulation.jurisdictions)
        sees_all = is_placed and covers_all(caller, regulation_cache)
        users = None if sees_all else callers.broker_users_within(caller.jurisdiction)
        before = _before(cursor)
        found = await refused.page(before, users, limit + 1)
        if before is not None and not found and not await refused.knows(before):
            raise _invalid_cursor()  # the end of the list would look the same
        page, headers = found[:limit], {}
        if len(found) > limit:
            headers["Link"] = f'<{PATH}?limit={limit}&cursor={_cursor(page[-1].refused_id)}>; rel="next"'
        return Response(RefusedItems(page), headers=headers)

    return list_refused_commands


def _cursor(refused_id: UUID) -> str:
    return base64.urlsafe_b64encode(refused_id.bytes).rstrip(b"=").decode()


def _before(cursor: str) -> UUID | None:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))) if cursor else None
    except (binascii.Error, ValueError):
        raise _invalid_cursor() from None


def _invalid_cursor() -> ProblemError:
    return problem(400, "invalid-cursor", field="cursor")
