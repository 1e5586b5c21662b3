"""`doithoai import`: bring an office's register, or a whole history, from a file into intake's store."""

import asyncio
import contextlib
import gc
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.exit_codes import FAILED, WRONG_USE, given_code, need_folder_of, stop, stop_at
from services.intake.adapters import master_key
from services.intake.adapters.bulk import BulkStore
from services.intake.adapters.contents import StoredContents
from services.intake.adapters.file_records import StoredFileRecords
from services.intake.adapters.files import ImportFile, opened, read_mapping, write_rejects
from services.intake.adapters.history import StoredHistory
from services.intake.adapters.refused import RefusedCommands
from services.intake.adapters.workers import WorkerLost, Workers
from services.intake.application.append_builder import FileNaming, Recorder
from services.intake.application.command_body import MAX_SHORT
from services.intake.application.command_handler import CommandHandler
from services.intake.application.file_keeper import FileKeeper
from services.intake.application.importing.appends import Settings
from services.intake.application.importing.case_events import EVENT_FIELDS
from services.intake.application.importing.headings import Columns
from services.intake.application.importing.importer import Importer, Numbers, Outcome, Rejection, Summary, share_of
from services.intake.application.importing.refusals import FileRefused
from services.intake.application.importing.rows import Rows
from services.intake.application.known_reference import KnownReferences
from services.intake.application.ports import UnopenedSeal
from services.intake.application.regulation_cache import RegulationCache
from services.intake.configured import new_id, seals_of
from services.intake.domain.field_checks import is_writable
from services.intake.settings import IntakeSettings
from shared.event_store.errors import StoreUnavailable
from shared.host_walk import NoHost
from shared.identifiers import normalised
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.pool import create_pool
from shared.postgres.transient_errors import TRANSIENT_ERRORS
from shared.problem_words import DOOR_WORDS
from shared.sentences import Sentence
from shared.server_urls import unreachable
from shared.settings import WrongSettings, settings_from_environment

PATIENCE = 1.0  # seconds without a progress bar
FAILURES = (StoreUnavailable, WorkerLost, *TRANSIENT_ERRORS, asyncpg.PostgresError)
#: The database that is named cannot be meant, or is none of intake; waiting does not help.
NO_STORE = (
    ValueError,  # of a URL that cannot be read
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    socket.gaierror,
    ssl.SSLError,
)
MOST_WORKERS = 4  # processes: they append one after the other, so more would wait for the store
SHARE = 2000  # groups: fewer are not worth a process
TOLD_EVERY = 200  # rows
SHOWN = 10  # rejected rows shown on the terminal, and lines in a warning
_NAMED_WRONGLY = Sentence(
    "không có cơ sở dữ liệu nào ở đó; hãy ghi đúng như của intake, ví dụ "
    "postgresql://NGƯỜI_DÙNG:MẬT_KHẨU@MÁY:5432/intake",
    "there is no such database; write it as intake has it, such as postgresql://USER:PASSWORD@HOST:5432/intake",
)
_NOT_MIGRATED = Sentence(
    "cơ sở dữ liệu này chưa có các bảng của intake; hãy kiểm tra địa chỉ, hoặc chạy `doithoai migrate` trước",
    "that database holds no tables of intake; check the address, or run `doithoai migrate` first",
)
_NO_DELIMITERS = ('"', "\r", "\n", " ")


class _NoStore(Exception):
    """The database that the settings name is not intake's."""

    def __init__(self, said: Sentence) -> None:
        super().__init__(said.en)
        self.said = said


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".csv, .tsv, .jsonl or .ndjson, UTF-8.")],
    mapping: Annotated[Path | None, typer.Option(metavar="FILE", help="what its columns mean: YAML or JSON")] = None,
    jurisdiction: Annotated[str, typer.Option(metavar="CODE", help="of rows that name none")] = "",
    conference: Annotated[str, typer.Option(metavar="ID|NAME", help="of rows that name none")] = "",
    source: Annotated[str, typer.Option(metavar="NAME", help="the register that the rows come from")] = "import",
    on_behalf_of: Annotated[str, typer.Option(metavar="NAME", help="who answers for the data")] = "",
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="leave out; may be repeated")] = None,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="for the rows that are rejected")] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="of the file")] = "utf-8",
    delimiter: Annotated[str, typer.Option(metavar="CHARACTER", help="between cells; `tab` for a tab")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
) -> None:
    """Import petitions and what became of them. The same rows twice add nothing.

    It writes into the database of intake, which INTAKE_DATABASE_URL and INTAKE_MASTER_KEY_FILE name as for
    `intake serve`. After an interruption run it again: it goes on where it was. Rejected rows are written into a file
    of the same form, with line, column and reason. Correct them there and import that file.
    """
    given = _given(jurisdiction, conference)
    if rejects is not None:
        need_folder_of("--rejects", rejects)
    source = _source(source)
    try:
        meaning = read_mapping(mapping)
        meaning = msgspec.structs.replace(meaning, defaults=meaning.defaults | given)
        columns = Columns(meaning, ignore or [], EVENT_FIELDS)
        table = opened(file, encoding, _delimiter(delimiter), columns.knows)
        columns.check(table.headings)
        rows = Rows(table, columns, meaning)
        target = _target(file, rejects)
        settings = settings_from_environment(IntakeSettings)
        seals_of(settings)
    except (FileRefused, WrongSettings) as error:
        stop(WRONG_USE, str(error))
    warnings = list(_warnings(table, rows))
    for warning in warnings:
        typer.echo(warning.both, err=True)
    asked = Settings(source=source, within=given.get("jurisdiction", ""), on_behalf_of=normalised(on_behalf_of))
    began = time.monotonic()
    try:
        with _progress(len(rows.index)) as advance:
            outcome = _run(settings, rows, asked, advance)
    except _NoStore as error:
        stop_at("INTAKE_DATABASE_URL", WRONG_USE, error.said)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except UnopenedSeal:
        stop_at("INTAKE_MASTER_KEY_FILE", FAILED, DOOR_WORDS["sealed-content-unreadable"].sentences[""])
    except FAILURES as error:
        # Only the kind: the text may quote the address and user of the database, or a value.
        kind = type(error).__name__
        said = Sentence(
            f"kho dữ liệu bị gián đoạn ({kind}); những gì đã ghi vẫn còn: hãy chạy lại để ghi tiếp",
            f"the store failed ({kind}); what was recorded stays: run it again to go on",
        )
        stop_at("INTAKE_DATABASE_URL", FAILED, said)
    summary = {"rows": len(rows.index)} | msgspec.to_builtins(outcome.summary)
    _report(
        file,
        outcome,
        rows,
        table,
        target,
        summary | {"warnings": [w.en for w in warnings]},
        time.monotonic() - began,
        as_json,
    )


def _source(source: str) -> str:
    name = normalised(source)
    if not name or len(name) > MAX_SHORT or not is_writable(name):
        said = Sentence(
            f"hãy đặt tên sổ bằng 1 đến {MAX_SHORT} ký tự in được",
            f"1 to {MAX_SHORT} characters that can be printed name a register",
        )
        stop_at("--source", WRONG_USE, said)
    return name


def _delimiter(given: str) -> str:
    found = "\t" if given.lower() in ("tab", "\\t") else given
    if len(found) > 1 or found in _NO_DELIMITERS or found.isalnum():
        raise FileRefused(f"--delimiter: {given!r} is none; give one character, such as ';', or tab")
    return found


def _warnings(table: ImportFile, rows: Rows) -> Iterator[Sentence]:
    """What a person should look at, though it stops nothing; told before anything is recorded."""
    if line := table.line_in_old_font():
        yield Sentence(
            f"dòng {line}: chữ giống phông TCVN3 (ABC) hoặc VNI, được ghi nguyên như vậy; hãy chuyển tệp sang Unicode "
            "trước khi nhập",
            f"line {line}: looks like a TCVN3 (ABC) or VNI font, recorded as it is; convert the file to Unicode first",
        )
    for lines, vi, en in (
        (table.titles, "bỏ qua, là tiêu đề phía trên hàng tên cột", "passed over, as titles above the headings"),
        (
            [table.numbers_at] if table.numbers_at else [],
            "bỏ qua, là hàng đánh số các cột",
            "passed over, as the row that numbers the columns",
        ),
        (
            rows.index.passed_over,
            "bỏ qua, là đề mục, dòng tổng cộng hoặc dòng trống có số thứ tự",
            "passed over, as headings of parts, totals or numbers of empty rows",
        ),
    ):
        if lines:
            named = ", ".join(map(str, lines[:SHOWN])) + (", …" if len(lines) > SHOWN else "")
            yield Sentence(f"dòng {named}: {vi}", f"line {named}: {en}")


def _given(jurisdiction: str, conference: str) -> dict[str, str]:
    code = given_code("--jurisdiction", jurisdiction) if jurisdiction else ""
    return {field: value for field, value in (("jurisdiction", code), ("conference", normalised(conference))) if value}


def _target(file: Path, rejects: Path | None) -> Path:
    """Where rejected rows go. A file that is there is never overwritten: someone may be correcting it."""
    if rejects is not None:
        if rejects.exists():
            raise FileRefused(f"--rejects: {rejects} is there already: name another file")
        return rejects
    stem = file.with_suffix("")
    number = 1
    while (target := Path(f"{stem}.rejects{f'-{number}' if number > 1 else ''}{file.suffix}")).exists():
        number += 1
    return target


def _run(settings: IntakeSettings, rows: Rows, asked: Settings, advance: Callable[[int], None]) -> Outcome:
    import uvloop

    groups = rows.index.groups
    # A fork takes no other thread along, but what it holds locked.
    count = min(os.cpu_count() or 1, MOST_WORKERS, len(groups) // SHARE) if threading.active_count() == 1 else 1
    # What was loaded so far stays: the collector need not look at it again and again.
    gc.freeze()

    async def begin() -> Importer:
        async with _importer(settings, rows, asked, advance) as importer:
            await importer.begin()
            if count < 2:
                await importer.record(groups)
            return importer

    def work(share: int, pipe: "Connection[Any, Any]") -> None:
        with contextlib.suppress(BrokenPipeError):
            uvloop.run(_share(settings, rows, asked, share_of(groups, share, count), pipe))

    with Workers(count if count > 1 else 0, work) as workers:
        importer = uvloop.run(begin())
        for message in workers.told():
            match message:
                case int():
                    advance(message)
                case Outcome():
                    importer.take(message)
                case _:
                    raise message
    return importer.outcome


async def _share(
    settings: IntakeSettings, rows: Rows, asked: Settings, groups: Sequence[Numbers], pipe: "Connection[Any, Any]"
) -> None:
    """Record some groups in a process of their own."""
    asyncio.get_running_loop().add_reader(pipe.fileno(), os._exit, FAILED)  # nobody waits for it any more
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if done >= TOLD_EVERY:
            pipe.send(done)
            done = 0

    try:
        async with _importer(settings, rows, asked, advance) as importer:
            await importer.record(groups)
    except FAILURES as error:
        pipe.send(StoreUnavailable(type(error).__name__))
    except UnopenedSeal as error:
        pipe.send(error)
    else:
        pipe.send(done)
        pipe.send(importer.outcome)


@contextlib.asynccontextmanager
async def _importer(
    settings: IntakeSettings, rows: Rows, asked: Settings, advance: Callable[[int], None]
) -> AsyncIterator[Importer]:
    seals = seals_of(settings)
    async with contextlib.AsyncExitStack() as stack:
        try:
            durable = DurableHead()
            pool = await create_pool(settings.database_url, application="import", largest=4, on_epoch=durable.see)
        except NO_STORE as error:
            raise _NoStore(unreachable(error) or _NAMED_WRONGLY) from error
        except NoHost as error:
            if not isinstance(error.__cause__, NO_STORE):
                raise  # it may come back
            raise _NoStore(unreachable(error) or _NAMED_WRONGLY) from error
        except asyncpg.UndefinedTableError as error:
            raise _NoStore(_NOT_MIGRATED) from error
        stack.push_async_callback(pool.close)
        if await pool.fetchval("SELECT to_regclass('master_key')") is None:
            raise _NoStore(_NOT_MIGRATED)
        await master_key.bind(pool, seals)
        await durable.start(pool)
        stack.push_async_callback(durable.close)
        writer = GroupCommit(pool, durable)
        await writer.start()
        stack.push_async_callback(writer.close)
        history = StoredHistory(pool, durable)
        regulation_cache = RegulationCache(history, settings.declared_attributes)
        files = StoredFileRecords(pool)
        recorder = Recorder(history, seals, new_id, FileNaming(files, seals))
        references = KnownReferences(history, StoredContents(pool, new_id), seals, regulation_cache)
        yield Importer(
            rows,
            asked,
            regulation_cache=regulation_cache,
            history=history,
            bulk=BulkStore(pool),
            handler=CommandHandler(
                regulation_cache,
                history,
                writer,
                seals,
                recorder,
                new_id,
                references,
                RefusedCommands(pool, seals, new_id),
                FileKeeper(files, None),
            ),
            references=references,
            seals=seals,
            recorder=recorder,
            new_id=new_id,
            progress=advance,
        )


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal once the work takes longer than a moment."""
    console = Console(stderr=True)
    columns = (TextColumn("Nhập / importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    task = bar.add_task("", total=total)
    began, done = time.monotonic(), 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        if bar.disable:
            return
        if not bar.live.is_started and time.monotonic() - began > PATIENCE:
            bar.start()
        bar.update(task, completed=done)

    try:
        yield advance
    finally:
        bar.stop()


def _report(
    file: Path,
    outcome: Outcome,
    rows: Rows,
    table: ImportFile,
    target: Path,
    summary: dict[str, Any],
    seconds: float,
    as_json: bool,
) -> None:
    rejections = sorted(outcome.rejections, key=lambda r: r.index)
    if rejections:
        found = [(rows.index.span(r.index), r.column, r.reason) for r in rejections]
        try:
            write_rejects(target, table, found)
        except OSError as error:
            why = error.strerror
            said = Sentence(
                f"không ghi được các dòng bị trả lại ({why}); những gì đã ghi vẫn còn: hãy chạy lại với --rejects FILE",
                f"the rejected rows cannot be written ({why}); what was recorded stays: run again with --rejects FILE",
            )
            stop_at(str(target), FAILED, said)
    summary |= {"rejects": str(target) if rejections else "", "seconds": round(seconds, 3)}
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
    else:
        _print(outcome.summary, rejections, rows, summary)
    if rejections:
        raise typer.Exit(FAILED)
    if left := _rejects_left(file):
        named = ", ".join(map(str, left))
        typer.echo(
            Sentence(
                f"còn tệp dòng bị trả lại của lần nhập trước, có dữ liệu cá nhân; không cần nữa thì hãy xóa: {named}",
                f"rejected rows of an earlier import are still here, with personal data; delete what is done: {named}",
            ).both,
            err=True,
        )


def _rejects_left(file: Path) -> list[Path]:
    """The files of rejected rows of earlier imports of a file; it may be one of them itself."""
    stem = re.sub(r"\.rejects(?:-\d+)?$", "", file.with_suffix("").name)
    left = re.compile(rf"{re.escape(stem)}\.rejects(?:-\d+)?{re.escape(file.suffix)}")
    return sorted(each for each in file.parent.iterdir() if left.fullmatch(each.name))


def _print(s: Summary, rejections: Sequence[Rejection], rows: Rows, summary: dict[str, object]) -> None:
    console = Console(highlight=False)
    console.print(
        f"{summary['rows']} dòng / rows: {s.recorded} đã ghi / recorded ({s.cases} vụ việc / cases, {s.events} sự kiện "
        f"/ events), {s.known} đã có / known, {s.rejected} bị trả lại / rejected; {summary['seconds']} s"
    )
    if not rejections:
        return
    table = Table("Dòng / line", "Cột / column", "Lý do / reason", pad_edge=False)
    for rejection in rejections[:SHOWN]:
        line = rows.index.span(rejection.index).line
        table.add_row(str(line), escape(rejection.column), escape(rejection.reason))
    console.print(table)
    console.print(f"Sửa trong tệp này rồi nhập lại / mend and import again: {escape(str(summary['rejects']))}")
