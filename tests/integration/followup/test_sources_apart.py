"""Several sources in one followup that share every id of regulation, agency, place and case: as if each were alone."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.followup.adapters.store.rebuild_tables import SEARCH_PATH, RebuildTables
from services.followup.application import projector as projecting
from services.followup.application.projector import Projector
from services.followup.application.rebuild import rebuild
from shared.events.regulation import AgencyRegistered
from shared.identifiers import derived_id
from tests.support.following import MemoryFeed, opened, ought, projection_pool, recorded, state, swept
from tests.support.history import DISTRICT, History, at, day
from tests.support.history_strategies import AGENCIES, UNTIL, histories
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES
from tests.support.upsets import INSTANT, upset, upsets

SOURCES = ("ban-ho", "tam-duong", "than-uyen")
#: What says when something was done by the database's clock, and what is of no meaning once nothing is swept.
CLOCKS = {"found_at", "begun_at", "ticked_at", "complete_read_at", "settled_to", "revision", "gaps", "head"}
TABLES = {
    "facts": "position",
    "links": "other_id, petition_id",
    "cases": "subject_id",
    "deadlines": "deadline_id",
    "agencies": "code",
    "uncountable": "deadline_id",
    "differences": "subject_id",
    "sweeps": "position",
    "sources": "source",
}


@st.composite
def provinces(draw: st.DrawFn) -> list[History]:
    """Two or three histories of the same ids: what is recorded, by which calendar and when differs."""
    found = []
    for name in SOURCES[: draw(st.integers(2, 3))]:
        told = upset(draw(histories(source=name)), draw(upsets()))
        for code in AGENCIES[: draw(st.integers(1, 3))]:
            registered = AgencyRegistered(
                effective_on=day("2020-02-10"),
                code=code,
                name=f"{code} {name}",
                jurisdiction=DISTRICT,
                valid_from=day("2004-01-01"),
            )
            told.record(derived_id("agency", code), registered, at(UNTIL) + INSTANT * (len(told.facts) + 1))
        found.append(told)
    return found


async def rows_of(pool: asyncpg.Pool, source: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of a source."""
    found = {}
    for table, order in TABLES.items():
        rows = await pool.fetch(f"SELECT * FROM {table} WHERE source = $1 ORDER BY {order}", source)
        found[table] = [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]
    return found


async def log_of(pool: asyncpg.Pool, source: str) -> list[tuple[object, ...]]:
    """The deadline events that were raised on a source."""
    rows = await pool.fetch(
        "SELECT event_id, originator_version, state FROM stored_events "
        "WHERE convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'source' = $1 "
        "ORDER BY originator_id, originator_version",
        source,
    )
    return [tuple(row.values()) for row in rows]


END = "2020-03-01 00:00"


async def ended(writer: Projector, head: int) -> None:
    await writer.advance(at(END), head)
    await swept(writer)


async def alone(server: TestServer, history: History) -> tuple[dict[str, Any], list[Any], str]:
    """What a followup of one source comes to."""
    async with projection_pool(await server.fresh(*PACKAGES)) as pool:
        writer, events = await opened(pool, history.source), recorded(history)
        await writer.apply(events)
        await ended(writer, len(events))
        found = await rows_of(pool, history.source), await log_of(pool, history.source)
        return *found, await state(pool, history.source)


async def together(pool: asyncpg.Pool, target: RebuildTables, provinces: Sequence[History], rng: random.Random) -> None:
    """Follow the sources in turns, of any length; a projector is thrown away and opened again, a source is rebuilt."""
    logs = {history.source: recorded(history) for history in provinces}
    writers = {source: await opened(pool, source) for source in logs}
    while any(writers[source].cursor.position < len(events) for source, events in logs.items()):
        source = rng.choice([s for s, events in logs.items() if writers[s].cursor.position < len(events)])
        writer, rest = writers[source], logs[source][writers[source].cursor.position :]
        number = rng.randint(1, 25)
        match rng.choices(("events", "sweep", "time", "restart", "rebuild"), (10, 3, 2, 4, 1))[0]:
            case "events":
                await writer.apply(rest[:number])
            case "sweep" if writer.is_sweeping:
                await writer.sweep()
            case "time" if writer.cursor.instant is not None:
                await writer.advance(rest[0].recorded_at - INSTANT, len(logs[source]))
            case "restart":
                writers[source] = await opened(pool, source)
            case "rebuild" if writer.cursor.instant is not None:
                await swept(writer)
                read = logs[source][: writer.cursor.position]
                report = (await rebuild(target, [MemoryFeed(read)], (), lambda *_: None))[source]
                assert report.differences == {}
                writers[source] = await opened(pool, source)
    for source, events in logs.items():
        await ended(await opened(pool, source), len(events))


async def compare(server: TestServer, provinces: list[History], seed: int) -> None:
    dsn = await server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, projection_pool(dsn, SEARCH_PATH) as beside:
        await together(pool, RebuildTables(beside), provinces, random.Random(seed))
        for history in provinces:
            history.until(END)
            rows, log, digest = await alone(server, history)
            assert await rows_of(pool, history.source) == rows
            assert await log_of(pool, history.source) == log
            assert await state(pool, history.source) == digest == ought(history.engine, len(history.facts))


def check(server: TestServer, provinces: list[History], seed: int) -> None:
    kept = projecting.KEPT, projecting.SETTLED_AT_ONCE, projecting.WALKED_AT_ONCE
    projecting.KEPT, projecting.SETTLED_AT_ONCE, projecting.WALKED_AT_ONCE = 2, 2, 3  # so that rows are read often
    try:
        asyncio.run(compare(server, provinces, seed))
    finally:
        projecting.KEPT, projecting.SETTLED_AT_ONCE, projecting.WALKED_AT_ONCE = kept


# Without shrinking: each example is several databases.
@settings(max_examples=1, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(provinces(), st.integers(0, 1000))
def test_sources_followed_together__equal_each_followed_alone(
    pg_server: TestServer, provinces: list[History], seed: int
) -> None:
    check(pg_server, provinces, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=60, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(provinces(), st.integers(0, 1000))
def test_sources_followed_together__equal_each_followed_alone_at_length(
    pg_server: TestServer, provinces: list[History], seed: int
) -> None:
    check(pg_server, provinces, seed)
