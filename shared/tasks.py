"""Ending background tasks for sure."""

import asyncio
from typing import Any

ASK_AGAIN = 0.5  # seconds


async def cancel_and_wait(task: "asyncio.Task[Any] | None") -> None:
    """Cancel a task and wait for its end; told again until it ends, as a library may swallow one cancellation.

    `asyncio.wait_for` does before Python 3.12, when what it waits for is done in the very same moment.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=ASK_AGAIN)
    if task is not None and not task.cancelled():
        task.exception()  # seen: it must not be warned of
