"""Pages: what people wait for in the console, among the cases of a million events.

Fairness. One followup in a process of its own, as in production, on a PostgreSQL that shares the two cores with it and
with whoever asks. Nothing is kept between two requests but what production keeps. One visitor measures a page alone;
then two hundred people go from page to page at once, each reading for some seconds before the next, and the slowest of
twenty is what counts. No intake answers: a case shows what followup knows of it, without text and forms.
"""

import asyncio
import gzip
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import uvloop

from benchmarks.filling import EVENTS_EACH, fill_projection, numbered_id
from benchmarks.following import PACKAGES, SEARCH_PATH
from benchmarks.intake import followup_on
from benchmarks.lines import Line, limit, median_seconds, quantile
from benchmarks.servers import database, pool_of, postgres

EVENTS = 1_000_000
CASES = EVENTS // EVENTS_EACH
STATES = ("received", "classified", "assigned", "replied", "closed")
TIMES = 15  # requests of one visitor for each page
PAGE, BUSY = 100.0, 300.0  # ms for one visitor; ms for the slowest of twenty among many
LARGEST = 40.0  # kB of a page as it is sent
PEOPLE, PAUSE, WHILE = 200, (8.0, 16.0), 60.0  # who ask at once, seconds between two pages, seconds in all
FIRST = ("work", "petitions", "conferences")
ADDRESSES = {
    "work": "/",
    "petitions": "/cases",
    "conferences": "/conferences",
    "by agency and state": "/cases?agency=H35.11.3&state=assigned",
    "by title": "/cases?sort=title",
    "search, a receipt": "/cases?q=KN-2026-100001",
    "search, words of every title": "/cases?q=sua+chua+duong",
    "search, words of one title": "/cases?q=lien+ban+s%E1%BB%91+077777",
    "a case": f"/cases/{numbered_id(4_711)}",
    "report of a quarter": "/reports/2026-Q1",
    "jurisdictions": "/jurisdictions",
    "administration": "/administration",
}


def measure() -> list[Line]:
    """Each page alone, then the first three under many."""
    with postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, Path(folder)))


async def _measure(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    store = await database(dsn, "followup", *PACKAGES)
    async with pool_of(store, search_path=SEARCH_PATH) as pool:
        await fill_projection(pool, 2 * CASES, CASES, first=200, districts=10, agencies=20, states=STATES)
    # What is followed there answers nothing, so that nothing is read meanwhile.
    with followup_on(store, "http://127.0.0.1:9", folder) as url:
        # Nobody is asked at which door he comes in: this is who sees all.
        asked = {"doithoai_asked": "1"}
        # A connection that the server closes meanwhile is not used again, as no browser would.
        limits = httpx.Limits(max_connections=PEOPLE, keepalive_expiry=1.0)
        async with httpx.AsyncClient(base_url=url, cookies=asked, timeout=60, limits=limits) as client:
            lines = [line for name, address in ADDRESSES.items() for line in await _alone(client, name, address)]
            return [*lines, *await _together(client)]


async def _alone(client: httpx.AsyncClient, name: str, address: str) -> list[Line]:
    size = 0.0

    async def one() -> None:
        nonlocal size
        answer = await client.get(address)
        assert answer.status_code == 200, (address, answer.status_code, answer.text[:500])
        size = len(gzip.compress(answer.content)) / 1000

    await one()
    spent = await median_seconds(one, TIMES) * 1000
    print(f"  {name}: {spent:.1f} ms, {size:.1f} kB", flush=True)
    return [
        limit(f"page among {EVENTS:,} events: {name}", spent, PAGE, unit="ms"),
        limit(f"the same, compressed: {name}", size, LARGEST, unit="kB"),
    ]


async def _together(client: httpx.AsyncClient) -> list[Line]:
    taken: dict[str, list[float]] = {name: [] for name in FIRST}
    loop = asyncio.get_running_loop()
    until = loop.time() + WHILE

    async def person(number: int) -> None:
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, PAUSE[1]))
        while loop.time() < until:
            name = chance.choice(FIRST)
            began = loop.time()
            answer = await client.get(ADDRESSES[name])
            assert answer.status_code == 200, answer.text[:500]
            taken[name].append((loop.time() - began) * 1000)
            await asyncio.sleep(chance.uniform(*PAUSE))

    await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    print(f"  {PEOPLE} people: {sum(map(len, taken.values())) / WHILE:.0f} pages/s", flush=True)
    return [limit(f"{PEOPLE} people: {name}, p95", quantile(taken[name], 0.95), BUSY, unit="ms") for name in FIRST]
