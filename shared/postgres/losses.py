"""What was acknowledged and the store has no more: found by who remembers it, told until an operator has seen to it.

Where replication is asynchronous, or a database is restored, a new epoch of the log may lack what was answered with
2xx; where a volume goes back to an earlier state, the same epoch may. Each process of intake remembers its newest
answers and looks them up whenever either may be. That memory ends with the process; followup remembers what it has
read, in its own store and in its own processes.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from shared.event_store.loss import Loss
from shared.postgres.durable import DurableHead
from shared.postgres.transient_errors import TRANSIENT_ERRORS

LOOK_EVERY = 1.0  # seconds
SHOWN = 20  # ids in a log line; the table has them all

_THERE = "SELECT event_id FROM stored_events WHERE event_id = ANY($1)"
_STORE = "SELECT source, epoch FROM store_state"
_KEEP = """
INSERT INTO public.losses (loss_id, source, epoch, agrees_to, first_position, last_position, missing, event_ids)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (loss_id) DO NOTHING
"""
_UNCONFIRMED = "SELECT coalesce(sum(missing), 0)::bigint FROM public.losses WHERE confirmed_at IS NULL"
_LIST = """
SELECT loss_id, source, epoch, agrees_to, first_position, last_position, missing, event_ids, found_at, confirmed_at,
    coalesce(confirmed_by, '') AS confirmed_by
FROM public.losses ORDER BY found_at
"""
_CONFIRM = """
UPDATE public.losses SET confirmed_at = clock_timestamp(), confirmed_by = $2
WHERE confirmed_at IS NULL AND ($1::uuid IS NULL OR loss_id = $1) RETURNING loss_id
"""

_log = structlog.get_logger(__name__)


class LossWatch:
    """Looks up what this process has acknowledged, whenever it is in doubt."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", durable: DurableHead) -> None:
        self._pool, self._durable = pool, durable
        self._looked = durable.doubts

    async def run(self) -> None:
        """Look for as long as the process lives."""
        while True:
            try:
                await self.look()
            except (asyncpg.PostgresError, *TRANSIENT_ERRORS) as error:
                _log.warning("losses_not_looked_for", kind=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Look, where something may have gone since it last looked."""
        if (doubts := self._durable.doubts) == self._looked:
            return
        epoch = self._durable.epoch
        remembered = list(self._durable.newest)
        async with self._pool.acquire() as connection:
            store = await connection.fetchrow(_STORE)
            assert store is not None
            if store["epoch"] != epoch:
                return  # a connection that was made before, to another server
            rows = await connection.fetch(_THERE, [event_id for _, event_id in remembered])
            found = {row["event_id"] for row in rows}
            # Others may stand at their positions by now.
            if lost := [(at, event_id) for at, event_id in remembered if event_id not in found]:
                stands = [at for at, event_id in remembered if event_id in found and at < lost[0][0]]
                loss = Loss(
                    loss_id=lost[-1][1],
                    source=store["source"],
                    epoch=epoch,
                    # By now the log may have grown past what it lacks: its own end says nothing.
                    agrees_to=max(stands, default=lost[0][0] - 1),
                    first_position=lost[0][0],
                    last_position=lost[-1][0],
                    missing=len(lost),
                    event_ids=[event_id for _, event_id in lost],
                )
                await keep_loss(connection, loss)
                self._durable.forget(set(loss.event_ids))
        self._looked = doubts


async def keep_loss(connection: Any, loss: Loss) -> None:
    """Write a loss down, and say so in the log."""
    _log.error(
        "acknowledged_lost",
        source=loss.source,
        epoch=loss.epoch,
        agrees_to=loss.agrees_to,
        first_position=loss.first_position,
        last_position=loss.last_position,
        missing=loss.missing,
        event_ids=[str(event_id) for event_id in loss.event_ids[-SHOWN:]],
    )
    await connection.execute(
        _KEEP,
        loss.loss_id,
        loss.source,
        loss.epoch,
        loss.agrees_to,
        loss.first_position,
        loss.last_position,
        loss.missing,
        loss.event_ids,
    )


async def unconfirmed(connection: Any) -> int:
    """How many are known to be lost that nobody has seen to."""
    found: int = await connection.fetchval(_UNCONFIRMED)
    return found


async def losses(connection: Any) -> Sequence[Loss]:
    """Every loss that was found, the oldest first."""
    return [Loss(**dict(row)) for row in await connection.fetch(_LIST)]


async def confirm_losses(connection: Any, loss_id: UUID | None, by: str) -> int:
    """Write down who has seen to one loss, or to all of them; how many were open."""
    return len(await connection.fetch(_CONFIRM, loss_id, by))
