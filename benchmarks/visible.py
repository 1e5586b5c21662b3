"""From commit to visible in followup, at 500 petitions a second: both services, PostgreSQL and RabbitMQ on two cores.

Requests leave at their own times, whatever became of the ones before (open loop). Both instants are the commits' own,
as the one PostgreSQL server has kept them (`track_commit_timestamp`): that of the petition's event in intake's store,
and that of the transaction in which followup wrote its rows. Nothing looks on meanwhile.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.accept import petitions, places
from benchmarks.client import BenchmarkConnection, connect
from benchmarks.following import PACKAGES
from benchmarks.intake import followup_on, intake_on
from benchmarks.lines import Line, limit, quantile
from benchmarks.servers import broker, database, postgres

RATE = 500  # petitions/s
SECONDS, WARM = 12.0, 3.0
CONNECTIONS = 64
COMMITTED = "SELECT notification_id, pg_xact_commit_timestamp(xmin) FROM stored_events WHERE notification_id > $1"
VISIBLE = "SELECT position, pg_xact_commit_timestamp(xmin) FROM followed.facts WHERE position > $1"


def measure() -> list[Line]:
    """One run."""
    with postgres(track_commit_timestamp="on") as dsn, broker() as vhost, tempfile.TemporaryDirectory() as folder:
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
    recorded, followed = await asyncpg.connect(store), await asyncpg.connect(projection)
    head = await recorded.fetchval("SELECT max(notification_id) FROM stored_events")
    await _reached(followed, head)
    await _send(url, int((WARM + SECONDS) * RATE))
    await _reached(followed, await recorded.fetchval("SELECT max(notification_id) FROM stored_events"))
    counted_from = head + int(WARM * RATE)
    committed = dict(await recorded.fetch(COMMITTED, counted_from))
    visible = dict(await followed.fetch(VISIBLE, counted_from))
    await recorded.close()
    await followed.close()
    return [(visible[position] - at).total_seconds() * 1000 for position, at in committed.items()]


async def _reached(connection: "asyncpg.Connection[asyncpg.Record]", position: int) -> None:
    async with asyncio.timeout(60):
        while (await connection.fetchval("SELECT max(position) FROM followed.facts") or 0) < position:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _send(url: str, count: int) -> None:
    free: asyncio.Queue[BenchmarkConnection] = asyncio.Queue()
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
