"""Reading the store: pages of the log, completeness, the clock, and who this store is."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.events import Recorded
from shared.identifiers import local_day

Pool = asyncpg.Pool
_EVENT = "SELECT originator_id, originator_version, topic, state, notification_id, event_id, recorded_at"
_PAGE = "FROM stored_events WHERE notification_id > $1 ORDER BY notification_id LIMIT $2"
PAGE = f"{_EVENT} {_PAGE}"
_NAMED_PAGE = f"{_EVENT}, (SELECT source FROM store_state), (SELECT epoch FROM store_state) {_PAGE}"
# The timeline is read from where the log is written now: the control file names it only after the next checkpoint.
FINGERPRINT = (
    "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || "
    "left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' || "
    "'public.stored_events'::regclass::oid::text"
)


class StoreIdentity(msgspec.Struct, frozen=True):
    """Which log this is; a restored or promoted store has a new epoch."""

    source: str
    epoch: str


class MovedBackwards(ValueError):
    """The clock of a development store moves forwards only; the real one not at all."""


async def read_identity(connection: Any) -> StoreIdentity:
    """The source and epoch; a store found under another fingerprint than its own mints a new epoch first."""
    fingerprint = await connection.fetchval(FINGERPRINT)
    row = await connection.fetchrow("SELECT source, epoch, fingerprint FROM store_state")
    if row["fingerprint"] != fingerprint:
        async with connection.transaction():
            await connection.execute("SELECT ordering_lock()")
            row = await connection.fetchrow(
                "UPDATE store_state SET fingerprint = $1, epoch = CASE WHEN fingerprint IN ('', $1) THEN epoch "
                "ELSE gen_random_uuid()::text END RETURNING source, epoch",
                fingerprint,
            )
    return StoreIdentity(row["source"], row["epoch"])


async def name_source(pool: "asyncpg.Pool[asyncpg.Record]", source: str) -> None:
    """Give a new store its name; a store with events keeps the one it has."""
    await pool.execute(
        "UPDATE store_state SET source = $1 WHERE source <> $1 AND NOT EXISTS (SELECT 1 FROM stored_events)", source
    )


async def read_page(connection: Any, identity: StoreIdentity, after: int, limit: int) -> list[Recorded]:
    """Up to `limit` events after a position, in order; each names the event before it."""
    return _page(await connection.fetch(PAGE, max(after - 1, 0), limit + 1), identity, after, limit)


async def read_named_page(connection: Any, after: int, limit: int) -> list[Recorded]:
    """Such a page under the source and epoch of the same moment."""
    rows = await connection.fetch(_NAMED_PAGE, max(after - 1, 0), limit + 1)
    return _page(rows, StoreIdentity(rows[0]["source"], rows[0]["epoch"]), after, limit) if rows else []


def _page(rows: Sequence[Any], identity: StoreIdentity, after: int, limit: int) -> list[Recorded]:
    previous: UUID | None = None
    found: list[Recorded] = []
    for row in rows:
        if row["notification_id"] > after and len(found) < limit:
            found.append(_recorded(row, identity, previous))
        previous = row["event_id"]
    return found


def _recorded(row: Any, identity: StoreIdentity, previous: UUID | None) -> Recorded:
    return Recorded(
        source=identity.source,
        epoch=identity.epoch,
        position=row["notification_id"],
        previous_id=previous,
        event_id=row["event_id"],
        originator_id=row["originator_id"],
        version=row["originator_version"],
        topic=row["topic"],
        recorded_at=row["recorded_at"],
        state=row["state"],
    )


async def event_id_at(connection: Any, position: int) -> UUID | None:
    """The id of the event at a position; None where there is none."""
    found: UUID | None = await connection.fetchval(
        "SELECT event_id FROM stored_events WHERE notification_id = $1", position
    )
    return found


async def head(connection: Any) -> int:
    """The last position; 0 in an empty store."""
    found: int = await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM stored_events")
    return found


async def state_complete_to(pool: "asyncpg.Pool[asyncpg.Record]") -> tuple[datetime, int]:
    """State and store that nothing more will be stamped up to an instant; with the head as of that statement."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT ordering_lock()")
        row = await connection.fetchrow("SELECT complete, head FROM state_complete()")
        assert row is not None
        return row["complete"], row["head"]


async def store_now(connection: Any) -> datetime:
    """The store's clock."""
    found: datetime = await connection.fetchval("SELECT store_now()")
    return found


async def store_today(connection: Any) -> date:
    """The store's day in Asia/Ho_Chi_Minh."""
    return local_day(await store_now(connection))


async def is_clock_movable(connection: Any) -> bool:
    """Whether this is a development store whose clock may be moved."""
    found: bool = await connection.fetchval("SELECT clock_offset IS NOT NULL FROM store_state")
    return found


async def move_clock(connection: Any, to: datetime) -> datetime:
    """Move a development store's clock, forwards only; set first before the first event. Raises MovedBackwards."""
    try:
        moved: datetime = await connection.fetchval("SELECT move_clock($1)", to)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise MovedBackwards(str(error)) from error
    return moved
