"""Takes a backup: followup's server first, then intake's, then the files; the manifest last, and the name at the end.

In that order followup's backup is never newer than intake's, so that a restored followup reads on where it stood.
"""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from services.backups import custody, erasures, programs
from services.backups.catalog import (
    ERASURES,
    FILE_NAMES,
    FORMAT,
    MANIFEST,
    SEGMENT,
    Backup,
    BackupPart,
    Catalog,
    Manifest,
    ServerPart,
    StoreState,
    digest_of,
    written,
)
from services.backups.cursors import cursors_of
from services.backups.errors import BackupFailed, WrongTarget
from services.backups.sealed_files import Mirrored, mirror, names_in
from services.intake.adapters import master_key
from services.intake.adapters.file_folder import sync_folder
from shared.postgres.pool import connect

OWN_TABLESPACES = 2  # those that every server has
ORDER = ("followup", "intake")
HALF = "."  # before the name of a backup that is not whole

_SERVER = """
SELECT (SELECT system_identifier FROM pg_control_system())::text AS system_identifier,
    current_setting('server_version_num')::integer / 10000 AS major,
    (SELECT rolname FROM pg_roles WHERE oid = 10) AS superuser, current_database() AS database,
    (SELECT count(*) FROM pg_tablespace) AS tablespaces
"""
_STATE = """
SELECT s.source, s.epoch, (SELECT event_id FROM stored_events WHERE notification_id = 1) AS birth,
    coalesce(e.notification_id, 0) AS position, e.event_id, e.recorded_at
FROM store_state s LEFT JOIN LATERAL (
    SELECT notification_id, event_id, recorded_at FROM stored_events ORDER BY notification_id DESC LIMIT 1
) AS e ON true
"""

Say = Callable[[str], None]


async def take(
    catalog: Catalog, urls: Mapping[str, str], files: Path | None, now: Callable[[], datetime], say: Say
) -> Backup:
    """Take a whole backup. Raises BackupFailed, OSError, and what a database raises."""
    began = now()
    name = began.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    folder, half = catalog.root / name, catalog.root / f"{HALF}{name}"
    for left in catalog.root.glob(f"{HALF}20*"):  # of a backup that was interrupted
        shutil.rmtree(left)
    half.mkdir(mode=0o700)
    try:
        servers, states = await _looked_at(urls)
        for server, (part, url) in servers.items():
            say(server)
            _base_backup(part.major, url, half / server)
        notes = await _erasures_of(urls.get("intake", ""))
        written(half / ERASURES, erasures.encoded(notes))
        say("files")
        kept = copy_files(catalog, files)
        written(half / FILE_NAMES, "".join(f"{name}\n" for name in kept.names).encode())
        paths = sorted(path for path in half.rglob("*") if path.is_file())
        manifest = Manifest(
            format=FORMAT,
            version=importlib.metadata.version("doithoai"),
            began_at=began,
            ended_at=now(),
            servers={server: part for server, (part, _) in servers.items()},
            databases=states,
            files=len(kept.names),
            damaged_files=len(kept.damaged),
            keys=custody.fingerprints() | await key_of_store(urls.get("intake", "")),
            parts=tuple(BackupPart(str(p.relative_to(half)), p.stat().st_size, digest_of(p)) for p in paths),
        )
        for path in paths:
            _sync(path)
        written(half / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        for each in (*(path for path in half.iterdir() if path.is_dir()), half):
            sync_folder(each)
        half.rename(folder)
        sync_folder(catalog.root)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return Backup(folder, manifest)


def copy_files(catalog: Catalog, files: Path | None) -> Mirrored:
    """Copy what the backups lack of the sealed files. Raises WrongTarget, OSError."""
    if files is None:
        return Mirrored(names=(), copied=0, damaged=())
    if not files.is_dir():
        raise WrongTarget(f"INTAKE_FILES: {files}", "không có thư mục này", "there is no such folder")
    return mirror(files, catalog.files, names_in(files))


def prune(catalog: Catalog, keep: int) -> list[Path]:
    """Remove all but the newest backups, and the files and the log that none of them needs; the folders that went."""
    whole = catalog.whole()
    gone = whole[:-keep]
    for backup in gone:
        # The name first: half of a backup is none.
        half = backup.folder.with_name(f"{HALF}{backup.folder.name}")
        backup.folder.rename(half)
        shutil.rmtree(half)
    for server in whole[-keep].manifest.servers if gone else ():
        _prune_log(catalog.wal(server), whole[-keep].folder / server / "backup_manifest")
    if gone and catalog.files.is_dir():
        oldest = whole[-keep].manifest.began_at.timestamp()
        named = {name for backup in whole[-keep:] for name in (backup.folder / FILE_NAMES).read_text().split()}
        for name in names_in(catalog.files):
            path = catalog.files / name[:2] / name
            # One that came since the newest backup is named by none yet.
            if name not in named and path.stat().st_mtime < oldest:
                path.unlink()
    return [backup.folder for backup in gone]


def _prune_log(folder: Path, manifest: Path) -> None:
    """Remove the segments before the one in which a base backup began."""
    segments = [path for path in folder.iterdir() if SEGMENT.fullmatch(path.name)] if folder.is_dir() else []
    if not segments:
        return
    begin = json.loads(manifest.read_bytes())["WAL-Ranges"][0]["Start-LSN"]
    high, low = (int(part, 16) for part in begin.split("/"))
    # Each segment is as large as any other, the one that is only arriving too.
    first = f"{high:08X}{low // segments[0].stat().st_size:08X}"
    for path in segments:
        if path.name[8:24] < first:
            path.unlink()


async def _looked_at(urls: Mapping[str, str]) -> tuple[dict[str, tuple[ServerPart, str]], dict[str, StoreState]]:
    """The servers in the order in which they are backed up, and the databases."""
    parts, states = dict[str, ServerPart](), dict[str, StoreState]()
    for name in ORDER:
        if url := urls.get(name, ""):
            parts[name], states[name] = await _look_at(name, url)
    if len(parts) == len(ORDER) and parts["followup"] == parts["intake"]:
        # One server holds both: one base backup, at one instant.
        del parts["followup"]
        states["followup"] = msgspec.structs.replace(states["followup"], server="intake")
    return {name: (part, urls[name]) for name, part in parts.items()}, states


async def _look_at(name: str, url: str) -> tuple[ServerPart, StoreState]:
    connection: Any = await connect(url)
    try:
        found = await connection.fetchrow(_SERVER)
        if found["tablespaces"] > OWN_TABLESPACES:
            raise BackupFailed(
                name,
                "máy chủ có tablespace riêng, chưa sao lưu được bằng lệnh này",
                "the server has tablespaces of its own, which this command does not put back",
            )
        state = await connection.fetchrow(_STATE)
        cursors = await cursors_of(connection) if name == "followup" else ()
    finally:
        await connection.close()
    part = ServerPart(major=found["major"], system_identifier=found["system_identifier"], superuser=found["superuser"])
    return part, StoreState(server=name, database=found["database"], cursors=cursors, **dict(state))


def _base_backup(major: int, url: str, folder: Path) -> None:
    program = programs.found("pg_basebackup", major)
    place, environment = programs.without_password(url)
    options = ["-F", "t", "-Z", "1", "-X", "stream", "-c", "fast", "-w", "--manifest-checksums=SHA256"]
    programs.run([program, "-d", place, "-D", str(folder), *options], environment=environment)


async def key_of_store(url: str) -> dict[str, str]:
    """What tells the master key that the store itself names, whatever key this machine has."""
    if not url:
        return {}
    connection = await connect(url)
    try:
        found = await master_key.fingerprint_of(connection)
    finally:
        await connection.close()
    return {} if found is None else {custody.MASTER: found}


async def _erasures_of(url: str) -> list[erasures.ErasureNote]:
    if not url:
        return []
    connection = await connect(url)
    try:
        return await erasures.of_store(connection)
    finally:
        await connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
