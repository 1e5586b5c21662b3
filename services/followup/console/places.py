"""The pages of jurisdictions: the tree of them, and one with what it owes and what can be begun there."""

from datetime import date
from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from services.followup.adapters.intake_client import IntakeClient
from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Coded, Scope
from services.followup.console.actors import ActorNames
from services.followup.console.acts import PossibleActs
from services.followup.console.history import history_of
from services.followup.console.intake_door import Address
from services.followup.console.pages import Pages, lateness, names_of
from services.followup.console.place_tree import of_source, place_tree, shared_codes
from services.followup.console.recorded import recorded_now
from services.followup.console.targets import place_address, place_target
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import caller_of, token_of
from shared.identifiers import lineage

OWING = 500  # jurisdictions with duties of their own
REGISTERING = frozenset({"office", "operations"})  # places


def place_pages(pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> list[HTTPRouteHandler]:
    """The routes of the tree and of one place."""
    acts, actor_names = PossibleActs(intake, address), ActorNames(intake, address)

    async def owing(scope: Scope, source: str = "") -> dict[Coded, Case]:
        page = await queries.cases(scope, CaseFilter(subject="jurisdiction", source=source), OWING)
        return {(case.source, case.row.jurisdiction): case for case in page.items}

    @get("/jurisdictions", include_in_schema=False)
    async def jurisdictions(request: HttpRequest) -> Response[str]:
        scope = scope_of(request)
        places, caller = await queries.places_by_source(scope), caller_of(request)
        shared, own = shared_codes(places), caller.jurisdiction
        having = sorted(source for source, code in places if code == own)
        registers_at = [(source, _address(shared, source, own)) for source in having] or [("", own)]
        return await pages.show(
            request,
            "jurisdictions.html",
            trees=[(source, place_tree(of_source(places, source))) for source in sorted({of for of, _ in places})],
            cases=await owing(scope),
            places=places,
            address=partial(_address, shared),
            registers_at=[] if caller.roles.isdisjoint(REGISTERING) else registers_at,
        )

    @get("/jurisdictions/{code:str}", include_in_schema=False)
    async def jurisdiction(
        request: HttpRequest,
        code: FromPath[str],
        recorded: Annotated[str, QueryParameter(max_length=60)] = "",
        on: FromQuery[date | None] = None,
    ) -> Response[str]:
        scope = scope_of(request)
        target = await place_target(queries, scope, code)
        every, file, source = await queries.places_by_source(scope), target.file, target.source
        places = of_source(every, source)
        deadlines = file.deadlines if file else []
        history = await history_of(queries, scope, file) if file else None
        return await pages.show(
            request,
            "jurisdiction.html",
            target=target,
            acts=await acts.on(target, token_of(request)),
            recorded=recorded_now(recorded, on),
            deadlines=sorted(deadlines, key=lambda d: (not d.raised.is_open, d.raised.due_on or date.max)),
            timeline=history.entries if history else [],
            actors=await actor_names.of(request, target.source, history.actors if history else ()),
            above=[place for place in lineage(target.named)[1:] if place in places],
            below=[place for place, depth in place_tree(places) if target.named in lineage(place)[1:]],
            cases=await owing(scope, source),
            places=places,
            address=partial(_address, shared_codes(every), source),
            late=await lateness(queries),
            names=await names_of(queries, source, {deadline.raised.debtor for deadline in deadlines}),
        )

    return [jurisdictions, jurisdiction]


def _address(shared: frozenset[str], source: str, code: str) -> str:
    return place_address(source, code, code in shared)
