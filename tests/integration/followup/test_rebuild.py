"""A rebuild folds both logs beside the live tables, swaps and appends nothing; a restored source has a way out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import msgspec
import pytest

from services.followup.adapters.store import projection as stored_projection
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH, RebuildTables
from services.followup.application import rebuild as rebuilding
from services.followup.application.ports import HistoryDiffers
from services.followup.application.projector import Projector
from services.followup.application.rebuild import rebuild
from services.followup.domain.deadlines import engine
from shared.events.petition import PetitionReceived
from shared.identifiers import derived_id
from shared.postgres.losses import keep_loss, losses, unconfirmed
from tests.integration.followup.test_projector import reply, told
from tests.support.following import (
    MemoryFeed,
    chained,
    emitted_ids,
    opened,
    ought,
    projection_pool,
    recorded,
    state,
    swept,
)
from tests.support.history import DISTRICT, History, at, day

END = "2019-10-20 00:00"


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
async def target(followup_dsn: str) -> AsyncIterator[RebuildTables]:
    async with projection_pool(followup_dsn, SEARCH_PATH) as made:
        yield RebuildTables(made)


def quiet(done: int, total: int) -> None:
    """No progress is shown."""


async def followed(pool: asyncpg.Pool, history: History) -> MemoryFeed:
    feed = MemoryFeed(recorded(history), at(END))
    writer = await opened(pool)
    await writer.apply(feed.events)
    await writer.advance(at(END), len(feed.events))
    await swept(writer)
    return feed


async def dump(pool: asyncpg.Pool) -> list[list[dict[str, Any]]]:
    tables = ("facts", "links", "cases", "deadlines", "differences", "agencies")
    found = [await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    # While there are no sweeps it says nothing that what is settled would depend on.
    return [[{**row} | dict.fromkeys({"settled_to"} & {*row.keys()}) for row in rows] for rows in found]


async def test_rebuild__gives_the_live_rows_and_appends_nothing(pool: asyncpg.Pool, target: RebuildTables) -> None:
    history = told()
    feed = await followed(pool, history)
    before, rows, log = await state(pool), await dump(pool), await emitted_ids(pool)
    reports = await rebuild(target, [feed], (), quiet)
    assert reports["test"].differences == {}
    assert await state(pool) == before == ought(history.engine, len(feed.events))
    assert await dump(pool) == rows
    assert await emitted_ids(pool) == log


async def test_rebuild__in_small_groups_gives_the_same(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "FOLDED_AT_ONCE", 1)
    monkeypatch.setattr(rebuilding, "PAGE", 7)
    feed = await followed(pool, told())
    before = await state(pool)
    await rebuild(target, [feed], (), quiet)
    assert await state(pool) == before


async def test_rebuild__holds_no_more_than_fits_a_page(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_projection, "PAGE_BYTES", 1)
    feed = await followed(pool, told())
    before = await state(pool)
    sizes: list[int] = []
    yielded = RebuildTables.groups

    async def counted(*arguments: Any) -> AsyncIterator[Any]:
        async for group in yielded(*arguments):
            sizes.append(len(group))
            yield group

    monkeypatch.setattr(RebuildTables, "groups", counted)
    await rebuild(target, [feed], (), quiet)
    assert await state(pool) == before
    assert len(sizes) > 1, "a petition at a time, with those merged with it"


async def test_live_writer__goes_on_during_a_rebuild_and_after_the_swap(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = told()
    events = recorded(history)
    feed = MemoryFeed(events, at(END))
    writer = await opened(pool)
    await writer.apply(events[:30])
    right = rebuilding._fold_all

    async def meanwhile(*arguments: object) -> object:
        report = await right(*arguments)  # type: ignore[arg-type]
        await writer.apply(events[30:40])  # the live source goes on while the rebuild folds
        return report

    monkeypatch.setattr(rebuilding, "_fold_all", meanwhile)
    await rebuild(target, [feed], (), quiet)
    successor = await opened(pool)
    assert successor.cursor.position == 40
    await successor.apply(events[40:])
    await successor.advance(at(END), len(events))
    await swept(successor)
    assert await state(pool) == ought(history.engine, len(events))


async def test_writer_that_waited_for_the_swap__is_fenced_out(pool: asyncpg.Pool, target: RebuildTables) -> None:
    history = told()
    events = recorded(history)
    writer = await opened(pool)
    await writer.apply(events[:30])
    await rebuild(target, [MemoryFeed(events, at(END))], (), quiet)
    before = await emitted_ids(pool)
    with pytest.raises(Exception, match="moved by another"):
        await writer.apply(events[30:])
    assert await emitted_ids(pool) == before


async def test_interrupted_rebuild__leaves_the_live_tables_and_can_be_repeated(
    pool: asyncpg.Pool, target: RebuildTables
) -> None:
    feed = await followed(pool, told())
    before = await state(pool)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(target, [feed], (), interrupt)
    assert await state(pool) == before
    await rebuild(target, [feed], (), quiet)
    assert await state(pool) == before


async def test_readers__go_on_through_a_rebuild(pool: asyncpg.Pool, target: RebuildTables) -> None:
    feed = await followed(pool, told())
    done = asyncio.Event()
    answers: list[int] = []

    async def read() -> None:
        while not done.is_set():
            answers.append(await pool.fetchval("SELECT count(*) FROM cases"))
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    await rebuild(target, [feed], (), quiet)
    done.set()
    await reading
    assert len(answers) > 1
    assert set(answers) == {await pool.fetchval("SELECT count(*) FROM cases")}


async def test_what_was_raised_otherwise__is_reported_and_not_emitted(
    pool: asyncpg.Pool, target: RebuildTables
) -> None:
    feed = await followed(pool, told())
    # The same log, but of a history in which one reply was never recorded.
    shorter = History()
    petition = derived_id("petition", "p3")
    events = chained(e for e in feed.events if not (e.originator_id == petition and e.topic == "WrittenReplyIssued"))
    log = await emitted_ids(pool)
    reports = await rebuild(target, [MemoryFeed(events, at(END))], ("test",), quiet)
    assert petition in reports["test"].differences
    assert await emitted_ids(pool) == log
    listed = {r["subject_id"] for r in await pool.fetch("SELECT subject_id FROM differences")}
    assert listed == set(reports["test"].differences)
    assert shorter


async def test_restored_source__stops_then_is_confirmed_rebuilt_and_reconciled(
    pool: asyncpg.Pool, target: RebuildTables
) -> None:
    feed = await followed(pool, told())
    # Restored to before the last reply; then another one was recorded at the same position.
    other = told_otherwise()
    restored = MemoryFeed(recorded(other), at("2019-10-21 00:00"), epoch="e2")
    assert len(restored.events) == len(feed.events)
    with pytest.raises(HistoryDiffers):
        await rebuild(target, [restored], (), quiet)
    assert await losses(pool) == []
    await rebuild(target, [restored], ("test",), quiet)
    (loss,) = await losses(pool)
    assert (loss.source, loss.epoch, loss.loss_id, loss.missing) == ("test", "e2", feed.events[-1].event_id, 1)
    assert (loss.first_position, loss.last_position) == (len(feed.events), len(feed.events))
    assert await unconfirmed(pool) == 0, "who has confirmed the history has seen to what it lacks"
    await keep_loss(pool, loss)  # a process that had read so far
    assert await unconfirmed(pool) == 0
    writer = await opened(pool)
    assert writer.cursor.epoch == "e2"
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, reason) VALUES ($1, 'reconcile', 'test', 'source_restored')",
        derived_id("request"),
    )
    await writer.answer_requests()
    assert await pool.fetchval("SELECT count(*) FROM differences") == 0
    reopened = await opened(pool)
    await reopened.advance(at("2019-10-22 00:00"), len(restored.events))
    await swept(reopened)
    outcomes = await pool.fetch(
        "SELECT subject_id, outcome FROM deadlines WHERE duty = 'reply' ORDER BY subject_id, deadline_id"
    )
    ought_to_be = sorted(
        (r.subject_id, r.outcome)
        for name in ("p0", "p1", "p2", "p3", "p4", "p5", "late")
        for r in other.engine.raised_of(derived_id("petition", name))
        if r.duty == "reply"
    )
    assert sorted((r["subject_id"], r["outcome"]) for r in outcomes) == ought_to_be
    # What was reconciled is part of the log: a further rebuild finds nothing.
    again = await rebuild(target, [restored], (), quiet)
    assert again["test"].differences == {}


def told_otherwise() -> History:
    history = told()
    restored = History()
    kept = history.facts[len(restored.facts) : -1]
    for fact in kept:
        restored.record(fact.originator_id, fact.event, fact.recorded_at, fact.meta.aggregate, fact.meta.jurisdiction)
    restored.record(derived_id("petition", "p5"), reply("2019-10-03"), "2019-10-04 09:00")
    restored.until("2019-10-21 00:00")
    assert day("2019-10-03")
    return restored


async def asked_to_reconcile(pool: asyncpg.Pool, writer: Projector) -> str:
    request = derived_id("request", await pool.fetchval("SELECT count(*) FROM requests"))
    statement = "INSERT INTO requests (request_id, kind, source, reason) VALUES ($1, 'reconcile', 'test', 'restored')"
    await pool.execute(statement, request)
    await writer.answer_requests()
    return str(await pool.fetchval("SELECT answer FROM requests WHERE request_id = $1", request))


async def standing(pool: asyncpg.Pool) -> set[tuple[Any, ...]]:
    rows = await pool.fetch("SELECT deadline_id, due_on, breached, outcome FROM deadlines WHERE outcome <> 'waived'")
    return {tuple(row) for row in rows}


def ought_to_stand(history: History) -> set[tuple[Any, ...]]:
    engine = history.engine
    raised = [r for s in engine.subjects() for r in engine.raised_of(s) if r.outcome != "waived"]
    return {(r.deadline_id, r.due_on or date.max, r.breached, r.outcome) for r in raised}


async def test_restored_before_all_cases__what_is_no_more_is_waived__false_breaches_are_taken_back(
    pool: asyncpg.Pool, target: RebuildTables
) -> None:
    lost = told()
    await followed(pool, lost)
    assert await pool.fetchval("SELECT count(*) FROM deadlines WHERE breached") > 0
    # The conference, its petitions, the plan that made the authority owe a dialogue, and the agencies are lost.
    other = History()
    other.record(derived_id("petition", "new"), PetitionReceived(effective_on=day("2019-08-02"), jurisdiction=DISTRICT))
    other.until("2019-09-01 00:00")
    restored = MemoryFeed(recorded(other), at("2019-09-01 00:00"), epoch="e2")
    report = (await rebuild(target, [restored], ("test",), quiet))["test"]
    assert {derived_id("petition", "p1"), derived_id("conference", "c")} <= report.differences.keys()
    assert derived_id("jurisdiction", DISTRICT) in report.differences
    writer = await opened(pool)
    answer = await asked_to_reconcile(pool, writer)
    assert answer.startswith(f"{len(report.differences)} cases reconciled; "), answer
    assert "still differ" not in answer
    assert await pool.fetchval("SELECT count(*) FROM differences") == 0
    assert await pool.fetchval("SELECT count(*) FROM deadlines WHERE breached") == 0
    assert await standing(pool) == ought_to_stand(other)
    again = await rebuild(target, [restored], (), quiet)
    assert again["test"].differences == {}
    assert await standing(pool) == ought_to_stand(other)


async def test_restored_before_a_midnight__a_breach_that_has_not_come_is_taken_back(
    pool: asyncpg.Pool, target: RebuildTables
) -> None:
    events = [event for event in recorded(told()) if event.recorded_at < at("2019-09-18 00:00")]
    before = await opened(pool)
    await before.apply(events)
    await before.advance(at("2019-09-18 00:00"), len(events))
    await swept(before)
    kept = History()
    for fact in told().facts[len(kept.facts) :]:
        if fact.recorded_at < at("2019-09-02 00:00"):
            kept.record(fact.originator_id, fact.event, fact.recorded_at, fact.meta.aggregate, fact.meta.jurisdiction)
    kept.until("2019-09-10 00:00")
    restored = MemoryFeed(recorded(kept), at("2019-09-10 00:00"), epoch="e2")
    report = (await rebuild(target, [restored], ("test",), quiet))["test"]
    assert report.differences
    assert await pool.fetchval("SELECT count(*) FROM deadlines WHERE breached AND due_on > '2019-09-10'") > 0
    writer = await opened(pool)
    await asked_to_reconcile(pool, writer)
    assert await pool.fetchval("SELECT count(*) FROM differences") == 0
    assert await standing(pool) == ought_to_stand(kept)
    kept.until("2019-10-01 00:00")
    await writer.advance(at("2019-10-01 00:00"), len(restored.events))
    await swept(writer)
    assert await standing(pool) == ought_to_stand(kept), "the midnight that comes again breaches again"


async def test_reconcile__what_differs_all_the_same_stays_listed(
    pool: asyncpg.Pool, target: RebuildTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    await followed(pool, told())
    restored = MemoryFeed(recorded(told_otherwise()), at("2019-10-21 00:00"), epoch="e2")
    report = (await rebuild(target, [restored], ("test",), quiet))["test"]
    writer = await opened(pool)
    monkeypatch.setattr(engine, "emit", lambda raised, *_: ([], raised))
    answer = await asked_to_reconcile(pool, writer)
    assert answer.startswith("0 cases reconciled") and "stay listed" in answer
    assert await pool.fetchval("SELECT count(*) FROM differences") == len(report.differences)


async def test_damaged_event__is_parked_by_a_rebuild_too(pool: asyncpg.Pool, target: RebuildTables) -> None:
    history = told()
    events = recorded(history)
    petition = derived_id("petition", "p5")
    position = next(e.position for e in events if e.originator_id == petition and e.topic == "PetitionAssigned")
    events[position - 1] = msgspec.structs.replace(events[position - 1], state=b"\x00")
    feed = MemoryFeed(events, at(END))
    writer = await opened(pool)
    await writer.apply(events)
    await writer.advance(at(END), len(events))
    await swept(writer)
    before, parked = await dump(pool), await pool.fetch("SELECT position FROM parked_events ORDER BY 1")
    assert [row["position"] for row in parked] == [position]
    await rebuild(target, [feed], (), quiet)
    assert await dump(pool) == before
    await pool.execute("DELETE FROM parked_events")  # as if it had never been met
    await rebuild(target, [feed], ("test",), quiet)
    assert await pool.fetch("SELECT position FROM parked_events ORDER BY 1") == parked
    assert await dump(pool) == before
