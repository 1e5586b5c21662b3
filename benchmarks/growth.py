"""Growth: the same paths at ten thousand and at a million events; none may slow down with the history.

Fairness. Both sizes stand in one server and are measured in turn, round by round. A history is filled by single
statements: petitions of six events each, and for the read side a case and two open deadlines for each petition. A round
of appends has a fresh copy of the small store, which so stays small; the first round warms both and is not counted.
Memory is that of a process that does nothing but a rebuild; GROWTH_REBUILD_EVENTS says of how many events at most.
"""

import asyncio
import logging
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
import uvloop

from benchmarks.appending import COMMANDS, EVENT, Appending, append_round, commands_on
from benchmarks.filling import EVENTS_EACH, SOURCE, fill_projection, fill_store
from benchmarks.following import PACKAGES, SEARCH_PATH
from benchmarks.history import EVENTS_EACH as OF_A_CONFERENCE
from benchmarks.lines import Line, at_least, at_most, interleaved, median_seconds
from benchmarks.memory import peak
from benchmarks.servers import database, pool_of, postgres
from services.dev.postgres import ensure_database
from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.pagination import encode_cursor
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.access import Scope
from shared.postgres import store

SMALL, LARGE = 10_000, 1_000_000  # events in the store
ROUNDS = 7
PAGE, PAGES = 1_000, 10  # events in a page of the feed, pages spread over the history
LISTED, LISTINGS, TICKS = 50, 40, 200  # cases in a page, calls of a round
STATES = ("assigned", "replied", "closed")
REBUILT = (10_000, int(os.environ.get("GROWTH_REBUILD_EVENTS", "100000")))  # events, nearly
#: Of the figure at the small size: the least rate, the most time and the most memory at the large one.
RATE, TIME, MEMORY = 0.8, 1.5, 1.33

_MIDDLE = """
SELECT due_on, subject_id FROM cases WHERE state = 'assigned' ORDER BY due_on, subject_id OFFSET (
    SELECT count(*) / 2 FROM cases WHERE state = 'assigned'
) LIMIT 1
"""

Dsn = Callable[[str], str]
Side = Callable[[], Awaitable[float]]


def measure() -> list[Line]:
    """Every path at both sizes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres() as dsn:
        return uvloop.run(_measure(dsn))


async def _measure(dsn: Dsn) -> list[Line]:
    for size in (SMALL, LARGE):
        began = time.perf_counter()
        await _fill(dsn, size)
        print(f"  filled {size:,} events in {time.perf_counter() - began:.0f} s", flush=True)
    return [*await _append_lines(dsn), *await _feed_line(dsn), *await _reading_lines(dsn), await _memory_line(dsn)]


async def _fill(dsn: Dsn, size: int) -> None:
    async with pool_of(await database(dsn, f"store{size}", "shared.postgres")) as pool:
        await fill_store(pool, size, EVENT)
    cases = size // EVENTS_EACH
    async with pool_of(await database(dsn, f"followup{size}", *PACKAGES), search_path=SEARCH_PATH) as pool:
        # So few agencies that each has a full page in every state at either size: a page is the same work at both.
        await fill_projection(pool, 2 * cases, cases, districts=2, agencies=5, states=STATES)


def _at_both(what: str) -> str:
    return _named(what, LARGE, SMALL)


def _named(what: str, large: int, small: int) -> str:
    """The name of a line; the plots read it."""
    return f"{what}: {large:,} / {small:,} events"


# --- appending -------------------------------------------------------------------------------------------------------


async def _append_lines(dsn: Dsn) -> list[Line]:
    found: dict[tuple[int, int], list[Appending]] = {}
    large = commands_on(LARGE)
    for number in range(ROUNDS + 1):
        copy = f"copy{number}"
        await ensure_database(dsn("postgres"), copy, f"store{SMALL}")
        sides = [(SMALL, copy, commands_on(SMALL)), (LARGE, f"store{LARGE}", large)]
        for size, name, commands in sides if number % 2 else reversed(sides):
            for callers, each in (await append_round(dsn(name), commands)).items():
                found.setdefault((size, callers), []).append(each)
                print(f"  {size:,} events, {callers} callers: {each.rate:,.0f}/s, p99 {each.p99:.2f} ms", flush=True)
    counted = {key: _middle(rounds[1:]) for key, rounds in found.items()}
    return [
        line for callers in COMMANDS for line in _compared(callers, counted[LARGE, callers], counted[SMALL, callers])
    ]


def _compared(callers: int, large: Appending, small: Appending) -> list[Line]:
    by = "1 caller" if callers == 1 else f"{callers} callers"
    return [
        at_least(_at_both(f"append rate, {by}"), large.rate, small.rate, RATE),
        at_most(_at_both(f"append p50, {by}"), large.p50, small.p50, TIME),
        at_most(_at_both(f"append p99, {by}"), large.p99, small.p99, TIME),
    ]


def _middle(rounds: Sequence[Appending]) -> Appending:
    return Appending(*(statistics.median(values) for values in zip(*map(msgspec.structs.astuple, rounds), strict=True)))


# --- reading ---------------------------------------------------------------------------------------------------------


async def _feed_line(dsn: Dsn) -> list[Line]:
    async with pool_of(dsn(f"store{SMALL}")) as small, pool_of(dsn(f"store{LARGE}")) as large:
        found = await _by_size("feed page", {SMALL: lambda: _feed(small, SMALL), LARGE: lambda: _feed(large, LARGE)})
    return [at_least(_at_both("feed page"), *found, RATE)]


async def _feed(pool: Any, size: int) -> float:
    """Events a second."""
    async with pool.acquire() as connection:
        identity = await store.read_identity(connection)
        began, count = time.perf_counter(), 0
        for number in range(PAGES):
            count += len(await store.read_page(connection, identity, number * (size - PAGE) // PAGES, PAGE))
        spent = time.perf_counter() - began
    assert count == PAGE * PAGES, count
    return count / spent


async def _reading_lines(dsn: Dsn) -> list[Line]:
    async with (
        pool_of(dsn(f"followup{SMALL}"), search_path=SEARCH_PATH) as small,
        pool_of(dsn(f"followup{LARGE}"), search_path=SEARCH_PATH) as large,
    ):
        of_small, of_large = await _readings(small), await _readings(large)
        return [
            at_most(_at_both(what), *await _by_size(what, {SMALL: of_small[what], LARGE: of_large[what]}), TIME)
            for what in of_small
        ]


async def _readings(pool: Any) -> dict[str, Side]:
    """Milliseconds of a page of cases under each filter, and of an idle tick."""
    queries, projection = Queries(pool), StoredProjection(pool)
    middle = encode_cursor(*await pool.fetchrow(_MIDDLE))

    def listing(wanted: CaseFilter, cursor: str = "") -> Side:
        async def one() -> None:
            page = await queries.cases(Scope(), wanted, LISTED, cursor)
            assert len(page.items) == LISTED, (wanted, len(page.items))

        return lambda: _milliseconds(one, LISTINGS)

    return {
        "case listing, unfiltered": listing(CaseFilter()),
        "case listing, agency": listing(CaseFilter(agency="H35.11.3")),
        "case listing, state": listing(CaseFilter(state="assigned")),
        "case listing, jurisdiction": listing(CaseFilter(jurisdiction="H35.11")),
        "case listing, halfway": listing(CaseFilter(state="assigned"), middle),
        "idle tick": lambda: _milliseconds(lambda: projection.next_fire_at(SOURCE), TICKS),
    }


async def _milliseconds(work: Callable[[], Awaitable[object]], times: int) -> float:
    return await median_seconds(work, times) * 1000


async def _by_size(what: str, sides: Mapping[int, Side]) -> tuple[float, float]:
    """The medians at the large and at the small size."""
    found = await interleaved({f"{what} at {size:,}": side for size, side in sides.items()}, ROUNDS)
    small, large = found.values()
    return large, small


async def _memory_line(dsn: Dsn) -> Line:
    small, large = (max(1, round(events / OF_A_CONFERENCE)) for events in REBUILT)
    found = [
        await asyncio.to_thread(peak, await database(dsn, f"memory{n}", *PACKAGES), n) for n in (large, small)
    ]  # fmt: skip
    what = _named("rebuild memory", large * OF_A_CONFERENCE, small * OF_A_CONFERENCE)
    return at_most(what, found[0], found[1], MEMORY, unit="MB")
