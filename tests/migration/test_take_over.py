"""What the release before has followed is folded into tables by source; from then on it applies nothing more."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.followup import bootstrap
from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.store import rebuild_tables
from services.followup.adapters.store.earlier_release import EarlierRelease
from services.followup.application import rebuild as rebuilding
from services.followup.application.ports import RebuildRuns, StillSweeping
from services.followup.application.rebuild import take_over
from shared.postgres.hosts import Hosts
from shared.postgres.migrate import migrate
from tests.support.following import projection_pool
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES
from tests.support.stored_release import STORES, expected_of, restored_in
from tests.support.waiting import until

RELEASE = STORES / "store-0.4.0"  # the last that has all sources in one set of tables
#: What its projector calls before it writes anything.
ADVANCE = """
SELECT advance_cursor(source, revision, epoch, position, event_id, instant, horizon, head, revision + 1, complete_to)
FROM projection.sources WHERE source = 'local'
"""


@pytest.fixture
async def beside(pg_server: TestServer) -> "AsyncIterator[asyncpg.Pool]":
    """The pool of a rebuild on the database that the release has left."""
    dsn = await restored_in(pg_server, RELEASE, "followup")
    await migrate(dsn, PACKAGES)
    async with projection_pool(dsn, rebuild_tables.SEARCH_PATH) as pool:
        yield pool


def quiet(done: int, total: int) -> None:
    """No progress is shown."""


async def advanced(pool: asyncpg.Pool) -> bool:
    """Whether a projector of the release may go on."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL search_path TO projection, public")
        found: bool = await connection.fetchval(ADVANCE)
        return found


async def test_release_before__goes_on_until_its_source_is_taken_over(
    beside: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "PAGE", 7)
    right, went_on = rebuilding._fold_all, list[bool]()

    async def meanwhile(*arguments: object) -> object:
        went_on.append(await advanced(beside))
        return await right(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuilding, "_fold_all", meanwhile)
    log = await beside.fetchval("SELECT count(*) FROM stored_events")
    report = (await take_over(EarlierRelease(beside), quiet))["local"]
    assert went_on == [True] and not await advanced(beside)
    assert report.differences == {} and report.events == expected_of(RELEASE)["counts"]["intake"]
    assert await beside.fetchval("SELECT count(*) FROM stored_events") == log, "nothing is appended"
    left = await beside.fetchrow("SELECT position > 0, state, reason, complete_read_at FROM projection.sources")
    assert tuple(left) == (True, "stopped", "taken over by release 0.5.0", None), "it mails only what it was told of"
    assert await take_over(EarlierRelease(beside), quiet) == {}, "once"
    async with projection_pool(str(beside._connect_args[0])) as pool:  # type: ignore[attr-defined]
        digest, _, _ = await LiveState(pool).digest()
        assert digest == expected_of(RELEASE)["state"]["digest"]


async def test_source_that_the_release_before_has_begun__is_not_followed_from_its_beginning(
    beside: asyncpg.Pool,
) -> None:
    with pytest.raises(asyncpg.RaiseError, match="local was followed by release"):
        await beside.execute("SELECT begin_source('local')")


async def test_source_at_its_beginning__is_begun_by_one_release_alone(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, projection_pool(dsn, "projection, public") as before:
        await before.execute("INSERT INTO sources (source) VALUES ('local')")
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT begin_source('local')")
            moving = asyncio.create_task(before.fetchval(ADVANCE))

            async def has_asked() -> bool:
                return moving.done() or bool(await pool.fetchval("SELECT true FROM pg_locks WHERE NOT granted"))

            await until(has_asked)
        assert await moving is False
        told = await before.fetchval("SELECT (state, reason) FROM sources")
        assert told == ("stopped", "taken over by release 0.5.0")


async def test_calendar_on_its_way__is_waited_for(beside: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "SWEPT_WITHIN", 0.0)
    await beside.execute("INSERT INTO projection.sweeps (source, position) VALUES ('local', 1)")
    with pytest.raises(StillSweeping, match="local"):
        await take_over(EarlierRelease(beside), quiet)
    assert await advanced(beside)


async def test_two_rebuilds__are_done_one_after_the_other(beside: asyncpg.Pool) -> None:
    async with EarlierRelease(beside).target.alone():
        with pytest.raises(RebuildRuns):
            await take_over(EarlierRelease(beside), quiet)


async def test_rebuild_that_goes_on__holds_up_nobody_who_has_nothing_to_take_over(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn, rebuild_tables.SEARCH_PATH) as pool, EarlierRelease(pool).target.alone():
        assert await take_over(EarlierRelease(pool), quiet) == {}


async def test_take_over_by_another_process__is_waited_for_and_is_no_fault(
    beside: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "TAKE_OVER_AGAIN", 0.02)
    tried = asyncio.Semaphore(0)

    async def counted(*arguments: object) -> object:
        try:
            return await take_over(*arguments)  # type: ignore[arg-type]
        except RebuildRuns:
            tried.release()
            raise

    monkeypatch.setattr(bootstrap, "take_over", counted)
    taking = bootstrap.TakingOver(Hosts(str(beside._connect_args[0])))  # type: ignore[attr-defined]
    async with EarlierRelease(beside).target.alone():
        task = asyncio.create_task(taking.run())
        for _ in range(2):  # of the first it has told by the second
            await tried.acquire()
        assert taking.hindrance == "what release 0.4.0 has followed is being taken over"
    await task
    assert taking.hindrance == "" and await EarlierRelease(beside).sources() == []
