"""Reads policies and calendars from files. Each error is one line with its line in the file, and an exit code."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import typer

from services.exit_codes import FAILED, WRONG_USE, stop
from shared.calendar import FIRST_YEAR, LAST_YEAR, Calendar, CalendarYear, ContradictoryCalendar, validate
from shared.calendar.shipped import seed_years
from shared.policy import DOCUMENTS, Policy, PolicyProblem, UncountablePolicy, read_policy, shipped_text
from shared.policy.reading import line_of, parse


def text_of(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        stop(WRONG_USE, f"{path}: cannot be read ({error.strerror}); name a file")
    except UnicodeDecodeError:
        stop(FAILED, f"{path}:1: is not UTF-8; save it as UTF-8")


def policy_text(name: str) -> str:
    """The text of a policy: of a file, or of a shipped document by its name."""
    if name in DOCUMENTS and not Path(name).exists():
        return shipped_text(name)
    path = Path(name)
    if not path.exists():
        stop(WRONG_USE, f"{name}: there is no such file; name one, or a shipped document: {', '.join(DOCUMENTS)}")
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
    """A problem as compilers write it: `file:line: where: what; remedy`."""
    return f"{name}:{problem.line or 1}: {problem}"


def day(option: str, text: str) -> date:
    """A date given on the command line."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Python also reads 20190823 and 2019-W34-5; one form only, as in the system's own interfaces.
    if found is None or found.isoformat() != text:
        stop(WRONG_USE, f"{option}: {text!r} is not a valid date; write it as YYYY-MM-DD, such as 2019-08-23")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        stop(WRONG_USE, f"{option}: {text} is not in the years {FIRST_YEAR} to {LAST_YEAR}, which alone have calendars")
    return found


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
        stop(FAILED, f"{option}: {path}:{line} is not a valid calendar: {error}")
    for index, year in enumerate(years):
        at = "" if prefix else f"[{index}]"
        try:
            validate(year)
        except ContradictoryCalendar as error:
            where = str(error).partition(":")[0]
            line = line_of(f"{at}.{where}".removeprefix("."), lines)
            stop(FAILED, f"{option}: {path}:{line}, year {year.year}, {error}")
    _refuse_twice(years, path, option, lines)
    return years


def _refuse_twice(years: Sequence[CalendarYear], path: Path, option: str, lines: dict[str, int]) -> None:
    seen: set[int] = set()
    for index, year in enumerate(years):
        if year.year in seen:
            line = line_of(f"[{index}].year", lines)
            stop(FAILED, f"{option}: {path}:{line}, year {year.year} is there twice: two versions at once; keep one")
        seen.add(year.year)


def _plain(path: Path, option: str) -> tuple[Any, dict[str, int]]:
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        stop(WRONG_USE, f"{option}: {path} cannot be read ({error.strerror}); name a YAML or JSON file")
    except UnicodeDecodeError:
        stop(FAILED, f"{option}: {path} is not a valid calendar: it is not UTF-8")
    except UncountablePolicy as invalid:
        problem = invalid.problems[0]
        stop(FAILED, f"{option}: {path}:{problem.line or 1} is not a valid calendar: {problem}")


def calendar_of(option: str, path: Path | None) -> tuple[Calendar, tuple[CalendarYear, ...]]:
    """The shipped calendars with a file's years in their place, and all these years, of which a later one wins."""
    years = (*seed_years(), *(load_years(path, option) if path else ()))
    return Calendar(years), years
