"""Files as offices have them: both forms, read in any order; bad records; which rows belong together; the rejects."""

import json
import unicodedata
from pathlib import Path

import pytest

from services.intake.adapters.files import ImportFile, opened, read_mapping, write_rejects
from services.intake.application.importing.case_events import EVENT_FIELDS
from services.intake.application.importing.headings import Columns, FileMapping
from services.intake.application.importing.refusals import FileRefused, RowRefused, UnknownColumns
from services.intake.application.importing.rows import Rows

PLAIN = FileMapping()
HEAD = "Mã đơn,Ngày tiếp,Nội dung đơn\n"


def source(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> ImportFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return opened(path, encoding)


def rows_of(table: ImportFile, mapping: FileMapping = PLAIN) -> Rows:
    columns = Columns(mapping, (), EVENT_FIELDS)
    columns.check(table.headings)
    return Rows(table, columns, mapping)


def lines(folder: Path, *records: object) -> Rows:
    return rows_of(source(folder, "a.jsonl", "\n".join(json.dumps(r, ensure_ascii=False) for r in records)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv__with_any_delimiter_a_mark_and_a_row_of_numbers(tmp_path: Path, delimiter: str) -> None:
    text = '\ufeff\nMã đơn,Ngày tiếp,Nội dung đơn\n(1),(2),(3)\nA,01/07/2019,"dòng một\ndòng hai"\n,,\nB,02/07/2019,x\n'
    rows = rows_of(source(tmp_path, "a.csv", text.replace(",", delimiter)))
    assert [rows.index.span(n).line for n in range(len(rows.index))] == [4, 7]
    second, first = rows.row(1), rows.row(0)
    assert first.register == {"case": "A", "received_on": "01/07/2019", "text": "dòng một\ndòng hai"}
    assert second.case == "B"


def test_other_encoding__is_read_when_told(tmp_path: Path) -> None:
    content = (HEAD + "A,01/07/2019,Đường sạt lở\n").encode("utf-16")
    assert rows_of(source(tmp_path, "a.csv", content, "utf-16")).row(0).register["text"] == "Đường sạt lở"  # type: ignore[index]
    with pytest.raises(FileRefused, match="--encoding"):
        rows_of(source(tmp_path, "b.csv", HEAD.encode() + "A,01/07/2019,Đường".encode("utf-16")))


@pytest.mark.parametrize(
    "text",
    [
        'Mã đơn;"Họ tên, địa chỉ";Ngày tiếp;Nội dung đơn\nA;"Lò Văn X, bản A";01/07/2019;Đường\n',
        "Mã đơn;Họ tên, địa chỉ;Ngày tiếp;Nội dung đơn\nA;Lò Văn X, bản A;01/07/2019;Đường\n",
        '"Mã\r\nđơn";"Họ tên\r\nđịa chỉ";"Ngày\r\ntiếp";"Nội dung\r\nđơn"\r\nA;"Lò Văn X, bản A";01/07/2019;Đường\r\n',
        "sep=;\r\nMã đơn;Họ tên, địa chỉ;Ngày tiếp;Nội dung đơn\r\nA;Lò Văn X, bản A;01/07/2019;Đường\r\n",
        "\ufeffSEP=;\nMã đơn;Họ tên, địa chỉ;Ngày tiếp;Nội dung đơn\nA;Lò Văn X, bản A;01/07/2019;Đường\n",
        "Mã đơn;Họ tên, địa chỉ;Ngày tiếp;Nội dung đơn\rA;Lò Văn X, bản A;01/07/2019;Đường\r",
        'Mã đơn\tHọ tên, địa chỉ\tNgày tiếp\tNội dung đơn\nA\t"Lò Văn X, bản A"\t01/07/2019\tĐường\n',
    ],
)
def test_delimiter__is_the_one_that_makes_headings(tmp_path: Path, text: str) -> None:
    rows = rows_of(source(tmp_path, "a.csv", text))
    assert [rows.row(n).register for n in range(len(rows.index))] == [
        {"case": "A", "name_address": "Lò Văn X, bản A", "received_on": "01/07/2019", "text": "Đường"}
    ]


def test_delimiter__of_one_heading_a_row_is_a_tie_that_the_headings_decide(tmp_path: Path) -> None:
    assert source(tmp_path, "a.csv", "Mã đơn;Họ tên, địa chỉ\n").headings == ("Mã đơn", "Họ tên, địa chỉ")


def test_delimiter__that_is_given_or_whose_headings_a_mapping_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Mã đơn|Ngày tiếp\nA, B|01/07/2019\n", "utf-8")
    assert opened(path, delimiter="|").headings == ("Mã đơn", "Ngày tiếp")
    path.write_text("Ý, dân;Số;Việc\nA, B;C, D;E\n", "utf-8")
    columns = Columns(FileMapping(columns={"Ý, dân": "text", "Số": "case", "Việc": "subject"}))
    assert opened(path, knows=columns.knows).headings == ("Ý, dân", "Số", "Việc")
    (tmp_path / "a.jsonl").write_text("{}", "utf-8")
    with pytest.raises(FileRefused, match="--delimiter"):
        opened(tmp_path / "a.jsonl", delimiter=";")


def test_line_numbers__are_those_of_the_file(tmp_path: Path) -> None:
    text = "sep=;\nMã đơn;Nội dung đơn\nA;x\n\nB;y\n"
    for content in (text, text.replace("\n", "\r"), text.replace("\n", "\r\n")):
        rows = rows_of(source(tmp_path, "a.csv", content))
        assert [rows.index.span(n).line for n in range(len(rows.index))] == [3, 5]


VOTERS = """PHỤ LỤC TỔNG HỢP KIẾN NGHỊ CỦA CỬ TRI,,,,
(Kèm theo Báo cáo số 12/BC-UBND),,,,
TT,Nội dung kiến nghị,Đơn vị giải quyết,Kết quả giải quyết,Ghi chú
1,2,3,4,5
I,LĨNH VỰC ĐẤT ĐAI,,,
1,Đề nghị cấp giấy chứng nhận,Phòng Tài nguyên,Đang giải quyết,
2,Đề nghị đo đạc lại,,,
LĨNH VỰC KHÁC,,,,
3.,Cộng đồng dân cư đề nghị sửa đường,,,
4,,,,
,Cộng,3,,
,Tổng cộng: 03 kiến nghị,,,
Tổng số,3,,,
,Tổng số hộ nghèo tăng,,,
"""


def test_table_of_petitions__without_titles_parts_and_totals(tmp_path: Path) -> None:
    table = source(tmp_path, "a.csv", VOTERS)
    rows = rows_of(table)
    found = [(rows.index.span(n).line, rows.row(n).register["text"]) for n in range(len(rows.index))]  # type: ignore[index]
    assert found == [
        (6, "Đề nghị cấp giấy chứng nhận"),
        (7, "Đề nghị đo đạc lại"),
        (9, "Cộng đồng dân cư đề nghị sửa đường"),
        (14, "Tổng số hộ nghèo tăng"),
    ]
    assert (list(table.titles), rows.index.passed_over) == ([1, 2], [5, 8, 10, 11, 12, 13])


def test_rows_numbered_as_parts_are__are_rows_where_no_other_numbers_stand(tmp_path: Path) -> None:
    rows = rows_of(source(tmp_path, "a.csv", "TT,Nội dung kiến nghị\nI,Sửa đường\nII,Sửa cầu\n"))
    assert [rows.row(n).register["text"] for n in range(len(rows.index))] == ["Sửa đường", "Sửa cầu"]  # type: ignore[index]
    assert rows.index.passed_over == []


def test_row_with_a_case_or_many_cells__is_never_passed_over(tmp_path: Path) -> None:
    text = "TT,Mã đơn,Ngày tiếp,Nội dung đơn\n1,A,01/07/2019,x\nI,B,,\n,C,,Tổng cộng\nII,,01/07/2019,Đường\n"
    rows = rows_of(source(tmp_path, "a.csv", text))
    assert (len(rows.index), rows.index.passed_over) == (4, [])


def test_head__is_never_looked_for_below_a_row_that_holds_a_heading(tmp_path: Path) -> None:
    text = "Mã đơn,Người nhập\nA,B\nMã đơn,Nội dung đơn\n"
    with pytest.raises(UnknownColumns, match="Người nhập"):
        rows_of(source(tmp_path, "a.csv", text))


@pytest.mark.parametrize("unseen", ["\u200b", "\u00a0", "\u200e", "\ufeff"])
def test_case__is_one_whatever_stands_unseen_around_it(tmp_path: Path, unseen: str) -> None:
    rows = rows_of(source(tmp_path, "a.csv", f"{HEAD}A,01/07/2019,x\n{unseen}A{unseen},{unseen}01/07/2019,x\n"))
    assert rows.index.groups == [(0, 1)]
    assert rows.row(0).content == rows.row(1).content


def test_case__that_is_a_number_is_the_same_with_a_point_behind_it(tmp_path: Path) -> None:
    rows = lines(tmp_path, {"case": 12.0}, {"case": 12}, {"case": "12"}, {"case": 12.5})
    assert rows.index.groups == [(0, 1, 2), (3,)]
    assert [rows.row(n).case for n in range(4)] == ["12", "12", "12", "12.5"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("§-êng liªn b¶n háng", 2),  # TCVN3
        ("Ñöôøng lieân baûn hoûng", 2),  # VNI
        ("Đường liên bản hỏng, rộng 5 m², nền 30°C, “dốc” ½ km", 0),
        ("Ông Müller ở phố Zürich", 0),
    ],
)
def test_text_in_an_old_font__is_told(tmp_path: Path, content: str, line: int) -> None:
    found = source(tmp_path, "a.csv", f"{HEAD}A,01/07/2019,{content}\nB,01/07/2019,Ông Björk\n")
    assert found.line_in_old_font() == line


def test_vietnamese__is_in_no_old_font(tmp_path: Path) -> None:
    letters = "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    words = " ".join(f"t{letter}n t{letter.upper()}n" for letter in letters)
    assert source(tmp_path, "a.csv", f"{HEAD}A,01/07/2019,{words}\n").line_in_old_font() == 0


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"PK\x03\x04\x14\x00", "a spreadsheet .*CSV UTF-8"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "an old spreadsheet"),
        ("a.csv", "<html><body><table>", "a web page"),
        ("a.csv", '\ufeff\n<?xml version="1.0"?>', "a web page"),
        ("a.jsonl", b"PK\x03\x04\x14\x00", "a spreadsheet"),
        ("a.csv", 'Mã đơn,"Họ tên"(1),Ngày tiếp,Nội dung đơn\nA,B,C,D\n', "^line 1: "),
        ("a.csv", "sep=;\n", "empty"),
        ("a.xlsx", "", "name"),
        ("a.csv", "", "empty"),
        ("a.csv", HEAD + 'A,01/07/2019,"open\nB,x,y\n', "quotation mark"),
        ("a.csv", "Mã đơn,Người nhập\n", "Người nhập"),
        ("a.jsonl", '{"Người nhập": 1}', "Người nhập"),
    ],
)
def test_file__that_cannot_be_imported_at_all_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises((FileRefused, UnknownColumns), match=reason):
        rows_of(source(tmp_path, name, content))
    with pytest.raises(FileRefused, match="cannot be read"):
        opened(tmp_path / "missing.csv")


def test_record_that_cannot_be_read__is_a_bad_row_and_no_more(tmp_path: Path) -> None:
    table = rows_of(source(tmp_path, "a.csv", HEAD + "A,01/07/2019,một, hai\nB,01/07/2019,x\n"))
    with pytest.raises(RowRefused, match="4 cells under 3 headings"):
        table.row(0)
    assert table.row(1).case == "B"
    broken = rows_of(source(tmp_path, "a.jsonl", '{"case": "A"\n[1]\n{"case": "B"}\n'))
    for number in (0, 1):
        with pytest.raises(RowRefused, match="no JSON object"):
            broken.row(number)
    assert broken.row(2).case == "B"


def test_same_row__is_the_same_in_either_form_and_order(tmp_path: Path) -> None:
    csv = rows_of(source(tmp_path, "a.csv", HEAD + "A,01/07/2019,x\n")).row(0)
    other = lines(tmp_path, {"Nội dung kiến nghị": " x ", "case": "A", "received_on": "01/07/2019"}).row(0)
    assert csv.content == other.content


def test_rows_of_a_case__go_together_wherever_they_stand(tmp_path: Path) -> None:
    rows = lines(tmp_path, {"case": "A"}, {"case": "B"}, {"text": "x"}, {"case": "A"}, {"text": "y"})
    assert rows.index.groups == [(0, 3), (1,), (2,), (4,)]


def test_conferences__come_first_and_bodies_before_them(tmp_path: Path) -> None:
    rows = lines(
        tmp_path,
        {"command": "PetitionReceived", "case": "P"},
        {"command": "ConferencePlanned", "case": "C"},
        {"command": "PetitionRaised", "case": "P", "conference_id": "C"},
        {"command": "AgencyRegistered", "code": "H35.1"},
        {"command": "ConferenceClosed", "case": "C"},
    )
    assert (rows.index.regulation, rows.index.first, rows.index.groups) == ([3], [(1, 4)], [(0, 2)])


@pytest.mark.parametrize(
    "link",
    [
        {"command": "PetitionMerged", "case": "P", "into": "Q"},
        {"command": "SpeakerRegistered", "case": "Q", "petition_id": "P", "speaker": "1"},
        {"command": "ConferenceProposed", "case": "Q", "petition_ids": ["P"]},
        {"command": "ConclusionNoticeIssued", "case": "Q", "assignments": [{"petition_id": "P", "agency": "H35.1"}]},
    ],
)
def test_cases_that_cannot_be_told_apart__are_one_group(tmp_path: Path, link: dict[str, object]) -> None:
    rows = lines(tmp_path, {"case": "P"}, {"case": "R"}, {"case": "Q"}, link)
    assert {(0, 2, 3), (1,)} <= {*rows.index.first, *rows.index.groups}


def test_act_in_a_table__takes_lists_and_json_from_its_cells(tmp_path: Path) -> None:
    head = "command,Mã đơn,effective_on,agency,assisting,reports,reply_number\n"
    text = head + (
        "PetitionAssigned,A,30/08/2019,H35.1,H35.2; H35.3,,\n"
        'ReplyReported,A,16/09/2019,,,"[{""recipient"": ""chair"", ""on"": ""2019-09-16""}]",12\n'
    )
    rows = rows_of(source(tmp_path, "a.csv", text))
    first, second = rows.row(0).act, rows.row(1).act
    assert first is not None and second is not None
    assert first.fields == {"effective_on": "2019-08-30", "agency": "H35.1", "assisting": ["H35.2", "H35.3"]}
    assert second.fields["reports"] == [{"recipient": "chair", "on": "2019-09-16"}]
    assert rows.index.groups == [(0, 1)]


@pytest.mark.parametrize("topic", ["RecordAnnulled", "ReminderSent", "PersonalDataErased", "DeadlineSet", "Nonsense"])
def test_what_cannot_be_imported__is_refused(tmp_path: Path, topic: str) -> None:
    with pytest.raises(RowRefused, match="no event that can be imported"):
        lines(tmp_path, {"command": topic, "case": "A"}).row(0)


def test_rejects__have_the_form_of_the_file_and_can_be_read_again(tmp_path: Path) -> None:
    table = source(tmp_path, "a.csv", HEAD.replace(",", ";") + 'A;31/02/2019;"a ""b""\nc"\nB;01/07/2019;x;y\n')
    rows = rows_of(table)
    found = [(rows.index.span(0), "Ngày tiếp", "is no date"), (rows.index.span(1), "", "4 cells")]
    write_rejects(tmp_path / "r.csv", table, found)
    text = (tmp_path / "r.csv").read_text("utf-8")
    assert text.splitlines()[0] == "_line;_column;_reason;Mã đơn;Ngày tiếp;Nội dung đơn"
    assert (tmp_path / "r.csv").stat().st_mode & 0o077 == 0
    again = rows_of(opened(tmp_path / "r.csv"))
    assert again.row(0).content == rows.row(0).content
    with pytest.raises(RowRefused):
        again.row(1)


def test_rejected_line_that_is_no_json__is_mended_as_a_text(tmp_path: Path) -> None:
    table = source(tmp_path, "a.jsonl", '{"case": "A", "text": "một"\n')
    rows = rows_of(table)
    write_rejects(tmp_path / "r.jsonl", table, [(rows.index.span(0), "", "no JSON")])
    record = json.loads((tmp_path / "r.jsonl").read_text("utf-8"))
    assert record == {"_line": 1, "_column": "", "_reason": "no JSON", "_raw": '{"case": "A", "text": "một"'}
    record["_raw"] += "}"
    (tmp_path / "r.jsonl").write_text(json.dumps(record), "utf-8")
    assert rows_of(opened(tmp_path / "r.jsonl")).row(0).register == {"case": "A", "text": "một"}


def mapping_of(folder: Path, name: str, text: str) -> FileMapping:
    (folder / name).write_text(text, "utf-8")
    return read_mapping(folder / name)


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mapping__holds_words_in_any_spelling(tmp_path: Path, name: str, mark: str) -> None:
    text = unicodedata.normalize("NFD", mark + '{"values": {"agency": {"phòng gd": "H35.10.4"}}}')
    mapping = mapping_of(tmp_path, name, text)
    path = tmp_path / "a.csv"
    path.write_text("Mã đơn,Cơ quan thụ lý\nA,Phòng GD\n", "utf-8")
    assert rows_of(opened(path), mapping).row(0).register == {"case": "A", "agency": "H35.10.4"}


def test_mapping__takes_days_and_numbers_as_they_stand(tmp_path: Path) -> None:
    text = "defaults: {received_on: 2019-07-01, phone: 0912345678, reply_number: 12}"
    assert mapping_of(tmp_path, "m.yaml", text).defaults == {
        "received_on": "2019-07-01",
        "phone": "0912345678",
        "reply_number": "12",
    }


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("m.yaml", 'values:\n  agency: {"GD": H35.1,\n    "GD": H35.2}', "m.yaml:3: .*'GD' is written twice"),
        ("m.json", '{"values": {"agency": {"GD": "H35.1", "GD": "H35.2"}}}', "'GD' is written twice"),
        ("m.yaml", "a: &a [x]\nb: [*a, *a]", "refers to another part"),
        ("m.yaml", "defaults: {phone: " + "9" * 5000 + "}", "m.yaml"),
        ("m.json", "[" * 100_000, "m.json"),
        ("m.yaml", "[" * 200, "m.yaml"),
        ("m.json", '"' + "x" * (1 << 20) + '"', "at most"),
    ],
)
def test_mapping__that_cannot_be_meant_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(FileRefused, match=told):
        mapping_of(tmp_path, name, text)


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
def test_mapping__from_yaml_or_json(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"columns": {"Ý dân": "text"}, "defaults": {"jurisdiction": "H35.10"}}', "utf-8")
    assert read_mapping(tmp_path / name).columns == {"Ý dân": "text"}
    (tmp_path / name).write_text("{", "utf-8")
    with pytest.raises(FileRefused, match="--mapping"):
        read_mapping(tmp_path / name)


def test_record_bytes__survive_being_cut_out_of_the_file(tmp_path: Path) -> None:
    cells = ['"đ""â, u\n\n"', "x", '";\n"']
    body = "".join(f"{n},01/07/2019,{cells[n % 3]}\n" for n in range(50))
    rows = rows_of(source(tmp_path, "a.csv", HEAD + body))
    texts = [rows.row(n).register["text"] for n in reversed(range(50))]  # type: ignore[index]
    assert texts == [['đ"â, u', "x", ";"][n % 3] for n in reversed(range(50))]
