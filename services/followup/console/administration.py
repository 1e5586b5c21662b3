"""The page of operators: how far sources are read, what waits, differs or was refused, and the retry of what waits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, Refusal, RefusedCommandAnswer
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.store.operator_requests import RequestFailed
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.form_body import need_own_form
from services.followup.console.intake_door import Address, IntakeDoor
from services.followup.console.pages import Pages
from services.followup.console.roles import ADMINISTERING, RETRYING, SEEING_REFUSED, has_any
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import caller_of, token_of
from shared.http.permissions import for_roles

PAGE = "/administration"
LISTED = 100  # of each kind

#: Asks the projector of a source to rebuild a petition; its answer. Raises RequestFailed.
Retry = Callable[[str, UUID], Awaitable[str]]


def administration_routes(
    pages: Pages, queries: Queries, intake: IntakeClient, address: Address, retry: Retry
) -> list[HTTPRouteHandler]:
    """The routes of the page."""
    door = IntakeDoor(queries, address)

    async def refused_by(source: str, token: str) -> tuple[str, list[RefusedCommandAnswer], Refusal | None]:
        try:
            return source, await intake.refused_commands(door.url(source), LISTED, token), None
        except Refusal as refusal:
            return source, [], refusal

    async def show(
        request: HttpRequest, status: int = 200, retried: UUID | None = None, failed: str = ""
    ) -> Response[str]:
        scope, caller = scope_of(request), caller_of(request)
        known = await queries.sources()
        may_see_refused = has_any(caller, SEEING_REFUSED)
        asked = [refused_by(source.source, token_of(request)) for source in known] if may_see_refused else []
        return await pages.show(
            request,
            "administration.html",
            status=status,
            followed=known,
            parked=await queries.parked(scope, LISTED),
            differences=await queries.differences(scope, LISTED),
            uncountables=await queries.uncountable(scope, LISTED),
            refused=await asyncio.gather(*asked),
            may_retry=has_any(caller, RETRYING),
            retried=retried,
            failed=failed,
        )

    @get(PAGE, include_in_schema=False, opt=for_roles(ADMINISTERING))
    async def administration(request: HttpRequest, retried: FromQuery[UUID | None] = None) -> Response[str]:
        return await show(request, retried=retried)

    @post(
        PAGE + "/retries/{source:str}/{petition_id:uuid}",
        include_in_schema=False,
        status_code=200,
        opt=for_roles(RETRYING),
    )
    async def retry_parked(request: HttpRequest, source: FromPath[str], petition_id: FromPath[UUID]) -> Response[Any]:
        await need_own_form(request)
        try:
            await retry(source, petition_id)
        except RequestFailed as error:
            return await show(request, 409, failed=str(error))
        return Redirect(f"{PAGE}?retried={petition_id}", status_code=SEE_OTHER)

    return [administration, retry_parked]
