"""Since when nothing is recorded, as a process tells it that found its store away."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.event_store.append import Append, NewEvent
from shared.event_store.errors import StoreUnavailable
from shared.postgres import group_commit
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import FORGOTTEN_AFTER, STANDS_AFTER, GroupCommit
from shared.tasks import cancel_and_wait


def command() -> Append:
    stream = uuid4()
    event = NewEvent(originator_id=stream, version=1, topic="Tested", state=b"{}", event_id=uuid4())
    return Append(events=(event,), expected={stream: 0})


class AwayStore:
    """A store to which nobody gets; from `silent` on whoever tries waits."""

    def __init__(self) -> None:
        self.silent, self.asked = False, asyncio.Event()

    async def acquire(self, timeout: float) -> Any:
        if self.silent:
            self.asked.set()
            await asyncio.Event().wait()
        raise ConnectionRefusedError


async def test_command_after_a_long_silence__is_the_first_of_a_new_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(group_commit, "monotonic", lambda: clock[0])
    monkeypatch.setattr(group_commit, "ANSWER_WITHIN", 0.0)
    store = AwayStore()
    writer = GroupCommit(store, DurableHead())  # type: ignore[arg-type]  # all that it asks of a pool
    await writer.start()
    with pytest.raises(StoreUnavailable):
        await writer.append(command())
    clock[0] += STANDS_AFTER + 1
    assert "no command has been recorded for 6 s (ConnectionRefusedError)" in writer.standstill
    clock[0] += FORGOTTEN_AFTER
    assert writer.standstill == "", "whether the next one is recorded is not known"
    store.silent = True
    waiting = asyncio.create_task(writer.append(command()))
    await store.asked.wait()
    assert writer.standstill == "", "it came just now"
    clock[0] += STANDS_AFTER + 1
    assert "for 6 s" in writer.standstill
    for task in (waiting, writer._task, writer._watching):
        await cancel_and_wait(task)
