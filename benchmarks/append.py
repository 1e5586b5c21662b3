"""Appending: 32 callers in one process, each command one sealed petition with its idempotency key and data key.

Fairness. Every side writes the same event bodies, sealed data included, to the same server with `fsync` and
`synchronous_commit` on, each event to a new stream whose newness is checked, and 32 appends are in flight. The peers
get a connection for each caller, which is more than ours uses. Ours also writes an idempotency key and a wrapped data
key for each command and notifies its readers; the peers do not. Encoding: ours is handed bytes, the peers encode JSON
inside the measured time, since their interface leaves no other way; that is under 3 % of theirs. The bare call writes
the same three rows in batches of 32, from arrays made beforehand, on one connection, and checks nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import uvloop

from benchmarks.lines import ROUNDS, Line, at_least, interleaved
from benchmarks.payloads import petitions
from benchmarks.peers.bare import FUNCTION, batched_call, copied
from benchmarks.peers.emmett import emmett, installed
from benchmarks.peers.eventsource_py import eventsource_py
from benchmarks.peers.eventsourcing_stock import eventsourcing_stock
from benchmarks.servers import database, pool_of, postgres
from shared.event_store.append import Append
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit

CALLERS = 32
OURS, PEERS, COPIED = 6_400, 640, 6_400  # events a round
EMMETT, EVENTSOURCE, STOCK, BARE, COPY = "Emmett 0.42", "eventsource-py 0.8", "eventsourcing 9.5", "bare call", "COPY"
OUR_SIDE = "ours"

Rate = Callable[[], Awaitable[float]]


def measure() -> list[Line]:
    """Medians of the rounds."""
    with postgres() as dsn, TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, Path(folder)))


async def _measure(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    async with contextlib.AsyncExitStack() as stack:
        sides = {OUR_SIDE: await _ours(stack, await database(dsn, "ours", "shared.postgres"))}
        sides |= await _bare(stack, await database(dsn, "bare", "shared.postgres"))
        # One round of warming each; the last ones are measured.
        events = list(petitions(PEERS * (ROUNDS + 1)))
        if installed():
            found = emmett(await database(dsn, "emmett"), events, CALLERS, folder)
            sides[EMMETT] = await _warm(await stack.enter_async_context(found))
        found = eventsource_py(await database(dsn, "eventsource"), events, CALLERS)
        sides[EVENTSOURCE] = await _warm(await stack.enter_async_context(found))
        found = eventsourcing_stock(await database(dsn, "stock"), events, CALLERS)
        sides[STOCK] = await _warm(await stack.enter_async_context(found))
        medians = await interleaved(sides)
    ours, bare = medians[OUR_SIDE], medians[BARE]
    peers = [name for name in (EMMETT, EVENTSOURCE, STOCK) if name in medians]
    return [
        *(at_least(f"append, 32 callers / {name}", ours, medians[name], 5, ceiling=bare) for name in peers),
        at_least("append, 32 callers / bare asyncpg, a call for 32", ours, bare, 0.6, ceiling=medians[COPY]),
    ]


async def _warm(run: Callable[[int], Awaitable[float]]) -> Rate:
    await run(PEERS // 2)

    async def rate() -> float:
        return PEERS / await run(PEERS)

    return rate


async def _ours(stack: contextlib.AsyncExitStack, dsn: str) -> Rate:
    pool = await stack.enter_async_context(pool_of(dsn, largest=4))
    writer = GroupCommit(pool, DurableHead())
    await writer.start()
    stack.push_async_callback(writer.close)
    await through(writer, list(petitions(OURS // 8)), CALLERS)

    async def rate() -> float:
        return await through(writer, list(petitions(OURS)), CALLERS)

    return rate


async def through(writer: GroupCommit, appends: Sequence[Append], callers: int) -> float:
    """Commands a second through the group commit, by callers that each wait for their answer before the next."""

    async def caller(mine: Iterator[Append]) -> None:
        for append in mine:
            await writer.append(append)

    began = time.perf_counter()
    await asyncio.gather(*(caller(islice(appends, n, None, callers)) for n in range(callers)))
    return len(appends) / (time.perf_counter() - began)


async def _bare(stack: contextlib.AsyncExitStack, dsn: str) -> dict[str, Rate]:
    connection = await asyncpg.connect(dsn)
    stack.push_async_callback(connection.close)
    await connection.execute(FUNCTION)
    head = 0

    async def bare() -> float:
        nonlocal head
        rate = await batched_call(connection, list(petitions(OURS)), CALLERS, head)
        head += OURS
        return rate

    async def copy() -> float:
        nonlocal head
        rate = await copied(connection, list(petitions(COPIED)), head)
        head += COPIED
        return rate

    return {BARE: bare, COPY: copy}
