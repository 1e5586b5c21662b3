"""`doithoai backup`: both databases, the files and a manifest into a folder; the keys into another."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from services.backups import custody, figures, taking
from services.backups.catalog import Backup, Catalog
from services.backups.errors import BackupFailed, WrongTarget
from services.exit_codes import FAILED, WRONG_USE, stop, stop_at, unwritable
from shared.postgres.server_check import failure
from shared.sentences import Sentence
from shared.settings import WrongSettings, value_of

URLS = {"intake": "INTAKE_DATABASE_URL", "followup": "FOLLOWUP_DATABASE_URL"}
GIVE_URLS = Sentence(
    "hãy đặt ít nhất một trong hai, của vai trò có quyền REPLICATION",
    "set one of them or both, of a role that has REPLICATION",
)


def backup(
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Cất vào đâu. / Where all backups are.")],
    keys_to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Chép các khóa vào nơi cất riêng. / Copy the keys into a place apart from it."
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option(min=0, help="Giữ ngần ấy bản mới nhất; 0: tất cả. / Keep so many, the newest; 0: all.")
    ] = 0,
    files_only: Annotated[
        bool,
        typer.Option(
            "--files-only", help="Chỉ chép tệp tải lên mới. / Only copy what is new among the uploaded files."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON. / Print JSON instead of text.")] = False,
) -> None:
    """Sao lưu hai cơ sở dữ liệu và kho tệp. / Back up both databases and the folder of files; services go on.

    The databases are those of INTAKE_DATABASE_URL and FOLLOWUP_DATABASE_URL, the files those of INTAKE_FILES. What is
    recorded later is in the log of the servers, which pg_receivewal brings: docs/howto/backup.md.
    """

    def say(step: str) -> None:
        if not as_json:
            typer.echo(f"{step} ...", err=True)

    try:
        urls = {name: url for name, variable in URLS.items() if (url := value_of(variable))}
        files = value_of("INTAKE_FILES")
        if not (urls or files_only):
            stop_at(", ".join(URLS.values()), WRONG_USE, GIVE_URLS)
        if keys_to is not None:
            custody.check_apart(keys_to, to)
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        catalog = Catalog(to)
        with catalog.locked():
            if files_only:
                copied = taking.copy_files(catalog, Path(files) if files else None).copied
                figures.write(catalog)
                _report_files(copied, as_json)
                return
            taken = _taken(catalog, urls, Path(files) if files else None, say)
            removed = taking.prune(catalog, keep) if keep else []
            figures.write(catalog)
        kept = custody.copy_to(keys_to) if keys_to is not None else []
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except WrongTarget as error:
        stop_at(error.place, WRONG_USE, error.said)
    except BackupFailed as error:
        stop_at(error.place, FAILED, error.said)
    except OSError as error:
        stop_at(str(error.filename or to), FAILED, unwritable(error))
    _report(taken, len(removed), kept, as_json)


def _taken(catalog: Catalog, urls: dict[str, str], files: Path | None, say: Callable[[str], None]) -> Backup:
    try:
        return asyncio.run(taking.take(catalog, urls, files, lambda: datetime.now(UTC), say))
    except (TimeoutError, ValueError, ConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        stop(FAILED, failure(error, ", ".join(URLS[name] for name in urls)))


def _report_files(copied: int, as_json: bool) -> None:
    said = Sentence(f"đã chép {copied} tệp mới", f"{copied} new files copied")
    typer.echo(json.dumps({"copied": copied}) if as_json else said.both)


def _report(taken: Backup, removed: int, kept: list[str], as_json: bool) -> None:
    found = taken.manifest
    size = sum(part.size for part in found.parts)
    if as_json:
        positions = {name: state.position for name, state in found.databases.items()}
        told = {"backup": str(taken.folder), "bytes": size, "positions": positions, "files": found.files}
        typer.echo(json.dumps(told | {"damaged_files": found.damaged_files, "removed": removed, "keys": kept}))
        return
    typer.echo(
        Sentence(
            f"{taken.folder}: {size >> 20} MiB, {found.files} tệp, đã bỏ {removed} bản cũ",
            f"{size >> 20} MiB, {found.files} files, {removed} old backups removed",
        ).both
    )
    if found.damaged_files:
        said = Sentence(
            f"{found.damaged_files} tệp trong INTAKE_FILES đã hỏng và không được chép; xem DoithoaiFilesUnreadable",
            f"{found.damaged_files} files of INTAKE_FILES are damaged and were not copied; see DoithoaiFilesUnreadable",
        )
        typer.echo(said.both, err=True)
    if kept:
        said = Sentence(f"khóa đã chép: {', '.join(kept)}; hãy cất riêng", "keys copied; lock them away")
        typer.echo(said.both)
