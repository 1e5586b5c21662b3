"""`doithoai policy` and `doithoai calendar` on files: what they print, and one line for each error."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import calendar as calendars
from services.cli import policy as policies
from shared.policy import DOCUMENTS


def policy(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(policies.app, arguments)


def calendar(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(calendars.app, arguments)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_check__a_shipped_document(name: str) -> None:
    assert policy("check", name).exit_code == 0
    assert json.loads(policy("check", name, "--json").stdout) == {"valid": True, "problems": []}


def test_check__names_file_line_and_remedy(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "policy_id: x\ndocument: {number: 1/QĐ, issued_on: 2020-01-01}\nvalid_from: 2020-01-01\nrules:\n"
        "  - {duty: reply, form: deadline}\n  - {duty: reply, form: sometimes}\n",
        "utf-8",
    )
    refused = policy("check", str(file))
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"{file}:6: rules[1].form: unknown word 'sometimes'; "
        "use one of deadline, minimum_notice, minimum_duration, frequency, undated\n"
    )
    told = json.loads(policy("check", str(file), "--json").stdout)
    assert (told["valid"], told["problems"][0]["line"]) == (False, 6)


def test_check__no_such_file() -> None:
    refused = policy("check", "nowhere.yaml")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "plan-570" in refused.stderr


def test_show__a_clock_sheet_with_its_last_days() -> None:
    shown = policy("show", "plan-570", "--conference", "2019-08-23")
    assert shown.exit_code == 0
    for text in (
        "Nội dung công việc",
        "Ngày chậm nhất",
        "Gửi giấy mời",
        "ít nhất 7 ngày làm việc trước ngày tổ chức hội nghị",
        "14/08/2019",
        "07/10/2019",
        "Written reply (complex case)",
        "không định hạn",
    ):
        assert text in shown.stdout, text


def test_show__marks_what_the_document_leaves_open() -> None:
    shown = policy("show", "plan-570").stdout
    assert "ít nhất 1 ngày làm việc trước ngày tổ chức hội nghị *" in shown and "at least 1 working day before" in shown
    assert "* văn bản không nêu số ngày / the document gives no number" in shown
    assert "sau ngày kết thúc hội nghị *" not in shown
    assert "at least once a year" in shown and "*" not in policy("show", "communes-2025").stdout


def test_show__other_days_that_clocks_count_from() -> None:
    shown = policy("show", "citizen-reception", "--on", "receipt=2026-04-23", "--json")
    lines = json.loads(shown.stdout)["lines"]
    assert lines[0]["due_on"] == "2026-05-12"
    assert policy("show", "plan-570", "--on", "birthday=2026-04-23").exit_code == 2


def test_show__a_year_without_a_calendar() -> None:
    refused = policy("show", "plan-570", "--conference", "2040-01-10")
    assert (refused.exit_code, "2040" in refused.stderr) == (1, True)


def test_explain__in_both_languages() -> None:
    told = policy("explain", "reply", "--from", "2019-08-23")
    for text in ("570/KH-UBND, II.4.3", "chậm nhất 15 ngày làm việc", "may be extended", "16/09/2019"):
        assert text in told.stdout, text
    assert policy("explain", "nothing").exit_code == 2
    youth = json.loads(policy("explain", "conclusion_notice", "--policy", "youth-dialogue", "--json").stdout)
    assert youth["source"] == "13/2021/NĐ-CP, Chương II"


def test_diff__word_by_word() -> None:
    told = policy("diff", "plan-570", "communes-2025").stdout
    assert "public_notice.length: 1 → 7" in told
    assert policy("diff", "plan-570", "plan-570").stdout == "không khác nhau / no difference\n"
    assert policy("diff", "plan-570").exit_code == 2


def test_diff__against_a_history_that_does_not_answer() -> None:
    refused = policy("diff", "plan-570", "--against-history", "--jurisdiction", "H35.10", "--url", "http://127.0.0.1:9")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert policy("diff", "plan-570", "--against-history").exit_code == 2


YEAR = """\
year: 2026
holidays:
  - {date: 2026-09-02, name: Quốc khánh}
  - {date: 2026-09-01, name: Quốc khánh}
makeup_days:
  - {date: 2026-08-22, instead_of: 2026-09-01}
"""


@pytest.fixture
def year(tmp_path: Path) -> Path:
    file = tmp_path / "2026.yaml"
    file.write_text(YEAR, "utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026-08-22", "2026-08-24", "6, year 2026, makeup_days[0].date: 2026-08-24 is a Monday"),
        ("2026-09-01, name", "2026-09-02, name", "4, year 2026, holidays[1].date: 2026-09-02 is listed twice"),
        ("2026-08-22", "2026-09-02", "6, year 2026, makeup_days[0].date: 2026-09-02 is a Wednesday"),
        ("instead_of: 2026-09-01", "instead_of: 2026-09-04", "makeup_days[0].instead_of: 2026-09-04 is not among"),
        ("name: Quốc khánh}\nmakeup", "nam: Quốc khánh}\nmakeup", "unknown field `nam`"),
        ("makeup_days", "make_up_days", "unknown field `make_up_days`"),
        ("year: 2026", "year: 2026\nyear: 2026", "'year' is written twice"),
        ("year: 2026", "year: MMXXVI", "Expected `int`, got `str`"),
    ],
)
def test_calendar__a_wrong_file_names_line_and_reason(year: Path, old: str, new: str, told: str) -> None:
    year.write_text(YEAR.replace(old, new, 1), "utf-8")
    refused = calendar("edit", str(year))
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert told in refused.stderr


def test_calendar__two_versions_at_once(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    listed = "\n".join(("  " if n else "- ") + line for n, line in enumerate(YEAR.splitlines()))
    file.write_text(f"{listed}\n{listed}\n", "utf-8")
    refused = calendar("publish", str(file))
    assert refused.exit_code == 1
    assert f"{file}:7, year 2026 is there twice: two versions at once" in refused.stderr


def test_calendar__edited(year: Path) -> None:
    done = calendar("edit", str(year), "--off", "2026-12-31=Nghỉ", "--drop", "2026-08-22", "--drop", "2026-09-01")
    assert done.exit_code == 0, done.stderr
    text = year.read_text("utf-8")
    assert "2026-12-31" in text and "2026-08-22" not in text and "2026-09-01" not in text
    before = year.read_text("utf-8")
    refused = calendar("edit", str(year), "--work", "2026-12-28=2026-12-31")
    assert refused.exit_code == 1 and "2026-12-28 is a Monday" in refused.stderr
    assert year.read_text("utf-8") == before, "nothing is written"


def test_calendar__diff_of_two_files(year: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(YEAR.replace("2026-09-01", "2026-09-03"), "utf-8")
    told = calendar("diff", str(year), str(other)).stdout
    assert "thêm ngày nghỉ: Quốc khánh / day off added: Quốc khánh" in told
    assert "bỏ ngày nghỉ" in told
