"""Cells to texts, days and words: normalised, days as offices and machines write them, the words of offices."""

import contextlib
import functools
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from services.intake.application.importing.headings import JOINED, Columns, FileMapping, folded
from services.intake.application.importing.refusals import RowRefused, shown
from shared.identifiers import LOCAL_ZONE, local_day, normalised

Row = Mapping[str, str]

LONGEST_DAY = 60  # characters
_DAY_FIRST = re.compile(r"(?:ngày ?)?(\d{1,2}) ?[/.-] ?(\d{1,2}) ?[/.-] ?(\d{4})")
_IN_WORDS = re.compile(r"(?:ngày ?)?(\d{1,2}),? tháng (\d{1,2}),? năm (\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
#: Spreadsheets and programs write a day with the time behind it.
_TIME = re.compile(r",? [0-2]?\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?: ?(?:am|pm|sa|ch))?$")


def register_row(
    cells: Iterable[tuple[str, Any]], columns: Columns, mapping: FileMapping
) -> tuple[dict[str, str], frozenset[str]]:
    """The fields of a register row that say something, and which stand in it: the others are defaults.

    Raises RowRefused, UnknownColumns.
    """
    row: dict[str, str] = {}
    fields = columns.fields
    for heading, cell in cells:
        if (field := fields.get(heading)) is None:
            field = columns.field(heading)
        if not field or cell == "" or not (text := as_text(cell, field)):
            continue
        if field == "note":
            text = f"{heading}: {text}"
        if field in row and field in JOINED:
            text = f"{row[field]}{', ' if field == 'address' else chr(10)}{text}"
        row[field] = mapping.words[field].get(folded(text), text) if field in mapping.values else text
    filled = frozenset(row)
    if row:
        for field, value in mapping.defaults.items():
            row.setdefault(field, value)
    return row, filled


def as_text(cell: Any, field: str) -> str:
    """A cell as normalised text; the number 12.0 is 12. Raises RowRefused."""
    if isinstance(cell, str):
        text = normalised(cell)
        if "\x00" in text:
            raise RowRefused(
                field, "có ký tự NUL (U+0000); hãy xóa ký tự đó", "holds the NUL character U+0000: remove it"
            )
        return text
    if cell is None:
        return ""
    if isinstance(cell, list):
        if any(isinstance(part, list) for part in cell):
            raise RowRefused(
                field,
                "có danh sách trong danh sách; hãy ghi một danh sách hoặc một văn bản",
                "holds lists within a list: write one list, or a text",
            )
        return "; ".join(as_text(part, field) for part in cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise RowRefused(
            field,
            "phải là chữ; hãy đặt trong dấu ngoặc kép",
            f"holds {_kind(cell)} where a text belongs: write it in quotation marks",
        )
    if isinstance(cell, int):
        return str(cell)
    if not math.isfinite(cell):
        raise RowRefused(
            field,
            "không phải là số hữu hạn; hãy đặt trong dấu ngoặc kép",
            "holds no finite number: write it in quotation marks",
        )
    return str(int(cell)) if cell.is_integer() else str(cell)


def _kind(cell: Any) -> str:
    return "true or false" if isinstance(cell, bool) else "an object"


def day_of(row: Row, field: str) -> date | None:
    """The day in a field; None where it is empty. Raises RowRefused."""
    text = row.get(field)
    return None if text is None else parsed_day(text, field)


def parsed_day(text: str, field: str) -> date:
    """A day as offices and machines write it; of an instant its day in Viet Nam. Raises RowRefused."""
    if len(text) > LONGEST_DAY or (day := _day(text)) is None:
        raise RowRefused(
            field,
            f"{shown(text)} không phải là ngày; hãy ghi ngày/tháng/năm, ví dụ 23/08/2019",
            f"{shown(text)} is no date: write dd/mm/yyyy or yyyy-mm-dd",
        )
    return day


@functools.lru_cache(maxsize=4096)
def _day(text: str) -> date | None:
    plain = " ".join(text.casefold().split())
    try:
        if "t" in plain and (instant := _instant(plain)) is not None:
            return instant
        plain = _TIME.sub("", plain)
        if found := _DAY_FIRST.fullmatch(plain) or _IN_WORDS.fullmatch(plain):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if found := _YEAR_FIRST.fullmatch(plain):
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    return None


def _instant(plain: str) -> date | None:
    """The day of an ISO instant; None where the text is none."""
    try:
        instant = datetime.fromisoformat(plain.upper())
        return instant.date() if instant.tzinfo is None else local_day(instant)
    except (ValueError, OverflowError):
        return None


def instant_of(row: Row, field: str) -> datetime | None:
    """The instant in a field, in Viet Nam where it has no offset; None where it is empty. Raises RowRefused."""
    if (text := row.get(field)) is None:
        return None
    plain = " ".join(text.split())
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", ""):
        with contextlib.suppress(ValueError):
            if form:
                return datetime.strptime(plain, form).replace(tzinfo=LOCAL_ZONE)
            if len(plain) > len("yyyy-mm-dd"):
                found = datetime.fromisoformat(plain.upper())
                return found if found.tzinfo is not None else found.replace(tzinfo=LOCAL_ZONE)
    raise RowRefused(
        field,
        f"{shown(text)} không phải là thời điểm; hãy ghi ngày/tháng/năm giờ:phút, ví dụ 23/08/2019 08:15",
        f"{shown(text)} is no instant: write dd/mm/yyyy hh:mm, or ISO 8601",
    )


def in_words(text: str) -> str:
    """A recorded value as people read it: a day in the order of the country."""
    found = _YEAR_FIRST.fullmatch(text)
    return f"{found[3]}/{found[2]}/{found[1]}" if found else text


def parts_of(text: str) -> tuple[str, ...]:
    """Several things in one cell: separated by semicolons or lines."""
    return tuple(part for piece in re.split(r"[;\n]", text) if (part := piece.strip()))


def word_of(row: Row, field: str, words: Mapping[str, str], default: str = "") -> str:
    """The value that a word stands for. Raises RowRefused for a word that is not known."""
    text = row.get(field)
    if text is None:
        return default
    if (value := words.get(folded(text))) is None:
        known = ", ".join(sorted(words))
        raise RowRefused(
            field,
            f"{shown(text)} không thuộc các từ: {known}; hoặc ghi nghĩa của từ này ở mục `values` của tệp --mapping",
            f"{shown(text)} is none of: {known}; or give its meaning under `values` in the mapping",
        )
    return value


KINDS = {
    "petition": "petition",
    "reflection": "reflection",
    "kiến nghị": "petition",
    "kiến nghị phản ánh": "petition",
    "kn pa": "petition",
    "knpa": "petition",
    "phản ánh": "reflection",
    "pa": "reflection",
    "khiếu nại": "complaint",
    "tố cáo": "denunciation",
    "tc": "denunciation",
    "complaint": "complaint",
    "denunciation": "denunciation",
    # Form 03/TCD abbreviates two different things so.
    "kn": "ambiguous",
}
URGENCIES = {
    "normal": "normal",
    "bình thường": "normal",
    "thường": "normal",
    "urgent": "urgent",
    "cấp thiết": "urgent",
    "khẩn": "urgent",
    "very urgent": "very_urgent",
    "very_urgent": "very_urgent",
    "rất cấp thiết": "very_urgent",
    "hỏa tốc": "very_urgent",
}
RESULTS = {
    "resolved": "resolved",
    "đã giải quyết": "resolved",
    "đã giải quyết xong": "resolved",
    "in progress": "in_progress",
    "in_progress": "in_progress",
    "đang giải quyết": "in_progress",
    "có kế hoạch": "in_progress",
    "có lộ trình": "in_progress",
    "có kế hoạch lộ trình": "in_progress",
    "not resolved": "not_resolved",
    "not_resolved": "not_resolved",
    "chưa giải quyết": "not_resolved",
    "tạm gác lại": "not_resolved",
    "escalated": "escalated",
    "chuyển cấp trên": "escalated",
}
