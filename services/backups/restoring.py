"""Restores a backup: verified, recovered to the end of the log, opened under the keys, erased again what was erased."""

import contextlib
import itertools
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.backups import custody, erasures, recovery
from services.backups.catalog import Backup, Catalog, ReadUpTo, StoreState
from services.backups.cursors import cursors_of
from services.backups.errors import BackupFailed, WrongTarget
from services.backups.sealed_files import Mirrored, mirror
from services.databases import PACKAGES, URLS
from services.intake.adapters import master_key
from services.intake.adapters.contents import SealedRow
from services.intake.adapters.seals import PetitionSeals
from services.intake.application.ports import StoredKey, UnopenedSeal
from services.intake.configured import new_id
from shared.postgres.migrate import names_of
from shared.postgres.pool import connect
from shared.sealing import key_fingerprint

OPENED = 500  # of the newest sealed events
AT_ONCE = 1000  # rows
SHOWN = 10  # positions

_HEAD = """
SELECT coalesce(max(notification_id), 0) AS position, count(*) AS events, max(recorded_at) AS recorded_at,
    (SELECT event_id FROM stored_events WHERE notification_id = 1) AS birth, (SELECT source FROM store_state) AS source
FROM stored_events
"""
_EVENT_AT = "SELECT event_id FROM stored_events WHERE notification_id = $1"
_KEYS = "SELECT key_id, owner_id, originator_id, wrapped FROM sealing_keys"
_SEALED = """
SELECT notification_id, event_id, originator_id, originator_version, topic, sealed FROM stored_events
WHERE sealed IS NOT NULL ORDER BY notification_id DESC LIMIT $1
"""
_SEALED_OF = """
SELECT notification_id, sealed FROM stored_events
WHERE originator_id = ANY ($1) AND sealed IS NOT NULL ORDER BY notification_id
"""
#: What can still be opened: what nobody has a key to was erased.
_FILES = """
SELECT stored_name FROM files f WHERE dropped_at IS NULL AND (wrapped IS NOT NULL OR EXISTS (
    SELECT 1 FROM file_keys k JOIN sealing_keys s ON s.key_id = k.key_id WHERE k.stored_name = f.stored_name
)) ORDER BY stored_name
"""

Say = Callable[[str], None]


class RestoredStore(msgspec.Struct, frozen=True, kw_only=True):
    """What a restored database holds."""

    source: str
    position: int
    recorded_at: datetime | None
    log_segments: int  # that came after the base backup
    log_is_whole: bool  # it was replayed to its end
    cursors: tuple[ReadUpTo, ...] = ()


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore has done."""

    backup: str
    taken_at: datetime
    stores: dict[str, RestoredStore]
    keys_opened: int
    events_opened: int
    keys_unopened: int  # sealed under another master key, or altered
    events_unopened: int  # that name such a key, or were altered themselves
    unopened_at: tuple[int, ...]  # the first positions of them
    files: int
    files_missing: tuple[str, ...]
    files_damaged: tuple[str, ...]
    erased: erasures.ErasedAgain | None
    lists_unknown: tuple[str, ...]  # where a list of erasures should be that cannot be believed: some may stand again
    followup_ahead: tuple[str, ...]  # the sources of which it has read what intake does not hold
    seconds: dict[str, float]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing of the log, of the files that the databases name and of the lists of erasures.

        And whether what is sealed opens.
        """
        logs = all(store.log_is_whole for store in self.stores.values())
        missing = self.files_missing or self.files_damaged or self.lists_unknown
        return logs and not (missing or self.keys_unopened or self.events_unopened)


async def restore(catalog: Catalog, backup: Backup, target: Path, only: str, followup_url: str, say: Say) -> Restored:
    """Restore into a folder: `intake` and `followup` are data folders of servers, `files` is the folder of files.

    `followup_url` is a followup that was not lost: it may know of later erasures. Raises BackupFailed, OSError.
    """
    servers = {name: part for name, part in backup.manifest.servers.items() if only in ("", name)}
    states = {name: state for name, state in backup.manifest.databases.items() if state.server in servers}
    if not servers:
        held = ", ".join(backup.manifest.servers)
        raise WrongTarget(f"--only: {only}", f"bản sao lưu chỉ có: {held}", f"the backup holds: {held}")
    seals = _seals(backup) if "intake" in states else None
    made = {name: (target / name, recovery.log_folder(target / name)) for name in servers}
    for folder in (*itertools.chain(*made.values()), target / "files"):
        recovery.check_target(folder)
    for name in servers:
        catalog.check_log(name)
    watch = _Watch(say)
    with watch("verify"):
        backup.verify()
        listed = erasures.of_backups(catalog)
        if seals is not None:
            for error in listed.unknown:
                say(f"{error.place}: {error.said.both}")
    later = dict[str, recovery.LaterLog]()
    for name, part in servers.items():
        with watch(f"lay out {name}"):
            for empty in made[name]:
                if empty.is_dir():
                    empty.rmdir()
            later[name] = recovery.lay_out(part, backup.folder / name, catalog.wal(name), target / name)
    stores = dict[str, RestoredStore]()
    opened, copied, erased, ahead = _Opened(), None, None, list[str]()
    async with contextlib.AsyncExitStack() as stack:
        running = {}
        for name, part in servers.items():
            with watch(f"recover {name}"):
                running[name] = await stack.enter_async_context(recovery.recovered(part, target / name))
        for name, state in states.items():
            dsn = running[state.server].dsn(state.database)
            with watch(f"check {name}"):
                log = later[state.server]
                is_whole = await running[state.server].has_replayed(log)
                stores[name] = await _checked(name, dsn, state, log.segments, is_whole)
        if seals is not None:
            state = states["intake"]
            dsn = running[state.server].dsn(state.database)
            with watch("open"):
                opened = await _opened(dsn, seals)
            with watch("erase again"):
                notes = list(listed.notes)
                urls = [running[s.server].dsn(s.database) for name, s in states.items() if name == "followup"]
                for url in filter(None, (*urls, followup_url)):
                    notes += await _known_to(url, stores["intake"].source)
                erased = await erasures.erase_again(dsn, seals, notes)
            with watch("files"):
                copied = mirror(catalog.files, target / "files", await _column(dsn, _FILES))
            if "followup" in stores:
                ahead = await _ahead(dsn, stores["intake"].source, stores["followup"].cursors)
        with watch("end"):
            await stack.aclose()
    copied = copied or Mirrored(names=(), copied=0, damaged=())
    return Restored(
        backup=backup.folder.name,
        taken_at=backup.manifest.ended_at,
        stores=stores,
        keys_opened=opened.keys,
        events_opened=opened.events,
        keys_unopened=opened.keys_unopened,
        events_unopened=len(opened.unopened_at),
        unopened_at=tuple(sorted(opened.unopened_at)[:SHOWN]),
        files=len(copied.names),
        files_missing=copied.missing,
        files_damaged=copied.damaged,
        erased=erased,
        lists_unknown=tuple(error.place for error in listed.unknown) if seals is not None else (),
        followup_ahead=tuple(ahead),
        seconds=watch.seconds,
    )


class _Watch:
    """How long each step took."""

    def __init__(self, say: Say) -> None:
        self.seconds, self._say = dict[str, float](), say

    @contextlib.contextmanager
    def __call__(self, step: str) -> Any:
        self._say(f"{step} ...")
        began = time.monotonic()
        yield
        self.seconds[step] = round(time.monotonic() - began, 1)


class _Opened(msgspec.Struct):
    keys: int = 0
    events: int = 0
    keys_unopened: int = 0
    unopened_at: set[int] = set()


def _seals(backup: Backup) -> PetitionSeals:
    """The seals under the master key of the backup's store. Raises WrongTarget."""
    key = custody.read(custody.MASTER)
    if key is None:
        raise WrongTarget(
            "INTAKE_MASTER_KEY_FILE",
            "hãy nêu tệp khóa chính, được cất riêng; không có nó thì nội dung niêm phong không mở được",
            "name the file of the master key, which is kept elsewhere; without it no sealed content opens",
        )
    if backup.manifest.keys.get(custody.MASTER) not in (None, key_fingerprint(key)):
        raise WrongTarget(master_key.VARIABLE, *master_key.WRONG_KEY)
    try:
        return PetitionSeals(key, new_id)
    except ValueError as error:
        raise WrongTarget(master_key.VARIABLE, f"không phải khóa chính ({error})", str(error)) from None


async def _checked(name: str, dsn: str, state: StoreState, segments: int, is_whole: bool) -> RestoredStore:
    """Whether a recovered database is the one that was backed up, and this release's. Raises BackupFailed."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
        if newer := sorted(applied - {known for package in PACKAGES[name] for known in names_of(package)}):
            raise BackupFailed(
                name,
                f"bản sao lưu của phiên bản mới hơn ({newer[-1]}); hãy khôi phục bằng phiên bản đó",
                f"the backup is of a newer version ({newer[-1]}); restore it with that version",
            )
        head = await connection.fetchrow(_HEAD)
        event_id: UUID | None = await connection.fetchval(_EVENT_AT, state.position)
        if head["events"] != head["position"] or head["birth"] != state.birth or event_id != state.event_id:
            raise BackupFailed(
                name,
                f"kho dữ liệu không khớp với bản sao lưu ở vị trí {state.position}; hãy dùng bản sao lưu khác",
                f"the store does not agree with the backup at position {state.position}; take another backup",
            )
        return RestoredStore(
            source=head["source"],
            position=head["position"],
            recorded_at=head["recorded_at"],
            log_segments=segments,
            log_is_whole=is_whole,
            cursors=await cursors_of(connection) if name == "followup" else (),
        )
    finally:
        await connection.close()


async def _opened(dsn: str, seals: PetitionSeals) -> _Opened:
    """What opens under the master key: every key, and of the newest sealed events their words. Raises BackupFailed.

    What a release took under other keys does not stand in the way of the rest: it is counted.
    """
    found = _Opened()
    connection: Any = await asyncpg.connect(dsn)
    try:
        bound = await master_key.fingerprint_of(connection)
        if bound is None:
            (await master_key.tried_on_store(connection, seals)).require_most()
        elif bound != seals.key_fingerprint:
            raise master_key.WrongMasterKey
        tried = await master_key.tried_on_all(connection, seals)
        found.keys, found.keys_unopened = tried.opened, len(tried.unopened)
        unopened = {key.key_id for key in tried.unopened}
        if unopened:
            async with connection.transaction():
                streams = list({key.originator_id for key in tried.unopened})
                async for row in connection.cursor(_SEALED_OF, streams, prefetch=AT_ONCE):
                    if unopened & seals.keys_in(row["sealed"]):
                        found.unopened_at.add(row["notification_id"])
        for position, *sealed in [row.values() for row in await connection.fetch(_SEALED, OPENED)]:
            row = SealedRow(*sealed)
            keys = await connection.fetch(f"{_KEYS} WHERE originator_id = $1", row.originator_id)
            stored = {key["key_id"]: StoredKey(*key.values()) for key in keys if key["key_id"] not in unopened}
            try:
                seals.opened(row, stored)
            except UnopenedSeal:
                found.unopened_at.add(position)
            else:
                found.events += position not in found.unopened_at
        return found
    except master_key.WrongMasterKey as error:
        raise BackupFailed(master_key.VARIABLE, *error.said) from None
    finally:
        await connection.close()


async def _known_to(url: str, source: str) -> list[erasures.ErasureNote]:
    """The erasures that a followup has read. Raises BackupFailed."""
    try:
        connection = await connect(url)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = type(error).__name__
        raise BackupFailed(
            URLS["followup"],
            f"không hỏi được các lần xóa dữ liệu cá nhân về sau ({why}); nếu nó cũng mất thì bỏ thiết lập này",
            f"cannot be asked for later erasures ({why}); where it is lost too, leave this setting out",
        ) from None
    try:
        return await erasures.of_followup(connection, source)
    finally:
        await connection.close()


async def _ahead(dsn: str, source: str, cursors: tuple[ReadUpTo, ...]) -> list[str]:
    """The source, where the followup has read what the restored store does not hold."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        return [
            cursor.source
            for cursor in cursors
            if cursor.source == source
            and cursor.position
            and await connection.fetchval(_EVENT_AT, cursor.position) != cursor.event_id
        ]
    finally:
        await connection.close()


async def _column(dsn: str, query: str) -> list[Any]:
    connection: Any = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


def move_aside(target: Path, now: datetime) -> list[Path]:
    """Rename what a target holds; where it is now. Nothing is deleted."""
    stamp, moved = now.strftime("%Y-%m-%dT%H%M%SZ"), []
    servers = [target / name for name in PACKAGES]
    for path in (*servers, *map(recovery.log_folder, servers), target / "files"):
        if path.exists() and any(path.iterdir()):
            moved.append(path.rename(path.with_name(f"{path.name}.before-{stamp}")))
    return moved
