"""Cells to texts, days and words: NFC, dd/mm/yyyy and ISO, the words that offices write."""

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from services.intake.application.importing.headings import JOINED, Columns, FileMapping, folded
from services.intake.application.importing.refusals import RowRefused
from shared.identifiers import nfc

Row = Mapping[str, str]

_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
#: Spreadsheets write a day with a midnight behind it.
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")


def register_row(cells: Iterable[tuple[str, Any]], columns: Columns, mapping: FileMapping) -> dict[str, str]:
    """The fields of a register row that say something. Raises RowRefused, UnknownColumn."""
    row: dict[str, str] = {}
    for heading, cell in cells:
        if not (field := columns.field(heading)) or not (text := as_text(cell, field)):
            continue
        if field == "note":
            text = f"{heading}: {text}"
        if field in JOINED and field in row:
            text = f"{row[field]}{', ' if field == 'address' else chr(10)}{text}"
        row[field] = mapping.values[field].get(text, text) if field in mapping.values else text
    if row:
        for field, value in mapping.defaults.items():
            row.setdefault(field, value)
    return row


def as_text(cell: Any, field: str) -> str:
    """A cell as text in NFC, without blanks around it. Raises RowRefused."""
    match cell:
        case str():
            text = nfc(cell).strip()
            if not text:
                return ""
        case None:
            return ""
        case int() | float():
            text = str(cell)
        case list():
            text = "; ".join(as_text(part, field) for part in cell)
        case _:
            raise RowRefused(field, "holds an object where a text belongs")
    if "\x00" in text:
        raise RowRefused(field, "holds the NUL character U+0000: remove it")
    return text


def day_of(row: Row, field: str) -> date | None:
    """The day in a field; None where it is empty. Raises RowRefused."""
    text = row.get(field)
    return None if text is None else parsed_day(text, field)


@functools.lru_cache(maxsize=4096)
def parsed_day(text: str, field: str) -> date:
    """A day as offices and machines write it. Raises RowRefused."""
    try:
        if found := _DAY_FIRST.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if found := _YEAR_FIRST.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise RowRefused(field, f"{text!r} is no date: write dd/mm/yyyy or yyyy-mm-dd")


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
        raise RowRefused(field, f"{text!r} is none of: {known}; or give its meaning under `values` in the mapping")
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
