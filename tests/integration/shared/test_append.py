"""The append on a real PostgreSQL: whole or not at all, gapless, ordered, dated, and never lost."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.event_store.append import Append, Appended, NewEvent, NewKey
from shared.event_store.errors import (
    DayChanged,
    FutureDated,
    IdempotencyReplay,
    KeyErased,
    NotRecorded,
    ReferenceExists,
    VersionConflict,
)
from shared.events import Recorded
from shared.http.feed import read_feed
from shared.identifiers import derived_id, ordered_id
from shared.postgres.append import append_in
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.log import StoredLog
from shared.postgres.pool import Notifications, create_pool
from shared.postgres.store import (
    MovedBackwards,
    head,
    move_clock,
    read_identity,
    state_complete_to,
    store_now,
    store_today,
)
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]


def new_event(stream: UUID, version: int = 1, **fields: Any) -> NewEvent:
    return NewEvent(
        originator_id=stream,
        version=version,
        topic="Tested",
        state=b"{}",
        event_id=ordered_id(datetime.now(UTC), os.urandom(10)),
        **fields,
    )


def command(name: str, version: int = 1, **fields: Any) -> Append:
    stream = derived_id("stream", name)
    effective_on = fields.pop("effective_on", None)
    event = new_event(stream, version, effective_on=effective_on)
    return Append(events=(event,), expected={stream: version - 1}, **fields)


@pytest.fixture
async def pool(database: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    pool = await create_pool(database, application="test")
    yield pool
    await pool.close()


@pytest.fixture
async def writer(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[GroupCommit]:
    writer = GroupCommit(pool, DurableHead())
    await writer.start()
    yield writer
    await writer.close()


async def outcomes(pool: "asyncpg.Pool[asyncpg.Record]", *appends: Append) -> list[Appended | NotRecorded]:
    async with pool.acquire() as connection, connection.transaction():
        return await append_in(connection, appends)


async def test_batch__a_conflict_rejects_that_command_whole_and_no_other(pool: Any) -> None:
    (_,) = await outcomes(pool, command("a"))
    a, b = derived_id("stream", "a"), derived_id("stream", "b")
    conflicting = Append(events=(new_event(b), new_event(a, 1)), expected={a: 0, b: 0})
    first, second, third = await outcomes(pool, command("c"), conflicting, command("d"))
    assert isinstance(second, VersionConflict)
    assert isinstance(first, Appended) and isinstance(third, Appended)
    assert (first.first_position, third.first_position, await head(pool)) == (2, 3, 3)


async def test_conflict__on_a_stream_that_the_decision_only_relied_on(pool: Any) -> None:
    await outcomes(pool, command("agency"))
    relied = derived_id("stream", "agency")
    stale = Append(events=(new_event(derived_id("stream", "p")),), expected={derived_id("stream", "p"): 0, relied: 0})
    (outcome,) = await outcomes(pool, stale)
    assert isinstance(outcome, VersionConflict)


async def test_idempotency_key__leads_back_to_the_first_result(writer: GroupCommit) -> None:
    first = await writer.append(command("a", caller="me", key="k1", fingerprint=b"f"))
    with pytest.raises(IdempotencyReplay) as replay:
        await writer.append(command("b", caller="me", key="k1", fingerprint=b"f"))
    assert replay.value.record.position == first.first_position
    assert replay.value.record.recorded_at == first.recorded_at
    assert (await writer.append(command("b", caller="another", key="k1", fingerprint=b"f"))).first_position == 2


async def test_same_key_twice_at_once__is_recorded_once(writer: GroupCommit) -> None:
    results = await asyncio.gather(
        *(writer.append(command(f"s{n}", caller="me", key="same", fingerprint=b"f")) for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(r, Appended) for r in results) == 1
    assert sum(isinstance(r, IdempotencyReplay) for r in results) == 7


async def test_external_reference__adds_nothing_the_second_time(writer: GroupCommit) -> None:
    first = await writer.append(command("a", references=(("portal", "X-1"),)))
    with pytest.raises(ReferenceExists) as exists:
        await writer.append(command("b", references=(("portal", "X-1"),)))
    assert exists.value.position == first.first_position


async def test_deed_dated_after_the_day_of_its_stamp__is_refused(writer: GroupCommit, pool: Any) -> None:
    today = await store_today(pool)
    await writer.append(command("a", effective_on=today))
    with pytest.raises(FutureDated):
        await writer.append(command("b", effective_on=today + timedelta(days=1)))


async def test_decided_on_another_day__is_sent_back_with_the_day(writer: GroupCommit, pool: Any) -> None:
    with pytest.raises(DayChanged) as changed:
        await writer.append(command("a", today=date(2019, 6, 24)))
    assert changed.value.today == await store_today(pool)


async def test_erased_key__is_never_sealed_under_again(writer: GroupCommit, pool: Any) -> None:
    stream, key_id = derived_id("stream", "a"), derived_id("key", 1)
    await writer.append(
        command("a", new_keys=(NewKey(key_id=key_id, owner_id="p1", originator_id=stream, wrapped=b"w"),))
    )
    await writer.append(command("a", 2, used_keys=(key_id,)))
    with pytest.raises(VersionConflict):
        await writer.append(command("a", 3, erase_owner="p1", erase_key_ids=()))
    await writer.append(command("a", 3, erase_owner="p1", erase_key_ids=(key_id,)))
    assert await pool.fetchval("SELECT count(*) FROM sealing_keys") == 0
    with pytest.raises(KeyErased):
        await writer.append(command("a", 4, used_keys=(key_id,)))


CHANGES = ("UPDATE stored_events SET topic = 'x'", "DELETE FROM stored_events", "TRUNCATE stored_events")


@pytest.mark.parametrize("statement", CHANGES)
async def test_events__are_never_changed_or_deleted(pool: Any, statement: str) -> None:
    await outcomes(pool, command("a"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def until_waiting_for_a_lock(pool: Any, connection: Any) -> None:
    """Wait until the server itself says that this connection waits."""
    state = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
    await until(lambda: pool.fetchval(state, connection.get_server_pid()))


async def test_append_without_the_lock__fails_instead_of_skipping(pool: Any) -> None:
    """Take the lock out of the function: two appends at once collide on the position, none is skipped."""
    definition: str = await pool.fetchval("SELECT pg_get_functiondef('append_events'::regproc)")
    await pool.execute(definition.replace("PERFORM ordering_lock();", ""))
    async with pool.acquire() as one, pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        await append_in(one, [command("a")])
        waiting = asyncio.create_task(append_in(two, [command("b")]))
        await until_waiting_for_a_lock(pool, two)
        await first.commit()
        with pytest.raises(asyncpg.UniqueViolationError):
            await waiting
        await second.rollback()
    assert await head(pool) == 1


async def test_other_isolation__is_refused(pool: Any) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.RaiseError, match="READ COMMITTED"):
            async with connection.transaction(isolation="repeatable_read"):
                await append_in(connection, [command("a")])


WRITER = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.integration.shared.test_append import command
from shared.postgres.pool import create_pool
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
async def write(w):
    pool = await create_pool({dsn!r}, application="writer", largest=1)
    writer = GroupCommit(pool, DurableHead())
    await writer.start()
    for n in range(25):
        await writer.append(command(f"{{sys.argv[1]}}-{{w}}-{{n}}"))
    await writer.close()
    await pool.close()
async def main():
    await asyncio.gather(*(write(w) for w in range(4)))
asyncio.run(main())
"""


async def test_sixteen_writers_in_four_processes__a_reader_of_the_feed_misses_none(database: str, pool: Any) -> None:
    notifications = Notifications(database)
    await notifications.start()
    log = StoredLog(pool, notifications, DurableHead())
    script = WRITER.format(root=str(ROOT), dsn=database)
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(n), cwd=ROOT) for n in range(4)]
    seen: list[Recorded] = []
    complete_to = datetime.min.replace(tzinfo=UTC)
    async with asyncio.timeout(100):
        while len(seen) < 4 * 4 * 25:
            page = await read_feed(log, seen[-1].position if seen else 0, limit=20, wait=1)
            assert page.previous_id == (seen[-1].event_id if seen else None)
            assert all(event.recorded_at > complete_to for event in page.events)
            seen.extend(page.events)
            complete_to = page.complete_to or complete_to
            assert not any(process.returncode for process in processes)
    assert [await process.wait() for process in processes] == [0] * 4
    assert [event.position for event in seen] == list(range(1, 401))
    assert [event.previous_id for event in seen[1:]] == [event.event_id for event in seen[:-1]]
    assert sorted(seen, key=lambda event: event.recorded_at) == seen
    await notifications.close()


async def test_stamps__never_go_back_nor_into_what_was_stated_complete(writer: GroupCommit, pool: Any) -> None:
    one = await writer.append(command("a"))
    complete, at_head = await state_complete_to(pool)
    assert at_head == 1 and complete >= one.recorded_at
    two = await writer.append(command("b"))
    assert two.recorded_at > complete


async def test_clock__moves_forwards_only_and_only_where_it_was_set_before_the_first_event(pool: Any) -> None:
    start = datetime(2019, 6, 24, 1, tzinfo=UTC)
    await move_clock(pool, start)
    await outcomes(pool, command("a", effective_on=date(2019, 6, 24)))
    assert (await store_now(pool)).date() == date(2019, 6, 24)
    await move_clock(pool, start + timedelta(days=60))
    with pytest.raises(MovedBackwards):
        await move_clock(pool, start)


async def test_clock__of_a_store_with_real_events_is_the_real_one(pool: Any) -> None:
    await outcomes(pool, command("a"))
    with pytest.raises(MovedBackwards):
        await move_clock(pool, datetime(2030, 1, 1, tzinfo=UTC))


async def test_copied_database__mints_a_new_epoch(pg_server: Any, database: str, pool: Any) -> None:
    before = await read_identity(pool)
    assert await read_identity(pool) == before
    await pool.close()
    name = database.split("?")[0].rsplit("/", 1)[1]
    admin = await asyncpg.connect(pg_server.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
    await admin.close()
    copy = await asyncpg.connect(pg_server.dsn(f"{name}_copy"))
    assert (await read_identity(copy)).epoch != before.epoch
    await copy.close()


async def test_backend_ended_in_mid_flight__each_command_is_recorded_once(writer: GroupCommit, pool: Any) -> None:
    async def interrupt() -> None:
        for _ in range(10):
            await asyncio.sleep(0.02)
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    async def client(c: int) -> None:
        for n in range(40):
            await writer.append(command(f"i{c}-{n}"))

    async with asyncio.timeout(60):
        await asyncio.gather(*(client(c) for c in range(8)), interrupt())
    assert await pool.fetchval("SELECT count(*) FROM stored_events") == 320
    assert await head(pool) == 320
