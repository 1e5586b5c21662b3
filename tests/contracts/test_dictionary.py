"""The dictionary of fields says something of every field, and is the same file each time."""

import io

import openpyxl

from shared.events import EVENTS, VISIBILITY
from tests.contracts import dictionary


def test_dictionary__has_every_field_with_its_meaning_and_a_sample() -> None:
    book = openpyxl.load_workbook(io.BytesIO(dictionary.workbook()))
    sheet = book["Trường dữ liệu"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == tuple(heading for heading, _ in dictionary.HEADINGS)
    assert {(row[0], row[2]) for row in rows} >= {(topic, name) for topic in EVENTS for name in VISIBILITY[topic]}
    empty = [row for row in rows[1:] for column in (1, 3, 5, 6, 7) if not row[column] or row[column] == "văn bản."]
    assert empty == []
    assert max(len(row[7]) for row in rows) < 210
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref


def test_dictionary__is_the_same_file_each_time() -> None:
    assert dictionary.workbook() == dictionary.workbook()


def test_dictionary__shows_no_text_that_stands_for_none() -> None:
    assert [line for line in dictionary.lines() if line.sample in ("", "null", "văn bản")] == []
