"""The page with the report of a period, made to be printed."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.followup.adapters.read.models import Source
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reports import Reports
from services.followup.console.pages import Pages
from services.followup.domain.reports.columns import (
    CASE_CHECK,
    CASE_COLUMNS,
    DEADLINE_CHECK,
    DEADLINE_COLUMNS,
    RECORDING_COLUMNS,
    Column,
)
from services.followup.domain.reports.periods import Period, parse_period
from services.followup.domain.reports.tally import Entry, Grouping
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.domain.wording.names import Bilingual, state_words, status_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import Body, Code, HttpRequest, body_of, code_of
from services.followup.entrypoints.report_views import Names, report_view
from services.followup.entrypoints.reports import PeriodText, counted_or_400, period_or_400, report_scope
from shared.http.problems import problem
from shared.identifiers import local_day

IN_THE_FORM = 500  # agencies
#: The figures that stand above all tables.
SHOWN_FIRST = ("total", "received", "handled", "carried_forward", "overdue")
#: Those that are the sums of what stands beside them under one heading, which is their name.
SUMS = ("handled", "carried_forward")
_GROUPINGS: dict[Grouping, Bilingual] = {
    "agency": Bilingual("Theo cơ quan", "by agency"),
    "field": Bilingual("Theo lĩnh vực", "by field"),
    "place": Bilingual("Theo địa bàn", "by place"),
}
#: Where a petition of the list stands, in an office's words.
_STANDINGS = {
    "replied": Bilingual("Đã trả lời bằng văn bản, đã giải quyết xong", "replied, resolved"),
    "not_yet_due": Bilingual("Đang giải quyết, chưa đến hạn", "in hand, not yet due"),
    "overdue": status_words("breached"),
    "awaiting_result": state_words("petition", "replied"),
    "no_clock": state_words("petition", "no_clock"),
}


def report_pages(pages: Pages, queries: Queries, reports: Reports) -> list[HTTPRouteHandler]:
    """The routes `/reports` and `/reports/{period}`."""

    async def show(
        request: HttpRequest, period: Period, jurisdiction: str, agency: str, group: Grouping
    ) -> Response[str]:
        scope = await report_scope(request, reports, code_of(jurisdiction), body_of(agency))
        counted = await counted_or_400(reports, scope, period, listed=True)
        names, sources = Names(counted), await queries.sources()
        return await pages.show(
            request,
            "report.html",
            has_begun=lambda other: any(s.now is not None and local_day(s.now) >= other.first for s in sources),
            report=report_view(counted, scope.jurisdiction),
            period=period,
            periods=_periods(sources, period),
            places=await queries.places(scope_of(request)),
            agencies=(await queries.agencies(scope_of(request), "", IN_THE_FORM)).items,
            totals=_first_totals(),
            case_columns=CASE_COLUMNS,
            case_check=CASE_CHECK,
            deadline_columns=DEADLINE_COLUMNS,
            deadline_check=DEADLINE_CHECK,
            recording_columns=RECORDING_COLUMNS,
            heads=heads,
            entries=_grouped(counted.tally.entries, group, names),
            unlisted=counted.tally.unlisted,
            standing=_standing,
            names=names,
            groupings=_GROUPINGS,
            group=group,
            asked={"jurisdiction": jurisdiction, "agency": agency},
        )

    @get("/reports", include_in_schema=False)
    async def chosen(
        request: HttpRequest,
        period: PeriodText = "",
        jurisdiction: Code = "",
        agency: Body = "",
        group: FromQuery[Grouping] = "agency",
    ) -> Response[str]:
        wanted = period_or_400(period) if period else await _this_month(queries)
        return await show(request, wanted, jurisdiction, agency, group)

    @get("/reports/{period:str}", include_in_schema=False)
    async def of_period(
        request: HttpRequest,
        period: FromPath[str],
        jurisdiction: Code = "",
        agency: Body = "",
        group: FromQuery[Grouping] = "agency",
    ) -> Response[str]:
        return await show(request, period_or_400(period), jurisdiction, agency, group)

    return [chosen, of_period]


def _first_totals() -> list[tuple[Bilingual, str]]:
    found = (column for column in CASE_COLUMNS if column.figure in SHOWN_FIRST)
    return [(column.over if column.over and column.figure in SUMS else column.words, column.figure) for column in found]


def _periods(sources: Sequence[Source], shown: Period) -> list[Period]:
    """The periods to choose from: a year back by months, two by quarters, five by years, and the one that is shown."""
    days = [local_day(source.now) for source in sources if source.now is not None]
    if not days:
        return [shown]
    today, found = max(days), []
    of_kinds = (f"{today:%Y-%m}", f"{today.year}-Q{(today.month + 2) // 3}", f"{today.year}")
    for text, count in zip(of_kinds, (12, 8, 5), strict=True):
        period = parse_period(text)
        for _ in range(count):
            found.append(period)
            if not period.has_before:
                break
            period = period.before
    return found if shown in found else [shown, *found]


def heads(columns: Sequence[Column]) -> list[tuple[Bilingual, int, Sequence[Column]]]:
    """The headings of the first row, each with the number of columns under it, 0 for one that stands alone."""
    found: list[tuple[Bilingual, list[Column]]] = []
    for column in columns:
        if column.over is not None and found and found[-1][0] == column.over:
            found[-1][1].append(column)
        else:
            found.append((column.over or column.words, [column]))
    return [(words, len(under), under if under[0].over else ()) for words, under in found]


def _standing(entry: Entry) -> Bilingual:
    return _STANDINGS.get(entry.standing) or state_words("petition", entry.standing)


def _grouped(entries: Sequence[Entry], group: Grouping, names: Names) -> list[tuple[Bilingual, list[Entry]]]:
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.begun, e.row.receipt_code, str(e.row.subject_id))):
        key = {"agency": entry.row.agency, "field": entry.row.field, "place": entry.row.jurisdiction}[group]
        found.setdefault(key, []).append(entry)
    return [(names.group(group, key), found[key]) for key in sorted(found, key=vietnamese_order)]


async def _this_month(queries: Queries) -> Period:
    days = [local_day(source.now) for source in await queries.sources() if source.now is not None]
    if not days:
        raise problem(404, "not-found", "no-source")
    return parse_period(f"{min(days):%Y-%m}")
