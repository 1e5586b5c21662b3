"""eventsource-py 0.8: its PostgreSQL event store on SQLAlchemy and asyncpg."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from eventsource import DomainEvent, ExpectedVersion, PostgreSQLEventStore, StreamId, create_async_engine

from benchmarks.payloads import plain
from shared.event_store.append import Append


class PeerPetitionReceived(DomainEvent):
    """The event as this library defines one."""

    aggregate_type: str = "petition"
    data: dict[str, Any]


@contextlib.asynccontextmanager
async def eventsource_py(
    dsn: str, appends: Sequence[Append], callers: int
) -> AsyncIterator[Callable[[int], Awaitable[float]]]:
    """Seconds to append a number of the events, each to a new stream whose newness is checked."""
    logging.getLogger("eventsource").setLevel(logging.ERROR)
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=callers, max_overflow=0
    )
    store = PostgreSQLEventStore(engine, create_schema=True, owns_engine=True)
    events = iter(
        [
            (a.events[0].originator_id, PeerPetitionReceived(aggregate_id=a.events[0].originator_id, data=plain(a)))
            for a in appends
        ]
    )
    new = ExpectedVersion.no_stream()

    async def caller(count: int) -> None:
        for _ in range(count):
            stream, event = next(events)
            await store.append(StreamId(stream, "petition"), [event], new)

    async def run(count: int) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(caller(count // callers) for _ in range(callers)))
        return time.perf_counter() - began

    await run(callers)  # makes the schema and the connections
    try:
        yield run
    finally:
        await store.close()
