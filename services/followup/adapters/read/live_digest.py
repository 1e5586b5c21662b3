"""The digest of the live state, read in one snapshot: rows come in pages, and only their lines are kept."""

import asyncio
from typing import Any

import asyncpg
import msgspec

from services.followup.adapters.read.pagination import read
from services.followup.adapters.read.source_clocks import HORIZON
from services.followup.application.state_digest import StatePoint, case_line, deadline_line, digest_of_lines
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState

PAGE = 1000  # rows; after a page other work gets its turn

_POINTS = f"""
SELECT source, epoch, position, {HORIZON} AS instant FROM sources WHERE {HORIZON} IS NOT NULL ORDER BY source
"""

_SWEEPING = "SELECT source, position FROM sweeps ORDER BY source, position"

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class Sweeping(msgspec.Struct, frozen=True):
    """An event of the regulation that has not reached every case yet."""

    source: str
    position: int


class LiveState:
    """The state behind a pool whose search path begins with the projection's schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._one_at_a_time = asyncio.Lock()

    async def digest(self) -> tuple[str, list[StatePoint], list[Sweeping]]:
        """Return the digest, how far each source was read and its timers fired then, and what goes on in steps.

        As long as something does, a replay gives another digest.
        """
        async with self._one_at_a_time:
            points, sweeping, lines = await read(self._pool, _lines)
            return await asyncio.to_thread(digest_of_lines, points, lines), points, sweeping


async def _lines(connection: Any) -> tuple[list[StatePoint], list[Sweeping], list[str]]:
    sweeping = [Sweeping(*row.values()) for row in await connection.fetch(_SWEEPING)]
    points = [StatePoint(**dict(row)) for row in await connection.fetch(_POINTS)]
    lines: list[str] = []
    cases = await connection.cursor("SELECT row FROM cases")
    while rows := await cases.fetch(PAGE):
        lines += [case_line(_row.decode(row["row"])) for row in rows]
    deadlines = await connection.cursor("SELECT raised FROM deadlines")
    while rows := await deadlines.fetch(PAGE):
        lines += [deadline_line(_raised.decode(row["raised"])) for row in rows]
    return points, sweeping, lines
