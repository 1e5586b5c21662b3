"""Reads policies and calendars from files. Each error is one line with its line in the file, and an exit code."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer

from services.exit_codes import FAILED, WRONG_USE, stop_at
from shared.calendar import Calendar, CalendarYear, ContradictoryCalendar, validate
from shared.calendar.shipped import seed_years
from shared.identifiers import FIRST_YEAR, LAST_YEAR
from shared.policy import (
    DEFAULT_POLICY,
    DOCUMENTS,
    Policy,
    PolicyProblem,
    Rule,
    UncountablePolicy,
    read_policy,
    shipped_text,
)
from shared.policy.reading import line_of, parse, value_in_vietnamese
from shared.sentences import Sentence

#: What counts where nobody names a document, or the one named is silent. It is no law of the caller's: none is cited.
DEFAULT_LIMIT = Sentence(
    "thời hạn mặc định của phần mềm, không phải quy định của đơn vị nào",
    "the product's default limit, no authority's rule",
)


def text_of(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        why = error.strerror
        said = Sentence(f"không đọc được ({why}); hãy nêu một tệp", f"cannot be read ({why}); name a file")
        stop_at(str(path), WRONG_USE, said)
    except UnicodeDecodeError:
        said = Sentence("không phải UTF-8; hãy lưu lại bằng UTF-8", "is not UTF-8; save it as UTF-8")
        stop_at(f"{path}:1", FAILED, said)


def policy_text(name: str) -> str:
    """The text of a policy: of a file, or of a shipped document by its name."""
    if name in DOCUMENTS and not Path(name).exists():
        return shipped_text(name)
    path = Path(name)
    if not path.exists():
        shipped = ", ".join(DOCUMENTS)
        said = Sentence(
            f"không có tệp này; hãy nêu một tệp, hoặc một văn bản có sẵn: {shipped}",
            f"there is no such file; name one, or a shipped document: {shipped}",
        )
        stop_at(name, WRONG_USE, said)
    return text_of(path)


def load_policy(name: str) -> Policy:
    """A policy that can be counted with. Any other ends the command with each problem on its own line."""
    try:
        return read_policy(policy_text(name))
    except UncountablePolicy as invalid:
        for problem in invalid.problems:
            typer.echo(problem_line(name, problem), err=True)
        raise typer.Exit(FAILED) from None


def problem_line(name: str, problem: PolicyProblem) -> str:
    """A problem as compilers write it: `file:line: where: what; remedy`, the last two in both languages."""
    said = problem.said
    return f"{name}:{problem.line or 1}: {problem.path}: {said.both}"


def day(option: str, text: str) -> date:
    """A date given on the command line."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Python also reads 20190823 and 2019-W34-5; one form only, as in the system's own interfaces.
    if found is None or found.isoformat() != text:
        said = Sentence(
            f"{text!r} không phải là ngày hợp lệ; hãy viết năm-tháng-ngày, ví dụ 2019-08-23",
            f"{text!r} is not a valid date; write it as YYYY-MM-DD, such as 2019-08-23",
        )
        stop_at(option, WRONG_USE, said)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        said = Sentence(
            f"{text} nằm ngoài các năm {FIRST_YEAR} đến {LAST_YEAR}, là những năm có thể có lịch",
            f"{text} is not in the years {FIRST_YEAR} to {LAST_YEAR}, which alone have calendars",
        )
        stop_at(option, WRONG_USE, said)
    return found


def stop_without_calendar(place: str, year: int, counted_from: str = "--from") -> NoReturn:
    """End the command because a count reaches a year that has no calendar, or that can have none."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        said = Sentence(
            f"phép tính chạm năm {year}, ngoài các năm {FIRST_YEAR} đến {LAST_YEAR} là những năm có thể có lịch; "
            "hãy nêu một ngày khác",
            f"the count reaches {year}, beyond the years {FIRST_YEAR} to {LAST_YEAR} which alone have calendars; "
            "give another day",
        )
        stop_at(counted_from, WRONG_USE, said)
    said = Sentence(
        f"năm {year} chưa có lịch; hãy nêu lịch bằng --calendar FILE",
        f"{year} is a year without a calendar; give one with --calendar FILE",
    )
    stop_at(place, WRONG_USE, said)


def policy_or_default(name: str) -> Policy:
    """The policy that is named; where none is, the product's default."""
    return load_policy(name) if name else DEFAULT_POLICY


def source_of(policy: Policy, rule: Rule, name: str) -> str:
    """Where a rule stands: in the policy that was named, else in the product's default, which is no law to be cited."""
    if name and policy.stated_rule(rule.duty) is not None:
        return f"{policy.document.number}, {rule.section}" if rule.section else policy.document.number
    return DEFAULT_LIMIT.both


def stop_at_unknown_rule(rule: str, known: Sequence[str]) -> NoReturn:
    """End the command because a policy has no rule of that name."""
    listed = ", ".join(known)
    said = Sentence(
        f"không có quy tắc {rule!r}; hãy dùng một trong: {listed}",
        f"there is no rule {rule!r}; use one of {listed}",
    )
    stop_at("RULE", WRONG_USE, said)


# --- calendars -----------------------------------------------------------------------------------------------------


class _FileYear(CalendarYear, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year in a calendar file. A misspelt field is an error, so that no day is forgotten."""


def load_years(path: Path, option: str) -> tuple[CalendarYear, ...]:
    """The years of a calendar file, YAML or JSON. It holds one or a list; each must be valid and occur once."""
    content, lines = _plain(path, option)
    listed = content if isinstance(content, list) else [content]
    prefix = "" if content is listed else "[0]"
    try:
        years = msgspec.convert(listed, type=tuple[_FileYear, ...])
    except msgspec.ValidationError as error:
        where = str(error).rpartition("`$")[2].removesuffix("`")
        line = line_of(where.removeprefix(prefix).removeprefix("."), lines)
        said = _bad_calendar(value_in_vietnamese(str(error)), str(error))
        stop_at(f"{option}: {path}:{line}", FAILED, said)
    for index, year in enumerate(years):
        at = "" if prefix else f"[{index}]"
        try:
            validate(year)
        except ContradictoryCalendar as error:
            line = line_of(f"{at}.{error.field}".removeprefix("."), lines)
            said = _bad_calendar(f"năm {year.year}, {error.field}: {error.said.vi}", f"year {year.year}, {error}")
            stop_at(f"{option}: {path}:{line}", FAILED, said)
    _refuse_twice(years, path, option, lines)
    return years


def _refuse_twice(years: Sequence[CalendarYear], path: Path, option: str, lines: dict[str, int]) -> None:
    seen: set[int] = set()
    for index, year in enumerate(years):
        if year.year in seen:
            line = line_of(f"[{index}].year", lines)
            said = Sentence(
                f"năm {year.year} có hai bản cùng lúc; hãy giữ một bản",
                f"year {year.year} is there twice: two versions at once; keep one",
            )
            stop_at(f"{option}: {path}:{line}", FAILED, said)
        seen.add(year.year)


def _plain(path: Path, option: str) -> tuple[Any, dict[str, int]]:
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        why = error.strerror
        said = Sentence(
            f"không đọc được ({why}); hãy nêu một tệp YAML hoặc JSON",
            f"cannot be read ({why}); name a YAML or JSON file",
        )
        stop_at(f"{option}: {path}", WRONG_USE, said)
    except UnicodeDecodeError:
        said = _bad_calendar("không phải UTF-8; hãy lưu lại bằng UTF-8", "it is not UTF-8; save it as UTF-8")
        stop_at(f"{option}: {path}", FAILED, said)
    except UncountablePolicy as invalid:
        problem = invalid.problems[0]
        said = _bad_calendar(f"{problem.path}: {problem.said.vi}", str(problem))
        stop_at(f"{option}: {path}:{problem.line or 1}", FAILED, said)


def _bad_calendar(vi: str, en: str) -> Sentence:
    """What is wrong with a calendar's file."""
    return Sentence(f"lịch không hợp lệ: {vi}", f"is not a valid calendar: {en}")


def calendar_of(option: str, path: Path | None) -> tuple[Calendar, tuple[CalendarYear, ...]]:
    """The shipped calendars with a file's years in their place, and all these years, of which a later one wins."""
    years = (*seed_years(), *(load_years(path, option) if path else ()))
    return Calendar(years), years
