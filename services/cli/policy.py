"""`doithoai policy`: check, show, explain, compare and adopt rules, and try them on history."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.intake_client import DEFAULT_URL, post
from services.cli.policy_trial import try_on_history
from services.cli.rule_files import (
    calendar_of,
    day,
    load_policy,
    policy_or_default,
    policy_text,
    problem_line,
    source_of,
    stop_at_unknown_rule,
    stop_without_calendar,
)
from services.exit_codes import FAILED, WRONG_USE, given_code, stop_at
from shared.calendar import Calendar, CalendarMissing
from shared.policy import (
    DUTIES,
    Policy,
    UncountablePolicy,
    UnknownRule,
    named_rule,
    read_policy,
    rule_count,
    variant_of,
)
from shared.policy.clock_sheet import NOT_STATED, ClockLine, clock_sheet, details, limit, title
from shared.policy.diff import Change, changes
from shared.policy.duties import ANCHOR_TITLES
from shared.policy.probe import MissingYear, missing_years, uncountable_rules
from shared.policy.schema import Anchor
from shared.sentences import Sentence

app = typer.Typer(name="policy", no_args_is_help=True)

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Tệp quy định YAML, JSON, hoặc tên văn bản có sẵn / "
        "A policy in YAML or JSON, or a shipped document's name.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="In JSON thay cho bảng / Print JSON instead of a table.")]
CalendarFile = Annotated[
    Path | None,
    typer.Option(
        "--calendar",
        metavar="FILE",
        help="Các năm lịch thay cho lịch có sẵn / Calendar years that replace the shipped ones.",
    ),
]
Token = Annotated[
    str,
    typer.Option(
        help="Mã truy cập; bỏ trống thì lấy DOITHOAI_TOKEN / The caller's token; else DOITHOAI_TOKEN.",
    ),
]
Url = Annotated[str, typer.Option(help="Hệ thống tiếp nhận ghi nhận việc này / The intake that records it.")]
Key = Annotated[
    str,
    typer.Option(
        help="Khóa chống gửi lặp, gửi lại vẫn chỉ ghi nhận một lần / Idempotency-Key, so that a retry records it once.",
    ),
]


@app.callback()
def main() -> None:
    """Quy định về thời hạn: kiểm tra, xem, giải thích, so sánh, áp dụng, thu hồi.

    Rules as documents: check, show, explain, diff, adopt, annul.
    """


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """In từng lỗi của quy định theo dòng và cách sửa. Mã thoát là 1 nếu có lỗi.

    Print what is wrong with a policy, line by line, and how to mend it. The exit code is 1 if anything is.
    """
    text = policy_text(file)
    known, _ = calendar_of("--calendar", None)
    try:
        policy = read_policy(text)
        if problems := uncountable_rules(policy, known):
            raise UncountablePolicy(problems)
    except UncountablePolicy as invalid:
        if as_json:
            _json({"valid": False, "problems": msgspec.to_builtins(invalid.problems)})
        else:
            for problem in invalid.problems:
                typer.echo(problem_line(file, problem), err=True)
        raise typer.Exit(FAILED) from None
    if as_json:
        _json({"valid": True, "problems": []})
    else:
        count = len(policy.rules)
        typer.echo(
            f"{file}: {policy.policy_id}, {policy.document.number}: {count} quy tắc, không có lỗi / "
            f"{count} rules, nothing wrong"
        )
        for missing in missing_years(policy, known):
            typer.echo(_waits(missing))


@app.command()
def show(
    file: File,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="ANCHOR=DATE",
            help="Ngày bắt đầu tính, ví dụ receipt=2026-04-23 / "
            "A day that clocks count from, such as receipt=2026-04-23.",
        ),
    ] = None,
    conference: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help="Ngày hội nghị, là ngày đầu và ngày cuối / "
            "The conference's day; stands for its first and its last day.",
        ),
    ] = "",
    calendar: CalendarFile = None,
    as_json: AsJson = False,
) -> None:
    """In bảng thời hạn: việc phải làm, số ngày, ngày chậm nhất.

    Print a policy as a clock sheet: what is to be done, how many days, the last day.
    """
    policy = load_policy(file)
    days = _days(on or [], conference)
    known, _ = calendar_of("--calendar", calendar)
    try:
        lines = clock_sheet(policy, days, known)
    except CalendarMissing as missing:
        stop_without_calendar("--calendar", missing.year, "--conference" if conference else "--on")
    if as_json:
        _json({"policy": msgspec.to_builtins(policy), "lines": msgspec.to_builtins(lines)})
        return
    console = Console(highlight=False)
    console.print(f"[bold]{escape(_name(policy))}[/bold]")
    console.print(f"{escape(_heading(policy))}")
    for anchor, found in days.items():
        console.print(f"{escape(ANCHOR_TITLES[anchor].vi)}: {found:%d/%m/%Y} ({found:%a} {found})", style="dim")
    console.print(_table(lines))
    if not all(line.stated for line in lines):
        console.print(f"* {NOT_STATED.vi} / {NOT_STATED.en}", style="dim")


@app.command()
def explain(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help=f"Một trong / One of: {', '.join(DUTIES)}; hoặc kèm tình tiết phía sau / or with a trait behind it.",
        ),
    ],
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="Tệp quy định, hoặc tên văn bản có sẵn; bỏ trống thì mặc định của phần mềm / "
            "A policy, or a shipped document's name; the product's default if left out.",
        ),
    ] = "",
    start: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Tính luôn từ ngày này / Count from this day too.")
    ] = "",
    calendar: CalendarFile = None,
    as_json: AsJson = False,
) -> None:
    """Giải thích bằng lời một quy tắc và căn cứ của nó.

    Explain in words what a rule says, and where its document says so.
    """
    document = policy_or_default(policy)
    try:
        found, traits = named_rule(document, rule)
    except UnknownRule:
        stop_at_unknown_rule(rule, [each.duty for each in document.rules])
    source = source_of(document, found, policy)
    variant = variant_of(found, traits)
    words = [title(found), limit(found, traits, variant), *details(found, document, variant)]
    due = _counted(document, rule, day("--from", start), calendar_of("--calendar", calendar)[0]) if start else None
    if as_json:
        _json({"rule": rule, "source": source, "words": msgspec.to_builtins(words), "due_on": due and due.isoformat()})
        return
    typer.echo(f"{rule} ({source})")
    for each in words:
        typer.echo(f"  {each.vi}\n    {each.en}")
    if due is not None:
        typer.echo(f"Ngày chậm nhất / due on: {due:%d/%m/%Y} ({due:%a} {due})")


@app.command()
def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="Một quy định; với --against-history là quy định được thử / "
            "A policy; with --against-history the one that is tried.",
        ),
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="Quy định mới hơn / The younger policy.")] = "",
    against_history: Annotated[
        bool,
        typer.Option(
            "--against-history",
            help="Thử A trên các sự kiện của hệ thống tiếp nhận / Try A on the events of an intake instead.",
        ),
    ] = False,
    url: Annotated[
        str, typer.Option(help="Hệ thống tiếp nhận có các sự kiện cần đọc / The intake whose events are read.")
    ] = DEFAULT_URL,
    token: Token = "",
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODE", help="Đơn vị giả định áp dụng / Who would adopt it.")
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--as-if-from",
            metavar="DATE",
            help="Coi như có hiệu lực từ ngày này / As if it had been valid since.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """So sánh hai quy định từng từ, hoặc nêu thời hạn cũ và đang mở nào sẽ khác đi, vì sao.

    Compare two policies word by word, or list which past and open deadlines would differ under one, and why.

    Với --against-history, các sự kiện của hệ thống tiếp nhận tại --url được tính hai lần: như đã ghi nhận, và như thể
    đơn vị đã áp dụng quy định từ ngày có hiệu lực. Không ghi nhận gì.

    With --against-history, the events of the intake at --url are counted twice: as they were, and as if the
    jurisdiction had adopted the policy on the day from which it is valid. Nothing is recorded.
    """
    policy = load_policy(before)
    if against_history:
        if after:
            said = Sentence(
                "--against-history chỉ thử một quy định; hãy bỏ B", "--against-history tries one policy; leave B out"
            )
            stop_at("B", WRONG_USE, said)
        begins = day("--as-if-from", since) if since else None
        try_on_history(policy, _code(jurisdiction), url, token, begins, as_json)
        return
    if not after:
        said = Sentence(
            "hãy nêu quy định để so sánh, hoặc --against-history",
            "name the policy to compare with, or --against-history",
        )
        stop_at("B", WRONG_USE, said)
    found = changes(policy, load_policy(after))
    if as_json:
        _json({"changes": msgspec.to_builtins(found)})
        return
    for change in found:
        typer.echo(_told(change))
    if any(None in (change.before, change.after) for change in found):
        typer.echo("(–: văn bản không nêu, áp dụng mặc định / not said: what is usual, or the default, holds)")
    if not found:
        typer.echo("không khác nhau / no difference")


@app.command()
def adopt(
    file: File,
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODE", help="Đơn vị áp dụng, ví dụ H35.10 / Who adopts it, such as H35.10.")
    ],
    url: Url = DEFAULT_URL,
    token: Token = "",
    effective_on: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help="Ngày áp dụng; bỏ trống thì hôm nay / The day of the adoption; today if left out.",
        ),
    ] = "",
    key: Key = "",
) -> None:
    """Ghi nhận việc một đơn vị áp dụng quy định. Cho biết ai có thêm việc phải làm, việc nào còn chờ lịch.

    Record in intake that a jurisdiction adopts a policy. Tells who owes what it did not, and what waits.
    """
    policy, code = load_policy(file), _code(jurisdiction)
    body: dict[str, Any] = {"jurisdiction": code, "policy": msgspec.to_builtins(policy)}
    if effective_on:
        body["effective_on"] = day("--effective-on", effective_on).isoformat()
    # Asked before it is recorded: afterwards nothing of it is new.
    checked = post(url, f"/v1/policies/check?jurisdiction={code}", body["policy"], token)
    done = post(url, "/v1/policies", body, token, key)
    position, version = done["position"], done["version"]
    typer.echo(
        f"{policy.policy_id}: đã ghi nhận áp dụng cho {code}, vị trí {position}, phiên bản {version} / "
        f"adopted for {code}: position {position}, version {version}"
    )
    for effect in checked.get("effects", ()):
        typer.echo(f"{effect['told']['vi']}\n  {effect['told']['en']}")
    for missing in checked.get("provisional", ()):
        typer.echo(_waits(msgspec.convert(missing, MissingYear)))


@app.command()
def annul(
    event: Annotated[
        str,
        typer.Argument(metavar="EVENT", help="Mã sự kiện của lần áp dụng / The id of the adoption's event."),
    ],
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODE", help="Đơn vị đã áp dụng, ví dụ H35.10 / Who adopted it, such as H35.10.")
    ],
    reason: Annotated[str, typer.Option(help="Lý do ghi nhận sai / Why it was wrong.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
    key: Key = "",
) -> None:
    """Thu hồi việc áp dụng một quy định như mọi ghi nhận sai: quy định có hiệu lực trước đó được áp dụng lại.

    Take the adoption of a policy back, as any wrong record: what was in force before counts again.
    """
    code = _code(jurisdiction)
    done = post(url, f"/v1/policies/{code}/annulments", {"event_id": event, "reason": reason}, token, key)
    position, version = done["position"], done["version"]
    typer.echo(
        f"{event}: đã thu hồi tại {code}, vị trí {position}, phiên bản {version} / "
        f"annulled for {code}: position {position}, version {version}"
    )


def _waits(missing: MissingYear) -> str:
    return (
        f"{missing.path}: {missing.duty} chưa tính được cho đến khi có lịch năm {missing.year} / "
        f"is not counted before the calendar of {missing.year} is published"
    )


def _days(given: list[str], conference: str) -> dict[Anchor, date]:
    days: dict[Anchor, date] = {}
    if conference:
        held = day("--conference", conference)
        days = {"conference_start": held, "conference_end": held}
    for each in given:
        name, _, value = each.partition("=")
        if name not in ANCHOR_TITLES:
            known = ", ".join(ANCHOR_TITLES)
            said = Sentence(
                f"{name!r} không thuộc {known}; hãy viết như receipt=2026-04-23",
                f"{name!r} is not one of {known}; write it as receipt=2026-04-23",
            )
            stop_at("--on", WRONG_USE, said)
        days[cast(Anchor, name)] = day("--on", value)
    return days


def _counted(policy: Policy, rule: str, start: date, calendar: Calendar) -> date | None:
    try:
        counted = rule_count(policy, rule, start, calendar)
    except CalendarMissing as missing:
        stop_without_calendar("--calendar", missing.year)
    return counted.due_on if counted else None


def _code(text: str) -> str:
    if not text:
        said = Sentence("hãy nêu đơn vị áp dụng quy định, ví dụ H35.10", "name who adopts the policy, such as H35.10")
        stop_at("--jurisdiction", WRONG_USE, said)
    return given_code("--jurisdiction", text)


def _name(policy: Policy) -> str:
    return f"{policy.title.vi} / {policy.title.en}" if policy.title else policy.policy_id


def _heading(policy: Policy) -> str:
    document = policy.document
    issued = f"{document.number}, {document.issued_on:%d/%m/%Y}"
    until = f" đến {policy.valid_until:%d/%m/%Y}" if policy.valid_until else ""
    parts = [issued, document.issuer, f"hiệu lực từ {policy.valid_from:%d/%m/%Y}{until}", document.source]
    return " · ".join(part for part in parts if part)


def _table(lines: list[ClockLine]) -> Table:
    table = Table("TT", "Nội dung công việc", "Số ngày", "Ngày chậm nhất", "Mục", pad_edge=False, show_lines=True)
    for line in lines:
        table.add_row(
            str(line.number),
            f"{escape(line.title.vi)}\n[dim]{escape(line.title.en)}[/dim]",
            _rule_cell(line),
            _day_cell(line),
            escape(line.section),
        )
    return table


def _rule_cell(line: ClockLine) -> str:
    """The limit, and below it all else that the rule says: what sets the date is not to be guessed."""
    texts = [each for each in line.details if each != NOT_STATED]
    vi = "; ".join((line.limit.vi + ("" if line.stated else " *"), *(text.vi for text in texts)))
    en = "; ".join((line.limit.en, *(text.en for text in texts)))
    return f"{escape(vi)}\n[dim]{escape(en)}[/dim]"


def _day_cell(line: ClockLine) -> str:
    if line.due_on is None:
        return "…"
    days = tuple(dict.fromkeys(line.days)) or (line.due_on,)
    times = len(line.days) if len(days) == 1 and line.days else 0
    before = ("đến hết ", "until the end of ") if line.until else ("", "")
    vi, en = ", ".join(f"{day:%d/%m/%Y}" for day in days), ", ".join(f"{day:%a} {day}" for day in days)
    if times:
        vi, en = f"{vi} ({times} lần)", f"{en} ({times} times)"
    return f"{before[0]}{vi}\n[dim]{before[1]}{en}[/dim]"


def _told(change: Change) -> str:
    before, after = (_written(value) for value in (change.before, change.after))
    return f"{change.path}: {before} → {after}"


def _written(value: Any) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> None:
    # Bytes, because a terminal without UTF-8 must not change what a program reads.
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
