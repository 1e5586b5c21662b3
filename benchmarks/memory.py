"""The memory of a rebuild, in a process that holds nothing else: `python -m benchmarks.memory DSN CONFERENCES STEP`."""

import asyncio
import resource
import subprocess
import sys

from benchmarks.following import GrowingFeed, following, reached
from benchmarks.history import EVENTS_EACH, SyntheticHistory
from shared.envelope import FeedPage

CALENDARS = 2
KEPT = 6_000  # events that the feed keeps


class MadeFeed(GrowingFeed):
    """A feed that makes its events when they are asked for, in order, so that they are no part of what is measured."""

    def __init__(self, conferences: int) -> None:
        super().__init__([], CALENDARS + conferences * EVENTS_EACH)
        self._conferences = conferences
        self._begin()

    def _begin(self) -> None:
        self._making, self._first = SyntheticHistory().events(self._conferences), 0
        self._kept: list = []  # type: ignore[type-arg]

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position."""
        if after < self._first:
            self._begin()
        to = min(after + limit, self.shown)
        while self._first + len(self._kept) < to:
            self._kept.append(next(self._making))
        if len(self._kept) > KEPT:
            dropped = max(0, min(after - 1, self._first + len(self._kept) - 1) - self._first)
            self._kept, self._first = self._kept[dropped:], self._first + dropped
        found = self._kept[after - self._first : to - self._first]
        last = self._kept[to - self._first - 1] if to else None
        return FeedPage(
            source="bench", epoch="e1", head=self.shown, events=found,
            previous_id=self._kept[after - self._first - 1].event_id if after else None,
            complete_to=last.recorded_at if last is not None and to == self.shown else None,
        )  # fmt: skip


def peak(dsn: str, conferences: int) -> float:
    """The peak megabytes of a rebuild of a number of conferences, which are followed beforehand."""
    for step in ("follow", "rebuild"):
        command = [sys.executable, "-m", "benchmarks.memory", dsn, str(conferences), step]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(printed.split()[-1])


async def _follow(dsn: str, feed: MadeFeed) -> None:
    async with following(dsn, feed) as pool:
        await reached(pool, feed.shown, 3600)


def _main(dsn: str, conferences: str, step: str) -> None:
    from benchmarks.rebuild import rebuilding

    feed = MadeFeed(int(conferences))
    asyncio.run(_follow(dsn, feed) if step == "follow" else rebuilding(dsn, feed))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _main(*sys.argv[1:])
