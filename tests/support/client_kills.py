"""Kills a consumer of the client library at lines of it, again and again, and prints what its file then holds as JSON.

Usage: python -m tests.support.client_kills blocking|asyncio FOLDER SEED. A process of its own, since it forks.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from doithoai_client import AsyncClient, Client, FeedEvent, SqliteStore, async_client, client, consuming
from tests.support.feed_stub import StubFeed

HEAD, SEEN = 7, {1, 2, 5, 6, 7}
#: Where a kill may matter: the rest of the library does no more than read and build values.
OURS = {module.__file__ for module in (async_client, client, consuming)} | {__file__}
ROUNDS = 20  # of several kills each


def blocking(path: Path) -> None:
    """Take in the feed; what came is written down without a look at what is there."""

    def handle(event: FeedEvent, transaction: sqlite3.Connection) -> None:
        transaction.execute("INSERT INTO effects VALUES (?)", (event.position,))

    http = httpx.Client(transport=httpx.MockTransport(StubFeed(HEAD, SEEN)))
    with SqliteStore(path) as store, Client("cong", "t", "http://intake", "http://followup", http=http) as reader:
        store.connection.execute("CREATE TABLE IF NOT EXISTS effects (position)")
        reader.consume(store, handle, limit=2)


async def _asyncio(path: Path) -> None:
    async def handle(event: FeedEvent, transaction: sqlite3.Connection) -> None:
        transaction.execute("INSERT INTO effects VALUES (?)", (event.position,))

    http = httpx.AsyncClient(transport=httpx.MockTransport(StubFeed(HEAD, SEEN)))
    with SqliteStore(path) as store:
        store.connection.execute("CREATE TABLE IF NOT EXISTS effects (position)")
        async with AsyncClient("cong", "t", "http://intake", "http://followup", http=http) as reader:
            await reader.consume(store, handle, limit=2)


CONSUMERS: dict[str, Callable[[Path], None]] = {
    "blocking": blocking,
    "asyncio": lambda path: asyncio.run(_asyncio(path)),
}


def traced(act: Callable[[], None], kill_at: int) -> int:
    """Do it; SIGKILL before the n-th line of the consumer, its store or the handler. The number of lines otherwise."""
    lines = 0

    def look(frame: FrameType, kind: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename not in OURS:
            return None
        if kind == "line":
            lines += 1
            if lines == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return look

    sys.settrace(look)
    try:
        act()
    finally:
        sys.settrace(None)
    return lines


def killed(consume: Callable[[Path], None], path: Path, at: int) -> bool:
    """Whether a consumer that is killed at this line did not come to its end."""
    child = os.fork()
    if child == 0:
        traced(lambda: consume(path), at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the consumer failed when killed at line {at}"
    return os.WIFSIGNALED(status)


def effects(path: Path) -> list[int]:
    """What was taken in, in order."""
    with sqlite3.connect(path) as connection:
        found = [position for (position,) in connection.execute("SELECT position FROM effects ORDER BY rowid")]
    connection.close()
    return found


def main(consume: Callable[[Path], None], folder: Path, seed: int) -> None:
    lines = traced(lambda: consume(folder / "whole"), 0)
    wrong, kills = [], 0
    for at in range(1, lines + 1):
        path = folder / f"once-{at}"
        kills += killed(consume, path, at)
        killed(consume, path, 0)
        if effects(path) != sorted(SEEN):
            wrong.append((at, effects(path)))
    chance = random.Random(seed)
    for each in range(ROUNDS):
        path = folder / f"often-{each}"
        while killed(consume, path, chance.randint(1, lines)):
            kills += 1
        if effects(path) != sorted(SEEN):
            wrong.append((-each, effects(path)))
    print(json.dumps({"lines": lines, "kills": kills, "wrong": wrong}))


if __name__ == "__main__":
    main(CONSUMERS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3]))
