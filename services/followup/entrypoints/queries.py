"""The routes that answer questions. What the caller may not see is answered as 404."""

from typing import Literal
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.followup.adapters.read.listings import DeadlineFilter
from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.models import Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.domain.deadlines.status import Status
from services.followup.entrypoints import json_views
from services.followup.entrypoints.access import READING, may_read_all, scope_of
from services.followup.entrypoints.cases import case_routes
from services.followup.entrypoints.query_parameters import (
    DEFAULT_LIMIT,
    PAGE,
    READ_PROBLEMS,
    Body,
    Code,
    Cursor,
    HttpRequest,
    InDuty,
    Limit,
    OfSource,
    Retracted,
    body_of,
    code_of,
    linked,
    of_one_source,
    or_400,
    or_404,
)
from shared.http.auth import READERS, caller_of
from shared.http.openapi import problems
from shared.http.permissions import for_roles, permitted
from shared.identifiers import local_iso


def query_routes(queries: Queries, state: LiveState) -> list[HTTPRouteHandler]:
    """The routes of every question."""
    return permitted(READING, [*case_routes(queries), *_deadline_routes(queries), *_other_routes(queries, state)])


def _deadline_routes(queries: Queries) -> list[HTTPRouteHandler]:
    @get(
        "/v1/deadlines",
        summary="Deadlines, the earliest due date first",
        description="Those of one `subject_id` come whole, in the order of their clocks.",
        tags=["deadline"],
        responses=READ_PROBLEMS | problems(409),
        operation_class=PAGE,
    )
    async def list_deadlines(
        request: HttpRequest,
        subject_id: FromQuery[UUID | None] = None,
        source: OfSource = "",
        jurisdiction: Code = "",
        agency: Body = "",
        duty: InDuty = "",
        status: FromQuery[json_views.StatusName | Literal[""]] = "",
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = "",
    ) -> Response[json_views.Deadlines]:
        wanted = DeadlineFilter(
            jurisdiction=code_of(jurisdiction),
            agency=body_of(agency),
            duty=duty,
            status=Status(status) if status else None,
        )
        if subject_id is not None:
            file = await of_one_source(queries.case(scope_of(request), subject_id, source))
            chosen = [d for d in (file.deadlines if file else ()) if _is_wanted(d, wanted)]
            return Response(json_views.Deadlines([json_views.deadline_view(d) for d in chosen]))
        page = await or_400(queries.deadlines(scope_of(request), wanted, limit, cursor))
        return linked(request, json_views.Deadlines([json_views.deadline_view(d) for d in page.items]), page.next)

    @get(
        "/v1/deadlines/{deadline_id:uuid}",
        summary="One deadline with the events that it raised",
        tags=["deadline"],
        responses=READ_PROBLEMS,
    )
    async def get_deadline(request: HttpRequest, deadline_id: FromPath[UUID]) -> json_views.DeadlineFileView:
        return json_views.deadline_file_view(
            *or_404(await queries.deadline(scope_of(request), deadline_id), "deadline")
        )

    @get(
        "/v1/breaches",
        summary="Deadlines whose breach stands, those still open first; or those of which one was retracted",
        tags=["deadline"],
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_breaches(
        request: HttpRequest,
        jurisdiction: Code = "",
        agency: Body = "",
        duty: InDuty = "",
        retracted: Retracted = False,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = "",
    ) -> Response[json_views.Deadlines]:
        wanted = DeadlineFilter(jurisdiction=code_of(jurisdiction), agency=body_of(agency), duty=duty)
        listed = queries.retracted if retracted else queries.breaches
        page = await or_400(listed(scope_of(request), wanted, limit, cursor))
        return linked(request, json_views.Deadlines([json_views.deadline_view(d) for d in page.items]), page.next)

    return [list_deadlines, get_deadline, list_breaches]


def _other_routes(queries: Queries, state: LiveState) -> list[HTTPRouteHandler]:
    may_read_state = may_read_all(queries)

    @get(
        "/v1/sources",
        summary="How far each source is read",
        tags=["operations"],
        opt=for_roles(READERS, "everything"),
        responses=READ_PROBLEMS,
    )
    async def list_sources(request: HttpRequest) -> json_views.Sources:
        await may_read_state(caller_of(request))
        fields = json_views.SourceView.__struct_fields__
        items = [json_views.SourceView(**{f: getattr(source, f) for f in fields}) for source in await queries.sources()]
        return json_views.Sources(items)

    @get(
        "/v1/agencies",
        summary="Agencies by code",
        tags=["agency"],
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_agencies(
        request: HttpRequest, jurisdiction: Code = "", limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
    ) -> Response[json_views.Agencies]:
        page = await or_400(queries.agencies(scope_of(request), code_of(jurisdiction), limit, cursor))
        return linked(request, json_views.Agencies(page.items), page.next)

    @get(
        "/v1/parked",
        summary="Events that could not be applied, and those that wait behind them",
        tags=["operations"],
        opt=for_roles(READERS),
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_parked(
        request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
    ) -> Response[json_views.Parked]:
        page = await or_400(queries.parked(scope_of(request), limit, cursor))
        return linked(request, json_views.Parked(page.items), page.next)

    @get(
        "/v1/differences",
        summary="Cases that raise nothing until they are reconciled",
        tags=["operations"],
        opt=for_roles(READERS),
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_differences(
        request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
    ) -> Response[json_views.Differences]:
        page = await or_400(queries.differences(scope_of(request), limit, cursor))
        return linked(request, json_views.Differences(page.items), page.next)

    @get(
        "/v1/uncountable",
        summary="Duties that cannot be counted until a calendar is published or a document is mended",
        description="Everything else of their cases goes on. They are counted as soon as the calendar of the missing "
        "year, or a document in place of the one that names an impossible day, is recorded.",
        tags=["operations"],
        opt=for_roles(READERS),
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_uncountable(
        request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
    ) -> Response[json_views.UncountableDuties]:
        page = await or_400(queries.uncountable(scope_of(request), limit, cursor))
        return linked(request, json_views.UncountableDuties(page.items), page.next)

    @get(
        "/v1/digest",
        summary="The digest of the live state, and the point at which it was taken",
        description="`doithoai replay --until POSITION@INSTANT` gives the same one, unless something is `sweeping`.",
        tags=["operations"],
        opt=for_roles(READERS, "everything"),
        responses=READ_PROBLEMS,
    )
    async def get_digest(request: HttpRequest) -> json_views.Digest:
        await may_read_state(caller_of(request))
        taken, points, sweeping = await state.digest()
        written = [f"{p.source} {p.epoch} {p.position}@{local_iso(p.instant)}" for p in points]
        return json_views.Digest(taken, written, [f"{each.source} {each.position}" for each in sweeping])

    return [list_sources, list_agencies, list_parked, list_differences, list_uncountable, get_digest]


def _is_wanted(deadline: Deadline, wanted: DeadlineFilter) -> bool:
    raised = deadline.raised
    return (
        wanted.duty in ("", raised.duty)
        and wanted.agency in ("", raised.debtor)
        and wanted.status in (None, deadline.status)
    )
