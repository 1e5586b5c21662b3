"""Appending through the group commit by a number of concurrent callers, on a store that was filled to a size.

Every second command begins a petition, every other one continues one of the last of the history: what runs at a time
does not grow with it.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from benchmarks.filling import EVENTS_EACH, numbered_id
from benchmarks.lines import quantile
from benchmarks.servers import pool_of
from shared.event_store.append import Append, NewEvent
from shared.events import Metadata, encode_state
from shared.events.petition import PetitionClassified
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit

COMMANDS = {1: 300, 8: 800, 32: 1_600, 128: 2_560}  # single-event commands of a round, by concurrent callers
RUNNING = 1_500  # petitions that are continued
WARM_UP = 64  # commands
EVENT = PetitionClassified(effective_on=date(2019, 7, 2), subject="Sửa chữa đường liên bản", field="giao thông")


class Appending(msgspec.Struct, frozen=True):
    """How appending went: commands a second, and milliseconds for one."""

    rate: float
    p50: float
    p99: float


def commands_on(size: int) -> Iterator[Append]:
    """Endless commands on a store of `size` events."""
    running = min(RUNNING, size // EVENTS_EACH)
    first = size // EVENTS_EACH - running  # of those that run; the petitions before are done with
    for number in itertools.count():
        event_id = numbered_id(size + 1 + number)
        turn, which = divmod(number // 2, running)
        petition, version = event_id, 1
        if number % 2:
            petition, version = numbered_id(1 + (first + which) * EVENTS_EACH), EVENTS_EACH + 1 + turn
        meta = Metadata(
            event_id=event_id, aggregate="petition", jurisdiction="H35.10", actor="bench", correlation_id=event_id
        )  # fmt: skip
        event = NewEvent(
            originator_id=petition, version=version, topic=EVENT.TOPIC, state=encode_state(EVENT, meta),
            event_id=event_id,
        )  # fmt: skip
        yield Append(events=(event,), expected={petition: version - 1})


async def append_round(dsn: str, commands: Iterator[Append]) -> dict[int, Appending]:
    """Each number of callers once."""
    async with pool_of(dsn) as pool:
        writer = GroupCommit(pool, DurableHead())
        await writer.start()
        # What a new connection prepares once is not part of it.
        await _appended(writer, list(itertools.islice(commands, WARM_UP)), 8)
        found = {}
        for callers, count in COMMANDS.items():
            found[callers] = await _appended(writer, list(itertools.islice(commands, count)), callers)
        await writer.close()
        return found


async def _appended(writer: GroupCommit, commands: Sequence[Append], callers: int) -> Appending:
    taken: list[float] = []

    async def call(share: Sequence[Append]) -> None:
        for command in share:
            began = time.perf_counter()
            await writer.append(command)
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(call(commands[n::callers]) for n in range(callers)))
    spent = time.perf_counter() - began
    return Appending(len(commands) / spent, quantile(taken, 0.5) * 1000, quantile(taken, 0.99) * 1000)
