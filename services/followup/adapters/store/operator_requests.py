"""Asks the projector for something: leaves a request in the table that it reads, and waits for the answer."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from shared.identifiers import ordered_id
from shared.postgres.durable import EMIT

PATIENCE = 60.0  # seconds to wait for the answer
EXPIRES = 90.0  # seconds after which a request that nobody waits for any more is not done
LOOK_EVERY = 0.2  # seconds between two looks at it


class RequestFailed(Exception):
    """The projector could not do it or has not answered, or there is no such source."""


_SOURCE = "SELECT state, reason FROM sources WHERE source = $1"
_ANSWER = "SELECT answer, failed FROM requests WHERE request_id = $1 AND done_at IS NOT NULL"
#: The writer marks a request as done in the transaction that does it, and only one that is open: of the two, one wins.
_WITHDRAW = """
UPDATE requests SET done_at = clock_timestamp(), answer = 'withdrawn: nobody waits for it', failed = true
WHERE request_id = $1 AND done_at IS NULL RETURNING true
"""


async def ask(
    pool: "asyncpg.Pool[asyncpg.Record]", kind: str, source: str, subject_id: UUID | None, reason: str
) -> str:
    """Leave a request of a kind, `unpark` or `reconcile`, and return the projector's answer.

    Raises RequestFailed. A request that was not answered in time is withdrawn: nothing is done later under its reason.
    """
    found = await pool.fetchrow(_SOURCE, source)
    if found is None:
        raise RequestFailed(f"--source: {source!r} is not followed here")
    if found["state"] == "stopped":
        raise RequestFailed(f"--source: {source} is stopped, so nothing was done: {found['reason']}")
    request_id = ordered_id(datetime.now(UTC), os.urandom(10))
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, subject_id, reason) VALUES ($1, $2, $3, $4, $5)",
        request_id,
        kind,
        source,
        subject_id,
        reason,
    )
    try:
        row = await _answered(pool, request_id)
    except asyncio.CancelledError:  # Ctrl-C
        await asyncio.shield(pool.fetchval(_WITHDRAW, request_id))
        raise
    if row is None and await pool.fetchval(_WITHDRAW, request_id):
        raise RequestFailed("the writer has not answered, so nothing was done: is followup running?")
    row = row or await pool.fetchrow(_ANSWER, request_id)
    assert row is not None
    await pool.execute(EMIT)  # what the projector has written is told once a required standby has it
    if row["failed"]:
        raise RequestFailed(str(row["answer"]))
    return str(row["answer"])


async def _answered(pool: "asyncpg.Pool[asyncpg.Record]", request_id: UUID) -> asyncpg.Record | None:
    for _ in range(int(PATIENCE / LOOK_EVERY)):
        if (row := await pool.fetchrow(_ANSWER, request_id)) is not None:
            return row
        await asyncio.sleep(LOOK_EVERY)
    return None
