"""What is kept of pushes beside the log: how far each record is known, and what the office is to decide."""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.adapters.seals import PetitionSeals
from services.intake.application.pushing.conflicts import Conflict, ConflictState, NewConflict, PushedRecord

_COLUMNS = """conflict_id, petition_id, jurisdiction, source, external_id, source_version, fields, state, pushed_at,
    decided_by, decided_at"""
_VERSION = """
SELECT source_version, alike_version, alike_at FROM push_versions WHERE source = $1 AND external_id = $2
"""
_OF_RECORD = f"SELECT {_COLUMNS} FROM conflicts WHERE source = $1 AND external_id = $2"
# Versions are compared as `rank` of `shared.cases.source_version` does: another process may have kept a later one.
_ADVANCE = """
INSERT INTO push_versions AS known (source, external_id, source_version, alike_version, alike_at)
VALUES ($1, $2, $3, CASE WHEN $4::integer > 0 THEN $3 ELSE '' END, $4)
ON CONFLICT (source, external_id) DO UPDATE
SET source_version = excluded.source_version, pushed_at = store_now(),
    alike_version = CASE WHEN excluded.alike_at > 0 THEN excluded.alike_version ELSE known.alike_version END,
    alike_at = CASE WHEN excluded.alike_at > 0 THEN excluded.alike_at ELSE known.alike_at END
WHERE (known.source_version LIKE '%Z', length(known.source_version), known.source_version COLLATE "C")
    <= (excluded.source_version LIKE '%Z', length(excluded.source_version), excluded.source_version COLLATE "C")
"""
_SUPERSEDE = """
UPDATE conflicts SET state = 'superseded', decided_at = store_now()
WHERE source = $1 AND external_id = $2 AND state = 'open' AND source_version <> $3
"""
# Nothing is recorded until this transaction ends: an erasure is seen by the check, or finds what it is to forget.
_ORDERED = "SELECT ordering_lock()"
# Only while the petition is as it was when it was weighed.
_OPEN = """
INSERT INTO conflicts (conflict_id, petition_id, jurisdiction, source, external_id, source_version, fields, sealed)
SELECT $1::uuid, $2::uuid, $3, $4, $5, $6, $7::text[], $8::bytea
WHERE (SELECT max(originator_version) FROM stored_events WHERE originator_id = $2) = $9::integer
ON CONFLICT (source, external_id, source_version) DO NOTHING
"""
_ONE = f"SELECT {_COLUMNS} FROM conflicts WHERE conflict_id = $1"
_SEALED = "SELECT sealed FROM conflicts WHERE conflict_id = $1"
_PAGE = f"""
SELECT {_COLUMNS} FROM conflicts
WHERE ($1 = 'VN' OR jurisdiction = $1 OR starts_with(jurisdiction, $1 || '.') OR jurisdiction = ANY ($7))
  AND ($2::text[] IS NULL OR source = ANY ($2)) AND ($3 = '' OR state = $3) AND ($4::uuid IS NULL OR petition_id = $4)
  AND ($5::uuid IS NULL OR (pushed_at, conflict_id)
    > (SELECT pushed_at, conflict_id FROM conflicts WHERE conflict_id = $5))
ORDER BY pushed_at, conflict_id LIMIT $6
"""
# What is recorded is accepted, whatever was said of it meanwhile.
_DECIDE = """
UPDATE conflicts SET state = $2, decided_by = $3, decided_at = store_now()
WHERE conflict_id = $1 AND (state = 'open' OR $2 = 'accepted' AND state <> 'accepted')
"""
# Whoever recorded the erasure: also a process that was killed then, or an older release.
_FORGET_ERASED = """
UPDATE conflicts SET sealed = '' WHERE sealed <> '' AND EXISTS (
    SELECT 1 FROM stored_events e WHERE e.originator_id = petition_id AND e.topic = 'PersonalDataErased'
)
"""


class StoredPushes:
    """The tables of pushes. What a citizen wrote in a conflict is sealed under the master key until it is erased."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", seals: PetitionSeals, new_id: Callable[[], UUID]) -> None:
        self._pool, self._seals, self._new_id = pool, seals, new_id

    async def known(self, source: str, external_id: str) -> PushedRecord:
        """What is kept of a pushed record."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_VERSION, source, external_id)
            rows = await connection.fetch(_OF_RECORD, source, external_id)
        kept = dict(zip(("version", "alike_version", "alike_at"), row.values(), strict=True)) if row is not None else {}
        return PushedRecord(**kept, conflicts=tuple(map(_conflict, rows)))

    async def advance(self, source: str, external_id: str, version: str, alike_at: int) -> None:
        """A version brought nothing new; what an earlier one left open is settled by it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_ADVANCE, source, external_id, version, alike_at)
            await connection.execute(_SUPERSEDE, source, external_id, version)

    async def open(self, new: NewConflict) -> bool:
        """Keep a conflict, in the place of an earlier one of the record; False where the petition has changed since."""
        conflict_id = self._new_id()
        sealed = self._seals.seal_conflict(conflict_id, new.content)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_ORDERED)
            done = await connection.execute(
                _OPEN,
                conflict_id,
                new.petition_id,
                new.jurisdiction,
                new.source,
                new.external_id,
                new.source_version,
                list(new.fields),
                sealed,
                new.at_version,
            )
            if done != "INSERT 0 1":
                return False
            await connection.execute(_SUPERSEDE, new.source, new.external_id, new.source_version)
        return True

    async def conflict(self, conflict_id: UUID) -> Conflict | None:
        """One conflict."""
        row = await self._pool.fetchrow(_ONE, conflict_id)
        return None if row is None else _conflict(row)

    async def content(self, conflict_id: UUID) -> bytes:
        """What a conflict would change; nothing where it was erased. Raises BrokenSeal."""
        sealed = await self._pool.fetchval(_SEALED, conflict_id)
        return self._seals.open_conflict(conflict_id, sealed) if sealed else b""

    async def page(
        self,
        jurisdiction: str,
        inherited: Collection[str],
        sources: Collection[str] | None,
        state: ConflictState | None,
        petition_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[Conflict]:
        """The conflicts of a subtree, and of places that it inherited, after one, the oldest first; of these sources
        alone, where some are named."""
        chosen = None if sources is None else list(sources)
        rows = await self._pool.fetch(
            _PAGE, jurisdiction, chosen, state or "", petition_id, after, limit, list(inherited)
        )
        return list(map(_conflict, rows))

    async def decide(self, conflict_id: UUID, state: ConflictState, decided_by: str) -> bool:
        """Settle an open conflict; False where it was settled before."""
        return bool(await self._pool.execute(_DECIDE, conflict_id, state, decided_by) == "UPDATE 1")

    async def forget_erased(self) -> None:
        """Forget what the conflicts of petitions say of which somebody was erased."""
        await self._pool.execute(_FORGET_ERASED)


def _conflict(row: Any) -> Conflict:
    return Conflict(**dict(row) | {"fields": tuple(row["fields"])})
