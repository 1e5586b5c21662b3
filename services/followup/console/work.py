"""The first page: what whoever looks has to see to, the overdue first."""

from datetime import date

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter
from services.followup.adapters.read.queries import Queries
from services.followup.console.pages import Pages, lateness, names_of
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.deadlines.status import Status
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.identifiers import local_day

SHOWN = 50  # of each kind


def work_routes(pages: Pages, queries: Queries) -> list[HTTPRouteHandler]:
    """The route of the first page."""

    @get("/", include_in_schema=False)
    async def work(request: HttpRequest) -> Response[str]:
        scope = scope_of(request)
        overdue = await queries.deadlines(scope, DeadlineFilter(status=Status.BREACHED), SHOWN)
        soon = await queries.deadlines(scope, DeadlineFilter(status=Status.DUE_SOON), SHOWN)
        decide = await queries.cases(scope, CaseFilter(state=CaseState.NO_CLOCK), SHOWN)
        found = [*overdue.items, *soon.items]
        rows = await queries.titles({deadline.raised.subject_id for deadline in found})
        return await pages.show(
            request,
            "work.html",
            today=_today([s.now and local_day(s.now) for s in await queries.sources()]),
            overdue=overdue.items,
            more_overdue=bool(overdue.next),
            soon=soon.items,
            more_soon=bool(soon.next),
            decide=decide.items,
            more_decide=bool(decide.next),
            cases=rows,
            late=await lateness(queries),
            names=await names_of(queries, {deadline.raised.debtor for deadline in found}),
        )

    return [work]


def _today(days: list[date | None]) -> date | None:
    """The day by which a page judges: of several sources the earliest, which all have reached."""
    return min((day for day in days if day is not None), default=None)
