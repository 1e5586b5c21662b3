"""The headings of registers: known ones, a mapping for the others, and an error that names the remedy."""

import unicodedata

import pytest

from services.intake.application.importing.case_events import EVENT_FIELDS
from services.intake.application.importing.headings import FIELDS, Columns, FileMapping, decoded_mapping
from services.intake.application.importing.refusals import FileRefused, UnknownColumns

FORM_03_TCD = {
    "STT": "ordinal",
    "Ngày tiếp": "received_on",
    "Họ tên, địa chỉ": "name_address",
    "CCCD/CMND/Hộ chiếu": "document",
    "Nội dung đơn": "text",
    "Loại đơn (KN/TC/KN/PA)": "kind",
    "Số người cùng nội dung": "note",
    "Cơ quan đã giải quyết": "note",
    "Thuộc thẩm quyền": "note",
    "Hướng dẫn công dân đến cơ quan có thẩm quyền": "redirected_to",
    "Cơ quan, đơn vị thụ lý": "agency",
    "Theo dõi kết quả giải quyết": "note",
    "Ghi chú": "note",
}
MET_IN_FILES = {
    "Họ tên/Người kiến nghị/Chủ đơn": "name",
    "Địa chỉ/Thôn, bản": "address",
    "Nội dung (ý kiến) kiến nghị": "text",
    "Lĩnh vực": "field",
    "Thẩm quyền": "note",
    "Cơ quan (đơn vị) chủ trì/thụ lý/giải quyết": "agency",
    "Cơ quan phối hợp": "assisting",
    "Thời hạn": "due_on",
    "Kết quả/Nội dung trả lời": "reply_text",
    "Số văn bản, ngày": "reply",
    "Tình trạng/Hiện trạng": "result",
    "Số TT": "ordinal",
    "Nội dung phản ánh, kiến nghị": "text",
    "Nội dung phản ánh": "text",
    "Nội dung vụ việc": "text",
    "Ngày, tháng, năm": "received_on",
    "Văn bản trả lời": "reply",
    "Số, ngày văn bản trả lời": "reply",
    "Số công văn trả lời": "reply_number",
    "Số, ký hiệu văn bản trả lời": "reply_number",
    "Kết quả xử lý": "reply_text",
    "Đơn vị xử lý": "agency",
    "Đơn vị/Cơ quan được giao": "agency",
    "Thời hạn giải quyết": "due_on",
    "Họ và tên công dân": "name",
    "Tên công dân": "name",
    "Xã, phường": "jurisdiction",
    "Phân loại đơn": "kind",
}
#: Each may mean several things, or has no column: a person says which.
SAYS_TOO_LITTLE = ("Hình thức", "Số, ký hiệu văn bản", "Hướng xử lý")


@pytest.mark.parametrize(("heading", "field"), [*FORM_03_TCD.items(), *MET_IN_FILES.items()])
def test_heading__of_forms_and_files_is_known(heading: str, field: str) -> None:
    assert Columns(FileMapping()).field(heading) == field
    assert Columns(FileMapping()).field(f"  {unicodedata.normalize('NFD', heading).upper()} ") == field


@pytest.mark.parametrize("field", FIELDS)
def test_field__is_a_heading_itself(field: str) -> None:
    assert Columns(FileMapping()).field(field) == field


def test_head__of_form_03_tcd_has_no_column_twice() -> None:
    Columns(FileMapping()).check(tuple(FORM_03_TCD))


@pytest.mark.parametrize("heading", SAYS_TOO_LITTLE)
def test_heading__that_says_too_little_is_left_to_a_person(heading: str) -> None:
    with pytest.raises(UnknownColumns):
        Columns(FileMapping()).field(heading)


def test_unknown_columns__are_named_all_at_once() -> None:
    with pytest.raises(UnknownColumns) as why:
        Columns(FileMapping()).check(["Mã đơn", "Hình thức", "Hướng\nxử lý", "Ghi chú"])
    assert str(why.value).count("--ignore 'Hình thức' --ignore 'Hướng xử lý'") == 2 and "Mã đơn" not in str(why.value)


def test_unknown_column__is_named_with_its_remedy() -> None:
    with pytest.raises(UnknownColumns, match=r"'Người nhập'.*--mapping.*--ignore 'Người nhập'"):
        Columns(FileMapping()).field("Người nhập")
    assert Columns(FileMapping(), ["người nhập"]).field("Người nhập") == ""
    assert Columns(FileMapping(ignore=("Người nhập",))).field("Người nhập") == ""


def test_mapping__stands_before_what_is_known() -> None:
    columns = Columns(FileMapping(columns={"Cơ quan thụ lý": "redirected_to", "Ý dân": "text"}))
    assert (columns.field("Cơ quan thụ lý"), columns.field("Ý DÂN")) == ("redirected_to", "text")
    assert columns.heading("text") == "Ý DÂN"


def test_two_columns_for_one_field__are_refused_unless_their_cells_can_be_put_together() -> None:
    with pytest.raises(FileRefused, match="'Lĩnh vực' and 'field' both mean field"):
        Columns(FileMapping()).check(["Lĩnh vực", "field"])
    Columns(FileMapping()).check(["Địa chỉ", "Thôn, bản", "Ghi chú", "Thẩm quyền"])


def test_fields_of_deeds__are_columns_only_beside_a_command() -> None:
    Columns(FileMapping(), (), EVENT_FIELDS).check(["command", "case", "first_day", "place"])
    with pytest.raises(UnknownColumns, match="first_day"):
        Columns(FileMapping(), (), EVENT_FIELDS).check(["Mã đơn", "first_day"])


def test_reasons_of_a_rejects_file__are_not_read() -> None:
    assert [Columns(FileMapping()).field(name) for name in ("_line", "_column", "_reason")] == ["", "", ""]


def test_heading__is_known_wherever_the_tone_stands_and_however_it_is_broken() -> None:
    columns = Columns(FileMapping(columns={"Uỷ quyền": "note", "Đất": "field"}))
    found = [columns.field(name) for name in ("Ủy quyền", "Ðất", "Mã\nđơn", "Nội\u00a0dung\u200b")]
    assert found == ["note", "field", "case", "text"]


@pytest.mark.parametrize(
    "content",
    [
        {"colums": {}},
        {"columns": {"A": "no_field"}},
        {"values": {"no_field": {}}},
        {"values": {"agency": {"Phòng GD": "H35.1", "PHÒNG gd": "H35.2"}}},
        {"defaults": {"field": True}},
        [],
        "text",
    ],
)
def test_mapping_file__with_a_slip_is_refused(content: object) -> None:
    with pytest.raises(FileRefused, match="mapping"):
        decoded_mapping(content)
