"""What was pushed under references: the petitions of a stretch of the log, and those that changed in one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.intake.adapters.history import fact_of
from services.intake.application.reconciliation import PushedPetition
from services.intake.domain import AnyFact
from shared.postgres import store

CHUNK = 500  # petitions whose facts are in memory at a time

# In the order of the ids' bytes. The bucket is the first byte of the id's SHA-256.
_RECEIVED = """
SELECT r.external_id, r.originator_id
FROM external_references r JOIN stored_events e USING (notification_id)
WHERE r.source = $1 AND r.notification_id > $2 AND r.notification_id <= $3 AND e.topic = 'PetitionReceived'
  AND ($4::integer IS NULL OR get_byte(sha256(convert_to(r.external_id, 'UTF8')), 0) = $4)
ORDER BY r.external_id COLLATE "C"
"""
_FACTS = """
SELECT originator_id, originator_version, topic, state, notification_id, event_id, recorded_at
FROM stored_events WHERE originator_id = ANY($1) AND notification_id <= $2 ORDER BY originator_id, originator_version
"""
# The first event of a petition's stream is its receipt. Each petition stands at the last of its events.
_CHANGED = """
SELECT r.external_id, s.originator_id, s.notification_id
FROM stored_events s
JOIN stored_events f ON f.originator_id = s.originator_id AND f.originator_version = 1
JOIN external_references r ON r.source = $1 AND r.notification_id = f.notification_id
WHERE s.notification_id > $2 AND s.notification_id <= $3 AND f.topic = 'PetitionReceived'
  AND NOT EXISTS (
    SELECT 1 FROM stored_events n
    WHERE n.originator_id = s.originator_id AND n.originator_version = s.originator_version + 1
      AND n.notification_id <= $4
  )
ORDER BY s.notification_id LIMIT $5
"""


class _PushedMeta(msgspec.Struct, frozen=True, gc=False):
    source_version: str = ""


class _PushedState(msgspec.Struct, frozen=True, gc=False):
    """Of a stored event what only a push says: which version of its sender's own record it was."""

    meta: _PushedMeta


_pushed = msgspec.json.Decoder(_PushedState)


class StoredPushes:
    """Reads them from the store."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def position_before(self, instant: datetime) -> int:
        """The last position that was recorded before an instant; 0 where all came at it or later."""
        last = await store.last_event_until(self._pool, instant - timedelta(microseconds=1))
        return last.position if last is not None else 0

    async def received(
        self, source: str, after: int, until: int, head: int, bucket: int | None
    ) -> AsyncIterator[Sequence[PushedPetition]]:
        """The petitions of a source that were received in a stretch of the log, as they stand at `head`, in chunks.

        The rows stay at the server until their turn.
        """
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(_RECEIVED, source, after, until, bucket)
            while rows := await cursor.fetch(CHUNK):
                yield await self._with_facts(connection, [(row[0], row[1]) for row in rows], head)

    async def changed(
        self, source: str, after: int, until: int, head: int, limit: int
    ) -> Sequence[tuple[int, PushedPetition]]:
        """The petitions of a source whose last event at `head` lies in a stretch of the log, with its position."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_CHANGED, source, after, until, head, limit)
            found = await self._with_facts(connection, [(row[0], row[1]) for row in rows], head)
        return [(row[2], petition) for row, petition in zip(rows, found, strict=True)]

    async def _with_facts(
        self, connection: Any, named: Sequence[tuple[str, UUID]], head: int
    ) -> Sequence[PushedPetition]:
        facts: dict[UUID, list[AnyFact]] = {petition_id: [] for _, petition_id in named}
        versions = dict.fromkeys(facts, "")
        for row in await connection.fetch(_FACTS, list(facts), head):
            petition_id = row["originator_id"]
            facts[petition_id].append(fact_of(row))
            versions[petition_id] = _pushed.decode(row["state"]).meta.source_version or versions[petition_id]
        return [PushedPetition(name, each, versions[each], facts[each]) for name, each in named]
