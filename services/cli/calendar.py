"""`doithoai calendar`: compute, edit and compare a year in a file; publish or confirm it in an intake."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from services.cli.intake_client import DEFAULT_URL, get, post
from services.cli.rule_files import day, load_years, text_of
from services.exit_codes import FAILED, WRONG_USE, stop_at, unwritable
from services.intake.adapters.proposals import proposed_calendar
from shared.calendar import CalendarYear, ContradictoryCalendar, DayOff, MakeUpDay, validate
from shared.calendar.diff import DayChange, day_changes
from shared.identifiers import FIRST_YEAR, LAST_YEAR
from shared.sentences import Sentence

app = typer.Typer(name="calendar", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Lịch một năm hoặc nhiều năm, YAML hoặc JSON / A calendar year, or several, in YAML or JSON.",
    ),
]
Year = Annotated[int, typer.Argument(metavar="YEAR", min=FIRST_YEAR, max=LAST_YEAR, help="Năm / The year.")]
Document = Annotated[
    str,
    typer.Option(help="Văn bản làm căn cứ / The document that says so."),
]
Url = Annotated[str, typer.Option(help="Hệ thống tiếp nhận giữ các lịch / The intake that keeps the calendars.")]
Token = Annotated[
    str,
    typer.Option(
        help="Mã truy cập; bỏ trống thì lấy DOITHOAI_TOKEN / The caller's token; else DOITHOAI_TOKEN.",
    ),
]
Key = Annotated[
    str,
    typer.Option(
        help="Khóa chống gửi lặp, gửi lại vẫn chỉ ghi nhận một lần / Idempotency-Key, so that a retry records it once.",
    ),
]


@app.callback()
def main() -> None:
    """Lịch làm việc từng năm: đề xuất, sửa, so sánh, công bố, xác nhận.

    Years of working days: propose, edit, diff, publish, confirm.
    """


@app.command()
def propose(
    year: Year,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ghi vào tệp này thay vì in ra / Write it there instead of printing it."),
    ] = None,
) -> None:
    """Tính lịch một năm từ các ngày nghỉ đã biết, làm bản dự thảo để sửa trước khi công bố.

    Compute a year from its known holidays, as a draft to correct before anyone publishes it.
    """
    proposed = proposed_calendar(year, date(year, 1, 1))
    draft = CalendarYear(
        year=year, holidays=proposed.holidays, makeup_days=proposed.makeup_days, document=proposed.basis
    )
    try:
        validate(draft)
    except ContradictoryCalendar as error:
        stop_at(f"YEAR: {error.field}", FAILED, error.said)
    _write(draft, out)


@app.command()
def edit(
    file: File,
    off: Annotated[
        list[str] | None, typer.Option("--off", metavar="DATE=NAME", help="Thêm một ngày nghỉ / A day off.")
    ] = None,
    work: Annotated[
        list[str] | None,
        typer.Option(
            "--work",
            metavar="DATE=DATE",
            help="Thêm một ngày làm bù cho ngày nghỉ khác / A day worked in place of another.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop", metavar="DATE", help="Bỏ một ngày nghỉ hoặc ngày làm bù / A day that is neither off nor worked."
        ),
    ] = None,
    document: Document = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ghi vào tệp này thay vì vào FILE / Write it there instead of into FILE."),
    ] = None,
) -> None:
    """Sửa các ngày trong tệp lịch. Thay đổi mâu thuẫn với ngày khác bị từ chối, và không ghi gì vào tệp.

    Change days of a calendar file. A change that contradicts another is refused, and nothing is written.
    """
    (year,) = _one(file)
    gone = {day("--drop", each) for each in drop or ()}
    if unknown := gone - {*(h.date for h in year.holidays), *(m.date for m in year.makeup_days)}:
        first = min(unknown)
        said = Sentence(
            f"{first} không phải là ngày nghỉ hoặc ngày làm bù trong {file}; hãy nêu một ngày có trong tệp",
            f"{first} is neither off nor worked in {file}; name a day that is listed there",
        )
        stop_at("--drop", WRONG_USE, said)
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
        said = Sentence(
            f"lịch năm {changed.year} sẽ mâu thuẫn: {error.field}: {error.said.vi}",
            f"the year {changed.year} would contradict itself: {error}",
        )
        stop_at(str(file), FAILED, said)
    _write(changed, out or file, _comments(file))


@app.command()
def publish(
    file: File,
    url: Url = DEFAULT_URL,
    token: Token = "",
    effective_on: Annotated[str, typer.Option(metavar="DATE", help="Ngày công bố / The day of the publication.")] = "",
    key: Key = "",
) -> None:
    """Công bố các năm trong tệp, coi là đã xác nhận. Thời hạn đang mở được tính lại theo lịch mới.

    Publish the years of a file in an intake, as confirmed. Open deadlines move where their days did.
    """
    for year in load_years(file, "FILE"):
        current = _current(url, token, year.year)
        _publish(year, url, token, current, effective_on, key and f"{key}-{year.year}")


@app.command()
def confirm(
    year: Year,
    url: Url = DEFAULT_URL,
    token: Token = "",
    document: Document = "",
    key: Key = "",
) -> None:
    """Xác nhận lịch của một năm mà hệ thống tiếp nhận đã có nhưng chưa ai xác nhận.

    Confirm the calendar of a year that an intake has and nobody has confirmed yet.
    """
    current = _current(url, token, year)
    if current is None:
        said = Sentence(
            f"{url} chưa có lịch năm {year}; hãy công bố lịch", f"{url} has no calendar of {year}; publish one"
        )
        stop_at("YEAR", FAILED, said)
    known, _ = current
    if known.confirmed and not known.provisional:
        said = Sentence(f"lịch năm {year} đã được xác nhận", f"the calendar of {year} is confirmed already")
        stop_at("YEAR", FAILED, said)
    _publish(msgspec.structs.replace(known, document=document or known.document), url, token, current, "", key)


@app.command()
def diff(
    before: File,
    after: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Tệp mới hơn; bỏ trống thì so với lịch của hệ thống tiếp nhận / "
            "The younger one; else what an intake has comes first.",
        ),
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """So sánh các năm của hai tệp, hoặc của một tệp với lịch của hệ thống tiếp nhận.

    Compare the years of two files, or those of a file with an intake's.
    """
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
        said = Sentence(
            f"{file} có {len(years)} năm; hãy sửa từng năm một", f"{file} holds {len(years)} years; edit one at a time"
        )
        stop_at("FILE", WRONG_USE, said)
    return (years[0],)


def _pair(option: str, text: str) -> tuple[date, str]:
    when, sign, value = text.partition("=")
    if not sign or not value.strip():
        said = Sentence(
            f"{text!r} chưa đúng; hãy viết như 2026-01-02=...", f"{text!r} is incomplete; write it as 2026-01-02=..."
        )
        stop_at(option, WRONG_USE, said)
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
        stop_at(str(out), WRONG_USE, unwritable(error))


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
    version, position = done["version"], done["position"]
    typer.echo(
        f"{year.year}: đã công bố phiên bản {version}, thay đổi {changed} ngày, vị trí {position} / "
        f"published: version {version}, {changed} days changed, position {position}"
    )
