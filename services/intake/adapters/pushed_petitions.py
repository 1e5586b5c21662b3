"""What was pushed under references: the petitions of a stretch of the log, and those that changed in one."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.adapters.history import fact_of
from services.intake.application.reconciliation import PushedPetition
from services.intake.domain import AnyFact
from shared.postgres import store

CHUNK = 500  # petitions whose facts are in memory at a time

# In the order of the ids' bytes. The bucket is the first byte of the id's SHA-256.
_RECEIVED = """
SELECT r.external_id, r.originator_id, v.alike_version, v.alike_at
FROM external_references r JOIN stored_events e USING (notification_id)
LEFT JOIN push_versions v ON v.source = r.source AND v.external_id = r.external_id
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
SELECT r.external_id, s.originator_id, v.alike_version, v.alike_at, s.notification_id
FROM stored_events s
JOIN stored_events f ON f.originator_id = s.originator_id AND f.originator_version = 1
JOIN external_references r ON r.source = $1 AND r.notification_id = f.notification_id
LEFT JOIN push_versions v ON v.source = r.source AND v.external_id = r.external_id
WHERE s.notification_id > $2 AND s.notification_id <= $3 AND f.topic = 'PetitionReceived'
  AND NOT EXISTS (
    SELECT 1 FROM stored_events n
    WHERE n.originator_id = s.originator_id AND n.originator_version = s.originator_version + 1
      AND n.notification_id <= $4
  )
ORDER BY s.notification_id LIMIT $5
"""


class StoredPetitions:
    """Reads them from the store."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def position_before(self, instant: datetime) -> int:
        """The last position that was recorded before an instant; 0 where all came at it or later."""
        last = await store.last_event_until(self._pool, instant - timedelta(microseconds=1))
        return last.position if last is not None else 0

    async def received(
        self, source: str, after: int, until: int, head: int, bucket: int | None
    ) -> AsyncGenerator[Sequence[PushedPetition]]:
        """The petitions of a source that were received in a stretch of the log, as they stand at `head`, in chunks.

        The rows stay at the server until their turn.
        """
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(_RECEIVED, source, after, until, bucket)
            while rows := await cursor.fetch(CHUNK):
                yield await self._with_facts(connection, rows, head)

    async def changed(
        self, source: str, after: int, until: int, head: int, limit: int
    ) -> Sequence[tuple[int, PushedPetition]]:
        """The petitions of a source whose last event at `head` lies in a stretch of the log, with its position."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_CHANGED, source, after, until, head, limit)
            found = await self._with_facts(connection, rows, head)
        return [(row["notification_id"], petition) for row, petition in zip(rows, found, strict=True)]

    async def _with_facts(self, connection: Any, rows: Sequence[Any], head: int) -> Sequence[PushedPetition]:
        facts: dict[UUID, list[AnyFact]] = {row["originator_id"]: [] for row in rows}
        for row in await connection.fetch(_FACTS, list(facts), head):
            facts[row["originator_id"]].append(fact_of(row))
        return [_petition(row, facts[row["originator_id"]]) for row in rows]


def _petition(row: Any, facts: Sequence[AnyFact]) -> PushedPetition:
    said = next((fact for fact in reversed(facts) if fact.source_version), None)
    version = said.source_version if said is not None else ""
    # A later version that brought nothing new is in no event: it was found alike with the petition up to one.
    alike_at = row["alike_at"] or 0
    if row["alike_version"] and (said.version if said is not None else 0) <= alike_at <= facts[-1].version:
        version = row["alike_version"]
    return PushedPetition(row["external_id"], row["originator_id"], version, facts)
