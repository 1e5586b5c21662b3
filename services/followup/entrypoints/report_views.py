"""A report for readers, as JSON and as CSV: lines with names, rates and percentiles made from the counts."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from services.followup.adapters.read.reports import Counted, Seen
from services.followup.domain.reports.columns import CASE_COLUMNS, DEADLINE_COLUMNS, RECORDING_COLUMNS, Column
from services.followup.domain.reports.figures import CaseCounts, DeadlineCounts, percentile, total
from services.followup.domain.reports.tally import GROUPINGS, Grouping
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.domain.wording.names import Bilingual, body_words, duty_words, event_words
from services.followup.entrypoints.workbooks import workbook
from shared.identifiers import NATION

Table = Literal["cases", "deadlines", "recording"]
#: The sheets of a workbook.
_SHEETS: dict[Table, str] = {"cases": "Kiến nghị", "deadlines": "Thời hạn", "recording": "Ghi nhận"}

ALL = Bilingual("Tổng cộng", "all")
_UNCLASSIFIED = Bilingual("Chưa phân loại", "not classified")
#: By which a text begins that a spreadsheet takes for a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"  # by it spreadsheets know that the text is UTF-8


class CaseLine(CaseCounts, kw_only=True):
    """Petitions of one agency, field or place."""

    key: str
    name: Bilingual


class DeadlineLine(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines of one debtor and one rule; of all where a key is empty. `on_time_rate` is in percent."""

    agency: str
    agency_name: Bilingual
    rule: str
    rule_name: Bilingual
    total: int
    carried_over: int
    begun: int
    met: int
    met_late: int
    done_undated: int
    waived: int
    waived_late: int
    on_track: int
    due_soon: int
    overdue: int
    on_time_rate: float | None
    reply_days_median: int | None
    reply_days_p90: int | None
    breaches: int
    backfilled_breaches: int
    retracted_backdated: int
    retracted_otherwise: int


class RecordingLine(msgspec.Struct, frozen=True, kw_only=True):
    """How late one kind of event was recorded, in calendar days."""

    topic: str
    name: Bilingual
    recorded: int
    same_day: int
    lag_median: int | None
    lag_p90: int | None
    lag_longest: int | None


class CaseTables(msgspec.Struct, frozen=True, kw_only=True):
    """The same petitions, grouped in three ways."""

    by_agency: list[CaseLine]
    by_field: list[CaseLine]
    by_place: list[CaseLine]
    total: CaseLine


class DeadlineTables(msgspec.Struct, frozen=True, kw_only=True):
    """The same deadlines, by debtor and rule and summed up."""

    by_agency_and_rule: list[DeadlineLine]
    by_agency: list[DeadlineLine]
    by_rule: list[DeadlineLine]
    total: DeadlineLine


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """How late events of petitions and conferences were recorded. Backfilled ones are counted apart."""

    by_topic: list[RecordingLine]
    total: RecordingLine
    backfilled: int


class PeriodReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a period; `sources` says up to where each was read, and on which day's morning it was judged."""

    # Clients of the OpenAPI document know it by this name.
    __qualname__ = "Report"
    __schema_name__: ClassVar[str] = "Report"

    period: str
    name: Bilingual
    first: date
    last: date
    jurisdiction: str
    agency: str
    sources: list[Seen]
    cases: CaseTables
    deadlines: DeadlineTables
    recording: Recording


def report_view(counted: Counted, jurisdiction: str) -> PeriodReport:
    """The report with its names."""
    tally = counted.tally
    names = Names(counted)
    groups = {grouping: case_lines(tally.cases[grouping], grouping, names) for grouping in GROUPINGS}
    return PeriodReport(
        period=tally.period.text,
        name=tally.period.words,
        first=tally.period.first,
        last=tally.period.last,
        jurisdiction=jurisdiction,
        agency=tally.agency,
        sources=counted.seen,
        cases=CaseTables(
            by_agency=groups["agency"],
            by_field=groups["field"],
            by_place=groups["place"],
            total=_case_line("", ALL, total(tally.cases["agency"].values(), CaseCounts)),
        ),
        deadlines=_deadline_tables(tally.deadlines, names),
        recording=_recording(tally.lags, tally.backfilled),
    )


class Names:
    """The names of bodies and places."""

    def __init__(self, counted: Counted) -> None:
        self._agencies, self._places = counted.agencies, counted.places
        self._fields = counted.tally.field_titles

    def body(self, code: str) -> Bilingual:
        """The name of a body."""
        return Bilingual(name, name) if (name := self._agencies.get(code)) else body_words(code)

    def place(self, code: str) -> Bilingual:
        """The name of a jurisdiction."""
        if code == NATION and code not in self._places:
            return Bilingual("Việt Nam", "Viet Nam")
        name = self._places.get(code, code)
        return Bilingual(name, name)

    def group(self, grouping: Grouping, key: str) -> Bilingual:
        """The name of a group of petitions."""
        if grouping == "agency":
            return self.body(key)
        if grouping == "place":
            return self.place(key)
        return self._fields.get(key, Bilingual(key, key)) if key else _UNCLASSIFIED


def case_lines(groups: Mapping[str, CaseCounts], grouping: Grouping, names: Names) -> list[CaseLine]:
    """One line for each group, in the order of their codes, fields in the order of a dictionary."""
    named = {key: names.group(grouping, key) for key in groups}
    in_order = sorted(groups, key=lambda key: vietnamese_order(named[key].vi if grouping == "field" and key else key))
    return [_case_line(key, named[key], groups[key]) for key in in_order]


def _case_line(key: str, name: Bilingual, counts: CaseCounts) -> CaseLine:
    return CaseLine(key=key, name=name, **msgspec.structs.asdict(counts))


def _deadline_tables(counts: Mapping[tuple[str, str], DeadlineCounts], names: Names) -> DeadlineTables:
    def summed(agency: str, rule: str) -> DeadlineLine:
        chosen = (c for (a, r), c in counts.items() if agency in ("", a) and rule in ("", r))
        return _deadline_line(agency, rule, total(chosen, DeadlineCounts), names)

    return DeadlineTables(
        by_agency_and_rule=[_deadline_line(*key, counts[key], names) for key in sorted(counts)],
        by_agency=[summed(agency, "") for agency in sorted({agency for agency, _ in counts})],
        by_rule=[summed("", rule) for rule in sorted({rule for _, rule in counts})],
        total=summed("", ""),
    )


def _deadline_line(agency: str, rule: str, counts: DeadlineCounts, names: Names) -> DeadlineLine:
    figures = {name: value for name, value in msgspec.structs.asdict(counts).items() if name != "days"}
    return DeadlineLine(
        agency=agency,
        agency_name=names.body(agency) if agency else ALL,
        rule=rule,
        rule_name=duty_words(rule) if rule else ALL,
        on_time_rate=counts.on_time_rate,
        reply_days_median=percentile(counts.days, 50),
        reply_days_p90=percentile(counts.days, 90),
        **figures,
    )


def _recording(lags: Mapping[str, Counter[int]], backfilled: int) -> Recording:
    together: Counter[int] = Counter()
    for days in lags.values():
        together.update(days)
    lines = [_recording_line(topic, event_words(topic), lags[topic]) for topic in sorted(lags)]
    return Recording(by_topic=lines, total=_recording_line("", ALL, together), backfilled=backfilled)


def _recording_line(topic: str, name: Bilingual, days: Counter[int]) -> RecordingLine:
    return RecordingLine(
        topic=topic,
        name=name,
        recorded=days.total(),
        same_day=days[0],
        lag_median=percentile(days, 50),
        lag_p90=percentile(days, 90),
        lag_longest=max(days, default=None),
    )


# --- CSV -----------------------------------------------------------------------------------------------------------


class ReportTable(NamedTuple):
    """A table of a report for a spreadsheet: the heads, then the rows."""

    heads: list[str]
    rows: list[list[Any]]


def report_csv(report: PeriodReport, table: Table) -> str:
    """One table of a report as CSV (RFC 4180), with a byte order mark for spreadsheets."""
    heads, rows = report_table(report, table)
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def report_xlsx(report: PeriodReport) -> bytes:
    """A report as a workbook, a sheet for each table. A text stays a text, and a number is a number."""
    content = io.BytesIO()
    with workbook(content) as book:
        bold = book.add_format({"bold": True})
        for table, title in _SHEETS.items():
            sheet, (heads, rows) = book.add_worksheet(title), report_table(report, table)
            sheet.freeze_panes(1, 0)
            for number, head in enumerate(heads):
                sheet.set_column(number, number, 36 if "name]" in head else 14)
                sheet.write_string(0, number, head, bold)
            for line, row in enumerate(rows, 1):
                for number, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(line, number, cell)
                    elif cell is not None:
                        sheet.write_number(line, number, cell)
    return content.getvalue()


def report_table(report: PeriodReport, table: Table) -> ReportTable:
    """One table of a report."""
    match table:
        case "cases":
            groups: Iterable[tuple[str, Sequence[Any]]] = (
                ("agency", report.cases.by_agency),
                ("field", report.cases.by_field),
                ("place", report.cases.by_place),
                ("", [report.cases.total]),
            )
            head = ["Nhóm theo [grouping]", "Mã [key]", "Tên [name]"]
            rows = [[name, line.key, line.name.vi, *_cells(line, CASE_COLUMNS)] for name, g in groups for line in g]
            return _table(head, CASE_COLUMNS, rows)
        case "deadlines":
            head = ["Mã cơ quan [agency]", "Cơ quan [agency_name]", "Loại [rule]", "Việc phải làm [rule_name]"]
            lines = [*report.deadlines.by_agency_and_rule, report.deadlines.total]
            rows = [[d.agency, d.agency_name.vi, d.rule, d.rule_name.vi, *_cells(d, DEADLINE_COLUMNS)] for d in lines]
            return _table(head, DEADLINE_COLUMNS, rows)
        case "recording":
            head = ["Loại [topic]", "Việc được ghi [name]"]
            recorded = [*report.recording.by_topic, report.recording.total]
            rows = [[line.topic, line.name.vi, *_cells(line, RECORDING_COLUMNS)] for line in recorded]
            return _table(head, RECORDING_COLUMNS, rows)


def _cells(line: Any, columns: Sequence[Column]) -> list[Any]:
    return [getattr(line, column.figure) for column in columns]


def _table(head: Sequence[str], columns: Sequence[Column], rows: list[list[Any]]) -> ReportTable:
    return ReportTable([*head, *(f"{_heading(column)} [{column.figure}]" for column in columns)], rows)


def _heading(column: Column) -> str:
    return f"{column.over.vi}: {column.words.vi}" if column.over else column.words.vi


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, as it does a text that begins like one, in wide letters too."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell
