"""No cell and no file takes longer than its length, and none ends the import with anything but a refusal."""

import random
import subprocess
import sys
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from services.intake.adapters.files import opened, read_mapping
from services.intake.application.importing.case_events import EVENT_FIELDS, body_of, names_in
from services.intake.application.importing.headings import Columns, FileMapping
from services.intake.application.importing.refusals import FileRefused, RowRefused
from services.intake.application.importing.register import events_of
from services.intake.application.importing.rows import Rows
from services.intake.domain import Conference

TABLE = """sep=;
PHỤ LỤC;;;;;;
TT;Mã đơn;Ngày tiếp;"Họ tên,
địa chỉ";Nội dung đơn;"Số văn bản, ngày";Cơ quan thụ lý
1;2;3;4;5;6;7
I;;;;LĨNH VỰC ĐẤT ĐAI;;
1;LC-1;01/07/2019;Lò Văn X, bản A;"Đường ""liên bản""
hỏng";12/UBND ngày 16 tháng 9 năm 2019;Phòng GD
2;LC-2;23/08/2019 08:30;Giàng A;Cầu sập;;Uỷ ban
;;;;Tổng cộng: 02 kiến nghị;;
"""
LINES = """{"command": "ConferencePlanned", "case": "HN", "effective_on": "22/07/2019", "jurisdiction": "H35.10"}
{"case": 12.0, "Ngày tiếp": "01/07/2019", "Nội dung đơn": "x", "Cơ quan phối hợp": ["a", "b"], "conference": "HN"}
{"command": "WrittenReplyIssued", "case": "LC-1", "data": {"number": "1", "reports": [{"recipient": "chair"}]}}
{"_raw": "{\\"case\\": 1}"}
"""
MAPPING = 'columns: {"Ý dân": text}\nvalues: {agency: {"Phòng GD": H35.10.4}}\ndefaults: {received_on: 2019-07-01}\n'
PIECES = [
    b'"',
    b";",
    b",",
    b"\t",
    b"\r",
    b"\n",
    b"\x00",
    b"\xff",
    b"[",
    b"{",
    b"}",
    b"]",
    b":",
    b"\\u0000",
    b"*a",
    b"&a",
]
PIECES += [
    "\u200b".encode(),
    "\u0301".encode(),
    b"\xef\xbb\xbf",
    b"9" * 5000,
    b" " * 300,
    b"[" * 3000,
    b"1e999",
    b"NaN",
    b"null",
]


class Anywhere:
    """Whatever a row refers to is there."""

    def agency(self, text: str, on: date, field: str) -> str:
        return "H35.10.4"

    def place(self, text: str, on: date, field: str) -> str:
        return "H35.10.31"

    def conference(self, name: str, field: str) -> tuple[UUID, Conference]:
        raise RowRefused(field, "không có", "there is none")


def imported(folder: Path, name: str, content: bytes, mapping: bytes) -> None:
    """Read a file as the command does, up to the events. Raises nothing but refusals."""
    (folder / name).write_bytes(content)
    (folder / "m.yaml").write_bytes(mapping)
    try:
        columns = Columns(read_mapping(folder / "m.yaml"), (), EVENT_FIELDS)
        table = opened(folder / name, knows=columns.knows)
        columns.check(table.headings)
        rows = Rows(table, columns, FileMapping(defaults={"jurisdiction": "H35.10"}))
    except FileRefused:
        return
    table.line_in_old_font()
    for number in range(len(rows.index)):
        try:
            row = rows.row(number)
            if row.register is not None:
                list(events_of(row.register, Anywhere(), None))
            elif row.act is not None:
                names_in(row.act.fields)
                body_of(row.act, row.act.fields, from_text=table.of_text)
        except RowRefused as refused:
            assert len(refused.reason) < 2_000
        except FileRefused:
            return


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The same with some of its bytes changed, left out, doubled or put in."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(5):
            case 0:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del found[at : at + chance.randint(1, 20)]
            case 2:
                found[at:at] = chance.choice(PIECES)
            case 3:
                other = chance.randrange(len(found) + 1)
                found[at:at] = found[other : other + chance.randint(1, 80)]
            case _:
                found[at : at + 1] = chance.choice(PIECES)
    return bytes(found)


def fuzz(folder: Path, seed: int, times: int) -> None:
    chance = random.Random(seed)
    for number in range(times):
        name, content = ("a.csv", TABLE) if number % 2 else ("a.jsonl", LINES)
        given, mapping = content.encode(), MAPPING.encode()
        if number % 5:
            given = mutated(given, chance)
        else:
            mapping = mutated(mapping, chance)
        try:
            imported(folder, name, given, mapping)
        except Exception as error:
            error.add_note(f"{name}: {given!r} with {mapping!r}")
            raise


@pytest.mark.parametrize("seed", range(4))
def test_mutated_register__is_read_or_refused(tmp_path: Path, seed: int) -> None:
    fuzz(tmp_path, seed, 100)


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 104))
def test_mutated_register__is_read_or_refused_for_long(tmp_path: Path, seed: int) -> None:
    fuzz(tmp_path, seed, 5_000)


LONG = 300_000  # characters; with a cube of them nothing ends


CELLS: tuple[dict[str, str], ...] = (
    {"reply": "12/UBND" + " " * LONG + "x"},
    {"reply": "12/UBND" + " ,;" * LONG},
    {"reply": "12/UBND " + "ngày " * LONG},
    {"reply": "1/1/" * LONG},
    {"reply": "1" * LONG},
    {"name_address": "Lò" + " " * LONG + "x"},
    {"received_on": "23/08/2019" + " " * LONG + "x"},
    {"received_on": "ngày " * LONG},
    {"agency": "uỷ " * LONG},
    {"result": "đã " * LONG},
    {"assisting": "; " * LONG},
    {"text": "§ªn " * LONG},
    {"TT": "I" * LONG, "text": "cộng" + " 1" * LONG},
)


def test_cell__takes_no_longer_than_its_length(tmp_path: Path) -> None:
    """In a process of its own: what takes for ever is ended from outside, however it holds the interpreter."""
    for number, record in enumerate(CELLS):
        whole = {"received_on": "01/07/2019", "text": "x", "jurisdiction": "H35"} | record
        text = ",".join(whole) + "\n" + ",".join(f'"{cell}"' for cell in whole.values()) + "\n"
        (tmp_path / f"{number}.long").write_text(text, "utf-8")
    script = (
        "import sys; from pathlib import Path; from tests.unit.intake.test_import_bounds import imported\n"
        "for path in sorted(Path(sys.argv[1]).glob('*.long')):\n"
        "    print(path.stem, flush=True); imported(path.parent, 'a.csv', path.read_bytes(), b'{}')"
    )
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, check=True, timeout=60)


def test_rows_of_one_case__are_joined_in_as_many_steps_as_there_are(tmp_path: Path) -> None:
    """Each merger joins a case to a chain; were the chain moved each time, this would be a square."""
    chain = (f'{{"command": "PetitionMerged", "case": "P{n + 1}", "into": "P{n}"}}' for n in range(60_000))
    (tmp_path / "a.jsonl").write_text("\n".join(chain), "utf-8")
    rows = Rows(opened(tmp_path / "a.jsonl"), Columns(FileMapping(), (), EVENT_FIELDS), FileMapping())
    assert [len(group) for group in rows.index.groups] == [60_000]


def test_nested_brackets__are_a_refusal(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", 'command,case,assignments\nConclusionNoticeIssued,A,"' + "[" * 100_000 + '"\n'),
        ("a.jsonl", '{"command": "ConferencePlanned", "case": "A", "x": ' + "[" * 900 + "]" * 900 + "}"),
        ("b.jsonl", '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    ):
        imported(tmp_path, name, content.encode(), b"{}")


def test_message__shows_the_beginning_of_a_long_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"Ngày tiếp,{'x' * 5000}\n", "utf-8")
    with pytest.raises(FileRefused) as refused:
        Columns(FileMapping()).check(opened(tmp_path / "a.csv").headings)
    assert len(str(refused.value)) < 1_000
