"""`doithoai policy` and `doithoai calendar` on files: what they print, and one line for each error."""

import inspect
import json
from pathlib import Path
from types import ModuleType

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
        f"{file}:6: rules[1].form: không có từ khóa 'sometimes'; "
        "hãy dùng một trong: deadline, minimum_notice, minimum_duration, frequency, undated / "
        "unknown word 'sometimes'; "
        "use one of deadline, minimum_notice, minimum_duration, frequency, undated\n"
    )
    told = json.loads(policy("check", str(file), "--json").stdout)
    english = {
        "message": "unknown word 'sometimes'",
        "remedy": "use one of deadline, minimum_notice, minimum_duration, frequency, undated",
    }
    vietnamese = {
        "message": "không có từ khóa 'sometimes'",
        "remedy": "hãy dùng một trong: deadline, minimum_notice, minimum_duration, frequency, undated",
    }
    translations = {"vi": vietnamese, "en": english}
    problem = {"path": "rules[1].form", **english, "line": 6, "translations": translations}
    assert told == {"valid": False, "problems": [problem]}


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
    assert (refused.exit_code, "2040" in refused.stderr) == (2, True)


def test_explain__in_both_languages() -> None:
    told = policy("explain", "reply", "--from", "2019-08-23", "--policy", "plan-570")
    for text in ("570/KH-UBND, II.4.3", "chậm nhất 15 ngày làm việc", "may be extended", "16/09/2019"):
        assert text in told.stdout, text
    assert policy("explain", "nothing").exit_code == 2
    youth = json.loads(policy("explain", "conclusion_notice", "--policy", "youth-dialogue", "--json").stdout)
    assert youth["source"] == "13/2021/NĐ-CP, Chương II"


@pytest.mark.parametrize("duty", ["reply", "public_notice"])
@pytest.mark.parametrize("is_named", [False, True])
def test_explain__the_default_is_nobodys_law(tmp_path: Path, duty: str, is_named: bool) -> None:
    file = tmp_path / "silent.yaml"
    file.write_text(
        "policy_id: x\ndocument: {number: 1/QĐ, issued_on: 2020-01-01}\nvalid_from: 2020-01-01\nrules:\n"
        "  - {duty: convene, form: deadline, length: 9, counted_from: request}\n",
        "utf-8",
    )
    named = ("--policy", str(file)) if is_named else ()
    told = policy("explain", duty, *named).stdout
    assert f"{duty} (thời hạn mặc định của phần mềm, không phải quy định của đơn vị nào / the product's" in told
    assert "570" not in told + policy("explain", duty, "--json", *named).stdout + policy("explain", "--help").stdout
    assert policy("explain", "convene", "--policy", str(file)).stdout.startswith("convene (1/QĐ)")


@pytest.mark.parametrize(
    ("arguments", "vi"),
    [
        (("explain", "nothing"), "không có quy tắc 'nothing'"),
        (("explain", "reply", "--from", "2019-02-30"), "không phải là ngày hợp lệ"),
        (("explain", "reply", "--from", "2040-01-10"), "năm 2040 chưa có lịch"),
        (("show", "plan-570", "--conference", "2040-01-10"), "năm 2040 chưa có lịch"),
        (("show", "plan-570", "--on", "birthday=2026-04-23"), "không thuộc conference_start"),
        (("show", "nowhere.yaml"), "không có tệp này"),
        (("show", "plan-570", "--calendar", "nowhere.yaml"), "không đọc được"),
        (("adopt", "plan-570", "--jurisdiction", "H35/10"), "không phải là mã định danh"),
    ],
)
def test_error__is_one_line_in_both_languages(arguments: tuple[str, ...], vi: str) -> None:
    refused = policy(*arguments)
    assert refused.exit_code in (1, 2) and refused.stderr.count("\n") == 1
    before, _, after = refused.stderr.partition(" / ")
    assert vi in before and after.isascii()


@pytest.mark.parametrize("module", [policies, calendars])
def test_help__is_in_both_languages(module: ModuleType) -> None:
    for command in (module.main, *(each.callback for each in module.app.registered_commands)):
        told = [part for part in inspect.cleandoc(command.__doc__ or "").split("\n\n") if part]
        assert len(told) % 2 == 0 and all(map(str.isascii, told[1::2])), command.__name__
        assert not any(map(str.isascii, told[::2])), command.__name__
        for parameter in inspect.signature(command).parameters.values():
            (words,) = parameter.annotation.__metadata__
            vi, *_, en = words.help.split(" / ")
            assert not vi.isascii() and en.isascii(), (command.__name__, parameter.name)


def test_help__shows_both_languages() -> None:
    for told in (policy("adopt", "--help").stdout, calendar("edit", "--help").stdout, policy("show", "--help").stdout):
        assert "Ghi nhận việc" in told or "Sửa các ngày" in told or "In bảng thời hạn" in told
        assert "Record in intake" in told or "Change days" in told or "clock sheet" in told


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
        ("2026-08-22", "2026-08-24", ":6:|year 2026, makeup_days[0].date: 2026-08-24 is a Monday"),
        ("2026-09-01, name", "2026-09-02, name", ":4:|year 2026, holidays[1].date: 2026-09-02 is listed twice"),
        ("2026-08-22", "2026-09-02", ":6:|year 2026, makeup_days[0].date: 2026-09-02 is a Wednesday"),
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
    assert all(each in refused.stderr for each in told.split("|"))


@pytest.mark.parametrize(
    ("arguments", "vi", "en"),
    [
        (("--off", "2026-12-31"), "--off: '2026-12-31' chưa đúng; hãy viết như", "is incomplete; write it as"),
        (("--off", "31/12=Nghỉ"), "--off: '31/12' không phải là ngày hợp lệ", "'31/12' is not a valid date"),
        (("--drop", "2026-01-02"), "--drop: 2026-01-02 không phải là ngày nghỉ", "2026-01-02 is neither off nor"),
        (
            ("--work", "2026-12-28=2026-12-31"),
            "lịch năm 2026 sẽ mâu thuẫn: makeup_days[1].date: Ngày 28/12/2026 không phải thứ Bảy hoặc Chủ nhật",
            "the year 2026 would contradict itself: makeup_days[1].date: 2026-12-28 is a Monday",
        ),
        (("--out", "/nowhere/2026.yaml"), "/nowhere/2026.yaml: không ghi được", "cannot be written"),
    ],
)
def test_calendar_edit__refuses_in_both_languages(year: Path, arguments: tuple[str, ...], vi: str, en: str) -> None:
    refused = calendar("edit", str(year), *arguments)
    assert refused.exit_code in (1, 2) and refused.stderr.count("\n") == 1
    before, _, after = refused.stderr.partition(" / ")
    assert vi in before and en in after, refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "vi"),
    [
        ("2026-08-22", "2026-08-24", ":6: lịch không hợp lệ: năm 2026, makeup_days[0].date: Ngày 24/08/2026 không"),
        ("makeup_days", "make_up_days", ":1: lịch không hợp lệ: không có trường `make_up_days` (tại `$[0]`)"),
        ("name: Quốc khánh", "name: 3", ":3: lịch không hợp lệ: phải là `str`, không phải `int` (tại `$[0].holidays"),
        ("year: 2026", "year: 2026\nyear: 2026", ":2: lịch không hợp lệ: year: 'year' được ghi hai lần; hãy chỉ giữ"),
        ("holidays:", "[", "lịch không hợp lệ: $: không phải là YAML hợp lệ"),
    ],
)
def test_calendar__a_wrong_file_says_the_reason_in_vietnamese_too(year: Path, old: str, new: str, vi: str) -> None:
    year.write_text(YEAR.replace(old, new, 1), "utf-8")
    before, _, after = calendar("edit", str(year)).stderr.partition(" / is not a valid calendar: ")
    assert vi in before and after, before


def test_calendar__two_versions_at_once(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    listed = "\n".join(("  " if n else "- ") + line for n, line in enumerate(YEAR.splitlines()))
    file.write_text(f"{listed}\n{listed}\n", "utf-8")
    refused = calendar("publish", str(file))
    assert refused.exit_code == 1
    assert f"{file}:7: năm 2026 có hai bản" in refused.stderr and "year 2026 is there twice" in refused.stderr


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


HEAD = "policy_id: x\ndocument: {number: 1/QĐ, issued_on: 2026-01-01}\nvalid_from: 2026-01-01\nrules:\n"


def shown(tmp_path: Path, rules: str, *more: str) -> str:
    file = tmp_path / "shown.yaml"
    file.write_text(HEAD + rules, "utf-8")
    result = policy("show", str(file), *more)
    assert result.exit_code == 0, result.stderr
    return " ".join(result.stdout.replace("│", " ").split())


def test_show__a_fixed_date_without_any_day_given(tmp_path: Path) -> None:
    rule = "  - {duty: commune_plan, form: deadline, length: 0, counted_from: fixed_date, fixed_date: 03-15}\n"
    assert "15/03/2026" in shown(tmp_path, rule)
    assert "15/03/2027" not in shown(tmp_path, rule, "--on", "plan=2026-02-02")
    counted = CliRunner().invoke(
        policies.app, ["explain", "commune_plan", "--policy", str(tmp_path / "shown.yaml"), "--from", "2026-01-02"]
    )
    assert "15/03/2026" in counted.stdout


def test_show__a_posting_that_must_stay_until_a_day(tmp_path: Path) -> None:
    rule = "  - {duty: posting, form: minimum_duration, length: 15, unit: calendar_days, roll: next_working_day}\n"
    told = shown(tmp_path, rule, "--on", "publication_start=2026-03-02")
    assert "đến hết 17/03/2026" in told and "until the end of Tue 2026-03-17" in told
    assert "rơi vào ngày nghỉ" in told


def test_show__a_duty_owed_twice(tmp_path: Path) -> None:
    rule = "  - {duty: annual_dialogue, form: frequency, frequency: {times: 2, per: year}, warn_on: [10-01]}\n"
    told = shown(tmp_path, rule, "--conference", "2026-03-26")
    assert "31/12/2026 (2 lần)" in told and "nhắc: 01/10 hằng năm" in told


def test_show__all_that_makes_a_date(tmp_path: Path) -> None:
    rule = (
        "  - duty: reply\n    form: deadline\n    length: 5\n    first_day: included\n    warn_days: [3]\n"
        "    pause: {told: [petitioner]}\n    extension: {each: 5, told: [petitioner]}\n"
        "    variants: [{when: [complex], in_total: 9, criteria: [nhiều cơ quan]}]\n"
    )
    shown(tmp_path, rule)
    (line, _) = json.loads(policy("show", str(tmp_path / "shown.yaml"), "--json").stdout)["lines"]
    told = " ".join(text["vi"] for text in line["details"])
    for words in ("ngày bắt đầu được tính", "được tạm đình chỉ", "được gia hạn", "nhiều cơ quan", "nhắc trước 3 ngày"):
        assert words in told
    found = policy("explain", "reply_complex", "--policy", str(tmp_path / "shown.yaml"))
    assert "tổng cộng 9 ngày làm việc" in found.stdout and "được gia hạn" not in found.stdout
    assert "không gia hạn quá mức tổng cộng này" in found.stdout


def test_explain__two_traits(tmp_path: Path) -> None:
    rule = (
        "  - duty: reply\n    form: deadline\n    length: 5\n"
        "    variants: [{when: [complex], length: 9}, {when: [complex, several_fields], length: 12}]\n"
    )
    shown(tmp_path, rule)
    file = str(tmp_path / "shown.yaml")
    for name in ("reply_complex_several_fields", "reply_several_fields_complex"):
        assert "12 ngày làm việc" in policy("explain", name, "--policy", file).stdout
    assert policy("explain", "reply_remote", "--policy", file).exit_code == 2


def test_check__tells_which_rule_waits_for_a_calendar(tmp_path: Path) -> None:
    file = tmp_path / "far.yaml"
    rule = "  - {duty: commune_plan, form: deadline, length: 0, counted_from: fixed_date, fixed_date: 2040-03-15}\n"
    file.write_text(HEAD + rule, "utf-8")
    checked = policy("check", str(file))
    assert checked.exit_code == 0 and "before the calendar of 2040 is published" in checked.stdout


def test_calendar_edit__keeps_comments_and_refuses_a_day_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "2030.yaml"
    text = "# theo Thông báo 1/TB\nyear: 2030\nholidays:\n  # Tết\n  - {date: 2030-01-01, name: Tết Dương lịch}\n"
    file.write_text(text, "utf-8")
    refused = calendar("edit", str(file), "--drop", "2030-01-02")
    assert (refused.exit_code, file.read_text("utf-8")) == (2, text)
    assert "2030-01-02 is neither off nor worked" in refused.stderr
    assert calendar("edit", str(file), "--off", "2030-01-02=Nghỉ").exit_code == 0
    assert file.read_text("utf-8").startswith("# theo Thông báo 1/TB\n# Tết\nyear: 2030\n")
