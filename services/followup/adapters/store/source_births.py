"""The births of the sources, which a rebuild leaves as they are."""

from uuid import UUID

import asyncpg


class StoredBirths:
    """Remembers them in followup's own database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def remember(self, source: str, birth: UUID) -> list[tuple[str, UUID]]:
        """Remember a birth unless the name or the birth is known; return all that is known of either."""
        await self._pool.execute(
            "INSERT INTO source_births (source, birth) VALUES ($1, $2) ON CONFLICT DO NOTHING", source, birth
        )
        rows = await self._pool.fetch(
            "SELECT source, birth FROM source_births WHERE source = $1 OR birth = $2 ORDER BY known_at", source, birth
        )
        return [(row["source"], row["birth"]) for row in rows]

    async def confirm(self, source: str, birth: UUID) -> None:
        """Let a name stand for another store from now on."""
        await self._pool.execute(
            "INSERT INTO source_births (source, birth) VALUES ($1, $2) "
            "ON CONFLICT (source) DO UPDATE SET birth = excluded.birth",
            source,
            birth,
        )
