"""A calendar over a year's open cases: 100,000 of them are counted again while petitions go on arriving.

Fairness. The cases are a history that the projector has applied, each assigned and not replied to, and the day off that
is announced lies in the limit of every one, so that each deadline moves. The projector works as the reader of a source
has it work: a step of the sweep, then what has arrived meanwhile. Petitions arrive at their own times, whatever became
of the ones before (open loop); how long each waited is reckoned from its time to the commit of its rows.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import structlog
import uvloop

from benchmarks.following import PACKAGES, SEARCH_PATH
from benchmarks.history import PETITIONS_EACH, SOURCE, SyntheticHistory
from benchmarks.lines import Line, limit, quantile
from benchmarks.servers import database, pool_of, postgres
from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.projector import APPLIED_AT_ONCE, Projector

CASES = 100_000
EVERY = 0.05  # seconds between two petitions
VISIBLE = 1_000.0  # ms that one may wait
SWEPT = 300.0  # seconds within which every case is counted again


def measure() -> list[Line]:
    """One calendar."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres() as dsn:
        return uvloop.run(_measure(dsn))


async def _measure(dsn: Callable[[str], str]) -> list[Line]:
    async with pool_of(await database(dsn, "calendar", *PACKAGES), search_path=SEARCH_PATH) as pool:
        history = SyntheticHistory(replies=False)
        projector = Projector(SOURCE, StoredProjection(pool))
        await projector.open()
        await _follow(projector, history)
        before = await _moved(pool)
        await projector.apply([history.day_off()])
        assert projector.is_sweeping
        waited, swept = await _sweep(projector, history)
        moved = await _moved(pool) - before
        assert moved == CASES, moved
    print(f"  {CASES:,} cases in {swept:.0f} s, {len(waited)} petitions meanwhile", flush=True)
    return [
        limit(f"a calendar over {CASES:,} cases: the slowest petition meanwhile", max(waited), VISIBLE, unit="ms"),
        limit("the same, p50", quantile(waited, 0.5), VISIBLE, unit="ms"),
        limit("the same, until every case is counted again", swept, SWEPT, unit="s"),
    ]


async def _follow(projector: Projector, history: SyntheticHistory) -> None:
    began, page = time.perf_counter(), []
    for event in history.events(CASES // PETITIONS_EACH):
        page.append(event)
        if len(page) == APPLIED_AT_ONCE:
            await projector.apply(page)
            page = []
    await projector.apply(page)
    print(f"  {CASES:,} open cases in {time.perf_counter() - began:.0f} s", flush=True)


async def _moved(pool: Any) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM public.stored_events WHERE topic = 'DeadlineMoved'")
    return count


async def _sweep(projector: Projector, history: SyntheticHistory) -> tuple[list[float], float]:
    """The milliseconds that each petition waited, and the seconds of the whole sweep."""
    waited: list[float] = []
    began = time.perf_counter()
    arrived = 0  # petitions so far
    while projector.is_sweeping:
        await projector.sweep()
        due = int((time.perf_counter() - began) / EVERY) + 1
        if due > arrived:
            await projector.apply([history.received() for _ in range(due - arrived)])
            now = time.perf_counter()
            waited += [(now - began - number * EVERY) * 1000 for number in range(arrived, due)]
            arrived = due
    return waited, time.perf_counter() - began
