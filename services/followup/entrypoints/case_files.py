"""Cases as files for spreadsheets: CSV and a workbook, with the same columns. Nothing in a cell is ever a formula."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from services.followup.adapters.read.models import Case
from services.followup.application.access import Coded
from services.followup.domain.wording.names import Bilingual, body_words, state_words, urgency_words
from services.followup.entrypoints.report_views import BOM, harmless
from services.followup.entrypoints.workbooks import workbook

MOST_ROWS = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CUT = Bilingual(
    f"Chỉ có {MOST_ROWS:,} dòng đầu; hãy lọc hẹp hơn để có đủ.".replace(",", "."),
    f"Only the first {MOST_ROWS:,} rows; narrow the filter to have them all.",
)


class CaseTable(msgspec.Struct, frozen=True):
    """What a file shows, and its name without the ending; `is_cut` where there are more cases."""

    name: str
    cases: Sequence[Case]
    agencies: Mapping[Coded, str]
    places: Mapping[Coded, str]
    is_cut: bool


class _Column(NamedTuple):
    words: Bilingual
    name: str
    width: int
    cell: Callable[[CaseTable, Case], str | date | None]


_YES = {True: "có", False: ""}
_COLUMNS = (
    _Column(Bilingual("Mã tiếp nhận", "receipt"), "receipt_code", 16, lambda _, c: c.row.receipt_code),
    _Column(Bilingual("Trích yếu", "title"), "title", 60, lambda _, c: c.row.title),
    _Column(Bilingual("Lĩnh vực", "field"), "field", 18, lambda _, c: c.field_title.vi),
    _Column(Bilingual("Mức độ", "urgency"), "urgency", 10, lambda _, c: urgency_words(c.row.urgency).vi),
    _Column(Bilingual("Trạng thái", "state"), "state", 22, lambda _, c: state_words(c.row.subject, c.row.state).vi),
    _Column(Bilingual("Mã địa bàn", "place"), "jurisdiction", 14, lambda _, c: c.row.jurisdiction),
    _Column(Bilingual("Địa bàn", "place"), "place", 24, lambda t, c: t.places.get((c.source, c.row.jurisdiction), "")),
    _Column(Bilingual("Mã cơ quan", "agency"), "agency", 14, lambda _, c: c.row.agency),
    _Column(
        Bilingual("Cơ quan", "agency"),
        "agency_name",
        36,
        lambda t, c: t.agencies.get((c.source, c.row.agency)) or body_words(c.row.agency).vi,
    ),
    _Column(Bilingual("Ngày tiếp nhận", "received"), "received_on", 14, lambda _, c: c.row.received_on),
    _Column(Bilingual("Hạn gần nhất", "due"), "due_on", 14, lambda _, c: c.due_on),
    _Column(Bilingual("Quá hạn", "overdue"), "overdue", 10, lambda _, c: _YES[c.overdue]),
    _Column(Bilingual("Nguồn", "source"), "source", 14, lambda _, c: c.row.source),
    _Column(Bilingual("Mã tại nguồn", "id there"), "external_id", 20, lambda _, c: c.row.external_id),
    _Column(Bilingual("Mã hồ sơ", "case"), "subject_id", 38, lambda _, c: str(c.row.subject_id)),
)
_HEADS = [f"{column.words.vi} [{column.name}]" for column in _COLUMNS]


def as_csv(table: CaseTable) -> bytes:
    """A table as CSV (RFC 4180) in UTF-8, with a byte order mark for spreadsheets."""
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow(_HEADS)
    for case in table.cases:
        writer.writerow([harmless(column.cell(table, case)) for column in _COLUMNS])
    if table.is_cut:
        writer.writerow([f"{CUT.vi} {CUT.en}"])
    return text.getvalue().encode()


def as_xlsx(table: CaseTable) -> bytes:
    """A table as a workbook, written row by row. A text stays a text, and a day is a day."""
    content = io.BytesIO()
    with workbook(content) as book:
        sheet = book.add_worksheet("Kiến nghị")
        head, day = book.add_format({"bold": True}), book.add_format({"num_format": "dd/mm/yyyy"})
        for number, column in enumerate(_COLUMNS):
            sheet.set_column(number, number, column.width)
        sheet.freeze_panes(1, 0)
        for number, name in enumerate(_HEADS):
            sheet.write_string(0, number, name, head)
        for line, case in enumerate(table.cases, 1):
            for number, column in enumerate(_COLUMNS):
                cell = column.cell(table, case)
                if isinstance(cell, date):
                    sheet.write_datetime(line, number, cell, day)
                elif cell:
                    sheet.write_string(line, number, cell)
        if table.is_cut:
            sheet.write_string(len(table.cases) + 1, 0, f"{CUT.vi} {CUT.en}", head)
    return content.getvalue()
