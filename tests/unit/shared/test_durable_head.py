"""Which barrier counts: one of the store that was read, not of the one that has taken its place meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.event_store.errors import NotConfirmed
from shared.postgres.durable import DurableHead


class RequiringStore:
    """A server that requires a standby. The first barrier ends when it is told what it finds; then `now` is found."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.first: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.now: dict[str, Any] = {}

    async def fetchval(self, _: str) -> bool:
        return True

    async def fetchrow(self, _: str) -> dict[str, Any]:
        if self.begun.is_set():
            return self.now
        self.begun.set()
        return await self.first


@pytest.fixture
async def store() -> RequiringStore:
    return RequiringStore()


@pytest.fixture
async def head(store: RequiringStore) -> AsyncIterator[DurableHead]:
    made = DurableHead()
    await made.see("first", None)
    await made.start(store)  # type: ignore[arg-type]  # all that it asks of a pool
    yield made
    await made.close()


async def test_barrier__confirms_what_was_read_before_it(head: DurableHead, store: RequiringStore) -> None:
    waiting = asyncio.create_task(head.confirm(5, "first"))
    await store.begun.wait()
    store.first.set_result({"epoch": "first", "head": 7})
    await waiting
    assert head.position == 7


async def test_barrier_on_a_server_that_was_replaced_meanwhile__confirms_nothing(
    head: DurableHead, store: RequiringStore
) -> None:
    waiting = asyncio.create_task(head.confirm(5, "first"))
    await store.begun.wait()
    await head.see("second", None)
    store.now = {"epoch": "second", "head": 3}
    store.first.set_result({"epoch": "first", "head": 7})
    with pytest.raises(NotConfirmed):
        await waiting
    assert (head.epoch, head.position) == ("second", 3)
