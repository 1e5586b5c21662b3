"""What a standby must have: nothing is told as recorded before it has it, however the waiting ended; a loss is told."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.followup.adapters.store.writer_leases import WriterLeases
from services.intake.configured import MIGRATIONS
from shared.event_store.append import Append, Appended
from shared.event_store.errors import IdempotencyReplay, NotConfirmed, StoreUnavailable
from shared.postgres import durable, group_commit, lease
from shared.postgres.durable import EMIT, DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.log import StoredLog
from shared.postgres.losses import LossWatch, confirm_losses, losses, unconfirmed
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, connected, create_pool
from shared.postgres.transient_errors import Unconfirmed
from tests.integration.shared.test_append import command
from tests.support.cluster import Cluster
from tests.support.files import PDF
from tests.support.intake import COMMUNE, Intake, served
from tests.support.postgres import TestServer
from tests.support.restored import copied, in_its_place, name_of
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)


class StoreUser:
    """What a service has of its store."""

    def __init__(self, pool: Any, head: DurableHead, dsn: str) -> None:
        notifications = Notifications(dsn)
        self.pool, self.durable = pool, head
        self.writer = GroupCommit(pool, head)
        self.log = StoredLog(pool, notifications, head)
        self.outbox = StoredOutbox(pool, notifications, "relay", head)

    async def told(self, append: Append) -> Any:
        """What a command comes to; a replay as its handler answers it."""
        epoch = self.durable.epoch
        try:
            return await self.writer.append(append)
        except IdempotencyReplay as replay:
            try:
                await self.durable.confirm(replay.record.position, epoch)
            except NotConfirmed as error:
                return error
            return replay.record
        except StoreUnavailable as error:
            return error

    async def given(self) -> tuple[list[int], list[int]]:
        """The positions that a reader is given, and those that are published."""
        read, relayed = await self.log.events_after(0, 100), await self.outbox.page(0, 100)
        return [event.position for event in read], [event.position for event in relayed]


@asynccontextmanager
async def process(dsn: str) -> AsyncIterator[StoreUser]:
    head = DurableHead()
    pool = await create_pool(dsn, application="test", largest=4, on_epoch=head.see)
    await head.start(pool)
    made = StoreUser(pool, head, dsn)
    await made.writer.start()
    try:
        yield made
    finally:
        await made.writer.close()
        await head.close()
        pool.terminate()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers are answered soon."""
    monkeypatch.setattr(group_commit, "ANSWER_WITHIN", 0.7)
    monkeypatch.setattr(group_commit, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(durable, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(durable, "GIVE_OUT_WITHIN", 0.3)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of one's own."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Cluster(Path(folder)).start()
        yield made
        made.kill()


@pytest.fixture
def cluster(server: Cluster) -> Iterator[Cluster]:
    """It may wait for a standby that there is not."""
    yield server
    server.require("")


async def test_required_standby_that_is_not_there__nothing_is_told_before_it_is(
    hurried: None, cluster: Cluster, tmp_path: Path
) -> None:
    dsn = await cluster.fresh(*MIGRATIONS)
    async with served(dsn, tmp_path, seed_calendars=False) as intake, process(dsn) as beside:
        place = {"code": COMMUNE, "name": "Thị trấn", "level": "commune", "valid_from": "2004-01-01"}
        await intake.done("/v1/jurisdictions", place)
        assert (await pushed(intake, "before")).status_code == 201
        cluster.require("nobody")
        await until(lambda: beside.durable.is_required)
        # The caller is answered, and the append goes on waiting.
        unanswered = await pushed(intake, "alone")
        assert unanswered.status_code == 503
        told = unanswered.json()["translations"]
        assert "gửi lại với cùng khóa" in told["vi"]["detail"] and "may still be" in told["en"]["detail"]
        assert cluster.waiting()
        # Somebody cancels it: now it is committed, here alone, and whoever looks finds it.
        assert await until(lambda: cluster.cancel_waiting())
        await until(lambda: events(cluster, dsn, "PetitionReceived") == 2)
        assert (await pushed(intake, "alone")).status_code == 503
        assert (await found(intake, "alone")).status_code == 503
        assert (await intake.get("/v1/jurisdictions")).status_code == 503, "this process has confirmed nothing yet"
        assert await positions(intake) == []
        assert await beside.given() == ([], [])
        assert await beside.log.state_complete_to() is None
        cluster.require("")
        await until(lambda: accepted(intake, "alone"))
        assert (await found(intake, "alone")).status_code == 200
        assert len(await positions(intake)) == len((await beside.given())[0]) == events(cluster, dsn)
    assert events(cluster, dsn, "PetitionReceived") == 2


async def test_append_that_somebody_cancels__is_told_once_the_standby_has_it(cluster: Cluster) -> None:
    """Its caller still waits: what the look-up finds on this server is no answer before the standby has it."""
    dsn = await cluster.fresh("shared.postgres")
    async with process(dsn) as own:
        await own.told(keyed("a"))
        cluster.require("nobody")
        waiting = asyncio.create_task(own.told(keyed("b")))
        assert await until(cluster.cancel_waiting)
        await until(lambda: events(cluster, dsn) == 2)
        await until(lambda: waiting.done() or cluster.waiting())
        assert not waiting.done(), "the look-up waits too"
        cluster.require("")
        assert isinstance(await waiting, Appended)


#: What the server, the database or the role may have for defaults, and our sessions have not.
SILENT = {"client_min_messages": "error", "synchronous_commit": "local"}


@pytest.mark.parametrize("setting", SILENT)
async def test_append_that_somebody_cancels__is_not_told_whatever_the_database_has_for_defaults(
    hurried: None, cluster: Cluster, setting: str
) -> None:
    dsn = await cluster.fresh("shared.postgres")
    async with process(dsn) as own:
        cluster.admin(f'ALTER DATABASE "{name_of(dsn)}" SET {setting} = {SILENT[setting]}')
        cluster.terminate(name_of(dsn), "test")  # what is opened from now on has it
        await eventually(lambda: own.told(keyed("a")))
        cluster.require("nobody")
        names = itertools.count()
        waiting = await held(cluster, lambda: own.told(keyed(f"b{next(names)}")))
        assert cluster.cancel_waiting()
        assert isinstance(await waiting, StoreUnavailable)
        cluster.require("")


#: Ways to write that are not those of commands.
WRITERS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {}


def writer(way: Callable[[Any, str], Awaitable[Any]]) -> None:
    WRITERS[way.__name__] = way


@writer
async def statement(pool: Any, _: str) -> None:
    await pool.execute("INSERT INTO written VALUES (1)")


@writer
async def answer(pool: Any, _: str) -> None:
    await pool.fetchval("INSERT INTO written VALUES (1) RETURNING value")


@writer
async def block(pool: Any, _: str) -> None:
    async with pool.acquire() as connection:
        await connection.execute("INSERT INTO written VALUES (1)")
        await connection.fetchval("SELECT 1")


@writer
async def transaction(pool: Any, _: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO written VALUES (1)")


@writer
async def alone(_: Any, dsn: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute("INSERT INTO written VALUES (1)")


@pytest.mark.parametrize("way", WRITERS)
async def test_write_that_somebody_cancels__is_not_taken_for_done(cluster: Cluster, way: str) -> None:
    dsn = await cluster.fresh("shared.postgres")
    cluster.admin("CREATE TABLE written (value integer)", database=name_of(dsn))
    pool = await create_pool(dsn, application="test", largest=1)
    try:
        await WRITERS[way](pool, dsn)
        cluster.require("nobody")
        waiting = await held(cluster, lambda: WRITERS[way](pool, dsn))
        before = cluster.admin("SELECT count(*) FROM written", database=name_of(dsn))
        assert cluster.cancel_waiting()
        with pytest.raises(Unconfirmed):
            await waiting
        assert cluster.admin("SELECT count(*) FROM written", database=name_of(dsn)) > before, "it is committed here"
        assert await pool.fetchval("SELECT 1") == 1, "the connection is as good as before"
        cluster.require("")
    finally:
        pool.terminate()


async def test_other_warning__is_none_of_the_standby(database: str) -> None:
    """Before its transaction ids run out PostgreSQL warns with every statement that writes, for weeks."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "CREATE FUNCTION warns() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'ids'; RETURN NEW; END $$;"
        "CREATE TRIGGER warns BEFORE INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION warns()"
    )
    async with process(database) as own:
        assert isinstance(await own.told(keyed("a")), Appended)
        await own.pool.execute("DO $$ BEGIN RAISE WARNING 'ids'; END $$")
    await connection.close()


async def test_upload_that_this_server_alone_has__is_no_stored_file(cluster: Cluster, tmp_path: Path) -> None:
    dsn = await cluster.fresh(*MIGRATIONS)
    async with served(dsn, tmp_path, seed_calendars=False, files=str(tmp_path / "files")) as intake:

        async def send() -> httpx.Response:
            return await intake.client.post("/v1/files", content=PDF)

        assert (await send()).status_code == 201
        cluster.require("nobody")
        for sending in (await held(cluster, send), asyncio.create_task(send())):
            # The barriers of the process wait besides.
            while not sending.done():
                cluster.cancel_waiting()
                await asyncio.sleep(0.05)
            answer = await sending
            assert answer.status_code == 503, "the row is there, and a fail-over would take it back"
            assert answer.json()["type"].endswith("store-unavailable")
        cluster.require("")
        assert (await send()).status_code == 200


async def test_release_of_leases__waits_for_no_standby_and_not_for_long(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await cluster.fresh("shared.postgres")
    pool = await create_pool(dsn, application="test", largest=2)
    leases = [WriterLeases(pool), WriterLeases(pool)]
    for holder, source in zip(leases, ("a", "b"), strict=True):
        assert await holder.take(source, is_reached=True)
    cluster.require("nobody")
    waiting = await held(cluster, lambda: pool.execute(EMIT))
    monkeypatch.setattr(lease, "RELEASE_WITHIN", 3600.0)
    releasing = asyncio.create_task(leases[0].release())
    await until(releasing.done)
    assert cluster.waiting() == 1, "only the other"
    monkeypatch.setattr(lease, "RELEASE_WITHIN", 0.1)
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("SELECT FROM leases FOR UPDATE")
        await leases[1].release()  # it runs out
        cluster.require("")
    await waiting
    ends = "SELECT name FROM leases WHERE expires_at > clock_timestamp() ORDER BY 1"
    assert [row["name"] for row in await other.fetch(ends)] == ["source:b"]
    await other.close()
    pool.terminate()


async def test_store_that_records_nothing__is_told_until_it_does(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "STANDS_AFTER", 0.0)
    async with process(database) as own:
        await own.told(keyed("a"))
        assert own.writer.standstill == ""
        holder = await asyncpg.connect(database)
        async with holder.transaction():
            await holder.execute("SELECT ordering_lock()")
            waiting = asyncio.create_task(own.told(keyed("b")))
            await until(lambda: own.writer.standstill)
            assert "no command has been recorded for" in own.writer.standstill
            await holder.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%append_events%' "
                "AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            await until(lambda: "ConnectionDoesNotExistError" in own.writer.standstill)
        assert isinstance(await waiting, Appended)
        assert own.writer.standstill == ""
        await holder.close()


async def test_volume_that_goes_back__is_looked_at_though_its_epoch_is_the_same(database: str) -> None:
    async with process(database) as own:
        watch = LossWatch(own.pool, own.durable)
        await own.told(keyed("kept"))
        epoch = own.durable.epoch
        lost = uuid4()
        own.durable.acknowledged(2, 2, lost)
        await watch.look()
        assert await losses(own.pool) == [], "nothing casts doubt on it"
        await own.pool.expire_connections()
        await own.pool.fetchval("SELECT 1")
        await watch.look()
        (loss,) = await losses(own.pool)
        assert (loss.loss_id, loss.epoch, loss.agrees_to, loss.first_position) == (lost, epoch, 1, 2)
        await own.pool.expire_connections()
        await own.pool.fetchval("SELECT 1")
        await watch.look()
        assert len(await losses(own.pool)) == 1, "told once"


async def test_closing_while_a_standby_is_away__callers_are_answered_and_it_ends(
    hurried: None, cluster: Cluster
) -> None:
    dsn = await cluster.fresh("shared.postgres")
    async with process(dsn) as own:
        await own.told(keyed("a"))
        cluster.require("nobody")
        waiting = asyncio.create_task(own.told(keyed("b")))
        await until(cluster.waiting)
        await own.writer.close()
        assert isinstance(await waiting, NotConfirmed)
        assert cluster.waiting(), "no cancellation was sent"
        cluster.require("")
    await until(lambda: events(cluster, dsn) == 2)


async def test_restored_under_the_feet_of_a_process__what_it_acknowledged_is_told_until_confirmed(
    pg_server: TestServer, database: str
) -> None:
    async with process(database) as own:
        watch = LossWatch(own.pool, own.durable)
        await own.told(keyed("kept"))
        earlier = await copied(pg_server, database)
        lost = [await own.told(keyed(f"lost {number}")) for number in range(3)]
        assert await unconfirmed(own.pool) == 0
        epoch = own.durable.epoch
        await own.durable.see("of another server than the pool still has", own.pool)
        own.durable.acknowledged(99, 99, uuid4())
        await watch.look()
        assert await losses(own.pool) == [], "which of them is the store is not known yet"
        await own.durable.see(epoch, own.pool)
        own.durable.newest.pop()
        await in_its_place(pg_server, database, earlier)
        await eventually(lambda: own.told(keyed("afterwards")))
        await watch.look()
        (loss,) = await losses(own.pool)
        assert (loss.missing, loss.first_position, loss.last_position) == (3, 2, lost[-1].last_position)
        assert await unconfirmed(own.pool) == 3
        assert isinstance(await own.told(keyed("more")), Appended), "commands go on"
        assert await confirm_losses(own.pool, loss.loss_id, "Văn phòng") == 1
        assert await unconfirmed(own.pool) == 0
        await watch.look()
        assert len(await losses(own.pool)) == 1, "told once"


async def test_standby_that_is_required_later__is_noticed(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(durable, "_LOOK", "SELECT value FROM looked")
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE looked AS SELECT false AS value")
    async with process(database) as own:
        await own.told(keyed("a"))
        assert (own.durable.position, own.durable.trouble) == (0, "")
        await connection.execute("UPDATE looked SET value = true")
        await until(lambda: own.durable.is_required)
        assert await own.given() == ([1], [1])
        assert own.durable.position == 1
        assert own.durable.notice == ""
        await connection.execute("UPDATE looked SET value = false")
        await until(lambda: own.durable.notice)
        assert "requires no standby: what is recorded is on one disk" in own.durable.notice
        await connection.execute("UPDATE looked SET value = true")
        await until(lambda: not own.durable.notice)
    await connection.close()


def keyed(key: str) -> Append:
    return command(key, caller="test", key=key, fingerprint=b"f")


def events(cluster: Cluster, dsn: str, topic: str = "%") -> int:
    counted = "SELECT count(*) FROM stored_events WHERE topic LIKE %s"
    ((count,),) = cluster.admin(counted, topic, database=name_of(dsn))
    return int(count)


async def held(cluster: Cluster, write: Callable[[], Awaitable[Any]]) -> "asyncio.Task[Any]":
    """A write that waits for the standby: some go through before the server has seen that it must."""

    async def written() -> Any:
        return await write()

    for _ in range(100):
        task = asyncio.create_task(written())
        await until(lambda task=task: task.done() or cluster.waiting())
        if not task.done():
            return task
        await task
    raise AssertionError("no write waits")


async def pushed(intake: Intake, name: str) -> httpx.Response:
    """A petition as a portal pushes it, under its own key."""
    body = {"jurisdiction": COMMUNE, "text": "Đường.", "source": "tests", "external_id": name}
    return await intake.post("/v1/petitions", body, Idempotency_Key=name)


async def accepted(intake: Intake, name: str) -> bool:
    return (await pushed(intake, name)).is_success


async def found(intake: Intake, name: str) -> httpx.Response:
    return await intake.get("/v1/petitions", source="tests", external_id=name)


async def positions(intake: Intake) -> list[int]:
    """What the feed gives out."""
    events = (await intake.get("/v1/events", after="0", limit="5000")).json()["events"]
    return [int(event["position"]) for event in events]


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    """What a client is told in the end that goes on sending the same."""

    async def told() -> Any:
        answer = await ask()
        return None if isinstance(answer, StoreUnavailable) else answer

    return await until(told)
