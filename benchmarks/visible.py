"""From commit to visible in followup, at 500 petitions a second: both services, PostgreSQL and RabbitMQ on two cores.

Requests leave at their own times, whatever became of the ones before (open loop). A petition is committed at its
event's `recorded_at` and visible once followup's cursor, committed with its rows, has passed it; both instants are read
from the clock of the one PostgreSQL server, by a connection that looks at the cursor all the time.
"""

import asyncio
import bisect
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.accept import petitions, places
from benchmarks.client import Connection, connect
from benchmarks.following import PACKAGES
from benchmarks.intake import followup_on, intake_on
from benchmarks.lines import Line, limit, quantile
from benchmarks.servers import broker, database, postgres

RATE = 500  # petitions/s
SECONDS, WARM = 12.0, 3.0
CONNECTIONS = 64
LOOK = "SELECT position, clock_timestamp() FROM projection.sources"


def measure() -> list[Line]:
    """One run."""
    with postgres() as dsn, broker() as vhost, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, vhost(), Path(folder)))


async def _measure(dsn: Callable[[str], str], amqp: str, folder: Path) -> list[Line]:
    store = await database(dsn, "intake", "shared.postgres", "services.intake")
    projection = await database(dsn, "followup", *PACKAGES)
    with intake_on(store, folder, AMQP_URL=amqp) as ours:
        places(ours)
        with followup_on(projection, ours, folder, AMQP_URL=amqp):
            taken = await _run(store, projection, ours)
    print(
        f"  {len(taken):,} petitions: p50 {quantile(taken, 0.5):.1f} ms, p99 {quantile(taken, 0.99):.1f} ms", flush=True
    )
    return [
        limit(f"commit to visible at {RATE}/s, p50", quantile(taken, 0.5), 5, unit="ms"),
        limit(f"commit to visible at {RATE}/s, p99", quantile(taken, 0.99), 15, unit="ms"),
    ]


async def _run(store: str, projection: str, url: str) -> list[float]:
    watching, reading = await asyncpg.connect(projection), await asyncpg.connect(store)
    head = await reading.fetchval("SELECT max(notification_id) FROM stored_events")
    async with asyncio.timeout(60):
        while (await watching.fetchrow(LOOK) or (0,))[0] < head:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)
    seen: list[tuple[int, datetime]] = []
    looking = asyncio.create_task(_look(watching, seen))
    await _send(url, int((WARM + SECONDS) * RATE))
    last = await reading.fetchval("SELECT max(notification_id) FROM stored_events")
    async with asyncio.timeout(60):
        while not seen or seen[-1][0] < last:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    looking.cancel()
    rows = await reading.fetch(
        "SELECT notification_id, recorded_at FROM stored_events WHERE notification_id > $1 ORDER BY 1",
        head + int(WARM * RATE),
    )
    found = []
    for position, recorded_at in rows:
        at = bisect.bisect_left(seen, position, key=lambda s: s[0])
        found.append((seen[at][1] - recorded_at).total_seconds() * 1000)
    await watching.close()
    await reading.close()
    return found


async def _look(connection: "asyncpg.Connection[asyncpg.Record]", seen: list[tuple[int, datetime]]) -> None:
    while True:
        position, at = await connection.fetchrow(LOOK)  # type: ignore[misc]
        if not seen or position > seen[-1][0]:
            seen.append((position, at))
        await asyncio.sleep(0.0005)


async def _send(url: str, count: int) -> None:
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await connect(url))
    loop = asyncio.get_running_loop()
    requests, begin = petitions(count), loop.time()

    async def one(request: bytes) -> None:
        connection = await free.get()
        answer = await connection.send(request)
        assert answer.startswith(b"HTTP/1.1 201"), answer[:500]
        free.put_nowait(connection)

    tasks = []
    for number, request in enumerate(requests):
        await asyncio.sleep(max(0.0, begin + number / RATE - loop.time()))
        tasks.append(asyncio.create_task(one(request)))
    await asyncio.gather(*tasks)
