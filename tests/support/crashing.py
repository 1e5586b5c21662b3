"""Runs the command line with a named crash point or a bug: `python -m tests.support.crashing POINT[:N] intake serve`.

The product has no such points: what is patched here dies by SIGKILL at the N-th time that it comes there.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import asyncpg

from services.followup.adapters.store import projection, rebuild_tables
from services.followup.adapters.webhooks import stored_subscriptions
from services.followup.application import projector
from services.followup.domain.deadlines import engine
from shared.events import EVENTS
from shared.postgres import group_commit, outbox
from shared.rabbit import subscriber

Hit = Callable[[], None]


def before(holder: Any, name: str, hit: Hit) -> None:
    """Die before a function is called."""
    original = getattr(holder, name)

    @functools.wraps(original)
    def dying(*arguments: Any, **options: Any) -> Any:
        hit()
        return original(*arguments, **options)

    setattr(holder, name, dying)


def after(holder: Any, name: str, hit: Hit) -> None:
    """Die once an awaited function has returned."""
    original = getattr(holder, name)

    @functools.wraps(original)
    async def dying(*arguments: Any, **options: Any) -> Any:
        found = await original(*arguments, **options)
        hit()
        return found

    setattr(holder, name, dying)


def in_small_steps(at: Callable[[Any, str, Hit], None], hit: Hit) -> None:
    """Die at a step of a sweep; the steps are so small that a few cases take several."""
    projector.SETTLED_AT_ONCE, projector.WALKED_AT_ONCE = 4, 6
    at(projector.Projector, "sweep", hit)


def during(holder: Any, name: str, hit: Hit) -> None:
    """Die once what an awaited function asks of the server is on its way, and no answer is there."""
    original = getattr(holder, name)

    @functools.wraps(original)
    async def dying(*arguments: Any, **options: Any) -> Any:
        asking = asyncio.ensure_future(original(*arguments, **options))
        await asyncio.sleep(0.001)
        hit()
        return await asking

    setattr(holder, name, dying)


def in_migration(hit: Hit) -> None:
    """Die when a migration was run and is about to be noted, in its transaction."""
    original = asyncpg.Connection.execute

    async def dying(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        if query.startswith("INSERT INTO schema_migrations"):
            hit()
        return await original(self, query, *arguments, **options)

    asyncpg.Connection.execute = dying


POINTS: dict[str, Callable[[Hit], None]] = {
    "intake_before_commit": lambda hit: before(group_commit, "append_in", hit),
    "intake_in_commit": lambda hit: during(group_commit, "append_in", hit),
    "intake_after_commit": lambda hit: before(group_commit, "_answer", hit),
    "relay_before_publish": lambda hit: after(outbox.StoredOutbox, "page", hit),
    "relay_before_advance": lambda hit: before(outbox.StoredOutbox, "advance", hit),
    "relay_after_advance": lambda hit: after(outbox.StoredOutbox, "advance", hit),
    "webhook_before_record": lambda hit: before(stored_subscriptions.StoredSubscriptions, "delivered", hit),
    "webhook_after_record": lambda hit: after(stored_subscriptions.StoredSubscriptions, "delivered", hit),
    "followup_before_commit": lambda hit: before(projection.StoredProjection, "commit", hit),
    "followup_in_commit": lambda hit: during(projection.StoredProjection, "commit", hit),
    "followup_after_commit": lambda hit: after(projection.StoredProjection, "commit", hit),
    "followup_before_ack": lambda hit: before(subscriber.Subscriber, "ack_through", hit),
    "sweep_before_step": lambda hit: in_small_steps(before, hit),
    "sweep_after_step": lambda hit: in_small_steps(after, hit),
    "rebuild_writing": lambda hit: after(rebuild_tables.RebuildTables, "write", hit),
    "rebuild_before_swap": lambda hit: before(rebuild_tables.LockedCursorRow, "replace", hit),
    "rebuild_before_commit": lambda hit: after(rebuild_tables.LockedCursorRow, "replace", hit),
    "rebuild_after_swap": lambda hit: before(rebuild_tables.RebuildTables, "drop_replaced", hit),
    "migration": in_migration,
}


def bug(topic: str) -> None:
    """A release whose fold fails on a topic."""
    original = engine.DeadlineEngine.apply

    def failing(self: Any, fact: Any) -> None:
        if fact.topic == topic:
            raise ZeroDivisionError("a bug")
        original(self, fact)

    engine.DeadlineEngine.apply = failing  # type: ignore[method-assign]


def without(topic: str) -> None:
    """A release from before a topic."""
    del EVENTS[topic]


def slow(seconds: str) -> None:
    """A handler that takes its time for each batch."""
    original = projector.Projector._apply

    async def slowly(self: Any, *arguments: Any) -> int:
        await asyncio.sleep(float(seconds))
        return await original(self, *arguments)

    projector.Projector._apply = slowly  # type: ignore[method-assign]


BUGS: dict[str, Callable[[str], None]] = {"bug": bug, "without": without, "slow": slow}


def hits(number: int) -> Hit:
    """Dies at the call of that number."""
    left = number

    def hit() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return hit


def main() -> None:
    """Patch, then be the command line."""
    point, _, argument = sys.argv.pop(1).partition(":")
    if point in BUGS:
        BUGS[point](argument)
    else:
        POINTS[point](hits(int(argument or 1)))
    from services import cli

    cli.main()


if __name__ == "__main__":
    main()
