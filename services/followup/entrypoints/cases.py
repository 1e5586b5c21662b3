"""The routes about cases: lists by search and filters, their counts and files, one case, and what waits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.entrypoints import json_views
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.case_files import MOST_ROWS, XLSX, CaseTable, as_csv, as_xlsx
from services.followup.entrypoints.query_parameters import (
    DEFAULT_LIMIT,
    PAGE,
    READ_PROBLEMS,
    Body,
    Code,
    Cursor,
    Day,
    Ended,
    Exact,
    HttpRequest,
    InState,
    Limit,
    OfSource,
    Sort,
    Typed,
    body_of,
    code_of,
    linked,
    of_one_source,
    or_400,
    or_404,
)
from shared.events.deadline import Subject
from shared.http.openapi import problems
from shared.identifiers import local_day

#: What a file is named by: what it holds, then the day of what it holds.
_HELD: Mapping[Subject, str] = {"petition": "kien-nghi", "conference": "hoi-nghi", "jurisdiction": "dia-ban"}
Answer = Callable[[Scope, CaseFilter], Awaitable[Response[Any]]]


def case_routes(queries: Queries) -> list[HTTPRouteHandler]:
    """The routes about cases."""

    @get(
        "/v1/cases",
        summary="Cases, the earliest open due date first unless another order is asked for",
        description="`overdue`: an open duty has passed its due date. `unresolved`: petitions not yet done with.",
        tags=["case"],
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_cases(
        request: HttpRequest,
        subject: FromQuery[Subject] = "petition",
        jurisdiction: Code = "",
        agency: Body = "",
        case_state: InState = "",
        unresolved: FromQuery[bool] = False,
        overdue: FromQuery[bool] = False,
        ended: Ended = None,
        q: Typed = "",
        field: Exact = "",
        urgency: Exact = "",
        conference: FromQuery[UUID | None] = None,
        received_from: Day = None,
        received_to: Day = None,
        due_from: Day = None,
        due_to: Day = None,
        sort: Sort = "due",
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = "",
    ) -> Response[json_views.Cases]:
        wanted = CaseFilter(
            subject=subject,
            jurisdiction=code_of(jurisdiction),
            agency=body_of(agency),
            state=case_state,
            unresolved=unresolved,
            overdue=overdue,
            ended=ended,
            text=q,
            field=field,
            urgency=urgency,
            conference_id=conference,
            received_from=received_from,
            received_to=received_to,
            due_from=due_from,
            due_to=due_to,
            sort=sort,
        )
        page = await or_400(queries.cases(scope_of(request), wanted, limit, cursor))
        return linked(request, json_views.Cases([json_views.case_view(case) for case in page.items]), page.next)

    @get(
        "/v1/cases/{subject_id:uuid}",
        summary="One case: its events, its deadlines, how each was counted",
        tags=["case"],
        responses=READ_PROBLEMS | problems(409),
    )
    async def get_case(
        request: HttpRequest, subject_id: FromPath[UUID], source: OfSource = ""
    ) -> json_views.CaseFileView:
        file = await of_one_source(queries.case(scope_of(request), subject_id, source))
        return json_views.case_file_view(or_404(file, "case"))

    @get(
        "/v1/work",
        summary="What waits: what is overdue, what falls due within seven days, petitions that wait for a decision",
        description="The first `limit` of each, the most urgent first, with how many there are.",
        tags=["case"],
        responses=READ_PROBLEMS,
    )
    async def get_work(request: HttpRequest, limit: Limit = DEFAULT_LIMIT) -> json_views.WorkView:
        return json_views.work_view(await queries.work(scope_of(request), limit))

    return [list_cases, get_case, get_work, *_whole_routes(queries)]


def _whole_routes(queries: Queries) -> list[HTTPRouteHandler]:
    """The routes that answer with a whole list, by the filters of the list."""

    async def table(scope: Scope, wanted: CaseFilter) -> CaseTable:
        page = await queries.cases(scope, wanted, MOST_ROWS)
        names = await queries.agency_names(sorted({(case.source, case.row.agency) for case in page.items}))
        days = (local_day(source.now) for source in await queries.sources() if source.now is not None)
        name = f"{_HELD[wanted.subject]}-{min(days, default=date.min).isoformat()}"
        return CaseTable(name, page.items, names, await queries.places_by_source(scope), is_cut=bool(page.next))

    async def totals(scope: Scope, wanted: CaseFilter) -> Response[json_views.CaseTotalsView]:
        return Response(json_views.case_totals_view(await queries.case_totals(scope, wanted)))

    # Ten thousand rows take a moment, in which the others are served.
    async def csv(scope: Scope, wanted: CaseFilter) -> Response[bytes]:
        found = await table(scope, wanted)
        return _file(await asyncio.to_thread(as_csv, found), f"{found.name}.csv", "text/csv")

    async def xlsx(scope: Scope, wanted: CaseFilter) -> Response[bytes]:
        found = await table(scope, wanted)
        return _file(await asyncio.to_thread(as_xlsx, found), f"{found.name}.xlsx", XLSX)

    counted = ResponseSpec(json_views.CaseTotalsView, generate_examples=False, description="the counts")
    cut = f"the first {MOST_ROWS:,} cases; what was left out is said in the last row"
    return [
        _whole_route("/v1/cases/totals", "count_cases", "How many cases there are, by state", totals, counted),
        _whole_route("/v1/cases.csv", "export_cases_csv", "Cases as CSV", csv, _spec(cut, "text/csv")),
        _whole_route("/v1/cases.xlsx", "export_cases_xlsx", "Cases as a workbook", xlsx, _spec(cut, XLSX)),
    ]


def _spec(description: str, media_type: str) -> ResponseSpec:
    return ResponseSpec(bytes, generate_examples=False, description=description, media_type=media_type)


def _file(content: bytes, name: str, media_type: str) -> Response[bytes]:
    headers: Mapping[str, str] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _whole_route(path: str, name: str, summary: str, answer: Answer, answered: ResponseSpec) -> HTTPRouteHandler:
    async def handler(
        request: HttpRequest,
        subject: FromQuery[Subject] = "petition",
        jurisdiction: Code = "",
        agency: Body = "",
        case_state: InState = "",
        unresolved: FromQuery[bool] = False,
        overdue: FromQuery[bool] = False,
        ended: Ended = None,
        q: Typed = "",
        field: Exact = "",
        urgency: Exact = "",
        conference: FromQuery[UUID | None] = None,
        received_from: Day = None,
        received_to: Day = None,
        due_from: Day = None,
        due_to: Day = None,
        sort: Sort = "due",
    ) -> Response[Any]:
        wanted = CaseFilter(
            subject=subject,
            jurisdiction=code_of(jurisdiction),
            agency=body_of(agency),
            state=case_state,
            unresolved=unresolved,
            overdue=overdue,
            ended=ended,
            text=q,
            field=field,
            urgency=urgency,
            conference_id=conference,
            received_from=received_from,
            received_to=received_to,
            due_from=due_from,
            due_to=due_to,
            sort=sort,
        )
        return await answer(scope_of(request), wanted)

    handler.__name__ = name
    return get(path, summary=summary, tags=["case"], responses={200: answered, **READ_PROBLEMS})(handler)
