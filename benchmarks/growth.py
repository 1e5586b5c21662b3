"""The same paths at growing sizes of the store: appending and reading the feed must not slow down with history."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.lines import Line, at_least
from shared.events import Metadata, encode_state
from shared.events.petition import PetitionClassified
from shared.identifiers import derived_id
from shared.postgres import store
from shared.postgres.append import Append, NewEvent, append_in
from shared.postgres.embedded import ensure_database, start_embedded
from shared.postgres.group_commit import GroupCommit
from shared.postgres.migrate import migrate
from shared.postgres.pool import create_pool

SIZES = (10_000, 100_000, 300_000)  # events in the store
SAMPLE = 6_000  # single-event commands measured at each size
CALLERS = 32
PAGE = 1_000  # events
FILL = 1_000  # commands in one call while filling


def measure() -> list[Line]:
    """Grow a store and measure at each size; the largest against the smallest."""
    with tempfile.TemporaryDirectory(prefix="growth-", ignore_cleanup_errors=True) as folder:
        dsn, stop = start_embedded(Path(folder) / "pg")
        try:
            return asyncio.run(_measure(dsn))
        finally:
            stop()


async def _measure(dsn: Any) -> list[Line]:
    await ensure_database(dsn("postgres"), "growth")
    await migrate(dsn("growth"), ("shared.postgres",))
    pool = await create_pool(dsn("growth"), application="bench")
    commands = _commands()
    appends, reads, size = [], [], 0
    try:
        for wanted in SIZES:
            await _fill(pool, commands, wanted - size)
            appends.append(await _append_rate(pool, commands))
            size = wanted + SAMPLE
            reads.append(await _read_rate(pool, size // 2))
            print(f"{size:>9,} events: append {appends[-1]:,.0f}/s, feed {reads[-1]:,.0f}/s", flush=True)
    finally:
        await pool.close()
    small, large = (f"{n:,} events" for n in (SIZES[0], SIZES[-1]))
    return [
        at_least(f"append at {large} / at {small}", appends[-1], appends[0], 0.8),
        at_least(f"feed page at {large} / at {small}", reads[-1], reads[0], 0.8),
    ]


def _commands() -> Iterator[Append]:
    event = PetitionClassified(effective_on=date(2019, 7, 2), subject="Sửa chữa đường liên bản", field="giao thông")
    number = 0
    while True:
        number += 1
        petition, event_id = derived_id("petition", number), derived_id("event", number)
        meta = Metadata(
            event_id=event_id, aggregate="petition", jurisdiction="H35.10", actor="bench", correlation_id=event_id
        )
        yield Append(events=(_new(petition, event_id, encode_state(event, meta)),), expected={petition: 0})


def _new(petition: UUID, event_id: UUID, state: bytes) -> NewEvent:
    return NewEvent(originator_id=petition, version=1, topic="PetitionClassified", state=state, event_id=event_id)


async def _fill(pool: "asyncpg.Pool[asyncpg.Record]", commands: Iterator[Append], count: int) -> None:
    for _ in range(0, count, FILL):
        async with pool.acquire() as connection, connection.transaction():
            await append_in(connection, [next(commands) for _ in range(FILL)])


async def _append_rate(pool: "asyncpg.Pool[asyncpg.Record]", commands: Iterator[Append]) -> float:
    writer = GroupCommit(pool)
    await writer.start()
    prepared = [next(commands) for _ in range(SAMPLE)]
    shares = [prepared[n::CALLERS] for n in range(CALLERS)]

    async def caller(share: list[Append]) -> None:
        for append in share:
            await writer.append(append)

    begin = time.perf_counter()
    await asyncio.gather(*(caller(share) for share in shares))
    spent = time.perf_counter() - begin
    await writer.close()
    return SAMPLE / spent


async def _read_rate(pool: "asyncpg.Pool[asyncpg.Record]", after: int) -> float:
    async with pool.acquire() as connection:
        identity = await store.read_identity(connection)
        begin, count = time.perf_counter(), 0
        for _ in range(20):
            page = await store.read_page(connection, identity, after, PAGE)
            count += len(page)
        return count / (time.perf_counter() - begin)
