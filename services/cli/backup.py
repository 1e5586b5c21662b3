"""`doithoai backup`: both databases, the files and a manifest into a folder; the keys into another."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from services.backups import custody, figures, taking
from services.backups.catalog import Backup, Catalog
from services.backups.errors import BackupFailed, WrongTarget
from services.databases import URLS, urls_given
from services.exit_codes import FAILED, NOTICED, WRONG_USE, stop, stop_at, unwritable
from services.intake.adapters import master_key
from shared.postgres.server_check import failure
from shared.sentences import Sentence
from shared.settings import WrongSettings, value_of

T = TypeVar("T")
#: A database that cannot be reached; what else the operating system says is of the folder.
AWAY = (TimeoutError, ConnectionError, socket.gaierror, ValueError)
NAME_FOLDER = Sentence("hãy nêu nơi cất các bản sao lưu", "name the folder that holds the backups")
NO_FOLDER = Sentence(
    "không có thư mục này; hãy gắn đĩa sao lưu, hoặc tạo thư mục lần đầu",
    "there is no such folder; mount the disk of the backups, or make the folder the first time",
)
GIVE_FILES = Sentence("hãy nêu thư mục tệp tải lên", "name the folder of uploaded files")
GIVE_URLS = Sentence(
    "hãy đặt ít nhất một trong hai, của vai trò có quyền REPLICATION",
    "set one of them or both, of a role that has REPLICATION",
)


def backup(
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Nơi cất mọi bản sao lưu. / Where all backups are.")
    ] = None,
    keys_to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Chép các khóa ra nơi cất riêng. / Copy the keys, into a place of theirs."),
    ] = None,
    keep: Annotated[
        int, typer.Option(min=0, help="Giữ ngần ấy bản mới nhất; 0: tất cả. / Keep so many, the newest; 0: all.")
    ] = 0,
    files_only: Annotated[
        bool,
        typer.Option("--files-only", help="Chỉ chép tệp tải lên mới. / Only copy the uploaded files that are new."),
    ] = False,
    restart_log: Annotated[
        bool,
        typer.Option(
            "--restart-log",
            help="Chỉ bắt đầu nhật ký mới, sau khi khôi phục. / Only begin the log anew, after a restore.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON. / Print JSON instead of text.")] = False,
) -> None:
    """Sao lưu hai cơ sở dữ liệu và kho tệp. / Back up both databases and the folder of files; services go on.

    The databases are those of INTAKE_DATABASE_URL and FOLLOWUP_DATABASE_URL, the files those of INTAKE_FILES. What is
    recorded later is in the log of the servers, which pg_receivewal brings: docs/howto/backup.md. With --keys-to alone
    only the keys are copied. The exit code is 3 where the backup was taken and something beside it needs a person.
    """
    if to is None and keys_to is None:
        stop_at("--to", WRONG_USE, NAME_FOLDER)
    # PostgreSQL's programs run in a folder of their own.
    to, keys_to = to and to.absolute(), keys_to and keys_to.absolute()
    try:
        kept, doubts = list[str](), list[BackupFailed]()
        if keys_to is not None:
            custody.check_apart(keys_to, to)
            _check_key()
            kept = custody.copy_to(keys_to)
        if to is not None and files_only:
            _copy_files(to, as_json)
        elif to is not None and restart_log:
            _restart_log(to, as_json)
        elif to is not None:
            taken, removed, doubts = _back_up(to, keep, as_json)
            _report(taken, removed, doubts, kept, as_json)
        elif as_json:
            typer.echo(json.dumps({"keys": kept}))
        if kept and not as_json:
            said = Sentence(f"đã chép khóa: {', '.join(kept)}; hãy cất riêng", "keys were copied; lock them away")
            typer.echo(said.both)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except WrongTarget as error:
        stop_at(error.place, WRONG_USE, error.said)
    except BackupFailed as error:
        stop_at(error.place, FAILED, error.said)
    except OSError as error:
        stop_at(str(error.filename or to or keys_to), FAILED, unwritable(error))
    if doubts:
        raise typer.Exit(NOTICED)


def _urls() -> dict[str, str]:
    urls = urls_given()
    if not urls:
        stop_at(", ".join(URLS.values()), WRONG_USE, GIVE_URLS)
    return urls


def _answered(work: Coroutine[Any, Any, T], urls: Mapping[str, str]) -> T:
    """What work with the databases gives; the command ends where one does not answer."""
    try:
        return asyncio.run(work)
    except (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        stop(FAILED, failure(error, ", ".join(URLS[name] for name in urls)))


def _back_up(to: Path, keep: int, as_json: bool) -> tuple[Backup, int, list[BackupFailed]]:
    """A new backup, how many old ones went, and what a person should see to."""
    urls = _urls()
    files = value_of("INTAKE_FILES")

    def say(step: str) -> None:
        if not as_json:
            typer.echo(f"{step} ...", err=True)

    with _catalog(to) as catalog:
        work = taking.take(catalog, urls, Path(files) if files else None, _now, say)
        taken = _answered(work, urls)
        doubts, removed = catalog.doubts(_now()), list[Path]()
        try:
            removed = taking.prune(catalog, keep) if keep else []
        except BackupFailed as error:
            doubts.append(error)
        figures.write(catalog, _now())
        return taken, len(removed), doubts


def _restart_log(to: Path, as_json: bool) -> None:
    urls = _urls()
    with _catalog(to) as catalog:
        moved = _answered(taking.restart_log(catalog, urls, _now()), urls)
    if as_json:
        typer.echo(json.dumps({"moved": [str(path) for path in moved]}))
        return
    for path in moved:
        typer.echo(str(path))
    said = Sentence(
        "nhật ký bắt đầu lại; tiếp theo: chạy lại pg_receivewal, rồi sao lưu ngay",
        "the log begins anew; next: start pg_receivewal, then take a backup at once",
    )
    typer.echo(said.both)


def _now() -> datetime:
    return datetime.now(UTC)


def _check_key() -> None:
    """Refuse to lock away a key that is not the store's, where the store can be asked. Raises WrongTarget."""
    with contextlib.suppress(*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError):
        told = asyncio.run(taking.key_of_store(value_of(URLS["intake"])))
        if custody.is_other(told):
            raise WrongTarget(master_key.VARIABLE, *master_key.WRONG_KEY)


def _copy_files(to: Path, as_json: bool) -> None:
    if not (files := value_of("INTAKE_FILES")):
        stop_at("INTAKE_FILES", WRONG_USE, GIVE_FILES)
    with _catalog(to) as catalog:
        copied = taking.copy_files(catalog, Path(files)).copied
        figures.write(catalog, _now())
    said = Sentence(f"đã chép {copied} tệp mới", f"{copied} new files were copied")
    typer.echo(json.dumps({"copied": copied}) if as_json else said.both)


@contextlib.contextmanager
def _catalog(to: Path) -> Iterator[Catalog]:
    """The folder, for this process alone. All may look into it, for the figures; what it holds is for its owner."""
    if not to.is_dir():  # it is never made: where a disk is not mounted, the local one would fill up
        stop_at(f"--to: {to}", WRONG_USE, NO_FOLDER)
    catalog = Catalog(to)
    with catalog.locked():
        yield catalog


def _report(taken: Backup, removed: int, doubts: list[BackupFailed], kept: list[str], as_json: bool) -> None:
    found = taken.manifest
    size = sum(part.size for part in found.parts)
    if as_json:
        positions = {name: state.position for name, state in found.databases.items()}
        told = {"backup": str(taken.folder), "bytes": size, "positions": positions, "files": found.files}
        told |= {"damaged_files": found.damaged_files, "removed": removed, "keys": kept}
        typer.echo(json.dumps(told | {"doubts": [str(error) for error in doubts]}))
        return
    typer.echo(
        Sentence(
            f"{taken.folder}: {size >> 20} MiB, {found.files} tệp, đã bỏ {removed} bản cũ",
            f"{size >> 20} MiB, {found.files} files, {removed} old backups removed",
        ).both
    )
    if custody.is_other(found.keys):
        typer.echo(f"{master_key.VARIABLE}: {master_key.WRONG_KEY.both}", err=True)
    if found.damaged_files:
        said = Sentence(
            f"{found.damaged_files} tệp trong INTAKE_FILES đã hỏng và không được chép; xem DoithoaiFilesUnreadable",
            f"{found.damaged_files} files of INTAKE_FILES are damaged and were not copied; see DoithoaiFilesUnreadable",
        )
        typer.echo(said.both, err=True)
    for error in doubts:
        typer.echo(f"{error.place}: {error.said.both}", err=True)
