"""What a standby must have: nothing is told as recorded before it has it, however the waiting ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.dev.postgres import ensure_database
from shared.event_store.append import Append, Appended
from shared.event_store.errors import IdempotencyReplay, NotConfirmed, StoreUnavailable
from shared.postgres import durable, group_commit
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.log import StoredLog
from shared.postgres.migrate import migrate
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, create_pool
from tests.integration.shared.test_append import command
from tests.support.replicated import Replicated, replicated
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)


class Process:
    """What a service has of its store."""

    def __init__(self, pool: Any, durable: DurableHead, dsn: str) -> None:
        notifications = Notifications(dsn)
        self.pool, self.durable = pool, durable
        self.writer = GroupCommit(pool, durable)
        self.log = StoredLog(pool, notifications, durable)
        self.outbox = StoredOutbox(pool, notifications, "relay", durable)

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

    async def feed(self) -> list[int]:
        """The positions that a reader is given."""
        return [event.position for event in await self.log.events_after(0, 100)]

    async def relayed(self) -> list[int]:
        """The positions that are published."""
        return [event.position for event in await self.outbox.page(0, 100)]


@asynccontextmanager
async def process(dsn: str) -> AsyncIterator[Process]:
    head = DurableHead()
    pool = await create_pool(dsn, application="test", largest=4, on_epoch=head.see)
    await head.start(pool)
    made = Process(pool, head, dsn)
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


async def test_standby_dies_then_primary__every_command_that_was_acknowledged_is_on_the_survivor(
    hurried: None,
) -> None:
    with replicated() as servers:
        await ensure_database(servers.primary.dsn("postgres"), "store")
        await migrate(servers.dsn("store"), ["shared.postgres"])
        async with process(servers.dsn("store")) as intake:
            first = await intake.told(keyed("a"))
            assert isinstance(first, Appended)
            assert await intake.feed() == await intake.relayed() == [1]
            servers.standby.kill()
            # The caller is answered, and the append goes on waiting.
            assert isinstance(await intake.told(keyed("b")), NotConfirmed)
            assert servers.is_waited_for()
            assert await intake.feed() == [1]
            # Somebody cancels it: it is committed here, alone, and whoever looks finds it.
            cancelled = servers.primary.admin(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            )
            assert cancelled
            await until(lambda: len(positions(servers)) == 2)
            assert isinstance(await intake.told(keyed("b")), StoreUnavailable)
            assert await intake.feed() == await intake.relayed() == [1]
            assert await intake.log.state_complete_to() is None
            servers.fail_over()
            second = await eventually(intake, keyed("b"))
            assert (second.first_position if isinstance(second, Appended) else second.position) == 2
            assert await until(lambda: intake.feed()) == [1, 2] == await intake.relayed()
            stored = servers.standby.admin(
                "SELECT event_id FROM stored_events ORDER BY notification_id", database="store"
            )
            assert len(stored) == 2


def keyed(key: str) -> Append:
    return command(key, caller="test", key=key, fingerprint=b"f")


def positions(servers: Replicated) -> list[Any]:
    return servers.primary.admin("SELECT notification_id FROM stored_events", database="store")


async def eventually(intake: Process, append: Append) -> Any:
    """What a client is told in the end that goes on sending the same."""

    async def accepted() -> Any:
        told = await intake.told(append)
        return None if isinstance(told, StoreUnavailable) else told

    return await until(accepted)
