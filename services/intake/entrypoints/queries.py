"""Questions to intake: one case, the bodies, the calendars, and content through its one logged route."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from services.intake.application.addresses import target_id
from services.intake.application.errors import NotThere
from services.intake.application.knowledge import Knowledge
from services.intake.application.reading import Reading, told
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from shared.http.auth import Caller, caller_of, need_role
from shared.http.problems import ProblemError
from shared.identifiers import is_within

log = structlog.get_logger("content")

FEED_ROLES = ("system", "auditor", "operations", "office", "chair")


class PetitionView(msgspec.Struct, frozen=True, kw_only=True):
    """A petition: what it is now, and the facts that made it so."""

    id: UUID
    version: int
    receipt_code: str
    jurisdiction: str
    petition: dict[str, Any]
    facts: list[dict[str, Any]]


class ConferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A conference: what it is now, and the facts that made it so."""

    id: UUID
    version: int
    jurisdiction: str
    conference: dict[str, Any]
    facts: list[dict[str, Any]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pushed reference went."""

    id: UUID
    version: int
    position: int


class Items(msgspec.Struct, frozen=True):
    """A list that fits on one page."""

    items: list[dict[str, Any]]


class ContentView(msgspec.Struct, frozen=True):
    """What still opens of a petition's sealed content, event by event."""

    id: UUID
    events: list[dict[str, Any]]


def may_read_all(knowledge: Knowledge) -> Callable[[Caller], None]:
    """The feed holds every jurisdiction of the store: it is for callers whose subtree covers them all."""

    def check(caller: Caller) -> None:
        need_role(caller, *FEED_ROLES)
        for code in jurisdictions_of(knowledge):
            if not is_within(code, caller.jurisdiction):
                raise ProblemError(403, "jurisdiction-may-not", "the feed holds jurisdictions beyond your own")

    return check


def jurisdictions_of(knowledge: Knowledge) -> list[str]:
    """The codes of the registered jurisdictions; the nation is a name for the whole tree, not a place in it."""
    return [code for code in knowledge.regulation.jurisdictions if code != "VN"]


def query_routes(reading: Reading) -> list[HTTPRouteHandler]:
    """Every question."""

    @get("/v1/petitions", summary="Find what was pushed", tags=["petition"], responses=openapi.READ_PROBLEMS)
    async def find_petition(
        request: Request[Any, Any, Any],
        source: Annotated[str, QueryParameter(min_length=1)],
        external_id: Annotated[str, QueryParameter(min_length=1)],
    ) -> Response[Found]:
        place = await reading.referred(source, external_id)
        if place is None:
            raise NotThere("nothing was pushed under this reference")
        # Also says whether it may be seen.
        await reading.petition(domain_caller(caller_of(request)), place.originator_id)
        found = Found(id=place.originator_id, version=place.version, position=place.position)
        return Response(found, headers={"Location": f"/v1/petitions/{place.originator_id}"})

    @get("/v1/petitions/{target:str}", summary="One petition", tags=["petition"], responses=openapi.READ_PROBLEMS)
    async def one_petition(request: Request[Any, Any, Any], target: FromPath[str]) -> Response[PetitionView]:
        petition_id = target_id("petition", target)
        petition, facts = await reading.petition(domain_caller(caller_of(request)), petition_id)
        version = facts[-1].version
        view = PetitionView(
            id=petition_id,
            version=version,
            receipt_code=getattr(facts[0].event, "receipt_code", ""),
            jurisdiction=petition.jurisdiction,
            petition=msgspec.to_builtins(petition),
            facts=[told(fact) for fact in facts],
        )
        return Response(view, headers={"ETag": f'"{version}"'})

    @get(
        "/v1/petitions/{target:str}/content",
        summary="The sealed content of a petition; every reading is recorded",
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
    )
    async def content(
        request: Request[Any, Any, Any], target: FromPath[str], on_behalf_of: FromQuery[str] = ""
    ) -> Response[ContentView]:
        petition_id = target_id("petition", target)
        caller = caller_of(request)
        events = await reading.content(domain_caller(caller), on_behalf_of, petition_id)
        log.info("content_read", caller=caller.name, petition_id=str(petition_id), events=len(events))
        return Response(ContentView(petition_id, events), headers={"Cache-Control": "no-store"})

    @get(
        "/v1/conferences/{target:str}",
        summary="One conference",
        tags=["conference"],
        responses=openapi.READ_PROBLEMS,
    )
    async def one_conference(request: Request[Any, Any, Any], target: FromPath[str]) -> Response[ConferenceView]:
        conference_id = target_id("conference", target)
        conference, facts = await reading.conference(domain_caller(caller_of(request)), conference_id)
        version = facts[-1].version
        view = ConferenceView(
            id=conference_id,
            version=version,
            jurisdiction=conference.jurisdiction,
            conference=msgspec.to_builtins(conference),
            facts=[told(fact) for fact in facts],
        )
        return Response(view, headers={"ETag": f'"{version}"'})

    return [find_petition, one_petition, content, one_conference, *_regulation_routes(reading)]


def _regulation_routes(reading: Reading) -> list[HTTPRouteHandler]:
    def listing(path: str, summary: str, aggregate: str) -> HTTPRouteHandler:
        @get(path, summary=summary, tags=[aggregate], responses=openapi.READ_PROBLEMS, operation_id=f"list_{aggregate}")
        async def items() -> Items:
            await reading.knowledge.refresh()
            return Items([told(fact) for fact in reading.knowledge.facts if aggregate == fact.event.AGGREGATE])

        return items

    return [
        listing("/v1/jurisdictions", "Jurisdictions, as registered and closed", "jurisdiction"),
        listing("/v1/agencies", "Agencies, as registered and closed", "agency"),
        listing("/v1/calendars", "Calendars, as published and proposed", "calendar"),
        listing("/v1/policies", "Policies, as adopted", "policy"),
        listing("/v1/plans", "Dialogue plans, as adopted", "plan"),
    ]
