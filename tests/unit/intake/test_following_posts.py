"""The loop that learns whose posts have ended says what keeps it from it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.intake import bootstrap
from tests.support.waiting import until


class SilentNotifications:
    @contextlib.asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()


class Cache:
    is_away = True

    async def refresh(self) -> None:
        if self.is_away:
            raise ConnectionRefusedError


async def test_posts__that_cannot_be_read_are_told_until_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "LEARN_EVERY", 0.0)
    monkeypatch.setattr(bootstrap, "LEARN_AT_LATEST", 0.001)
    cache, told = Cache(), dict[str, str]()
    stubs: Any = (cache, SilentNotifications())
    following = asyncio.create_task(bootstrap._follow_posts(*stubs, told))
    await until(lambda: "ConnectionRefusedError" in told.get("posts", ""))
    cache.is_away = False
    await until(lambda: told == {})
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
