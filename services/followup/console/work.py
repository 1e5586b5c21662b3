"""The first page: what whoever looks has to see to, the overdue first."""

from typing import Annotated, Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Redirect

from services.followup.adapters.read.queries import Queries
from services.followup.console.addresses import PEOPLE, SEE_OTHER
from services.followup.console.conflicts import OpenConflicts
from services.followup.console.doors import DOORS, is_to_be_asked
from services.followup.console.pages import Pages, names_by_source, today_of
from services.followup.console.recorded import recorded_now
from services.followup.console.roles import DECIDING_CONFLICTS, RECEIVING, REMINDING, has_any
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import Callers, caller_of, token_of

SHOWN = 50  # of each kind


def work_routes(pages: Pages, queries: Queries, callers: Callers, conflicts: OpenConflicts) -> list[HTTPRouteHandler]:
    """The route of the first page."""

    @get("/", include_in_schema=False)
    async def work(request: HttpRequest, recorded: Annotated[str, QueryParameter(max_length=60)] = "") -> Response[Any]:
        if is_to_be_asked(request, callers):
            return Redirect(DOORS, status_code=SEE_OTHER)
        caller = caller_of(request)
        if caller.roles == {"admin"}:  # who sees to people alone has no cases to see to
            return Redirect(PEOPLE, status_code=SEE_OTHER)
        scope = scope_of(request)
        found = await queries.work(scope, SHOWN)
        owed = [*found.overdue, *found.held_without, *found.due_soon, *found.later]
        proposals = [each.proposal for each in found.undecided if each.proposal is not None]
        places = await queries.places(scope)
        may_receive = has_any(caller, RECEIVING)
        codes = {(each.raised.source, each.raised.debtor) for each in owed}
        names = await names_by_source(queries, codes | {(each.source, each.proposer) for each in proposals})
        late = {(e.raised.source, e.raised.debtor) for e in found.overdue if e.raised.subject != "jurisdiction"}
        is_one_source = len(await queries.sources()) == 1
        may_remind = has_any(caller, REMINDING)
        to_remind = sorted(late, key=lambda each: vietnamese_order(names[each].vi)) if may_remind else []
        return await pages.show(
            request,
            "work.html",
            today=await today_of(queries),
            work=found,
            asked=await queries.asked(scope, SHOWN),
            recorded=recorded_now(recorded, None),
            own_place=caller.jurisdiction if may_receive and caller.jurisdiction in places else "",
            leads_conferences="chair" in caller.roles,
            is_agency=bool(scope.agency),
            to_remind=to_remind,
            titles=await queries.titles(scope, {each for proposal in proposals for each in proposal.petition_ids}),
            names=names,
            # As addresses name an agency that other sources may have too.
            debtor=lambda source, code: code if is_one_source else f"{code}@{source}",
            conflicts=await conflicts.count(token_of(request)) if has_any(caller, DECIDING_CONFLICTS) else 0,
            reminded=await queries.reminded_on([each.raised.subject_id for each in owed]),
        )

    return [work]
