"""The tables of a rebuild: they are made beside the live ones, filled, and swapped in by renaming two schemas."""

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
from services.followup.application.ports import Changes, Cursor
from services.followup.domain.deadlines.raised_log import Logged
from shared.events import Recorded, decode_state
from shared.events.deadline import DeadlineEvent

LIVE, NEW, OLD = "projection", "projection_rebuild", "projection_old"
SEARCH_PATH = f"{NEW}, public"
FENCE = 1_000_000  # added to the revisions of the cursors, so that a projector of the old tables is fenced out of both

_PETITIONS = """
SELECT originator_id, sum(octet_length(state)) AS bytes FROM facts
WHERE source = $1 AND is_petition AND originator_id > $2 GROUP BY originator_id ORDER BY originator_id LIMIT $3
"""
_LIVE = f"""
SELECT source, epoch, position, event_id, instant, horizon, complete_to, head, revision FROM {LIVE}.sources
"""
_SWEEPING = f"SELECT DISTINCT source FROM {LIVE}.sweeps"
#: A source that was restored no longer has the events that were parked of its other history.
_RELEASE_VANISHED = f"""
UPDATE public.parked_events p SET released_at = clock_timestamp() WHERE released_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM {NEW}.facts f WHERE (f.source, f.position, f.event_id) = (p.source, p.position, p.event_id)
)
"""
_LOGGED = "SELECT originator_id, topic, state FROM public.stored_events"
_NEVER_FOLDED = f"""
{_LOGGED} s WHERE NOT EXISTS (SELECT 1 FROM deadlines d WHERE d.deadline_id = s.originator_id)
ORDER BY originator_id, originator_version
"""


class RebuildTables:
    """The new tables, behind a pool whose search path begins with their schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._projection = StoredProjection(pool, appends=False)

    @property
    def projection(self) -> StoredProjection:
        """Return the new tables as a projector sees them, which appends nothing to the log."""
        return self._projection

    async def clear(self) -> None:
        """Make the tables, empty; what an interrupted rebuild has left is dropped."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"DROP SCHEMA IF EXISTS {NEW} CASCADE")
            await connection.execute("SELECT create_projection($1)", NEW)

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
            kin = {row["petition_id"] for row in await self._pool.fetch(KIN, [i for i in ids if i not in yielded])}
            yielded |= kin - set(ids)
            found = by_stream(source, await self._pool.fetch(OF_STREAMS, list(kin)))
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
        found = _by_deadline(await self._pool.fetch(_NEVER_FOLDED))
        return {i: log for i, log in found.items() if log[0][0].source == source}

    async def live(self, source: str) -> Cursor:
        """Return where the live projection of a source stands."""
        row = await self._pool.fetchrow(f"{_LIVE} WHERE source = $1", source)
        return Cursor(**dict(row)) if row else Cursor(source=source)

    async def is_sweeping(self, source: str) -> bool:
        """Return whether an event of the regulation has not reached every case of the live projection yet."""
        return source in {row["source"] for row in await self._pool.fetch(_SWEEPING)}

    @contextlib.asynccontextmanager
    async def lock_cursors(self) -> AsyncIterator["LockedCursorRows"]:
        """Lock every live cursor: the projectors wait, readers go on. Leaving without a swap changes nothing."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(f"{_LIVE} ORDER BY source FOR UPDATE")
            sweeping = {row["source"] for row in await connection.fetch(_SWEEPING)}
            yield LockedCursorRows(connection, {row["source"]: Cursor(**dict(row)) for row in rows}, sweeping)

    async def drop_old(self) -> None:
        """Drop the tables that were swapped out, in a transaction of its own: readers may still hold them."""
        await self._pool.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")


class LockedCursorRows:
    """The live tables while every cursor is locked, so that their projectors wait."""

    def __init__(self, connection: Any, live: dict[str, Cursor], sweeping: set[str]) -> None:
        self._connection, self.live, self.sweeping = connection, live, sweeping

    async def swap(self) -> None:
        """Put the new tables in place of the live ones, which keep a name of their own until `drop_old`."""
        await self._connection.execute(
            f"UPDATE {NEW}.sources n SET revision = o.revision + 2 * $1 "
            f"FROM {LIVE}.sources o WHERE o.source = n.source",
            FENCE,
        )
        await self._connection.execute(f"UPDATE {LIVE}.sources SET revision = revision + $1", FENCE)
        await self._connection.execute(_RELEASE_VANISHED)
        await self._connection.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")
        await self._connection.execute(f"ALTER SCHEMA {LIVE} RENAME TO {OLD}")
        await self._connection.execute(f"ALTER SCHEMA {NEW} RENAME TO {LIVE}")


def _by_deadline(rows: list[Any]) -> dict[UUID, list[Logged]]:
    found: dict[UUID, list[Logged]] = {}
    for row in rows:
        event, meta = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineEvent)
        found.setdefault(row["originator_id"], []).append((event, meta))
    return found
