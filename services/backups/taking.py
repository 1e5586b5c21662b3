"""Takes a backup: followup's server first, then intake's, then the files; the manifest last, and the name at the end.

In that order followup's backup is never newer than intake's, so that a restored followup reads on where it stood.
"""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from services.backups import custody, erasures, programs
from services.backups.catalog import (
    ERASURES,
    FILE_NAMES,
    FORMAT,
    HALF,
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
SLOT = "backup"  # what keeps the log on a server until it is received

_SERVER = """
SELECT (SELECT system_identifier FROM pg_control_system())::text AS system_identifier,
    current_setting('server_version_num')::integer / 10000 AS major,
    (SELECT rolname FROM pg_roles WHERE oid = 10) AS superuser, current_database() AS database,
    pg_size_bytes(current_setting('wal_segment_size')) AS segment_size,
    (SELECT count(*) FROM pg_tablespace) AS tablespaces
"""
_STATE = """
SELECT s.source, s.epoch, (SELECT event_id FROM stored_events WHERE notification_id = 1) AS birth,
    coalesce(e.notification_id, 0) AS position, e.event_id, e.recorded_at
FROM store_state s LEFT JOIN LATERAL (
    SELECT notification_id, event_id, recorded_at FROM stored_events ORDER BY notification_id DESC LIMIT 1
) AS e ON true
"""
_RECEIVED = "SELECT active FROM pg_replication_slots WHERE slot_name = $1"
_DROP_SLOT = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1"
_MAKE_SLOT = """
SELECT pg_create_physical_replication_slot($1::name, true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1::name)
"""

Say = Callable[[str], None]


async def take(
    catalog: Catalog, urls: Mapping[str, str], files: Path | None, now: Callable[[], datetime], say: Say
) -> Backup:
    """Take a whole backup. Raises BackupFailed, OSError, and what a database raises."""
    began = now()
    name = catalog.next_name(began)
    folder, half = catalog.root / name, catalog.root / f"{HALF}{name}"
    for left in catalog.halves():
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
    """Remove all but the newest backups, and the files and the log that none of them needs; the folders that went.

    Nothing is removed while one that is to be kept lacks something. Raises BackupFailed.
    """
    whole = catalog.whole()
    gone, kept = whole[:-keep], whole[-keep:]
    if not gone:
        return []
    named = {name for backup in kept for name in backup.content(FILE_NAMES).decode().split()}
    servers = {server for backup in kept for server in backup.manifest.servers}
    first = {server: _first_segment(kept, server) for server in servers}
    for backup in gone:
        # The name first: half of a backup is none.
        half = backup.folder.with_name(f"{HALF}{backup.folder.name}")
        backup.folder.rename(half)
        shutil.rmtree(half)
    for server, segment in first.items():
        log = catalog.wal(server)
        for path in log.iterdir() if log.is_dir() else ():
            if SEGMENT.fullmatch(path.name) and path.name[8:24] < segment:
                path.unlink()
    if catalog.files.is_dir():
        oldest = min(backup.manifest.began_at for backup in kept).timestamp()
        for name in names_in(catalog.files):
            path = catalog.files / name[:2] / name
            # One that came since the newest backup is named by none yet.
            if name not in named and path.stat().st_mtime < oldest:
                path.unlink()
    return [backup.folder for backup in gone]


def _first_segment(kept: Sequence[Backup], server: str) -> str:
    """The number of the first segment that any of the kept backups begins with, on whatever timeline.

    The oldest of them may begin later than another: after a restore the log goes on from an earlier place.
    """
    found = list[str]()
    for backup in kept:
        if part := backup.manifest.servers.get(server):
            ranges = json.loads(backup.content(f"{server}/backup_manifest"))["WAL-Ranges"]
            for high, low in (each["Start-LSN"].split("/") for each in ranges):
                found.append(f"{int(high, 16):08X}{int(low, 16) // part.segment_size:08X}")
    return min(found)


async def restart_log(catalog: Catalog, urls: Mapping[str, str], now: datetime) -> list[Path]:
    """Begin the log of each server anew, as after a restore: a new slot, an empty folder; where the old log is now.

    The receiver does not go on in the old folder: what it asks for next, the restored server never had.
    Raises BackupFailed, OSError, and what a database raises.
    """
    servers, _ = await _looked_at(urls)
    for server, (_, url) in servers.items():
        await _check_idle(server, url)
    aside = catalog.root / f"wal.before-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    moved = list[Path]()
    for server in servers:
        log, owner = catalog.wal(server), catalog.root.stat()
        if log.is_dir() and any(log.iterdir()):
            _make(aside, owner)
            moved.append(log.rename(aside / server))
        _make(log.parent, owner)
        _make(log, owner)
    # Last: the old slot keeps what the receiver needs as long as it may go on in the old folder.
    for server, (_, url) in servers.items():
        await _new_slot(server, url)
    return moved


def _make(folder: Path, owner: os.stat_result) -> None:
    """A folder of whoever the folder of the backups belongs to, where there is none: root may do this for its user."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.st_uid, owner.st_gid)


async def _check_idle(server: str, url: str) -> None:
    connection: Any = await connect(url)
    try:
        if await connection.fetchval(_RECEIVED, SLOT):
            raise _received(server)
    finally:
        await connection.close()


async def _new_slot(server: str, url: str) -> None:
    connection: Any = await connect(url)
    try:
        await connection.execute(_DROP_SLOT, SLOT)
        # From now on: the receiver, when it starts on an empty folder, begins where the slot does.
        await connection.execute(_MAKE_SLOT, SLOT)
    except asyncpg.ObjectInUseError:
        raise _received(server) from None
    finally:
        await connection.close()


def _received(server: str) -> BackupFailed:
    return BackupFailed(
        server,
        f"khe {SLOT} đang được nhận; hãy dừng pg_receivewal trước (systemctl stop doithoai-wal)",
        f"the slot {SLOT} is being received; stop pg_receivewal first (systemctl stop doithoai-wal)",
    )


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
    part = ServerPart(
        major=found["major"],
        system_identifier=found["system_identifier"],
        superuser=found["superuser"],
        segment_size=found["segment_size"],
    )
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
