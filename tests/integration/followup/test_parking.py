"""A petition that cannot be folded waits alone; once mended it raises what an undisturbed run would have raised."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.followup.adapters.store import operator_requests
from services.followup.adapters.store.operator_requests import RequestFailed
from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.ports import FencedOut, UnreadablePush
from services.followup.application.projector import Projector
from services.followup.domain.cases import PetitionCase
from services.followup.domain.deadlines import engine as machine_module
from shared.events import Recorded
from shared.events.petition import PetitionAssigned, PetitionMerged, WrittenReplyIssued
from shared.identifiers import derived_id
from tests.support.following import emitted_ids, ids_of, opened, ought, projection_pool, recorded, state
from tests.support.history import History, at, day

SICK, KIN, SOUND = (derived_id("petition", name) for name in ("sick", "kin", "sound"))
END = "2019-10-20 00:00"


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


def told(merged: bool = False) -> History:
    history = History()
    conference = history.plan("c", "2019-08-23")
    petitions = [history.receive(name, "2019-08-01", (name,)) for name in ("sick", "kin", "sound")]
    history.hold(conference, *petitions, first="2019-08-23")
    for number, petition in enumerate(petitions):
        assigned = PetitionAssigned(effective_on=day("2019-08-30"), agency=f"H35.10.{number}")
        history.record(petition, assigned, f"2019-08-30 09:0{number}")
    if merged:
        history.record(SICK, PetitionMerged(effective_on=day("2019-09-02"), into=KIN), "2019-09-02 09:00")
    for petition in petitions[1 if merged else 0 :]:
        reply = WrittenReplyIssued(effective_on=day("2019-09-18"), number=f"{petition}", signatory="CT", digest="0")
        history.record(petition, reply)
    history.until(END)
    return history


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Petitions whose duties cannot be told while they stand in this list: a bug, mended by clearing it."""
    found: list[UUID] = []
    right = machine_module.petition_duties

    def wrong(case: PetitionCase, *more: object) -> object:
        if case.petition_id in found and case.assigned:
            raise ZeroDivisionError("a bug")
        return right(case, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(machine_module, "petition_duties", wrong)
    return found


async def ask_unpark(pool: asyncpg.Pool, petition: UUID, name: str = "request") -> None:
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, subject_id) VALUES ($1, 'unpark', 'test', $2)",
        derived_id(name),
        petition,
    )


async def parked(pool: asyncpg.Pool) -> list[tuple[int, bool]]:
    rows = await pool.fetch("SELECT position, released_at IS NULL AS waits FROM parked_events ORDER BY position")
    return [(r["position"], r["waits"]) for r in rows]


def events_of(events: list[Recorded], petition: UUID) -> list[int]:
    return [e.position for e in events if e.originator_id == petition]


async def test_failing_petition__waits_alone_and_then_raises_the_same(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    history = told()
    events = recorded(history)
    sick.append(SICK)
    writer = await opened(pool)
    await writer.apply(events)
    await writer.advance(at(END), len(events))
    assert [p for p, _ in await parked(pool)] == events_of(events, SICK)[-2:]  # its assignment, and what came after
    others = {e.event_id for e in history.engine.emitted if e.event.subject_id != SICK}
    assert others <= set(await emitted_ids(pool)) < set(ids_of(history.engine))
    # While the cause is there it stays parked, and says why.
    await ask_unpark(pool, SICK, "too early")
    await writer.answer_requests()
    assert "ZeroDivisionError" in await pool.fetchval("SELECT answer FROM requests")
    assert all(waits for _, waits in await parked(pool))

    sick.clear()
    writer = await opened(pool)  # a restart keeps it parked until an operator says so
    assert all(waits for _, waits in await parked(pool))
    await ask_unpark(pool, SICK)
    await writer.answer_requests()
    assert not any(waits for _, waits in await parked(pool))
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(events))


async def test_timers_of_a_parked_petition__wait(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    events = recorded(told())
    sick.append(SICK)
    writer = await opened(pool)
    await writer.apply(events)
    assert await pool.fetchval("SELECT count(next_fire_at) FROM deadlines WHERE subject_id = $1", SICK) == 0
    await writer.advance(at(END), len(events))
    breached = await pool.fetchval("SELECT count(*) FROM deadlines WHERE subject_id = $1 AND breached", SICK)
    assert breached == 0


async def test_damaged_event__parks_its_petition(pool: asyncpg.Pool) -> None:
    history = told()
    events = recorded(history)
    first, second = events_of(events, SICK)[:2]
    damaged = [msgspec.structs.replace(e, state=b"\x00") if e.position == second else e for e in events]
    writer = await opened(pool)
    await writer.apply(damaged)
    assert [p for p, _ in await parked(pool)] == events_of(events, SICK)[1:]
    reopened = await opened(pool)
    await reopened.advance(at(END), len(events))
    others = {e.event_id for e in history.engine.emitted if e.event.subject_id != SICK}
    assert others <= set(await emitted_ids(pool))
    assert first


async def test_kin_of_a_parked_petition__wait_with_it(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    history = told(merged=True)
    events = recorded(history)
    sick.append(SICK)
    writer = await opened(pool)
    await writer.apply(events)
    await writer.advance(at(END), len(events))
    sick.clear()
    writer = await opened(pool)
    await ask_unpark(pool, SICK)
    await writer.answer_requests()
    assert not any(waits for _, waits in await parked(pool))
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(events))


async def test_neighbours_in_the_same_batch__are_applied(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    history = told()
    sick.append(SICK)
    writer = await opened(pool)
    await writer.apply(recorded(history))
    assert writer.cursor.position == len(history.facts)
    assert await pool.fetchval("SELECT count(*) FROM facts") == len(history.facts)
    assert (
        await pool.fetchval("SELECT outcome FROM deadlines WHERE subject_id = $1 AND duty = 'reply'", SOUND)
        == "met_late"
    )


async def test_pushed_event__damaged_on_the_way_is_not_parked(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    writer = await opened(pool)
    damaged = msgspec.structs.replace(events[12], state=events[12].state[:-9])
    with pytest.raises(UnreadablePush):
        await writer.apply([*events[:12], damaged], pushed=True)
    assert writer.cursor.position == 12 and await parked(pool) == []
    await writer.apply(events[12:])
    await writer.advance(at(END), len(events))
    assert await state(pool) == ought(told().engine, len(events))


# --- what an operator asks -----------------------------------------------------------------------------------------


async def asked(pool: asyncpg.Pool, writer: Projector, kind: str, subject: UUID) -> str:
    """The answer to a request, while the writer looks for requests."""
    asking = asyncio.create_task(operator_requests.ask(pool, kind, "test", subject, "source_restored"))
    while not asking.done():
        await writer.answer_requests()
        await asyncio.sleep(0.02)
    return await asking


async def test_request_that_could_not_be_done__fails(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    events = recorded(told())
    sick.append(SICK)
    writer = await opened(pool)
    await writer.apply(events)
    with pytest.raises(RequestFailed, match="ZeroDivisionError"):
        await asked(pool, writer, "unpark", SICK)
    with pytest.raises(RequestFailed, match=r"no event of .* waits"):
        await asked(pool, writer, "unpark", SOUND)
    with pytest.raises(RequestFailed, match="no such difference"):
        await asked(pool, writer, "reconcile", SOUND)
    sick.clear()
    writer = await opened(pool)
    assert "released" in await asked(pool, writer, "unpark", SICK)


async def test_request_that_nobody_answered__is_withdrawn(
    pool: asyncpg.Pool, sick: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = recorded(told())
    sick.append(SICK)
    await (await opened(pool)).apply(events)
    monkeypatch.setattr(operator_requests, "PATIENCE", 0.1)
    sick.clear()
    with pytest.raises(RequestFailed, match="nothing was done"):
        await operator_requests.ask(pool, "unpark", "test", SICK, "")
    await (await opened(pool)).answer_requests()
    assert all(waits for _, waits in await parked(pool))


async def test_request_of_a_command_that_was_killed__expires(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    events = recorded(told())
    sick.append(SICK)
    await (await opened(pool)).apply(events)
    sick.clear()
    await ask_unpark(pool, SICK)
    await pool.execute("UPDATE requests SET asked_at = asked_at - interval '2 minutes'")
    await (await opened(pool)).answer_requests()
    assert all(waits for _, waits in await parked(pool))


async def test_request_that_is_withdrawn_while_it_is_done__does_nothing(pool: asyncpg.Pool, sick: list[UUID]) -> None:
    events = recorded(told())
    sick.append(SICK)
    await (await opened(pool)).apply(events)
    sick.clear()
    writer = await opened(pool)
    await ask_unpark(pool, SICK)
    (request,) = await StoredProjection(pool).requests("test")
    await pool.execute("UPDATE requests SET done_at = clock_timestamp()")
    before = await emitted_ids(pool)
    with pytest.raises(FencedOut):
        await writer._unpark(request)
    assert await emitted_ids(pool) == before and all(waits for _, waits in await parked(pool))


async def test_request_of_a_stopped_source__is_refused_at_once(pool: asyncpg.Pool) -> None:
    await (await opened(pool)).apply(recorded(told()))
    await StoredProjection(pool).set_state("test", "stopped", "the log is shorter")
    with pytest.raises(RequestFailed, match="test is stopped, so nothing was done: the log is shorter"):
        await operator_requests.ask(pool, "reconcile", "test", None, "source_restored")
    assert await pool.fetchval("SELECT count(*) FROM requests") == 0
