"""`doithoai calendar`: compute, edit and compare a year in a file; publish or confirm it in an intake."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from services.cli.intake_client import DEFAULT_URL, get, post
from services.cli.rule_files import day, load_years, text_of
from services.exit_codes import FAILED, WRONG_USE, stop
from services.intake.adapters.proposals import proposed_calendar
from shared.calendar import FIRST_YEAR, LAST_YEAR, CalendarYear, ContradictoryCalendar, DayOff, MakeUpDay, validate
from shared.calendar.diff import DayChange, day_changes

app = typer.Typer(
    name="calendar", help="Years of working days: propose, edit, check, diff, publish, confirm.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A calendar year, or several, in YAML or JSON.")]
Url = Annotated[str, typer.Option(help="The intake that keeps the calendars.")]
Token = Annotated[str, typer.Option(help="The caller's token; else DOITHOAI_TOKEN.")]


@app.callback()
def main() -> None:
    """Years of working days: propose, edit, check, diff, publish, confirm."""


@app.command()
def propose(
    year: Annotated[int, typer.Argument(metavar="YEAR", min=FIRST_YEAR, max=LAST_YEAR)],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")] = None,
) -> None:
    """Compute a year from its known holidays, as a draft to correct before anyone publishes it."""
    proposed = proposed_calendar(year, date(year, 1, 1))
    draft = CalendarYear(
        year=year, holidays=proposed.holidays, makeup_days=proposed.makeup_days, document=proposed.basis
    )
    try:
        validate(draft)
    except ContradictoryCalendar as error:
        stop(FAILED, f"YEAR: {error}")
    _write(draft, out)


@app.command()
def edit(
    file: File,
    off: Annotated[list[str] | None, typer.Option("--off", metavar="DATE=NAME", help="A day off.")] = None,
    work: Annotated[
        list[str] | None, typer.Option("--work", metavar="DATE=DATE", help="A day worked in place of another.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="DATE", help="Neither off nor worked.")] = None,
    document: Annotated[str, typer.Option(help="The document that says so.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there instead of into FILE.")] = None,
) -> None:
    """Change days of a calendar file. A change that contradicts another is refused, and nothing is written."""
    (year,) = _one(file)
    gone = {day("--drop", each) for each in drop or ()}
    if unknown := gone - {*(h.date for h in year.holidays), *(m.date for m in year.makeup_days)}:
        stop(WRONG_USE, f"--drop: {min(unknown)} is neither off nor worked in {file}; name a day that is listed there")
    holidays = {h.date: h for h in year.holidays if h.date not in gone}
    makeups = {m.date: m for m in year.makeup_days if m.date not in gone}
    for when, name in (_pair("--off", each) for each in off or ()):
        holidays[when] = DayOff(date=when, name=name)
    for when, other in (_pair("--work", each) for each in work or ()):
        makeups[when] = MakeUpDay(date=when, instead_of=day("--work", other))
    changed = msgspec.structs.replace(
        year,
        holidays=tuple(holidays[d] for d in sorted(holidays)),
        makeup_days=tuple(makeups[d] for d in sorted(makeups)),
        document=document or year.document,
    )
    try:
        validate(changed)
    except ContradictoryCalendar as error:
        stop(FAILED, f"{file}: the year {changed.year} would contradict itself: {error}")
    _write(changed, out or file, _comments(file))


@app.command()
def publish(
    file: File,
    url: Url = DEFAULT_URL,
    token: Token = "",
    effective_on: Annotated[str, typer.Option(metavar="DATE", help="The day of the publication.")] = "",
    key: Annotated[str, typer.Option(help="Idempotency-Key, so that a retry publishes it once.")] = "",
) -> None:
    """Publish the years of a file in an intake, as confirmed. Open deadlines move where their days did."""
    for year in load_years(file, "FILE"):
        current = _current(url, token, year.year)
        _publish(year, url, token, current, effective_on, key and f"{key}-{year.year}")


@app.command()
def confirm(
    year: Annotated[int, typer.Argument(metavar="YEAR", min=FIRST_YEAR, max=LAST_YEAR)],
    url: Url = DEFAULT_URL,
    token: Token = "",
    document: Annotated[str, typer.Option(help="The document that says so.")] = "",
    key: Annotated[str, typer.Option(help="Idempotency-Key.")] = "",
) -> None:
    """Confirm the calendar of a year that an intake has and nobody has confirmed yet."""
    current = _current(url, token, year)
    if current is None:
        stop(FAILED, f"YEAR: {url} has no calendar of {year}; publish one")
    known, _ = current
    if known.confirmed and not known.provisional:
        stop(FAILED, f"YEAR: the calendar of {year} is confirmed already")
    _publish(msgspec.structs.replace(known, document=document or known.document), url, token, current, "", key)


@app.command()
def diff(
    before: File,
    after: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The younger one; else what an intake has comes first.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Compare the years of two files, or those of a file with an intake's."""
    young = load_years(after or before, "FILE")
    old = {year.year: year for year in load_years(before, "FILE")} if after else {}
    for year in young:
        if after:
            known = old.get(year.year)
        else:
            current = _current(url, token, year.year)
            known = current[0] if current else None
        typer.echo(f"{year.year}:")
        if known is None:
            typer.echo("  chưa có lịch / no calendar before")
            continue
        found = day_changes(known, year)
        for change in found:
            typer.echo(f"  {_told(change)}")
        if not found:
            typer.echo("  không khác nhau / no difference")


def _told(change: DayChange) -> str:
    return f"{change.date:%d/%m/%Y} ({change.date:%a} {change.date}): {change.in_words('vi')} / {change.in_words('en')}"


def _one(file: Path) -> tuple[CalendarYear]:
    years = load_years(file, "FILE")
    if len(years) != 1:
        stop(WRONG_USE, f"FILE: {file} holds {len(years)} years; edit one at a time")
    return (years[0],)


def _pair(option: str, text: str) -> tuple[date, str]:
    when, sign, value = text.partition("=")
    if not sign or not value.strip():
        stop(WRONG_USE, f"{option}: {text!r}; write it as 2026-01-02=...")
    return day(option, when), value.strip()


def _comments(file: Path) -> str:
    """The lines of a file that are comments: they are kept, above the year."""
    lines = [line.strip() for line in text_of(file).splitlines()]
    return "".join(f"{line}\n" for line in lines if line.startswith("#"))


def _write(year: CalendarYear, out: Path | None, comments: str = "") -> None:
    content = {k: v for k, v in msgspec.to_builtins(year).items() if k not in ("version", "provisional", "confirmed")}
    text = comments + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        stop(WRONG_USE, f"{out}: cannot be written ({error.strerror})")


def _current(url: str, token: str, year: int) -> tuple[CalendarYear, int] | None:
    """The calendar of a year in an intake with its version, or None if it has none."""
    answer = get(url, f"/v1/calendars/{year}", token)
    if answer is None:
        return None
    return msgspec.convert(answer["calendar"], CalendarYear), int(answer["version"])


def _publish(
    year: CalendarYear,
    url: str,
    token: str,
    current: tuple[CalendarYear, int] | None,
    effective_on: str,
    key: str,
) -> None:
    plain = msgspec.to_builtins(year)
    body: dict[str, Any] = {k: plain[k] for k in ("year", "holidays", "makeup_days", "document") if k in plain}
    if effective_on:
        body["effective_on"] = day("--effective-on", effective_on).isoformat()
    # Another version that came in between is to be looked at first, not replaced unseen.
    done = post(url, "/v1/calendars", body, token, key, current[1] if current else 0)
    changed = len(day_changes(current[0], year)) if current else len(year.holidays) + len(year.makeup_days)
    typer.echo(f"{year.year} published: version {done['version']}, {changed} days changed, position {done['position']}")
