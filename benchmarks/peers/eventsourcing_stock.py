"""eventsourcing 9.5, stock: its mapper with the JSON transcoder, its PostgreSQL recorder, its projection runner."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from eventsourcing.domain import Aggregate
from eventsourcing.persistence import DatetimeAsISO, InfrastructureFactory, JSONTranscoder, Mapper, UUIDAsHex
from eventsourcing.utils import Environment

from benchmarks.payloads import plain
from shared.event_store.append import Append


class Noted(Aggregate.Event):
    """An event as this library keeps it: what it holds as plain JSON beside originator, version and timestamp."""

    content: dict[str, Any]


def mapper() -> Mapper[UUID]:
    """The stock mapper, with the transcodings that its own application registers."""
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    return Mapper(transcoder=transcoder)


def environment(dsn: str, connections: int) -> dict[str, str]:
    """Its settings; a pool with a connection for each caller, kept."""
    at = urlsplit(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": at.path[1:],
        "POSTGRES_HOST": parse_qs(at.query)["host"][0],
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": at.username or "postgres",
        "POSTGRES_PASSWORD": "unused",
        "POSTGRES_POOL_SIZE": str(connections),
        "POSTGRES_MAX_OVERFLOW": "0",
    }


@contextlib.asynccontextmanager
async def eventsourcing_stock(
    dsn: str, appends: Sequence[Append], callers: int
) -> AsyncIterator[Callable[[int], Awaitable[float]]]:
    """Seconds to append a number of the events, each to a new stream, by threads as the library is made for."""
    factory: Any = InfrastructureFactory.construct(Environment("petitions", environment(dsn, callers)))
    recorder, stored = factory.application_recorder(), mapper()
    now = datetime.now(UTC)
    events = iter(
        [
            Noted(originator_id=a.events[0].originator_id, originator_version=1, timestamp=now, content=plain(a))
            for a in appends
        ]
    )
    threads = ThreadPoolExecutor(callers)

    def caller(mine: list[Noted]) -> None:
        for event in mine:
            recorder.insert_events([stored.to_stored_event(event)])

    async def run(count: int) -> float:
        loop = asyncio.get_running_loop()
        shares = [[next(events) for _ in range(count // callers)] for _ in range(callers)]
        began = time.perf_counter()
        await asyncio.gather(*(loop.run_in_executor(threads, caller, share) for share in shares))
        return time.perf_counter() - began

    await run(callers)
    try:
        yield run
    finally:
        threads.shutdown()
        factory.close()
