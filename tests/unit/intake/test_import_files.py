"""Files as offices have them: both forms, read in any order; bad records; which rows belong together; the rejects."""

import json
from pathlib import Path

import pytest

from services.intake.adapters.files import ImportFile, opened, read_mapping, write_rejects
from services.intake.application.importing.case_events import EVENT_FIELDS
from services.intake.application.importing.headings import Columns, FileMapping
from services.intake.application.importing.refusals import FileRefused, RowRefused, UnknownColumn
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
    ("name", "content", "reason"),
    [
        ("a.xlsx", "", "name"),
        ("a.csv", "", "empty"),
        ("a.csv", HEAD + 'A,01/07/2019,"open\nB,x,y\n', "quotation mark"),
        ("a.csv", "Mã đơn,Người nhập\n", "Người nhập"),
        ("a.jsonl", '{"Người nhập": 1}', "Người nhập"),
    ],
)
def test_file__that_cannot_be_imported_at_all_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises((FileRefused, UnknownColumn), match=reason):
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
