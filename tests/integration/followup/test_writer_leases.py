"""Sources are shared out evenly between the processes of followup, and then stay where they are."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.followup.adapters.store import writer_leases
from services.followup.adapters.store.writer_leases import KIND, WriterLeases
from shared.postgres import lease
from tests.support.following import projection_pool

SOURCES = [f"province-{n}" for n in range(7)]

Pool = asyncpg.Pool


@pytest.fixture
async def pool(followup_dsn: str) -> AsyncIterator[Pool]:
    async with projection_pool(followup_dsn) as made:
        yield made


async def led(processes: list[WriterLeases], *, together: bool = False) -> list[set[str]]:
    """What each process leads after every one has asked for every source once."""
    found = []
    if together:
        rounds = [
            asyncio.gather(*(process.take(source, is_reached=True) for source in SOURCES)) for process in processes
        ]
        await asyncio.gather(*rounds)
    for process in processes:
        taken = [await process.take(source, is_reached=True) for source in SOURCES]
        found.append({source for source, is_taken in zip(SOURCES, taken, strict=True) if is_taken})
    return found


async def settled(processes: list[WriterLeases], *, together: bool = False) -> list[set[str]]:
    """What each leads once a round changes nothing any more."""
    before = await led(processes, together=together)
    for _ in range(20):
        after = await led(processes, together=together)
        if after == before:
            return after
        before = after
    raise AssertionError(f"sources go from one to the other for ever: {before}")


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("processes", "shares"), [(1, [7]), (2, [3, 4]), (3, [2, 2, 3]), (8, [0, 1, 1, 1, 1, 1, 1, 1])]
)
async def test_sources__are_shared_out_whoever_came_first(
    pool: Pool, processes: int, shares: list[int], *, together: bool
) -> None:
    first = WriterLeases(pool)
    assert await led([first]) == [set(SOURCES)]
    found = await settled([first, *(WriterLeases(pool) for _ in range(processes - 1))], together=together)
    assert sorted(map(len, found)) == shares
    assert sorted(source for each in found for source in each) == SOURCES


async def test_process_that_stops__leaves_its_sources_to_the_others(pool: Pool) -> None:
    one, two, three = (WriterLeases(pool) for _ in range(3))
    await settled([one, two, three])
    await one.release()
    assert sorted(map(len, await settled([two, three]))) == [3, 4]


async def test_lease_that_was_taken_over__fences_whoever_held_it(pool: Pool) -> None:
    for source in SOURCES[:2]:
        assert await lease.acquire(pool, KIND + source, "first") == 1
    assert await lease.relieve(pool, KIND + SOURCES[0], "second", KIND) == 2
    assert await lease.acquire(pool, KIND + SOURCES[0], "first") is None
    assert await lease.relieve(pool, KIND + SOURCES[1], "second", KIND) is None  # one each
    assert await lease.relieve(pool, KIND + SOURCES[0], "first", KIND) is None


async def test_source_that_a_process_does_not_reach__is_left_to_who_does(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off, other = WriterLeases(pool), WriterLeases(pool)
    source, second = SOURCES[:2]
    assert await cut_off.take(source, is_reached=True)
    for _ in range(2):
        assert await cut_off.renew(source, is_reached=False), "nobody has taken it"
    assert await other.take(source, is_reached=True) and await other.take(second, is_reached=True)
    assert not await cut_off.renew(source, is_reached=True)
    assert not await cut_off.take(source, is_reached=False), "though the other leads two more"
    assert await other.renew(source, is_reached=False)
    assert not await cut_off.renew(source, is_reached=True), "another has held it"
    assert not await cut_off.take(source, is_reached=False), "though it is free"
    monkeypatch.setattr(writer_leases, "UNLED", 0.0)
    assert await cut_off.take(source, is_reached=False)
