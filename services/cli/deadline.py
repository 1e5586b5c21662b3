"""`doithoai deadline`: count the due date of a rule from a day and explain each day. It needs no server."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.rule_files import (
    calendar_of,
    day,
    policy_or_default,
    source_of,
    stop_at_unknown_rule,
    stop_without_calendar,
)
from services.exit_codes import FAILED, given_code, stop_at
from shared.calendar import Calendar, CalendarMissing, CalendarYear, Count, day_text
from shared.identifiers import breach_instant, local_iso
from shared.policy import DEFAULT_POLICY, Policy, UnknownRule, named_rule, rule_count
from shared.policy.clock_sheet import NOT_STATED
from shared.sentences import Sentence

RULES = (*(rule.duty for rule in DEFAULT_POLICY.rules), "reply_complex", "conclusion")


def deadline(
    rule: Annotated[str, typer.Argument(metavar="RULE", help=f"Một trong / One of: {', '.join(RULES)}.")],
    start: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help="Ngày bắt đầu tính / The day that is counted from, YYYY-MM-DD."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="In JSON thay cho bảng / Print JSON instead of a table.")
    ] = False,
    jurisdiction: Annotated[
        str,
        typer.Option(metavar="CODE", help="Mã định danh của đơn vị / Agency code of the jurisdiction, such as H35.10."),
    ] = "",
    calendar: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lịch một năm hoặc nhiều năm, YAML hoặc JSON, thay cho lịch có sẵn / "
            "YAML or JSON of a calendar year, or of a list; replaces those years.",
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Tệp quy định YAML, JSON, hoặc tên văn bản có sẵn; bỏ trống thì mặc định của phần mềm / "
            "A policy in YAML or JSON, or a shipped document's name; the product's default if left out.",
        ),
    ] = "",
) -> None:
    """Tính một thời hạn và giải thích từng ngày; không cần máy chủ.

    Count a deadline and explain every day of the count.

    The rules are the product's default unless --policy names a document; what a jurisdiction has adopted is in its
    intake, not here. The calendars are those of 2019 to 2026, unless --calendar gives others.
    """
    counted_from = day("--from", start)
    place = given_code("--jurisdiction", jurisdiction) if jurisdiction else ""
    document = policy_or_default(policy)
    known, years = calendar_of("--calendar", calendar)
    count = _count(document, rule, counted_from, known)
    if as_json:
        # Bytes, because a terminal without UTF-8 must not change what a program reads.
        sys.stdout.write(json.dumps(_as_json(rule, counted_from, count), ensure_ascii=True) + "\n")
    else:
        _print_table(document, policy, rule, counted_from, count, place, years)


def _count(policy: Policy, rule: str, start: date, calendar: Calendar) -> Count:
    try:
        count = rule_count(policy, rule, start, calendar)
        calendar.require(start)
    except UnknownRule:
        stop_at_unknown_rule(rule, _rules(policy))
    except CalendarMissing as error:
        stop_without_calendar("--from" if error.year == start.year else "--calendar", error.year)
    if count is None:
        said = Sentence(
            f"{rule} không định hạn: không văn bản nào nêu số ngày, nên không có ngày đến hạn",
            f"{rule} is an undated duty: no policy gives it a number, so it has no due date",
        )
        stop_at("RULE", FAILED, said)
    return count


def _as_json(rule: str, start: date, count: Count) -> dict[str, object]:
    return {
        "rule": rule,
        "counted_from": start.isoformat(),
        "due_on": count.due_on.isoformat(),
        "breached_at": local_iso(breach_instant(count.due_on)),
        "days": [{"date": day.date.isoformat(), "counted": day.counted, "reason": day.reason} for day in count.days],
    }


def _rules(policy: Policy) -> list[str]:
    """Every rule that a policy answers by name."""
    found = []
    for rule in (*policy.rules, *(r for r in DEFAULT_POLICY.rules if policy.stated_rule(r.duty) is None)):
        found += [rule.duty, *("_".join((rule.duty, *v.when)) for v in rule.variants if len(v.when) == 1)]
    return [*found, "conclusion"]


def _print_table(
    policy: Policy, name: str, rule: str, start: date, count: Count, place: str, years: tuple[CalendarYear, ...]
) -> None:
    console = Console(highlight=False)
    duty, _ = named_rule(policy, rule)
    source = source_of(policy, duty, name)
    if not duty.stated and name:
        source += f"; {NOT_STATED.vi} / {NOT_STATED.en}"
    console.print(
        f"[bold]{escape(rule)}[/bold] tính từ ngày {start:%d/%m/%Y} / counted from {start:%a} {start} "
        f"({escape(source)})"
    )
    if place:
        console.print(
            f"Quy định mà {place} đã áp dụng nằm ở intake của {place}, không đọc ở đây / "
            f"What {place} adopted itself is recorded in its intake and not read here."
        )
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
    for met in count.days:
        number += met.counted
        table.add_row(
            str(number) if met.counted else "",
            f"{met.date:%a} {met.date}",
            escape(day_text(met.reason, "en")),
            escape(day_text(met.reason, "vi")),
            style="" if met.counted else "dim",
        )
    return table


def _last_of_each(years: tuple[CalendarYear, ...], count: Count) -> list[CalendarYear]:
    used = {year.year: year for year in years if year.year in count.versions}
    return [used[year] for year in sorted(used)]
