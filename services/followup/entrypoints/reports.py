"""The routes of reports: the figures of a month, a quarter or a year as JSON and CSV."""

import asyncio
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter

from services.followup.adapters.read.reports import Counted, NotBegun, Reports
from services.followup.application.access import Scope
from services.followup.domain.reports.periods import InvalidPeriod, Period, parse_period
from services.followup.entrypoints.access import READING, scope_of
from services.followup.entrypoints.case_files import XLSX
from services.followup.entrypoints.query_parameters import (
    READ_PROBLEMS,
    Body,
    Code,
    HttpRequest,
    body_of,
    code_of,
)
from services.followup.entrypoints.report_views import PeriodReport, Table, report_csv, report_view, report_xlsx
from shared.http.permissions import permitted
from shared.http.problems import problem

PeriodText = Annotated[str, QueryParameter(max_length=7, description="2019-09, 2019-Q3 or 2019")]
ReportSource = Annotated[
    str,
    QueryParameter(max_length=64, description="one source; else bodies of one code are counted together over all"),
]

#: What each table of a report holds, in the name of its file.
_HELD = {"cases": "kien-nghi", "deadlines": "thoi-han", "recording": "ghi-nhan"}
_AS_JSON = ResponseSpec(
    PeriodReport,
    generate_examples=False,
    description="the report; as `text/csv` with `format=csv`, as a workbook with `xlsx`",
)


def report_routes(reports: Reports) -> list[HTTPRouteHandler]:
    """The route `GET /v1/reports`."""
    return permitted(READING, [_data_route(reports)])


def _data_route(reports: Reports) -> HTTPRouteHandler:
    @get(
        "/v1/reports",
        summary="The figures of a month, a quarter or a year",
        description="`format=csv` gives one `table`, `xlsx` all. docs/reference/reports.md defines each figure.",
        tags=["report"],
        responses={200: _AS_JSON, **READ_PROBLEMS},
    )
    async def get_report(
        request: HttpRequest,
        period: PeriodText,
        jurisdiction: Code = "",
        agency: Body = "",
        source: ReportSource = "",
        format: FromQuery[Literal["json", "csv", "xlsx"]] = "json",
        table: FromQuery[Table] = "cases",
    ) -> Response[Any]:
        asked_for = period_or_400(period)
        scope = await report_scope(request, reports, code_of(jurisdiction), body_of(agency))
        view = report_view(await counted_or_400(reports, scope, asked_for, source=source), scope.jurisdiction)
        if format == "json":
            return Response(view)
        if format == "xlsx":
            headers = {"Content-Disposition": f'attachment; filename="bao-cao-{asked_for.text}.xlsx"'}
            return Response(await asyncio.to_thread(report_xlsx, view), media_type=XLSX, headers=headers)
        name = f"bao-cao-{asked_for.text}-{_HELD[table]}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(report_csv(view, table), media_type="text/csv", headers=headers)

    return get_report


async def counted_or_400(reports: Reports, scope: Scope, period: Period, **more: Any) -> Counted:
    try:
        return await reports.report(scope, period, **more)
    except NotBegun:
        raise problem(400, "period-not-begun", field="period", period=period.text) from None


def period_or_400(text: str) -> Period:
    try:
        return parse_period(text)
    except InvalidPeriod:
        raise problem(400, "invalid-period", field="period", text=text) from None


async def report_scope(request: HttpRequest, reports: Reports, jurisdiction: str, agency: str) -> Scope:
    """What is reported: the subtree and agency asked for, where the caller may see them. Raises ProblemError 403."""
    own = scope_of(request)
    narrowed = await reports.reached(own, jurisdiction)
    if narrowed is None:
        raise problem(403, "jurisdiction-may-not", "report", field="jurisdiction", place=jurisdiction)
    if own.agency and agency not in ("", own.agency):
        raise problem(403, "agency-may-not", "report", field="agency", agency=agency)
    return Scope(narrowed.jurisdiction, agency or own.agency)
