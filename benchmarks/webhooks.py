"""Webhooks: from what followup has read of a source to the sinks of its subscribers, each delivery kept.

Fairness. Both sides post the same bodies to the same sink, a process of its own that answers 204 at once, over one kept
connection a subscription, one after another. The other side is the same HTTP client in a bare loop, with the bodies
made beforehand: it signs nothing, asks nobody's rights and keeps nothing.
"""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import structlog
import uvloop

from benchmarks.following import PACKAGES, GrowingFeed, following, reached
from benchmarks.history import SOURCE, SyntheticHistory
from benchmarks.lines import Line, at_least, interleaved
from benchmarks.servers import database, postgres
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.webhooks.webhook_seals import SinkSecrets
from services.followup.application.webhook_ports import LogHead, LogPlace, SubscriberRights, Subscription, Wanted
from services.followup.application.webhook_sender import body_of
from services.followup.bootstrap import webhook_door
from services.followup.entrypoints.webhook_door import WebhookDoor
from services.followup.settings import FollowupSettings
from shared.http.auth import Callers
from shared.identifiers import ordered_id
from shared.postgres.durable import DurableHead
from shared.postgres.log import StoredLog
from shared.postgres.pool import Notifications

CONFERENCES = 2  # 488 events
MANY = 8  # sinks
ROUNDS = 5


def measure() -> list[Line]:
    """Medians of the rounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres() as dsn, _sink() as url, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, url, Path(folder)))


async def _measure(dsn: Callable[[str], str], url: str, folder: Path) -> list[Line]:
    events = list(SyntheticHistory().events(CONFERENCES))
    async with _door(await database(dsn, "webhooks", *PACKAGES), GrowingFeed(events), folder) as door:
        heads = {SOURCE: (await door.logs.heads())[SOURCE]}
        subscriptions = [await _subscribed(door, url) for _ in range(MANY)]
        bodies = [body_of(event, "") for event in events]
        sides = {
            "ours": lambda: _delivered(door, subscriptions, 1, heads),
            "bare": lambda: _posted(url, bodies, 1),
            "ours, many": lambda: _delivered(door, subscriptions, MANY, heads),
            "bare, many": lambda: _posted(url, bodies, MANY),
        }
        medians = await interleaved(sides, ROUNDS)
    return [
        at_least("webhooks to one sink / httpx in a bare loop", medians["ours"], medians["bare"], 0.4),
        at_least(f"webhooks to {MANY} sinks / {MANY} such loops", medians["ours, many"], medians["bare, many"], 0.5),
    ]


@contextlib.contextmanager
def _sink() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.peers.sink"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/hook"
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def _door(dsn: str, feed: GrowingFeed, folder: Path) -> AsyncIterator[WebhookDoor]:
    """followup's webhooks over a projection that has read a feed."""
    key = folder / "webhooks.key"
    key.write_bytes(bytes(range(32)))
    settings = FollowupSettings(database_url=dsn, webhook_key_file=str(key), webhook_allowed="127.0.0.0/8")
    async with following(dsn, feed) as pool:
        await reached(pool, len(feed.events))
        own = StoredLog(pool, Notifications(dsn), durable := DurableHead())
        made = await webhook_door(settings, pool, Queries(pool), Callers(local_allowed=True), own, durable)
        assert made is not None
        yield made


async def _subscribed(door: WebhookDoor, url: str) -> Subscription:
    """An active subscription to everything, of somebody who may read everything."""
    subscription_id = ordered_id(datetime.now(UTC), os.urandom(10))
    sealed = door.seals.seal(subscription_id, SinkSecrets(secret=bytes(32)))
    rights = SubscriberRights(roles=("system",), jurisdiction="VN")
    made = await door.store.create(subscription_id, "bench", rights, url, Wanted(), sealed, (), MANY)
    assert made is not None
    active = await door.store.change(made, "bench", "verified", status="active", is_verified=True)
    assert active is not None
    return active


async def _delivered(
    door: WebhookDoor, subscriptions: list[Subscription], count: int, heads: dict[str, LogHead]
) -> float:
    """Deliveries a second to the first subscriptions, from the beginning of the log to its end."""
    for number, each in enumerate(subscriptions[:count]):
        changed = await door.store.change(each, "bench", "replayed", places=[LogPlace(log=SOURCE)])
        assert changed is not None
        subscriptions[number] = changed
    began = time.perf_counter()
    await asyncio.gather(*(door.sender.send_to(each, {}, heads) for each in subscriptions[:count]))
    spent = time.perf_counter() - began
    for each in subscriptions[:count]:
        assert (await door.store.places(each.subscription_id))[SOURCE].position == heads[SOURCE].position
    return count * heads[SOURCE].position / spent


async def _posted(url: str, bodies: Sequence[bytes], loops: int) -> float:
    """Requests a second of some loops that post every body."""

    async def one() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for body in bodies:
                (await client.post(url, content=body)).raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(loops)))
    return loops * len(bodies) / (time.perf_counter() - began)
