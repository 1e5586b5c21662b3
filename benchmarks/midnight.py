"""Midnight: 10 000 deadlines due at one instant among a million open ones, recorded and published.

Fairness. Both sides fire the same kind of deadline of the same table, in the same database, commit the same rows and
deadline events, and publish them persistently with confirms into a quorum queue. Ours takes them as the writer and the
relay do; the other side one after another: a transaction, then a confirmed message. It does a part of them and is
reckoned by the event. Followup serves its metrics from a process of its own meanwhile, on the same two cores. How long
a transaction was, the server says: from its start, kept beside each event, to its commit (`track_commit_timestamp`).
"""

import asyncio
import contextlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import msgspec
import structlog
import uvloop

from benchmarks.filling import FIRST, SECOND, SOURCE, fill_projection
from benchmarks.following import PACKAGES, SEARCH_PATH
from benchmarks.intake import followup_on
from benchmarks.lines import Line, at_least, at_most, limit, median_seconds
from benchmarks.servers import broker, database, pool_of, postgres
from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.ports import Changes
from services.followup.application.projector import Projector
from services.followup.domain.deadlines.timers import fire_until
from shared.envelope import to_message
from shared.identifiers import breach_instant
from shared.postgres.durable import DurableHead
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications
from shared.rabbit.publish_frames import publish
from shared.rabbit.relay import Relay
from shared.rabbit.topology import DEADLINES, declare, user_of

OPEN, DUE, ONE_BY_ONE = 1_000_000, 10_000, 300  # those taken one by one fall due a day before the sweep
CASES = 100_000
TICKS = 400
SCRAPE_EVERY = 0.1  # seconds
BEGAN = "ALTER TABLE stored_events ADD began timestamptz; ALTER TABLE stored_events ALTER began SET DEFAULT now()"
LONGEST = "SELECT max(pg_xact_commit_timestamp(xmin) - began) FROM stored_events"


def measure() -> list[Line]:
    """One sweep."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres(track_commit_timestamp="on") as dsn, broker() as vhost, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, vhost(), Path(folder)))


async def _measure(dsn: Callable[[str], str], url: str, folder: Path) -> list[Line]:
    where = await database(dsn, "midnight", *PACKAGES)
    async with pool_of(where, search_path=SEARCH_PATH) as pool:
        await _fill(pool)
        projection = StoredProjection(pool)
        writer = Projector(SOURCE, projection)
        await writer.open()
        tick, least = (
            await median_seconds(lambda: projection.next_fire_at(SOURCE), TICKS),
            await median_seconds(lambda: pool.fetchval("SELECT 1"), TICKS),
        )
        one_by_one = await _one_by_one(pool, projection, url)
        await writer.open()
        with followup_on(where, "http://127.0.0.1:9", folder) as served, _scraping(served) as scrapes:
            swept = await _sweep(pool, where, writer, url)
        longest: timedelta = await pool.fetchval(LONGEST)
    print(f"  swept {swept:,.0f}/s, one by one {one_by_one:,.0f}/s, {len(scrapes)} scrapes", flush=True)
    return [
        at_least(f"midnight: {DUE:,} due among {OPEN:,} / row by row", swept, one_by_one, 10),
        limit("midnight: the longest transaction", longest.total_seconds() * 1000, 50, unit="ms"),
        at_most("idle tick among a million / select 1", tick * 1000, least * 1000, 1.5),
        limit("/metrics scrape meanwhile, the slowest", max(scrapes, default=0.0) * 1000, 100, unit="ms"),
    ]  # fmt: skip


async def _fill(pool: Any) -> None:
    began = time.perf_counter()
    await fill_projection(pool, OPEN, CASES, first=ONE_BY_ONE, second=DUE)
    print(f"  {OPEN:,} open deadlines in {time.perf_counter() - began:.0f} s", flush=True)


async def _one_by_one(pool: Any, projection: StoredProjection, url: str) -> float:
    to = breach_instant(FIRST)
    due = await projection.due(SOURCE, to, ONE_BY_ONE)
    assert len(due) == ONE_BY_ONE
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await declare(channel, DEADLINES)
        underlay: Any = await channel.get_underlay_channel()
        position, began = 0, time.perf_counter()
        for raised in due:
            cursor = await projection.cursor(SOURCE)
            emitted, after = fire_until(raised, to)
            changes = Changes(emitted=emitted, deadlines=[after], overdue={raised.subject_id})
            following = msgspec.structs.replace(cursor, revision=cursor.revision + 1)
            async with projection.writing(cursor, following) as writing:
                await writing.write(changes)
            for event in await StoredOutbox.page(_outbox(pool), position, 10):
                await (await publish(underlay, DEADLINES.exchange, [to_message(event)], user_of(url))).wait(30)
                position = event.position
        return len(due) / (time.perf_counter() - began)


def _outbox(pool: Any, notifications: Any = None) -> StoredOutbox:
    return StoredOutbox(pool, notifications, "bench", DurableHead())


async def _sweep(pool: Any, dsn: str, writer: Projector, url: str) -> float:
    notifications = Notifications(dsn)
    await notifications.start()
    head = await pool.fetchval("SELECT max(notification_id) FROM stored_events")
    await pool.execute(BEGAN)
    await pool.execute("INSERT INTO relay_position VALUES ('bench', $1, 0)", head)
    relay = Relay(_outbox(pool, notifications), url, DEADLINES, name="bench")
    await relay.start()
    while not relay.is_leader:  # noqa: ASYNC110 - it says so nowhere else
        await asyncio.sleep(0.05)
    began = time.perf_counter()
    await writer.advance(breach_instant(SECOND) + timedelta(seconds=1), 1)
    raised = await pool.fetchval("SELECT max(notification_id) FROM stored_events") - head
    assert raised == DUE, raised
    while relay.published_total < DUE:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    spent = time.perf_counter() - began
    await relay.close()
    await notifications.close()
    return DUE / spent


@contextlib.contextmanager
def _scraping(url: str) -> Any:
    """Scrape from a thread of its own until the block ends; yields the seconds that each took."""
    taken: list[float] = []
    over = threading.Event()

    def scrape() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not over.is_set():
                began = time.perf_counter()
                assert client.get("/metrics").status_code == 200
                taken.append(time.perf_counter() - began)
                over.wait(SCRAPE_EVERY)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()
