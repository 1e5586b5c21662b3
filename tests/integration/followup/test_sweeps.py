"""An event of the regulation reaches the cases of a real store in steps: what is raised is what a replay raises."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.store.projection import new_event
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH, RebuildTables
from services.followup.application import projector as projecting
from services.followup.application import rebuild as rebuilding
from services.followup.application.ports import StillSweeping
from services.followup.application.rebuild import rebuild
from shared.calendar import CalendarYear, DayOff
from shared.events.petition import PetitionWithdrawn
from tests.integration.followup.test_projector import told
from tests.support.following import MemoryFeed, opened, ought, projection_pool, recorded, state, swept
from tests.support.history import History, at, day, seed_years
from tests.support.upsets import INSTANT, KINDS, upset

END = "2019-12-01 00:00"


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
async def target(followup_dsn: str) -> AsyncIterator[RebuildTables]:
    async with projection_pool(followup_dsn, SEARCH_PATH) as made:
        yield RebuildTables(made)


async def logged(pool: asyncpg.Pool) -> Counter[tuple[object, ...]]:
    rows = await pool.fetch("SELECT event_id, originator_version, state FROM stored_events")
    return Counter((row["event_id"], row["originator_version"], bytes(row["state"])) for row in rows)


def raised(history: History) -> Counter[tuple[object, ...]]:
    return Counter((e.event_id, e.version, new_event(e).state) for e in history.engine.emitted)


@pytest.mark.parametrize("seed", range(6))
async def test_sweeps_in_steps_with_crashes__raise_what_one_undisturbed_replay_raises(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(projecting, "SETTLED_AT_ONCE", 2)
    monkeypatch.setattr(projecting, "WALKED_AT_ONCE", 3)
    rng = random.Random(seed)
    changes = sorted((rng.randint(20, 60), rng.choice(KINDS), rng.randint(0, 60)) for _ in range(3))
    whole = upset(told(), changes, END)
    events = rest = recorded(whole)
    writer = await opened(pool)
    most = 0
    while rest:
        number = rng.randint(1, 12)
        match rng.choice(("events", "events", "sweep", "time", "crash")):
            case "events":
                await writer.apply(rest[:number])
                rest = rest[number:]
            case "sweep" if writer.is_sweeping:
                await writer.sweep()
            case "time" if writer.cursor.instant is not None:
                to = min(writer.cursor.instant + timedelta(days=number), rest[0].recorded_at - INSTANT)
                await writer.advance(to, len(events))
            case "crash":
                writer = await opened(pool)
        most = max(most, await pool.fetchval("SELECT count(*) FROM sweeps"))
    await writer.advance(at(END), len(events))
    assert most > 1, "two at a time"
    await swept(await opened(pool))
    assert await logged(pool) == raised(whole)
    assert await state(pool) == ought(whole.engine, len(events))
    report = (await rebuild(target, [MemoryFeed(events, at(END))], (), lambda *_: None))["test"]
    assert report.differences == {}
    assert await state(pool) == ought(whole.engine, len(events))


async def test_case_merged_into_one_that_changes__is_settled_with_it(pool: asyncpg.Pool) -> None:
    whole = told()
    (year,) = (y for y in seed_years() if y.year == 2019)
    # Within the time for which an agency had the petition that was merged on 3 September.
    longer = CalendarYear(
        year=2019,
        holidays=(*year.holidays, DayOff(date=day("2019-09-03"), name="Nghỉ đột xuất")),
        makeup_days=year.makeup_days,
    )
    whole.publish(longer, at("2019-11-01 08:00"))
    whole.until(END)
    events = recorded(whole)
    writer = await opened(pool)
    await writer.apply(events)
    await writer.advance(at(END), len(events))
    await swept(writer)
    assert await state(pool) == ought(whole.engine, len(events))


async def test_case_that_ended_earlier_on_the_day_of_a_calendar__is_judged_by_it(pool: asyncpg.Pool) -> None:
    whole = History()
    ended, before = whole.receive("ended", "2019-08-01"), whole.receive("before", "2019-08-01")
    whole.hold(whole.plan("c", "2019-08-23"), ended, before, first="2019-08-23")
    withdrawn = PetitionWithdrawn(effective_on=day("2019-08-29"), reason="đã xong")
    whole.record(before, withdrawn, "2019-08-29 16:00")
    whole.record(ended, msgspec.structs.replace(withdrawn, effective_on=day("2019-08-30")), "2019-08-30 09:00")
    (year,) = (y for y in seed_years() if y.year == 2019)
    off = DayOff(date=day("2019-09-03"), name="Nghỉ đột xuất")
    longer = CalendarYear(year=2019, holidays=(*year.holidays, off), makeup_days=year.makeup_days)
    whole.publish(longer, at("2019-08-30 16:00"))
    whole.until(END)
    writer = await opened(pool)
    await writer.apply(recorded(whole))
    await writer.advance(at(END), len(whole.facts))
    await swept(writer)
    # Fifteen working days after Friday 23 August, Monday 2 September off: the 16th; with the 3rd off as well, the 17th.
    due = await pool.fetch("SELECT subject_id, due_on FROM deadlines WHERE duty = 'reply'")
    assert {row["subject_id"]: str(row["due_on"]) for row in due} == {ended: "2019-09-17", before: "2019-09-16"}
    assert await state(pool) == ought(whole.engine, len(whole.facts))


async def test_while_it_sweeps__the_digest_says_so(pool: asyncpg.Pool) -> None:
    history = told()
    events = recorded(history)
    calendar = next(e for e in events if e.topic == "CalendarPublished" and e.recorded_at > at("2019-09-01 00:00"))
    writer = await opened(pool)
    await writer.apply(events[: calendar.position])
    _, _, sweeping = await LiveState(pool).digest()
    assert [(each.source, each.position) for each in sweeping] == [("test", calendar.position)]
    await swept(writer)
    assert (await LiveState(pool).digest())[2] == []


async def test_rebuild__waits_for_the_end_of_a_sweep(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(rebuilding, "SWEPT_WITHIN", 0.05)
    history = told()
    events = recorded(history)
    writer = await opened(pool)
    await writer.apply(events)
    assert writer.is_sweeping
    with pytest.raises(StillSweeping):
        await rebuild(target, [MemoryFeed(events)], (), lambda *_: None)
    await swept(writer)
    report = (await rebuild(target, [MemoryFeed(events)], (), lambda *_: None))["test"]
    assert report.differences == {}
