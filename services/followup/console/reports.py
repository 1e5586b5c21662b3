"""The page with the report of a period, made to be printed."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

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
from services.followup.domain.reports.figures import DeadlineCounts
from services.followup.domain.reports.periods import Period, parse_period
from services.followup.domain.reports.tally import Chosen, DeadlineEntry, Entry, Grouping
from services.followup.domain.wording.collation import by_name, vietnamese_order
from services.followup.domain.wording.names import Bilingual, duty_words, state_words, status_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import Body, Code, Exact, HttpRequest, body_of, code_of, or_404
from services.followup.entrypoints.report_views import Names, report_view
from services.followup.entrypoints.reports import PeriodText, ReportSource, counted_or_400, period_or_400, report_scope
from shared.events.conference import BaseConferenceEvent
from shared.http.problems import problem
from shared.identifiers import local_day

Figure = Annotated[str, QueryParameter(max_length=60)]
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
#: The figures that count petitions or deadlines, which can be listed one by one.
_COLUMNS = {
    "petitions": {column.figure: column for column in CASE_COLUMNS},
    "deadlines": {
        column.figure: column for column in DEADLINE_COLUMNS if column.figure in DeadlineCounts.__struct_fields__
    },
}
#: What is recorded of conferences is looked up in their list.
_OF_CONFERENCES = frozenset(event.TOPIC for event in BaseConferenceEvent.__subclasses__())
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
        request: HttpRequest,
        period: Period,
        jurisdiction: str,
        agency: str,
        source: str,
        group: Grouping,
        chosen: Chosen,
    ) -> Response[str]:
        column = or_404(_COLUMNS[chosen.of].get(chosen.figure), "page")
        scope = await report_scope(request, reports, code_of(jurisdiction), body_of(agency))
        counted = await counted_or_400(reports, scope, period, source=source, listed=chosen)
        names, sources = Names(counted), await queries.sources()
        agencies = await queries.agencies(scope_of(request), "", IN_THE_FORM)
        asked = {"jurisdiction": jurisdiction, "agency": agency} | ({"source": source} if source else {})
        deadlines = counted.tally.deadline_entries
        return await pages.show(
            request,
            "report.html",
            has_begun=lambda other: any(s.now is not None and local_day(s.now) >= other.first for s in sources),
            report=report_view(counted, scope.jurisdiction),
            period=period,
            periods=_periods(sources, period),
            sources=[each.source for each in sources],
            places=await queries.places(scope_of(request), source),
            agencies=by_name(each for each in agencies.items if source in ("", each.source)),
            totals=_first_totals(),
            case_columns=CASE_COLUMNS,
            case_check=CASE_CHECK,
            deadline_columns=DEADLINE_COLUMNS,
            deadline_check=DEADLINE_CHECK,
            recording_columns=RECORDING_COLUMNS,
            heads=heads,
            entries=_grouped(counted.tally.entries, group, names),
            unlisted=counted.tally.unlisted,
            in_list=counted.tally.unlisted + len(counted.tally.entries) + len(deadlines),
            standing=_standing,
            names=names,
            groupings=_GROUPINGS,
            group=group,
            asked=asked,
            chosen=chosen,
            listed=_listed(chosen, column, names),
            to_list=partial(_address, period, asked | {"group": group}),
            counted=_COLUMNS,
            of_conferences=_OF_CONFERENCES,
            deadline_entries=sorted(deadlines, key=_by_due_day),
            titles=await queries.titles(scope_of(request), {each.subject_id for each in deadlines}),
        )

    @get("/reports", include_in_schema=False)
    async def chosen(
        request: HttpRequest,
        period: PeriodText = "",
        jurisdiction: Code = "",
        agency: Body = "",
        source: ReportSource = "",
        group: FromQuery[Grouping] = "agency",
    ) -> Response[str]:
        wanted = period_or_400(period) if period else await _this_month(queries)
        return await show(request, wanted, jurisdiction, agency, source, group, Chosen())

    @get("/reports/{period:str}", include_in_schema=False)
    async def of_period(
        request: HttpRequest,
        period: FromPath[str],
        jurisdiction: Code = "",
        agency: Body = "",
        source: ReportSource = "",
        group: FromQuery[Grouping] = "agency",
        of: FromQuery[Literal["petitions", "deadlines"]] = "petitions",
        figure: Figure = "total",
        by: FromQuery[Grouping | None] = None,
        key: Exact = "",
        rule: Figure = "",
    ) -> Response[str]:
        chosen = Chosen(of=of, figure=figure, by=by, key=key, rule=rule)
        return await show(request, period_or_400(period), jurisdiction, agency, source, group, chosen)

    return [chosen, of_period]


def _address(period: Period, asked: Mapping[str, str], of: str, figure: str, **line: str | None) -> str:
    """Where what a figure counts is listed one by one."""
    query = {**asked, "of": of, "figure": figure, **line}
    given = {name: value for name, value in query.items() if value is not None}
    return f"/reports/{period.text}?{urlencode(given)}#list"


def _listed(chosen: Chosen, column: Column, names: Names) -> Bilingual:
    """What a list is called: the figure that counts it, and its line."""
    words = column.words
    if column.over is not None:
        vi, en = f"{column.over.vi}: {column.words.vi}", f"{column.over.en}: {column.words.en}"
        words = column.over if column.figure in SUMS else Bilingual(vi, en)
    lines = []
    if chosen.of == "petitions" and chosen.by is not None:
        lines.append(names.group(chosen.by, chosen.key))
    if chosen.of == "deadlines":
        lines += [names.body(chosen.key)] if chosen.key else []
        lines += [duty_words(chosen.rule)] if chosen.rule else []
    return Bilingual(", ".join([words.vi, *(each.vi for each in lines)]), ", ".join([words.en, *(e.en for e in lines)]))


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


def _by_due_day(entry: DeadlineEntry) -> tuple[date, str, str, str]:
    return entry.due_on or date.max, entry.debtor, entry.duty, str(entry.subject_id)


def _grouped(entries: Sequence[Entry], group: Grouping, names: Names) -> list[tuple[Bilingual, list[Entry]]]:
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.begun, e.row.receipt_code, str(e.row.subject_id))):
        key = {"agency": entry.row.agency, "field": entry.row.field, "place": entry.row.jurisdiction}[group]
        found.setdefault(key, []).append(entry)
    named = {key: names.group(group, key) for key in found}
    return [(named[key], found[key]) for key in sorted(found, key=lambda key: vietnamese_order(named[key].vi))]


async def _this_month(queries: Queries) -> Period:
    days = [local_day(source.now) for source in await queries.sources() if source.now is not None]
    if not days:
        raise problem(404, "not-found", "no-source")
    return parse_period(f"{min(days):%Y-%m}")
