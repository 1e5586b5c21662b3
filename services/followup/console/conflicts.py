"""Pushes that wait for the office: what a portal would change of petitions that officials have in hand."""

import asyncio
from typing import Any, Literal, NamedTuple
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from services.followup.adapters.intake_client import ConflictAnswer, IntakeClient, Refusal
from services.followup.adapters.read.queries import Queries
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.form_body import need_own_form
from services.followup.console.history import before_and_after
from services.followup.console.intake_door import Address, IntakeDoor
from services.followup.console.pages import Pages, field_title
from services.followup.console.problem_pages import refused_page
from services.followup.console.roles import DECIDING_CONFLICTS
from services.followup.console.targets import Back
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.events.petition import PetitionCorrected
from shared.http.auth import token_of
from shared.http.permissions import for_roles

PAGE = "/conflicts"
ONE = PAGE + "/{source:str}/{conflict_id:uuid}"
LISTED = 100  # of each source
SOON = 2.0  # seconds that the first page waits for a source
TO_CONFLICTS = Back(PAGE, Bilingual("Thay đổi chờ quyết định", "Changes that wait for a decision"))

Decision = Literal["acceptance", "refusal"]


class Waiting(NamedTuple):
    """The conflicts of a source that wait, the oldest first; or why they could not be asked for."""

    source: str
    conflicts: list[ConflictAnswer]
    refusal: Refusal | None = None


class OpenConflicts:
    """Asks every source what waits."""

    def __init__(self, queries: Queries, intake: IntakeClient, address: Address) -> None:
        self._queries, self._intake, self._door = queries, intake, IntakeDoor(queries, address)

    async def waiting(self, token: str, within: float | None = None) -> list[Waiting]:
        """What waits, by source."""
        return list(await asyncio.gather(*(self._of(s.source, token, within) for s in await self._queries.sources())))

    async def count(self, token: str) -> int:
        """How many wait, of each source up to a page; a source that is away, or too old, counts for none."""
        return sum(len(each.conflicts) for each in await self.waiting(token, SOON))

    async def of_petition(self, source: str, petition_id: UUID, token: str) -> list[ConflictAnswer]:
        """Those of one petition; none while its source is away."""
        return (await self._of(source, token, SOON, petition_id)).conflicts

    async def _of(self, source: str, token: str, within: float | None, petition_id: UUID | None = None) -> Waiting:
        try:
            url = self._door.url(source)
            return Waiting(source, await self._intake.conflicts(url, LISTED, token, within, petition_id))
        except Refusal as refusal:
            return Waiting(source, [], refusal)


def conflict_pages(
    pages: Pages, queries: Queries, waiting: OpenConflicts, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The list, and the page on which one is decided."""
    door = IntakeDoor(queries, address)

    @get(PAGE, include_in_schema=False, opt=for_roles(DECIDING_CONFLICTS))
    async def list_open_conflicts(request: HttpRequest) -> Response[str]:
        found = await waiting.waiting(token_of(request))
        petitions = {conflict.petition_id for each in found for conflict in each.conflicts}
        return await pages.show(
            request,
            "conflicts.html",
            found=found,
            titles=await queries.titles(scope_of(request), petitions),
            field_name=lambda name: field_title(name, PetitionCorrected.TOPIC),
        )

    @get(ONE, include_in_schema=False, opt=for_roles(DECIDING_CONFLICTS))
    async def conflict(request: HttpRequest, source: FromPath[str], conflict_id: FromPath[UUID]) -> Response[str]:
        try:
            found = await intake.conflict(door.url(source), conflict_id, token_of(request))
        except Refusal as refusal:
            return await refused_page(pages, request, TO_CONFLICTS, refusal)
        topic = PetitionCorrected.TOPIC
        return await pages.show(
            request,
            "conflict.html",
            source=source,
            conflict=found.conflict,
            titles=await queries.titles(scope_of(request), [found.conflict.petition_id]),
            changes=[
                (field_title(each.field, topic), before_and_after(topic, each.field, each.ours, each.theirs))
                for each in found.fields
            ],
        )

    async def decide(request: HttpRequest, source: str, conflict_id: UUID, decision: Decision) -> Response[Any]:
        await need_own_form(request)
        try:
            url = door.url(source)
            await intake.decide_conflict(url, conflict_id, decision, token_of(request))
        except Refusal as refusal:
            return await refused_page(pages, request, TO_CONFLICTS, refusal)
        return Redirect(f"{PAGE}/{quote(source, safe='')}/{conflict_id}", status_code=SEE_OTHER)

    @post(ONE + "/acceptance", include_in_schema=False, status_code=200, opt=for_roles(DECIDING_CONFLICTS))
    async def accept(request: HttpRequest, source: FromPath[str], conflict_id: FromPath[UUID]) -> Response[Any]:
        return await decide(request, source, conflict_id, "acceptance")

    @post(ONE + "/refusal", include_in_schema=False, status_code=200, opt=for_roles(DECIDING_CONFLICTS))
    async def refuse(request: HttpRequest, source: FromPath[str], conflict_id: FromPath[UUID]) -> Response[Any]:
        return await decide(request, source, conflict_id, "refusal")

    return [list_open_conflicts, conflict, accept, refuse]
