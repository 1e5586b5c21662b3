"""`doithoai deadline`: the printed count, and one line with the field and the remedy when it refuses."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli.deadline import RULES, deadline

APP = typer.Typer()
APP.command()(deadline)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(APP, arguments)


def counted(rule: str, start: str, *options: str) -> dict:
    result = run(rule, "--from", start, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("rule", "due", "breached_at"),
    [
        ("invitation", "2019-08-14", "2019-08-15T00:00:00+07:00"),
        ("conclusion", "2019-08-30", "2019-08-31T00:00:00+07:00"),
        ("conclusion_notice", "2019-08-30", "2019-08-31T00:00:00+07:00"),
        ("internal_review", "2019-08-30", "2019-08-31T00:00:00+07:00"),
        ("reply", "2019-09-16", "2019-09-17T00:00:00+07:00"),
        ("reply_complex", "2019-10-07", "2019-10-08T00:00:00+07:00"),
        ("public_notice", "2019-08-22", "2019-08-23T00:00:00+07:00"),
        ("preparation_report", "2019-08-22", "2019-08-23T00:00:00+07:00"),
        ("prepared_answer", "2019-08-22", "2019-08-23T00:00:00+07:00"),
        ("preparation_task", "2019-08-22", "2019-08-23T00:00:00+07:00"),
        ("reply_report", "2019-08-23", "2019-08-24T00:00:00+07:00"),
        ("annual_dialogue", "2019-12-31", "2020-01-01T00:00:00+07:00"),
    ],
)
def test_plan_570_conference_of_23_august_2019(rule: str, due: str, breached_at: str) -> None:
    answer = counted(rule, "2019-08-23")
    assert list(answer) == ["rule", "counted_from", "due_on", "breached_at", "days"]
    assert (answer["rule"], answer["counted_from"]) == (rule, "2019-08-23")
    assert (answer["due_on"], answer["breached_at"]) == (due, breached_at)


def test_days_explain_the_count() -> None:
    days = counted("reply", "2019-08-23")["days"]
    assert days[0] == {"date": "2019-08-23", "counted": False, "reason": "start day, not counted"}
    assert {"date": "2019-09-02", "counted": False, "reason": "holiday: National Day / Quốc khánh"} in days
    assert sum(day["counted"] for day in days) == 15
    assert days[-1] == {"date": "2019-09-16", "counted": True, "reason": "working day"}


def test_table_for_people() -> None:
    result = run("reply", "--from", "2026-01-01", "--jurisdiction", "000.00.00.H35")
    assert result.exit_code == 0
    assert "570" not in result.stdout, "the default is nobody's law"
    for text in (
        "thời hạn mặc định của phần mềm",
        "the product's default limit",
        "tính từ ngày 01/01/2026",
        "H35",
        "ngày làm bù cho ngày 02/01/2026",
        "not yet confirmed",
        "2026-01-22",
    ):
        assert text in result.stdout


def test_table__cites_the_document_that_was_named() -> None:
    assert "570/KH-UBND, II.4.3" in run("reply", "--from", "2026-01-01", "--policy", "plan-570").stdout
    silent = run("public_notice", "--from", "2026-01-05", "--policy", "plan-570").stdout
    assert "văn bản không nêu số ngày / the document gives no number" in silent
    assert "570" not in run("--help").stdout


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_answers_or_says_that_it_is_undated(rule: str) -> None:
    result = run(rule, "--from", "2019-08-23")
    assert result.exit_code in (0, 1)
    assert result.exit_code == 0 or "undated duty" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nope", "--from", "2019-08-23"), 2, ("RULE", "'nope'", "use one of")),
        (("reply", "--from", "23/08/2019"), 2, ("--from", "YYYY-MM-DD")),
        (("reply", "--from", "2019-02-29"), 2, ("--from", "YYYY-MM-DD")),
        (("reply", "--from", "20190823"), 2, ("--from", "YYYY-MM-DD")),
        (("reply", "--from", "2019-08-23", "--jurisdiction", "H35/10"), 2, ("--jurisdiction", "H35/10")),
        (("reply", "--from", "2019-08-23", "--calendar", "/nowhere.json"), 2, ("--calendar", "/nowhere.json")),
        (("result_report", "--from", "2019-08-23"), 1, ("RULE", "undated duty")),
        (("reply", "--from", "1899-06-01"), 2, ("--from", "1899", "1900 to 2100")),
        (("annual_dialogue", "--from", "2101-01-01"), 2, ("--from", "2101", "1900 to 2100")),
        (("reply", "--from", "2026-12-20"), 2, ("--calendar", "2027", "--calendar FILE")),
        (("invitation", "--from", "2019-01-03"), 2, ("--calendar", "2018", "--calendar FILE")),
        (("reply", "--from", "2100-12-31"), 2, ("--from", "2100", "--calendar FILE")),
    ],
)
def test_refusal_is_one_line_with_field_and_remedy(
    arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    result = run(*arguments, "--json")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def test_from_is_required() -> None:
    assert run("reply").exit_code == 2


YEAR_2027 = {"year": 2027, "holidays": [{"date": "2027-01-01", "name": "Tết Dương lịch"}], "version": "draft"}


def test_count_beyond_the_years_that_can_have_a_calendar__asks_for_another_day(tmp_path: Path) -> None:
    file = tmp_path / "2100.json"
    file.write_text(json.dumps({"year": 2100, "holidays": []}), encoding="utf-8")
    result = run("reply", "--from", "2100-12-20", "--calendar", str(file))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--from" in result.stderr and "2101" in result.stderr and "give another day" in result.stderr


@pytest.mark.parametrize("content", [YEAR_2027, [YEAR_2027]])
def test_calendar_file_adds_a_year(tmp_path: Path, content: object) -> None:
    file = tmp_path / "2027.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    answer = counted("conclusion", "2026-12-29", "--calendar", str(file))
    assert answer["due_on"] == "2027-01-06"
    assert {"date": "2027-01-01", "counted": False, "reason": "holiday: Tết Dương lịch"} in answer["days"]


def test_calendar_file_replaces_a_seeded_year(tmp_path: Path) -> None:
    file = tmp_path / "2019.json"
    file.write_text(json.dumps({"year": 2019, "holidays": []}), encoding="utf-8")
    assert counted("reply", "2019-08-23", "--calendar", str(file))["due_on"] == "2019-09-13"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("{", "is not a valid calendar"),
        ("3", "$[0]"),
        ('{"holidays": []}', "`year`"),
        ('{"year": "2027", "holidays": []}', "$[0].year"),
        ('{"year": 2027, "holidays": [{"date": "2027-13-01", "name": "x"}]}', "holidays[0].date"),
        ('{"year": 2027, "holidays": [], "makeup_day": []}', "`makeup_day`"),
        ('{"year": 2027, "holidays": [{"date": "2027-01-01", "nam": "x"}]}', "`nam"),
        ('{"year": 2027, "holidays": [{"date": "2026-01-01", "name": "x"}]}', "year 2027, holidays[0].date"),
    ],
)
def test_calendar_file__invalid_names_the_field(tmp_path: Path, content: str, field: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content, encoding="utf-8")
    result = run("reply", "--from", "2019-08-23", "--calendar", str(file))
    assert result.exit_code == 1
    assert field in result.stderr
    assert result.stderr.count("\n") == 1
