"""`doithoai deadline`: the due date of a rule counted from a day, each day explained; needs no server."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.intake.adapters.seeds import seed_years
from shared.calendar import (
    Calendar,
    CalendarMissing,
    CalendarYear,
    Count,
    DayOff,
    InvalidCalendar,
    MakeUpDay,
    day_text,
    validate,
)
from shared.identifiers import InvalidCode, agency_code, breach_instant, local_iso
from shared.policy import DEFAULT_POLICY, UnknownRule, named_rule, rule_count

REFUSED, WRONG_USE = 1, 2  # exit codes
RULES = (*(rule.duty for rule in DEFAULT_POLICY.rules), "reply_complex", "conclusion")


class _FileDayOff(DayOff, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day off in a calendar file, where a misspelt field is an error and not a day forgotten."""


class _FileMakeUpDay(MakeUpDay, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A make-up day in a calendar file."""


class _FileYear(CalendarYear, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year in a calendar file."""

    holidays: tuple[_FileDayOff, ...]
    makeup_days: tuple[_FileMakeUpDay, ...] = ()


def deadline(
    rule: Annotated[str, typer.Argument(metavar="RULE", help=f"One of: {', '.join(RULES)}.")],
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="The day that is counted from, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODE", help="Agency code of the jurisdiction, such as H35.10.")
    ] = "",
    calendar: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON of a calendar year, or of a list; replaces those years.")
    ] = None,
) -> None:
    """Count a deadline and explain every day of the count.

    The rules are those of the built-in policy (plan 570/KH-UBND); what a jurisdiction has adopted since is in its
    intake, not here. The calendars are the seeds of 2019 to 2026, unless --calendar gives others.
    """
    counted_from = _day(start)
    place = _jurisdiction(jurisdiction)
    years = (*seed_years(), *(_calendar_file(calendar) if calendar else ()))
    count = _count(rule, counted_from, Calendar(years))
    if as_json:
        # Bytes, because a terminal without UTF-8 must not change what a program reads.
        sys.stdout.write(json.dumps(_as_json(rule, counted_from, count), ensure_ascii=True) + "\n")
    else:
        _print_table(rule, counted_from, count, place, years)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Python also reads 20190823 and 2019-W34-5; one form only, as in the system's own interfaces.
    if day is None or day.isoformat() != text:
        _stop(WRONG_USE, f"--from: {text!r} is no date; write it as YYYY-MM-DD, such as 2019-08-23")
    return day


def _jurisdiction(text: str) -> str:
    try:
        return agency_code(text) if text else ""
    except InvalidCode as error:
        _stop(WRONG_USE, f"--jurisdiction: {error}")


def _count(rule: str, start: date, calendar: Calendar) -> Count:
    try:
        count = rule_count(DEFAULT_POLICY, rule, start, calendar)
        calendar.require(start)
    except UnknownRule:
        _stop(WRONG_USE, f"RULE: there is no rule {rule!r}; use one of {', '.join(RULES)}")
    except CalendarMissing as error:
        field = "--from: it lies in" if error.year == start.year else "--calendar: the count reaches"
        _stop(REFUSED, f"{field} {error.year}, a year without a calendar; give one with --calendar FILE")
    if count is None:
        _stop(REFUSED, f"RULE: {rule} is an undated duty: no policy gives it a number, so it has no due date")
    return count


def _calendar_file(path: Path) -> tuple[CalendarYear, ...]:
    try:
        content = msgspec.json.decode(path.read_bytes())
        years = msgspec.convert(content if isinstance(content, list) else [content], type=tuple[_FileYear, ...])
    except OSError as error:
        _stop(WRONG_USE, f"--calendar: {path} cannot be read ({error.strerror}); name a JSON file")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _stop(REFUSED, f"--calendar: {path} is no calendar: {error}")
    for year in years:
        try:
            validate(year)
        except InvalidCalendar as error:
            _stop(REFUSED, f"--calendar: {path}, year {year.year}, {error}")
    return years


def _stop(code: int, message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _as_json(rule: str, start: date, count: Count) -> dict[str, object]:
    return {
        "rule": rule,
        "counted_from": start.isoformat(),
        "due_on": count.due_on.isoformat(),
        "breached_at": local_iso(breach_instant(count.due_on)),
        "days": [{"date": day.date.isoformat(), "counted": day.counted, "reason": day.reason} for day in count.days],
    }


def _print_table(rule: str, start: date, count: Count, place: str, years: tuple[CalendarYear, ...]) -> None:
    console = Console(highlight=False)
    duty, _ = named_rule(DEFAULT_POLICY, rule)
    silent = "" if duty.stated else "; the plan gives no number, this is the default"
    document = f"{DEFAULT_POLICY.document.number}, {duty.section}{silent}"
    console.print(f"[bold]{escape(rule)}[/bold] counted from {start:%a} {start} ({escape(document)})")
    if place:
        console.print(f"Built-in policy; what {place} adopted itself is recorded in its intake and not read here.")
    if count.days:
        console.print(_days_table(count))
    console.print(f"Due on / đến hạn: [bold]{count.due_on:%a} {count.due_on}[/bold]")
    console.print(f"Breached at / quá hạn từ: {local_iso(breach_instant(count.due_on))}")
    for year in _last_of_each(years, count):
        kind = "provisional" if year.provisional else "confirmed" if year.confirmed else "not yet confirmed"
        console.print(f"Calendar {year.year} ({kind}): {escape(year.version or 'from the file')}", style="dim")


def _days_table(count: Count) -> Table:
    table = Table("No.", "Day", "Reason", "Lý do", pad_edge=False)
    number = 0
    for day in count.days:
        number += day.counted
        table.add_row(
            str(number) if day.counted else "",
            f"{day.date:%a} {day.date}",
            escape(day_text(day.reason, "en")),
            escape(day_text(day.reason, "vi")),
            style="" if day.counted else "dim",
        )
    return table


def _last_of_each(years: tuple[CalendarYear, ...], count: Count) -> list[CalendarYear]:
    used = {year.year: year for year in years if year.year in count.versions}
    return [used[year] for year in sorted(used)]
