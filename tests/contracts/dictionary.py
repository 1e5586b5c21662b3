"""contracts/tu-dien-du-lieu.xlsx: the fields of every event for offices, in Vietnamese, from the definitions."""

import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import xlsxwriter

from shared.events import EVENTS, SEALED, VISIBILITY, Metadata
from shared.events.field_titles import CHOICE_TITLES, FIELD_TITLES
from shared.events.titles import EVENT_TITLES
from shared.http.examples import ExampleMaker

#: What fields are that no form shows; what a command's form shows is named in shared/events/field_titles.py.
MEANINGS = {
    "deadline.duty": "Nghĩa vụ có thời hạn",
    "deadline.source": "Sổ gốc của vụ việc (tên nguồn dữ liệu)",
    "deadline.deadline_id": "Mã của thời hạn",
    "deadline.subject": "Loại hồ sơ có thời hạn",
    "annulled_topic": "Loại ghi nhận bị hủy",
    "at": "Thời điểm phát sinh theo lịch của sự việc",
    "basis": "Căn cứ pháp lý",
    "breach_stands": "Vi phạm thời hạn còn được tính hay không",
    "breached_at": "Thời điểm bắt đầu quá hạn",
    "cause_id": "Sự kiện làm phát sinh",
    "debtor": "Cơ quan có nghĩa vụ thực hiện",
    "delegation": "Việc ủy quyền được chấm dứt",
    "done_on": "Ngày đã thực hiện",
    "explanation": "Cách tính thời hạn",
    "moved_from": "Hạn cũ trước khi thay đổi",
    "notice_id": "Thông báo kết luận liên quan",
    "part": "Phần của nghĩa vụ, khi một việc có nhiều phần",
    "person": "Người giữ vị trí công tác",
    "petitioner_id": "Mã người kiến nghị",
    "post": "Vị trí công tác",
    "provisional": "Lịch tạm tính, chưa công bố chính thức",
    "source": "Hệ thống gửi dữ liệu",
    "stage_on": "Ngày của mốc nhắc",
    "subject_id": "Vụ việc liên quan",
    "village": "Thôn, bản, tổ dân phố",
    "submitted_at": "Thời điểm người dân gửi",
    "area": "Khu vực công khai: mã xã hoặc điểm làm tròn 0,01 độ",
    "category": "Phân loại của hệ thống gửi",
    "consent": "Đồng ý nhận thông báo, bằng hình thức nào, từ ngày nào",
    "language": "Ngôn ngữ của kiến nghị (BCP 47)",
    "attributes": "Thuộc tính riêng của tỉnh, tên đã khai báo",
    "email": "Thư điện tử",
    "corrected": "Các trường được sửa, với giá trị mới",
    "cleared": "Các trường được xóa trắng",
    "event_id": "Mã của sự kiện",
    "aggregate": "Loại hồ sơ mà sự kiện thuộc về",
    "jurisdiction": "Địa bàn",
    "actor": "Bên ghi nhận (tên của mã truy cập)",
    "correlation_id": "Mã chung của các sự kiện cùng một việc",
    "on_behalf_of": "Người được ghi nhận thay",
    "causation_id": "Sự kiện gây ra sự kiện này",
    "external_id": "Mã của bản ghi tại hệ thống gửi",
    "sealed_sha256": "Mã băm SHA-256 của phần được niêm phong",
    "backfilled": "Dữ liệu cũ được nhập sau",
    "petition_reference": "Nguồn và mã của kiến nghị tại hệ thống gửi",
    "source_version": "Phiên bản của bản ghi tại hệ thống gửi",
    "traceparent": "Dấu vết xử lý theo W3C Trace Context",
}
VISIBLE = {
    "public": "Công khai",
    "internal": "Nội bộ",
    "sealed-each": "Niêm phong riêng từng người",
    "sealed-all": "Niêm phong chung của những người kiến nghị",
    "sealed-own": "Niêm phong của hồ sơ",
}
_TYPES = {
    "string": "văn bản",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "có/không",
    "date": "ngày (YYYY-MM-DD)",
    "date-time": "thời điểm (UTC)",
    "uuid": "mã UUID",
    "object": "nhóm trường",
}
HEADINGS = (
    ("Sự kiện", 26), ("Tên sự kiện", 30), ("Tên trường", 30), ("Kiểu", 26), ("Bắt buộc", 10), ("Ý nghĩa", 48),
    ("Mức hiển thị", 20), ("Ví dụ", 42),
)  # fmt: skip
LONGEST_SAMPLE = 200  # characters; a whole policy would be a cell taller than a screen
#: Nobody's clock goes into the file.
_MADE = datetime(2026, 1, 1)


class FieldLine(NamedTuple):
    """A line of the dictionary."""

    topic: str
    title: str
    name: str
    type: str
    required: str
    meaning: str
    visible: str
    sample: str


def lines() -> list[FieldLine]:
    """Every field of every event, then those that all events have in common."""
    found = [line for topic in EVENTS for line in _event(topic)]
    (_,), parts = msgspec.json.schema_components([Metadata], ref_template="#/components/schemas/{name}")
    own = parts["Metadata"]
    return found + [
        FieldLine("(mọi sự kiện)", "Thông tin chung", f"meta.{name}", *_rest(name, own, parts, "Metadata"))
        for name in own["properties"]
    ]


def _event(topic: str) -> Iterator[FieldLine]:
    kind = EVENTS[topic]
    (_,), parts = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    own = parts[topic]
    for name in own["properties"]:
        visible = VISIBLE[VISIBILITY[topic][name].value]
        yield FieldLine(topic, EVENT_TITLES[topic].vi, name, *_rest(name, own, parts, topic, visible))


def _rest(
    name: str, owner: dict[str, Any], parts: dict[str, Any], topic: str, visible: str = VISIBLE["internal"]
) -> tuple[str, str, str, str, str]:
    schema = owner["properties"][name]
    sample = ExampleMaker(parts).of({"properties": {name: schema}, "type": "object", "title": topic}, whole=True)
    shown = sample.get(name)
    return (
        _type(schema, parts),
        "có" if name in owner.get("required", ()) else "",
        _meaning(name, topic),
        visible,
        _cut(shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)),
    )


def _cut(sample: str) -> str:
    """What a cell can show."""
    return sample if len(sample) <= LONGEST_SAMPLE else sample[:LONGEST_SAMPLE] + " …"


def _meaning(name: str, topic: str) -> str:
    """What a field is. Raises KeyError for one that nobody described."""
    if topic in EVENTS and (meant := MEANINGS.get(f"{EVENTS[topic].AGGREGATE}.{name}")) is not None:
        return meant
    titles = (FIELD_TITLES.get(f"{topic}.{name}"), FIELD_TITLES.get(name))
    return next((each.vi for each in titles if each is not None), None) or MEANINGS[name]


def _type(schema: dict[str, Any], parts: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _type(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    if "enum" in schema:
        return "một trong: " + ", ".join(str(each) for each in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = (_type(part, parts) for part in schema[several] if part.get("type") != "null")
            return " hoặc ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"danh sách {_type(schema['items'], parts)}" if isinstance(schema.get("items"), dict) else "danh sách"
    return _TYPES.get(str(schema.get("format")), _TYPES.get(str(schema.get("type")), "giá trị bất kỳ"))


def workbook() -> bytes:
    """The file: the fields, the events, and the words of choices. The same bytes each time."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    book.set_properties({"title": "Từ điển dữ liệu", "company": "Đối thoại", "created": _MADE})
    head = book.add_format(
        {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": "#9B1C1C",
            "text_wrap": True,
            "valign": "vcenter",
            "border": 1,
        }
    )
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "border_color": "#D7DDE5"})
    code = book.add_format({"text_wrap": True, "valign": "top", "font_name": "Consolas", "font_size": 10, "border": 1,
                            "border_color": "#D7DDE5"})  # fmt: skip
    fields = lines()
    events = [
        (topic, EVENT_TITLES[topic].vi, EVENT_TITLES[topic].en, kind.VERSION, len(kind.__struct_fields__),
         len(SEALED[topic]))
        for topic, kind in EVENTS.items()
    ]  # fmt: skip
    choices = [
        (name, str(value), words.vi, words.en)
        for name, known in CHOICE_TITLES.items()
        for value, words in known.items()
    ]
    for title, headings, rows, codes in (
        ("Trường dữ liệu", HEADINGS, fields, {0, 2, 7}),
        ("Sự kiện", (("Sự kiện", 30), ("Tên", 40), ("Tiếng Anh", 40), ("Phiên bản", 10), ("Số trường", 10),
                     ("Số trường niêm phong", 14)), events, {0}),
        ("Giá trị", (("Trường", 26), ("Giá trị", 26), ("Nghĩa", 40), ("Tiếng Anh", 40)), choices, {0, 1}),
    ):  # fmt: skip
        sheet = book.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_row(0, 32)
        for column, (heading, width) in enumerate(headings):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                put = sheet.write_number if isinstance(value, int) else sheet.write_string
                put(number, column, value, code if column in codes else cell)
        sheet.autofilter(0, 0, len(rows), len(headings) - 1)
    book.close()
    return written.getvalue()
