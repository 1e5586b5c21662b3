"""Questions to intake: one case, the bodies, the calendars, and content through its one logged route."""

import base64
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.intake.application.case_queries import CaseQueries, EventContent, FactView, public_fact
from services.intake.application.command_body import MAX_SHORT
from services.intake.application.feed_visibility import FeedVisibility
from services.intake.application.regulation_cache import RegulationCache
from services.intake.application.stream_ids import target_id
from services.intake.domain import AnyFact, Conference, Petition
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller, reader
from shared.events import Recorded
from shared.events.any_stream import RecordAnnulled
from shared.feed_cursor import FeedFilter
from shared.http.auth import READERS, AuthenticatedCaller, caller_of, need_role
from shared.http.entity_tags import is_known
from shared.http.permissions import KNOWN, KNOWN_OWN, for_roles, permitted
from shared.http.problems import problem
from shared.http.scoped_feed import Visible
from shared.identifiers import NATION, is_within

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000  # records a page

#: Who may open sealed content; an agency what it is in charge of.
OPENERS = ("agency", "chair", "office")

log = structlog.get_logger("content")
T = TypeVar("T")


class PetitionView(msgspec.Struct, frozen=True, kw_only=True):
    """A petition: what it is now, and the facts that made it so."""

    id: UUID
    version: int
    receipt_code: str
    jurisdiction: str
    petition: Petition
    facts: list[FactView]


class ConferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A conference: what it is now, and the facts that made it so."""

    id: UUID
    version: int
    jurisdiction: str
    conference: Conference
    facts: list[FactView]


class Items(msgspec.Struct, frozen=True):
    """One page of a list; the `Link` header names the next."""

    items: list[FactView]


class ContentView(msgspec.Struct, frozen=True):
    """What still opens of the sealed content of a case, event by event."""

    id: UUID
    events: list[EventContent]


def may_read_all(regulation_cache: RegulationCache) -> Callable[[AuthenticatedCaller], Awaitable[None]]:
    """The feed and the metrics hold every jurisdiction: they are for callers whose subtree covers them all."""

    async def check(caller: AuthenticatedCaller) -> None:
        need_role(caller, *READERS)
        if caller.jurisdiction == NATION:
            return
        # Another process may have registered one since.
        await regulation_cache.refresh()
        if not covers_all(caller, regulation_cache):
            raise problem(403, "jurisdiction-may-not", "everything")

    return check


def visible_to(visibility: FeedVisibility) -> Visible:
    """What of the feed a caller sees who may not see all of it."""

    async def seen(caller: AuthenticatedCaller, asked: FeedFilter, events: Sequence[Recorded]) -> Collection[int]:
        need_role(caller, "agency", *READERS)
        return await visibility.seen(domain_caller(caller), asked, events)

    return seen


def covers_all(caller: AuthenticatedCaller, regulation_cache: RegulationCache) -> bool:
    """Whether a caller's subtree holds every registered jurisdiction. The nation is the whole tree, no place in it."""
    places = (code for code in regulation_cache.regulation.jurisdictions if code != NATION)
    return all(is_within(code, caller.jurisdiction) for code in places)


def query_routes(reading: CaseQueries) -> list[HTTPRouteHandler]:
    """Every question."""

    @get(
        "/v1/petitions/{target:str}",
        summary="One petition",
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("petition", cached=True, links=openapi.READ),
    )
    async def get_petition(request: Request[Any, Any, Any], target: FromPath[str]) -> Response[PetitionView]:
        petition_id = target_id("petition", target)
        petition, facts = await reading.petition(domain_caller(caller_of(request)), petition_id)
        version = facts[-1].version
        view = PetitionView(
            id=petition_id,
            version=version,
            receipt_code=getattr(facts[0].event, "receipt_code", ""),
            jurisdiction=petition.jurisdiction,
            petition=petition,
            facts=[public_fact(fact) for fact in facts],
        )
        return tagged(request, view, version)

    @get(
        "/v1/conferences/{target:str}",
        summary="One conference",
        tags=["conference"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("conference", cached=True),
    )
    async def get_conference(request: Request[Any, Any, Any], target: FromPath[str]) -> Response[ConferenceView]:
        conference_id = target_id("conference", target)
        conference, facts = await reading.conference(domain_caller(caller_of(request)), conference_id)
        version = facts[-1].version
        view = ConferenceView(
            id=conference_id,
            version=version,
            jurisdiction=conference.jurisdiction,
            conference=conference,
            facts=[public_fact(fact) for fact in facts],
        )
        return tagged(request, view, version)

    cases = [
        get_petition,
        get_conference,
        _content_route("petition", "/v1/petitions/{target:str}/content", reading),
        _content_route("conference", "/v1/conferences/{target:str}/content", reading),
    ]
    return [*permitted(KNOWN_OWN, cases), *permitted(KNOWN, _regulation_routes(reading))]


def tagged(request: Request[Any, Any, Any], view: T, version: int) -> Response[T]:
    """An answer with its version as its tag, or 304 where the caller has it."""
    tag = f'"{version}"'
    if is_tag_known(request, tag):
        return cast("Response[T]", Response(None, status_code=304, headers={"ETag": tag}))
    return Response(view, headers={"ETag": tag})


def is_tag_known(request: Request[Any, Any, Any], tag: str) -> bool:
    """Whether the caller has the answer of this tag."""
    return is_known(",".join(request.headers.getall("if-none-match", [])), tag)


def _content_route(aggregate: str, path: str, reading: CaseQueries) -> HTTPRouteHandler:
    @get(
        path,
        summary=f"The sealed content of a {aggregate}; every reading is recorded",
        tags=[aggregate],
        responses=openapi.READ_PROBLEMS,
        operation_id=f"{aggregate}_content",
        opt=for_roles(OPENERS),
        operation_class=openapi.target_operation(aggregate),
    )
    async def content(
        request: Request[Any, Any, Any],
        target: FromPath[str],
        on_behalf_of: Annotated[str, QueryParameter(max_length=MAX_SHORT, description="the person who reads")] = "",
    ) -> Response[ContentView]:
        subject_id = target_id(aggregate, target)
        caller = caller_of(request)
        read = reading.petition_content if aggregate == "petition" else reading.conference_content
        events = await read(domain_caller(caller), reader(caller, on_behalf_of), subject_id)
        log.info("content_read", caller=caller.name, subject_id=str(subject_id), events=len(events))
        return Response(ContentView(subject_id, events), headers={"Cache-Control": "no-store"})

    return content


def _regulation_routes(reading: CaseQueries) -> list[HTTPRouteHandler]:
    def listing(path: str, summary: str, aggregate: str) -> HTTPRouteHandler:
        @get(
            path,
            summary=summary,
            tags=[aggregate],
            responses=openapi.READ_PROBLEMS,
            operation_id=f"list_{aggregate}",
            operation_class=openapi.listing_operation(aggregate),
        )
        async def items(
            limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
            cursor: Annotated[
                str, QueryParameter(max_length=40, description="from the `Link` of the page before")
            ] = "",
        ) -> Response[Items]:
            await reading.regulation_cache.read()
            after = _position(cursor)
            facts = [fact for fact in reading.regulation_cache.facts if aggregate == _kind_of(fact)]
            if cursor and all(fact.position != after for fact in facts):
                raise problem(400, "invalid-cursor", field="cursor")
            found = [fact for fact in facts if fact.position > after]
            page, headers = found[:limit], {}
            if len(found) > limit:
                headers["Link"] = f'<{path}?limit={limit}&cursor={_cursor(page[-1].position)}>; rel="next"'
            return Response(Items([public_fact(fact) for fact in page]), headers=headers)

        return items

    return [
        listing("/v1/jurisdictions", "Jurisdictions, as registered and closed", "jurisdiction"),
        listing("/v1/agencies", "Agencies, as registered and closed", "agency"),
        listing("/v1/calendars", "Calendars, as published and proposed", "calendar"),
        listing("/v1/policies", "Policies, as adopted, and what was annulled of them", "policy"),
        listing("/v1/plans", "Dialogue plans, as adopted", "plan"),
        listing("/v1/catalogues", "Catalogues and the mappings to them, as adopted", "catalogue"),
    ]


def _kind_of(fact: AnyFact) -> str:
    """The listing in which a fact of the regulation stands: of its annulments, all are of policies."""
    return "policy" if isinstance(fact.event, RecordAnnulled) else fact.event.AGGREGATE


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).rstrip(b"=").decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))) if cursor else 0
    except ValueError:
        raise problem(400, "invalid-cursor", field="cursor") from None
