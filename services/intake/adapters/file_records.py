"""What is written down of files, in PostgreSQL beside the events."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.application.ports import FileKey, NamedFile, NewUpload, StoredKey, UploadedFile
from shared.event_store.errors import StoreUnavailable
from shared.postgres.durable import ANSWER_WITHIN

#: How long a file waits for the event that names it.
KEPT_UNNAMED = timedelta(hours=24)
#: A command that named a file longer ago is hardly under way any more, and surely not.
LONG_COMMAND, LONGEST_COMMAND = timedelta(minutes=1), timedelta(hours=1)

_ADD = """
INSERT INTO files (stored_name, digest, size, media_type, name, wrapped, uploaded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (digest, uploaded_by) WHERE dropped_at IS NULL DO UPDATE SET wanted_at = clock_timestamp()
RETURNING stored_name
"""
_FORGET = (
    "UPDATE files SET dropped_at = clock_timestamp(), wrapped = NULL WHERE stored_name = $1 AND dropped_at IS NULL"
)
# A key of a recorded event, with the sealing key under which it opens.
_RECORDED_KEY = """
file_keys k JOIN stored_events e ON e.event_id = k.event_id JOIN sealing_keys s ON s.key_id = k.key_id
"""
_OPENABLE = f"""
SELECT f.digest, f.stored_name, f.wrapped AS under_master, found.*
FROM files f LEFT JOIN LATERAL (
    SELECT k.wrapped, s.key_id, s.owner_id, s.originator_id, s.wrapped AS key_wrapped
    FROM {_RECORDED_KEY} WHERE k.stored_name = f.stored_name LIMIT 1
) AS found ON true
WHERE f.uploaded_by = $1 AND f.digest = ANY ($2) AND f.dropped_at IS NULL
  AND (f.wrapped IS NOT NULL OR found.key_id IS NOT NULL)
"""
# Taken under the row's lock, so that what was dropped meanwhile is not named.
_WANT = """
UPDATE files SET wanted_at = clock_timestamp() WHERE stored_name = ANY ($1) AND dropped_at IS NULL RETURNING stored_name
"""
_NAME = "INSERT INTO file_keys (stored_name, event_id, originator_id, key_id, wrapped) VALUES ($1, $2, $3, $4, $5)"
_NAMED = """
SELECT f.digest, f.size, f.media_type, f.name, f.stored_name,
    k.wrapped, s.key_id, s.owner_id, s.originator_id, s.wrapped AS key_wrapped
FROM file_keys k JOIN files f ON f.stored_name = k.stored_name JOIN stored_events e ON e.event_id = k.event_id
LEFT JOIN sealing_keys s ON s.key_id = k.key_id
WHERE k.originator_id = $1 AND f.digest = $2
ORDER BY s.key_id IS NULL, f.dropped_at IS NOT NULL, e.notification_id DESC LIMIT 1
"""
_IS_RECORDED = """
UPDATE file_keys SET recorded = true
WHERE NOT recorded AND EXISTS (SELECT 1 FROM stored_events e WHERE e.event_id = file_keys.event_id)
"""
_NEVER_RECORDED = "DELETE FROM file_keys WHERE NOT recorded AND named_at < clock_timestamp() - $1::interval"
_SETTLE = """
UPDATE files SET wrapped = NULL WHERE wrapped IS NOT NULL AND EXISTS (
    SELECT 1 FROM file_keys k WHERE k.stored_name = files.stored_name AND k.recorded
)
"""
# A key that is not recorded is that of a command under way: it may name for somebody a file that is erased for others.
_UNNAMED = """
SELECT coalesce(sum(size), 0)::bigint FROM files WHERE uploaded_by = $1 AND wrapped IS NOT NULL AND dropped_at IS NULL
"""
_UNWANTED = """
SELECT stored_name, wanted_at FROM files f
WHERE dropped_at IS NULL AND (wrapped IS NULL OR wanted_at < clock_timestamp() - $1::interval) AND NOT EXISTS (
    SELECT 1 FROM file_keys k WHERE k.stored_name = f.stored_name AND (
        f.wrapped IS NOT NULL
        OR NOT k.recorded AND (
            k.named_at > clock_timestamp() - $2::interval
            OR EXISTS (SELECT 1 FROM stored_events e WHERE e.event_id = k.event_id)
        )
        OR k.recorded AND EXISTS (SELECT 1 FROM sealing_keys s WHERE s.key_id = k.key_id)
    )
)
"""
# What was wanted again since it was found unwanted stays.
_DROP = """
UPDATE files SET dropped_at = clock_timestamp(), wrapped = NULL
FROM unnest($1::text[], $2::timestamptz[]) AS found (stored_name, wanted_at)
WHERE files.stored_name = found.stored_name AND files.wanted_at = found.wanted_at AND dropped_at IS NULL
"""
_TO_REMOVE = "SELECT stored_name FROM files WHERE dropped_at IS NOT NULL AND NOT removed"
# Of a file that an event names it stays known that there was one; of any other nothing.
_NEVER_NAMED = """
DELETE FROM files WHERE stored_name = ANY ($1) AND NOT EXISTS (
    SELECT 1 FROM file_keys k WHERE k.stored_name = files.stored_name
)
"""
_KNOWN = "SELECT stored_name FROM files WHERE stored_name = ANY ($1) AND dropped_at IS NULL"


class StoredFileRecords:
    """The tables `files` and `file_keys`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def add(self, upload: NewUpload) -> str:
        """Write an upload down; the stored name that its caller's file has, another one where it was there before."""
        u = upload
        values = (u.stored_name, u.digest, u.size, u.media_type, u.name, u.wrapped, u.uploaded_by)
        with _store():
            found: str = await self._pool.fetchval(_ADD, *values, timeout=ANSWER_WITHIN)
        return found

    async def unnamed(self, caller: str) -> int:
        """The bytes of a caller's files that no recorded command has named, and that are kept still."""
        with _store():
            found: int = await self._pool.fetchval(_UNNAMED, caller)
        return found

    async def forget(self, stored_name: str) -> None:
        """Give up a file whose sealed bytes or keys are gone: the same may be uploaded again."""
        with _store():
            await self._pool.execute(_FORGET, stored_name)

    async def openable(self, caller: str, digests: Collection[str]) -> Mapping[str, UploadedFile]:
        """The files with these digests that a caller uploaded and that open, by digest."""
        with _store():
            rows = await self._pool.fetch(_OPENABLE, caller, list(digests))
        return {
            row["digest"]: UploadedFile(row["stored_name"], row["under_master"], None)
            if row["under_master"] is not None
            else _uploaded(row)
            for row in rows
        }

    async def name(self, keys: Collection[FileKey]) -> None:
        """Keep the keys by which files open once the events that name them are recorded."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_WANT, [key.stored_name for key in keys])
            there = {row["stored_name"] for row in rows}
            fields = [
                (k.stored_name, k.event_id, k.originator_id, k.key_id, k.wrapped)
                for k in keys
                if k.stored_name in there
            ]
            await connection.executemany(_NAME, fields)

    async def named(self, originator_id: UUID, digest: str) -> NamedFile | None:
        """The file of this digest that events of a case name; None where nobody uploaded it."""
        row: Any = await self._pool.fetchrow(_NAMED, originator_id, digest)
        if row is None:
            return None
        uploaded = _uploaded(row) if row["key_id"] is not None else None
        return NamedFile(row["digest"], row["size"], row["media_type"], row["name"], uploaded)

    async def settle(self) -> None:
        """Take away the master's key of every file that a recorded event names."""
        await self._pool.execute(_IS_RECORDED)
        await self._pool.execute(_NEVER_RECORDED, LONGEST_COMMAND)
        await self._pool.execute(_SETTLE)

    async def drop(self) -> Sequence[str]:
        """Drop what no event has named in time and what no key opens; the stored names that are to be removed."""
        rows = await self._pool.fetch(_UNWANTED, KEPT_UNNAMED, LONG_COMMAND)
        if rows:
            await self._pool.execute(_DROP, [row["stored_name"] for row in rows], [row["wanted_at"] for row in rows])
        return [row["stored_name"] for row in await self._pool.fetch(_TO_REMOVE)]

    async def removed(self, stored_names: Collection[str]) -> None:
        """Write down that the sealed bytes are gone."""
        names = list(stored_names)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE files SET removed = true WHERE stored_name = ANY ($1)", names)
            await connection.execute(_NEVER_NAMED, names)

    async def known(self, stored_names: Collection[str]) -> Collection[str]:
        """Those of some names under which a file is stored and not dropped."""
        return {row["stored_name"] for row in await self._pool.fetch(_KNOWN, list(stored_names))}


@contextlib.contextmanager
def _store() -> Iterator[None]:
    """What an upload asks of the store: where it is away, its folder is not to blame."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(type(error).__name__) from error


def _uploaded(row: Any) -> UploadedFile:
    key = StoredKey(row["key_id"], row["owner_id"], row["originator_id"], row["key_wrapped"])
    return UploadedFile(row["stored_name"], row["wrapped"], key)
