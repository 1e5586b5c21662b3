"""Asks the projector for something: leaves a request in the table that it reads, and waits for the answer."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from shared.identifiers import ordered_id

PATIENCE = 60.0  # seconds to wait for the answer
LOOK_EVERY = 0.2  # seconds between two looks at it


class RequestFailed(Exception):
    """The projector has not answered, or there is no such source."""


async def ask(
    pool: "asyncpg.Pool[asyncpg.Record]", kind: str, source: str, subject_id: UUID | None, reason: str
) -> str:
    """Leave a request of a kind, `unpark` or `reconcile`, and return the projector's answer.

    Raises RequestFailed. A request that was not answered in time stays, and may still be done.
    """
    if not await pool.fetchval("SELECT true FROM sources WHERE source = $1", source):
        raise RequestFailed(f"--source: {source!r} is not followed here")
    request_id = ordered_id(datetime.now(UTC), os.urandom(10))
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, subject_id, reason) VALUES ($1, $2, $3, $4, $5)",
        request_id,
        kind,
        source,
        subject_id,
        reason,
    )
    for _ in range(int(PATIENCE / LOOK_EVERY)):
        row = await pool.fetchrow("SELECT done_at, answer FROM requests WHERE request_id = $1", request_id)
        if row is not None and row["done_at"] is not None:
            return str(row["answer"])
        await asyncio.sleep(LOOK_EVERY)
    raise RequestFailed("the writer has not answered: is followup running and its source not stopped?")
