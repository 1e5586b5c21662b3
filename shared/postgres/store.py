"""Reads the store: pages of the log, up to when it is complete, its clock, and which store it is."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.envelope import PAGE_BYTES
from shared.events import Recorded
from shared.identifiers import FIRST_YEAR, LAST_YEAR, local_day
from shared.postgres.transient_errors import Unconfirmed

Pool = asyncpg.Pool
STATE_WITHIN = 4.0  # seconds for which a statement of completeness is waited for
_EVENT = "SELECT originator_id, originator_version, topic, state, notification_id, event_id, recorded_at"
# The length of a stored value is read from its header: what lies behind the end of the page is not loaded. The first
# event is the one before the page, which only lends its id.
_PAGE = f"""
FROM (
    SELECT *, coalesce(sum(octet_length(state)) FILTER (WHERE notification_id > $1::bigint + 1) OVER so_far, 0) AS bytes
    FROM stored_events WHERE notification_id > $1
    WINDOW so_far AS (ORDER BY notification_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ORDER BY notification_id LIMIT $2
) AS page WHERE bytes < {PAGE_BYTES}
"""
PAGE = f"{_EVENT} {_PAGE}"
_NAMED_PAGE = f"{_EVENT}, (SELECT source FROM store_state), (SELECT epoch FROM store_state) {_PAGE}"
# The timeline is read from where the log is written now: the control file names it only after the next checkpoint.
FINGERPRINT = (
    "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || "
    "left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' || "
    "'public.stored_events'::regclass::oid::text"
)
_BIRTH = "(SELECT event_id FROM stored_events WHERE notification_id = 1) AS birth"
_IDENTITY = f"SELECT source, epoch, fingerprint, {_BIRTH} FROM store_state"


class StoreIdentity(msgspec.Struct, frozen=True):
    """Which log this is."""

    source: str  # the name of the store
    epoch: str  # a new one after a restore or a promotion, since events may have been lost
    birth: UUID | None = None  # the id of its first event, once it has one


#: A movable clock stays a year within what can be counted in: it goes on from where it was moved to.
FIRST_CLOCK_YEAR, LAST_CLOCK_YEAR = FIRST_YEAR + 1, LAST_YEAR - 1


class OutOfYears(ValueError):
    """A development store's clock was to be moved to where days cannot be counted any more."""


class MovedBackwards(ValueError):
    """A development store's clock was to be moved backwards, or the real clock at all."""


async def read_identity(connection: Any) -> StoreIdentity:
    """Return the source and epoch. A store found under another fingerprint than its own gets a new epoch first."""
    fingerprint = await connection.fetchval(FINGERPRINT)
    row = await connection.fetchrow(_IDENTITY)
    if row["fingerprint"] != fingerprint:
        async with connection.transaction():
            # Of a server that has just been promoted the standby may not be there yet, and what is told under the epoch
            # is only read. Should this be lost, then by another promotion, which makes another epoch.
            await connection.execute("SET LOCAL synchronous_commit = local; SELECT ordering_lock()")
            row = await connection.fetchrow(
                "UPDATE store_state SET fingerprint = $1, epoch = CASE WHEN fingerprint IN ('', $1) THEN epoch "
                f"ELSE gen_random_uuid()::text END RETURNING source, epoch, {_BIRTH}",
                fingerprint,
            )
    return StoreIdentity(row["source"], row["epoch"], row["birth"])


async def name_source(pool: "asyncpg.Pool[asyncpg.Record]", source: str) -> None:
    """Give a store its name; one that has events keeps its name."""
    await pool.execute(
        "UPDATE store_state SET source = $1 WHERE source <> $1 AND NOT EXISTS (SELECT 1 FROM stored_events)", source
    )


async def named_at_birth(connection: Any) -> str:
    """Return the name of a store that has events; empty where it may still be named."""
    found: str | None = await connection.fetchval(
        "SELECT source FROM store_state WHERE EXISTS (SELECT 1 FROM stored_events)"
    )
    return found or ""


async def read_page(connection: Any, identity: StoreIdentity, after: int, limit: int) -> list[Recorded]:
    """Return up to `limit` events after a position, in order, while they fit; each names the event before it."""
    return _page(await connection.fetch(PAGE, max(after - 1, 0), limit + 1), identity, after, limit)


async def read_named_page(connection: Any, after: int, limit: int) -> list[Recorded]:
    """Return such a page under the source and epoch of the same moment."""
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
    """Return the id of the event at a position; None when there is none."""
    found: UUID | None = await connection.fetchval(
        "SELECT event_id FROM stored_events WHERE notification_id = $1", position
    )
    return found


async def last_event_until(connection: Any, instant: datetime) -> Recorded | None:
    """Return the last event recorded at or before an instant; None where all came later.

    Instants rise with positions, and no index knows them: the log is halved until it is found.
    """
    first, last = 0, await head(connection)  # the one looked for is after `first - 1` and at `last` at most
    while first < last:
        middle = (first + last + 1) // 2
        if await connection.fetchval(
            "SELECT recorded_at <= $2 FROM stored_events WHERE notification_id = $1", middle, instant
        ):
            first = middle
        else:
            last = middle - 1
    found = await read_named_page(connection, first - 1, 1) if first else []
    return found[0] if found else None


async def head(connection: Any) -> int:
    """Return the last position; 0 in an empty store."""
    found: int = await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM stored_events")
    return found


async def state_complete_to(pool: "asyncpg.Pool[asyncpg.Record]") -> tuple[datetime, int] | None:
    """Return an instant at or before which no further event will be stamped, and the head at that time.

    The instant is durable before it is returned: every later append is stamped after it. None while an append holds the
    ordering lock, as one that waits for a standby does, and while the standby does not acknowledge the instant itself.
    """
    try:
        async with (
            asyncio.timeout(STATE_WITHIN),
            pool.acquire() as connection,
            connection.transaction(),
        ):
            await connection.execute("SET LOCAL lock_timeout = '2s'; SELECT ordering_lock()")
            row = await connection.fetchrow("SELECT complete, head FROM state_complete()")
    except (asyncpg.LockNotAvailableError, TimeoutError, Unconfirmed):
        return None
    assert row is not None
    return row["complete"], row["head"]


async def store_now(connection: Any) -> datetime:
    """Return what the store's clock says."""
    found: datetime = await connection.fetchval("SELECT store_now()")
    return found


async def store_today(connection: Any) -> date:
    """Return the store's day in Asia/Ho_Chi_Minh."""
    return local_day(await store_now(connection))


async def is_clock_movable(connection: Any) -> bool:
    """Return whether this is a development store, whose clock may be moved."""
    found: bool = await connection.fetchval("SELECT clock_offset IS NOT NULL FROM store_state")
    return found


async def move_clock(connection: Any, to: datetime) -> datetime:
    """Move the clock of a development store forwards and return its time. Raises OutOfYears, MovedBackwards.

    A store becomes a development store by the first move, which must come before its first event.
    """
    if not FIRST_CLOCK_YEAR <= to.year <= LAST_CLOCK_YEAR:
        raise OutOfYears(f"{to.year} is outside {FIRST_CLOCK_YEAR} to {LAST_CLOCK_YEAR}")
    try:
        moved: datetime = await connection.fetchval("SELECT move_clock($1)", to)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise MovedBackwards(str(error)) from error
    return moved
