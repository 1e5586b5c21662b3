"""A task ends, also when something in it swallows a cancellation."""

import asyncio

import pytest

from shared.tasks import cancel_and_wait


async def stubborn(swallowed: list[int]) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(1)


async def test_ended__asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tasks.ASK_AGAIN", 0.01)
    swallowed: list[int] = []
    task = asyncio.create_task(stubborn(swallowed))
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_and_wait(task), 10)
    assert task.cancelled() and swallowed == [1]


async def test_ended__of_a_failed_task_or_none() -> None:
    async def failing() -> None:
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await cancel_and_wait(task)
    await cancel_and_wait(None)
    assert task.done()
