"""A sheet of people: headings and days as offices write them, and the first row that says no post."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from services.cli.person_files import InvalidRow, PersonRow, read_people
from shared.events.field_titles import CHOICE_TITLES

HEADINGS = ["Mã người dùng", "Họ tên", "Chức vụ", "Quyền", "Địa bàn", "Từ ngày", "Đến ngày", "Cơ quan", "Số quyết định"]
ROW = PersonRow(
    subject="7f3a-21",
    name="Lò Thị Mai",
    position="Phó Chủ tịch",
    roles=("office",),
    jurisdiction="H35.10",
    valid_from=date(2026, 5, 1),
    line=2,
)


def workbook(folder: Path, *rows: list[Any]) -> Path:
    file, book = folder / "people.xlsx", Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


def csv(folder: Path, *rows: list[str], delimiter: str = ";") -> Path:
    file = folder / "people.csv"
    file.write_text("\n".join(delimiter.join(row) for row in rows), "utf-8-sig")
    return file


def test_sheet__is_read_as_offices_write_it(tmp_path: Path) -> None:
    full = ["7f3a-21", "Lò Thị Mai", "Phó Chủ tịch", "Văn phòng", "H35.10", datetime(2026, 5, 1), None, None, "5/QĐ"]
    (row,) = read_people(workbook(tmp_path, HEADINGS, full, [None] * 9))
    assert (row.number, row.valid_from, row.valid_until, row.roles) == ("5/QĐ", date(2026, 5, 1), None, ("office",))


def test_csv__is_read_whatever_parts_it(tmp_path: Path) -> None:
    names = ["subject", "name", "position", "roles", "jurisdiction", "valid_from"]
    said = ["7f3a-21", "Lò Thị Mai", "Phó Chủ tịch", "office", "H35.10", "2026-05-01"]
    for delimiter in ",;\t":
        assert read_people(csv(tmp_path, names, said, delimiter=delimiter)) == [ROW]


def test_roles__are_several_in_words_of_either_language(tmp_path: Path) -> None:
    (row,) = read_people(workbook(tmp_path, HEADINGS, ["a", "b", "c", "Văn phòng; auditor", "H35", "2026-05-01"]))
    assert row.roles == ("office", "auditor")
    title = CHOICE_TITLES["roles"]["auditor"].vi
    for said in (title, f"{title}; office"):
        (row,) = read_people(workbook(tmp_path, HEADINGS, ["a", "b", "c", said, "H35", "2026-05-01"]))
        assert row.roles[0] == "auditor"


def test_row__that_ends_before_it_begins_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRow, match="before it begins") as invalid:
        read_people(workbook(tmp_path, HEADINGS, ["a", "b", "c", "office", "H35", "2026-05-02", "2026-05-01"]))
    assert invalid.value.line == 2


@pytest.mark.parametrize(
    ("at", "value", "told"),
    [(0, "", "subject"), (3, "sếp", "'sếp'"), (4, "?", "'?'"), (5, "hôm nay", "'hôm nay'"), (1, None, "name")],
)
def test_row__that_says_no_post_is_named(tmp_path: Path, at: int, value: Any, told: str) -> None:
    row: list[Any] = ["a", "b", "c", "office", "H35", "2026-05-01"]
    row[at] = value
    with pytest.raises(InvalidRow, match=told.replace("?", r"\?")) as invalid:
        read_people(workbook(tmp_path, HEADINGS, row))
    assert invalid.value.line == 2


def test_file__that_is_no_sheet_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(InvalidRow, match=r"no \.xlsx"):
        read_people(tmp_path / "a.xlsx")
    with pytest.raises(InvalidRow, match="no column subject"):
        read_people(csv(tmp_path, ["a", "b"]))
    with pytest.raises(InvalidRow, match="no rows"):
        read_people(workbook(tmp_path, HEADINGS))
