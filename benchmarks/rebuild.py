"""Rebuilding: decoding, folding through the real deadline engine, and a whole rebuild over the feed into PostgreSQL.

Fairness. Both sides hold the same events: ours as the bytes that the store and the feed carry, the other as the stock
eventsourcing mapper with its JSON transcoder stores them. *Decoding* gives on each side an event with its fields and
metadata. *The same fold on its mapper* decodes with that mapper, makes the same typed fact of what it gives, and
applies it to the same engine. *The whole* is what `followup rebuild` does with the pages of a feed: new tables, every
row, the comparison with what was raised, the swap; against the library's own ProjectionRunner: its PostgreSQL recorder
and subscription, its mapper, the same engine and rows, one transaction an event with its tracking record, as it works.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import structlog
import uvloop

from benchmarks.following import PACKAGES, GrowingFeed, following, reached
from benchmarks.history import EVENTS_EACH, SOURCE, SyntheticHistory
from benchmarks.lines import Line, at_least, at_most, interleaved
from benchmarks.memory import peak
from benchmarks.peers.eventsourcing_stock import Noted, mapper
from benchmarks.peers.projection_runner import run_projection
from benchmarks.servers import database, pool_of, postgres
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH as SITE_PATH
from services.followup.adapters.store.rebuild_tables import RebuildTables
from services.followup.application.rebuild import rebuild
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.facts import Fact, fact_of
from shared.events import EVENTS, Metadata, Recorded

CONFERENCES = 24
PEER_CONFERENCES = 2
ROUNDS = 5
#: Events in the log when the memory is looked at; a rebuild of four times as many may not need a third more.
SMALL, LARGE = 40, 160
FLAT = 1.33


def measure() -> list[Line]:
    """Medians of the rounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres() as dsn:
        return uvloop.run(_measure(dsn))


async def _measure(dsn: Callable[[str], str]) -> list[Line]:
    events = list(SyntheticHistory().events(CONFERENCES))
    stored_by_peer, stock = as_stored(events), mapper()
    folding = await interleaved(
        {
            "decode": lambda: _rate(len(events), lambda: _drain(fact_of(e) for e in events)),
            "its mapper": lambda: _rate(len(events), lambda: _drain(stock.to_domain_event(s) for s in stored_by_peer)),
            "fold": lambda: _rate(len(events), lambda: folded(fact_of(e) for e in events)),
            "fold on its mapper": lambda: _rate(
                len(events),
                lambda: folded(
                    _from_noted(stock.to_domain_event(s), e) for s, e in zip(stored_by_peer, events, strict=True)
                ),
            ),
        },
        ROUNDS,
    )
    names = iter(range(1000))
    feed = GrowingFeed(events)
    rebuilt = await _followed(await database(dsn, "rebuilt", *PACKAGES), feed)
    few = list(SyntheticHistory().events(PEER_CONFERENCES))

    async def whole() -> float:
        return await rebuilding(rebuilt, feed)

    async def runner() -> float:
        peer = await database(dsn, f"runner{next(names)}", *PACKAGES)
        return await asyncio.to_thread(run_projection, peer, few)

    wholes = await interleaved({"whole": whole, "its runner": runner}, 3)
    small, large = [await asyncio.to_thread(peak, await database(dsn, f"m{n}", *PACKAGES), n) for n in (SMALL, LARGE)]
    return [
        at_least("rebuild: decoding / eventsourcing's mapper", folding["decode"], folding["its mapper"], 3),
        at_least(
            "rebuild: decode and fold / the same fold on its mapper", folding["fold"], folding["fold on its mapper"], 2
        ),
        at_least("rebuild: the whole / eventsourcing's ProjectionRunner", wholes["whole"], wholes["its runner"], 2),
        at_most(
            f"rebuild: peak memory of {LARGE * EVENTS_EACH:,} events / of {SMALL * EVENTS_EACH:,}", large, small, FLAT,
            unit="MB",
        ),
    ]  # fmt: skip


async def _rate(count: int, work: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _drain(items: Iterable[object]) -> None:
    for _ in items:
        pass


def folded(facts: Iterable[Fact]) -> DeadlineEngine:
    """Apply facts to a new engine. What it emits is looked at and dropped."""
    engine = DeadlineEngine(SOURCE)
    for fact in facts:
        engine.apply(fact)
        engine.emitted.clear()
    return engine


def as_stored(events: Iterable[Recorded]) -> list[Any]:
    """The events as the stock mapper stores them."""
    stock = mapper()
    return [
        stock.to_stored_event(
            Noted(
                originator_id=e.originator_id, originator_version=e.version, timestamp=e.recorded_at,
                content=msgspec.json.decode(e.state),
            )
        )
        for e in events
    ]  # fmt: skip


def _from_noted(noted: Any, each: Recorded) -> Fact:
    event = msgspec.convert(noted.content["data"], EVENTS[each.topic])
    meta = msgspec.convert(noted.content["meta"], Metadata)
    return Fact(each.position, each.event_id, each.originator_id, each.topic, noted.timestamp, event, meta)


async def _followed(dsn: str, feed: GrowingFeed) -> str:
    async with following(dsn, feed) as pool:
        await reached(pool, feed.shown)
    return dsn


async def rebuilding(dsn: str, feed: Any) -> float:
    """Events a second of a whole rebuild; it must find no difference."""
    async with pool_of(dsn, search_path=SITE_PATH) as pool:
        began = time.perf_counter()
        reports = await rebuild(RebuildTables(pool), [feed], (), lambda done, total: None)
        spent = time.perf_counter() - began
        assert reports[SOURCE].events == feed.shown and not reports[SOURCE].differences
        return feed.shown / spent
