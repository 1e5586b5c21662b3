"""The tables of a rebuild: made beside the live ones of a source, filled, and put in their place."""

import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Any
from uuid import UUID

import asyncpg

from services.followup.adapters.store.projection import (
    KIN,
    OF_STREAMS,
    StoredProjection,
    StoredWriting,
    by_stream,
    fitting,
    move_cursor,
)
from services.followup.application.ports import Changes, Cursor, RebuildRuns, TablesBusy
from services.followup.domain.deadlines.raised_log import Logged
from shared.events import Recorded, decode_state
from shared.events.deadline import DeadlineEvent

LIVE, NEW = "followed", "rebuilt"
SEARCH_PATH = f"{NEW}, public"
FENCE = 1_000_000  # added to the revision of the cursor, so that a projector of the old tables is fenced out
#: What a cursor says whose source stands in other tables now. Release 0.4.0 shows it, is not ready, and mails no digest
#: of a source that never said up to when it is complete.
LEFT_BEHIND = "state = 'stopped', reason = 'taken over by release 0.5.0', complete_read_at = NULL"
LOCK = 70340002  # the key of the advisory lock: one rebuild at a time in a database
LOCKS_WITHIN = "2s"  # what the swap waits for readers of a table, while others wait behind it

_PETITIONS = """
SELECT originator_id, sum(octet_length(state)) AS bytes FROM facts
WHERE source = $1 AND is_petition AND originator_id > $2 GROUP BY originator_id ORDER BY originator_id LIMIT $3
"""
_CURSOR = "source, epoch, position, event_id, instant, horizon, complete_to, head, revision"
#: A source that was restored no longer has the events that were parked of its other history.
_RELEASE_VANISHED = f"""
UPDATE public.parked_events p SET released_at = clock_timestamp()
WHERE source = $1 AND released_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM {NEW}.facts f WHERE (f.source, f.position, f.event_id) = (p.source, p.position, p.event_id)
)
"""
#: What the newest applied event shows to be lost was seen to by whoever has confirmed the other history: a process that
#: remembers that event tells nobody of it again.
_CONFIRM_LOST = f"""
INSERT INTO public.losses AS l
    (loss_id, source, epoch, agrees_to, first_position, last_position, missing, event_ids, confirmed_at, confirmed_by)
SELECT $2::uuid, n.source, n.epoch, n.position, least(n.position + 1, $3::bigint), $3,
    $3 - least(n.position + 1, $3) + 1, ARRAY[$2], clock_timestamp(), 'rebuild --confirm-restored'
FROM {NEW}.sources n WHERE n.source = $1 AND NOT EXISTS (
    SELECT 1 FROM {NEW}.facts f WHERE (f.source, f.position, f.event_id) = ($1, $3, $2)
)
ON CONFLICT (loss_id) DO UPDATE SET confirmed_at = excluded.confirmed_at, confirmed_by = excluded.confirmed_by
WHERE l.confirmed_at IS NULL
"""
_LOGGED = "SELECT originator_id, topic, state FROM public.stored_events"
#: Those of other sources are left out by their bytes before they are decoded.
_NEVER_FOLDED = f"""
{_LOGGED} s WHERE position(convert_to($1, 'UTF8') IN state) > 0
    AND NOT EXISTS (SELECT 1 FROM deadlines d WHERE d.deadline_id = s.originator_id)
ORDER BY originator_id, originator_version
"""


class RebuildTables:
    """The new tables of one source after another, behind a pool whose search path begins with their schema.

    `live` is the schema in whose tables the source stands now.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", live: str = LIVE) -> None:
        self._pool, self._live = pool, live
        self._projection = StoredProjection(pool, appends=False)

    @property
    def projection(self) -> StoredProjection:
        """Return the new tables as a projector sees them, which appends nothing to the log."""
        return self._projection

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep every other rebuild of this database away. Raises RebuildRuns."""
        async with self._pool.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                raise RebuildRuns("another rebuild of this database is going on: try again when it has ended")
            try:
                yield
            finally:
                await connection.fetchval("SELECT pg_advisory_unlock($1)", LOCK)

    async def clear(self, source: str) -> None:
        """Make the tables of a source, empty; what an interrupted rebuild has left is dropped."""
        await self.drop_replaced()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"DROP SCHEMA IF EXISTS {NEW} CASCADE")
            await connection.execute("SELECT create_free_standing($1, $2)", NEW, source)

    async def write(self, source: str, changes: Changes) -> None:
        """Write some rows of a source into the new tables."""
        async with self._pool.acquire() as connection, connection.transaction():
            await StoredWriting(connection, source, appends=False).write(changes)

    async def begin(self, cursor: Cursor) -> None:
        """Set the cursor of the rebuilt source."""
        empty = await self._projection.cursor(cursor.source)
        moved = await move_cursor(self._pool, empty, cursor)
        assert moved

    async def parked(self, source: str) -> dict[UUID, set[int]]:
        """Return the positions of the parked events, by petition."""
        rows = await self._pool.fetch(
            # In a source that was restored, another event may stand at the position of one that was parked.
            "SELECT p.petition_id, p.position FROM parked_events p JOIN facts f USING (source, position, event_id) "
            "WHERE p.source = $1 AND p.released_at IS NULL",
            source,
        )
        found: dict[UUID, set[int]] = {}
        for row in rows:
            found.setdefault(row["petition_id"], set()).add(row["position"])
        return found

    async def count_petitions(self, source: str) -> int:
        """Count the petitions that have facts."""
        found: int = await self._pool.fetchval(
            "SELECT count(DISTINCT originator_id) FROM facts WHERE source = $1 AND is_petition", source
        )
        return found

    async def groups(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """Yield the facts of petitions, about `chunk` petitions or PAGE_BYTES at a time, merged ones together."""
        after, yielded = UUID(int=0), set[UUID]()  # those yielded before their turn
        while rows := await self._pool.fetch(_PETITIONS, source, after, chunk):
            ids = [row["originator_id"] for row in fitting(rows)]
            after = ids[-1]
            # A petition that was yielded with one merged with it was yielded with all that are merged with it.
            rest = [i for i in ids if i not in yielded]
            kin = {row["petition_id"] for row in await self._pool.fetch(KIN, source, rest)}
            yielded |= kin - set(ids)
            found = by_stream(source, await self._pool.fetch(OF_STREAMS, source, list(kin)))
            if found:
                yield found

    async def logged(self, deadline_ids: Collection[UUID]) -> dict[UUID, list[Logged]]:
        """Return the recorded events of some deadlines, oldest first."""
        rows = await self._pool.fetch(
            f"{_LOGGED} WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version", list(deadline_ids)
        )
        return _by_deadline(rows)

    async def never_folded(self, source: str) -> dict[UUID, list[Logged]]:
        """Return the recorded events of deadlines that no fact asks for, oldest first."""
        found = _by_deadline(await self._pool.fetch(_NEVER_FOLDED, f'"source":"{source}"'))
        return {i: log for i, log in found.items() if log[0][0].source == source}

    async def live(self, source: str) -> Cursor:
        """Return where the live projection of a source stands."""
        row = await self._pool.fetchrow(f"SELECT {_CURSOR} FROM {self._live}.sources WHERE source = $1", source)
        return Cursor(**dict(row)) if row else Cursor(source=source)

    async def is_sweeping(self, source: str) -> bool:
        """Return whether an event of the regulation has not reached every case of the live projection yet."""
        return bool(await _is_sweeping(self._pool, self._live, source))

    @contextlib.asynccontextmanager
    async def lock_cursor(self, source: str) -> AsyncIterator["LockedCursorRow"]:
        """Lock the live cursor of a source: its projector waits, readers go on. Leaving without a swap changes nothing.

        Raises TablesBusy.
        """
        locking = f"SELECT {_CURSOR} FROM {self._live}.sources WHERE source = $1 FOR UPDATE"
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(locking, source)
                cursor = Cursor(**dict(row)) if row else Cursor(source=source)
                is_sweeping = bool(await _is_sweeping(connection, self._live, source))
                yield LockedCursorRow(connection, self._live, cursor, is_sweeping)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise TablesBusy(f"{source}: its tables are being read: try again when less is going on") from error

    async def drop_replaced(self) -> None:
        """Drop the tables that were replaced, in a transaction of its own: readers may still hold them."""
        await self._pool.execute("DROP SCHEMA IF EXISTS replaced CASCADE")


class LockedCursorRow:
    """The live tables of a source while its cursor is locked, so that its projector waits."""

    def __init__(self, connection: Any, schema: str, live: Cursor, is_sweeping: bool) -> None:
        self._connection, self._schema, self.live, self.is_sweeping = connection, schema, live, is_sweeping

    async def replace(self) -> None:
        """Put the new tables in the place of the live ones, which keep a name of their own until `drop_replaced`."""
        source = self.live.source
        await self._connection.execute(_RELEASE_VANISHED, source)
        if self.live.event_id is not None:
            await self._connection.execute(_CONFIRM_LOST, source, self.live.event_id, self.live.position)
        await self._connection.execute(
            f"UPDATE {self._schema}.sources SET revision = revision + $2, {LEFT_BEHIND} WHERE source = $1",
            source,
            FENCE,
        )
        await self._connection.execute(f"SET LOCAL lock_timeout = '{LOCKS_WITHIN}'")
        await self._connection.execute("SELECT replace_source($1, $2)", source, self.live.revision + 2 * FENCE)


async def _is_sweeping(connection: Any, schema: str, source: str) -> Any:
    return await connection.fetchval(f"SELECT true FROM {schema}.sweeps WHERE source = $1 LIMIT 1", source)


def _by_deadline(rows: list[Any]) -> dict[UUID, list[Logged]]:
    found: dict[UUID, list[Logged]] = {}
    for row in rows:
        event, meta = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineEvent)
        found.setdefault(row["originator_id"], []).append((event, meta))
    return found
