"""Reads a sheet of people, XLSX or CSV: a post a row, under headings as offices write them or by the fields' names."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args
from zipfile import BadZipFile

import msgspec

from services.intake.application.importing.headings import folded
from shared.events.field_titles import CHOICE_TITLES, FIELD_TITLES
from shared.events.person import PostRole
from shared.identifiers import MalformedCode, agency_code
from shared.sentences import Sentence

MOST_ROWS = 20_000  # of one sheet: an office, not a country
REQUIRED = ("subject", "name", "position", "roles", "jurisdiction", "valid_from")
FIELDS = (*REQUIRED, "agency", "valid_until", "number")
#: What offices write besides the titles of the fields.
_ALSO = {
    "subject": ("sub", "mã người dùng", "tài khoản"),
    "name": ("họ và tên",),
    "roles": ("vai trò", "quyền"),
    "agency": ("mã cơ quan",),
    "jurisdiction": ("mã địa bàn", "đơn vị"),
    "valid_until": ("đến ngày",),
}
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y")


class InvalidRow(ValueError):
    """A sheet that cannot be read, or a row of it that says no post; `line` is 0 where it is the file itself."""

    def __init__(self, line: int, vi: str, en: str) -> None:
        super().__init__(en)
        self.line, self.said = line, Sentence(vi, en)


class PersonRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post to grant; `line` is its row in the sheet."""

    subject: str
    name: str
    position: str
    roles: tuple[str, ...]
    jurisdiction: str
    valid_from: date
    agency: str = ""
    valid_until: date | None = None
    number: str = ""
    line: int = 0

    @property
    def body(self) -> dict[str, Any]:
        """The body of the command."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        found.pop("line", None)
        return found


def read_people(file: Path) -> list[PersonRow]:
    """The posts of a sheet, each as it is to be granted; the first wrong row stops it. Raises InvalidRow, OSError."""
    rows = _rows_of_workbook(file) if file.suffix.lower() == ".xlsx" else _rows_of_csv(file)
    headings: dict[int, str] = {}
    found: list[PersonRow] = []
    for line, cells in enumerate(rows, 1):
        if line > MOST_ROWS:
            raise InvalidRow(line, f"quá {MOST_ROWS} dòng; hãy chia tệp", f"more than {MOST_ROWS} rows; split the file")
        if not any(str(cell or "").strip() for cell in cells):
            continue
        if not headings:
            headings = _headings(line, cells)
            continue
        found.append(_row(line, {name: cells[at] for at, name in headings.items() if at < len(cells)}))
    if not found:
        raise InvalidRow(0, "không có dòng nào; hãy nêu một bảng có dữ liệu", "holds no rows; name a sheet that does")
    return found


def _rows_of_workbook(file: Path) -> Iterator[Sequence[Any]]:
    # Slow to load, and most commands on people read no workbook.
    from openpyxl import load_workbook  # type: ignore[import-untyped]
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

    try:
        with file.open("rb") as opened:
            sheet = load_workbook(opened, read_only=True, data_only=True).worksheets[0]
            yield from sheet.iter_rows(values_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, IndexError):
        raise InvalidRow(
            0, "không phải tệp .xlsx; hãy lưu lại từ bảng tính", "is no .xlsx file; save it anew"
        ) from None


def _rows_of_csv(file: Path) -> Iterable[Sequence[Any]]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRow(0, "không phải UTF-8; hãy lưu lại bằng UTF-8", "is not UTF-8; save it as UTF-8") from None
    first = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))


def _headings(line: int, cells: Sequence[Any]) -> dict[int, str]:
    known: dict[str, str] = {}
    for name in FIELDS:
        title = FIELD_TITLES.get(f"PostGranted.{name}") or FIELD_TITLES[name]
        for word in (name, title.vi, title.en, *_ALSO.get(name, ())):
            known[folded(word)] = name
    found = {at: known[word] for at, cell in enumerate(cells) if (word := folded(str(cell or ""))) in known}
    if missing := [name for name in REQUIRED if name not in found.values()]:
        title = FIELD_TITLES.get(f"PostGranted.{missing[0]}") or FIELD_TITLES[missing[0]]
        raise InvalidRow(line, f"thiếu cột “{title.vi}”; hãy thêm cột đó", f"has no column {missing[0]}; add it")
    return found


def _row(line: int, cells: dict[str, Any]) -> PersonRow:
    texts = {name: str(value).strip() if value is not None else "" for name, value in cells.items()}
    for name in REQUIRED:
        if not texts.get(name):
            title = FIELD_TITLES.get(f"PostGranted.{name}") or FIELD_TITLES[name]
            raise InvalidRow(line, f"“{title.vi}” đang trống; hãy điền", f"{name} is empty; fill it in")
    valid_from = _day(line, cells["valid_from"])
    valid_until = _day(line, cells["valid_until"]) if texts.get("valid_until") else None
    if valid_until is not None and valid_until < valid_from:
        raise InvalidRow(
            line,
            f"đến ngày {valid_until:%d/%m/%Y} trước từ ngày {valid_from:%d/%m/%Y}; hãy sửa một trong hai",
            f"it ends on {valid_until} before it begins on {valid_from}; mend one of them",
        )
    return PersonRow(
        subject=texts["subject"],
        name=texts["name"],
        position=texts["position"],
        roles=_roles(line, texts["roles"]),
        jurisdiction=_code(line, texts["jurisdiction"]),
        agency=_code(line, texts["agency"]) if texts.get("agency") else "",
        valid_from=valid_from,
        valid_until=valid_until,
        number=texts.get("number", ""),
        line=line,
    )


def _roles(line: int, text: str) -> tuple[str, ...]:
    """The roles of a cell. The titles of some have a comma in them, so a part between semicolons may be one role."""
    found: list[str] = []
    for part in filter(str.strip, text.split(";")):
        try:
            found.append(_role(line, part))
        except InvalidRow:
            found += (_role(line, word) for word in part.split(",") if word.strip())
    return tuple(found)


def _role(line: int, word: str) -> str:
    for role in get_args(PostRole):
        title = CHOICE_TITLES["roles"][role]
        if folded(word) in {folded(each) for each in (role, title.vi, title.en)}:
            return str(role)
    known = ", ".join(get_args(PostRole))
    raise InvalidRow(
        line, f"không có quyền {word!r}; hãy chọn trong: {known}", f"{word!r} is no role; choose of {known}"
    )


def _code(line: int, text: str) -> str:
    try:
        return agency_code(text)
    except MalformedCode as error:
        vi = f"{text!r} không phải là mã định danh; hãy viết như H35.10"
        raise InvalidRow(line, vi, str(error)) from None


def _day(line: int, value: Any) -> date:
    """A day as a sheet keeps one, or as people write it."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for form in _DAYS:
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    vi = f"{value!r} không phải là ngày; hãy viết 23/08/2026 hoặc 2026-08-23"
    raise InvalidRow(line, vi, f"{value!r} is no date; write 23/08/2026 or 2026-08-23")
