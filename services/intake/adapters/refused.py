"""Refused commands of the queue: kept, sealed, with their reason."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.intake.adapters.seals import Kept, PetitionSeals

_KEEP = """
INSERT INTO refused_commands (refused_id, caller, command, reason_code, sealed) VALUES ($1, $2, $3, $4, $5)
"""


class RefusedCommands:
    """The table of refused commands. What a citizen wrote in one is sealed like everything else."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", seals: PetitionSeals, new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._seals = seals
        self._new_id = new_id

    async def keep(self, caller: str, command: str, code: str, reason: str, body: bytes) -> UUID:
        """Keep one; its id."""
        refused_id = self._new_id()
        await self._pool.execute(
            _KEEP,
            refused_id,
            caller,
            command,
            code,
            self._seals.seal_refused(refused_id, Kept(reason, body)),
        )
        return refused_id
