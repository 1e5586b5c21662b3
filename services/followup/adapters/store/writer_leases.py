"""The leases under which sources are written, shared out evenly between the processes of followup."""

import asyncio
import contextlib
import os
import socket

import asyncpg

from shared.postgres import lease

#: Begins the name of each; that of the source follows. Up to release 0.4.0 it was another: that release holds its own
#: while a source is taken over from it.
KIND = "source:"
#: Seconds without a leader until one leads that does not reach the source: no reader waits so long for an answer.
UNLED = 20.0


class WriterLeases:
    """The writer's lease of each source, judged by the database's clock."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._taken: set[str] = set()
        self._taking = asyncio.Lock()  # one after another: each count sees what this process took before

    async def take(self, source: str, *, is_reached: bool) -> bool:
        """Take the lease of a source; False while another process holds it.

        Of a process that leads two sources more than this one it is taken over: what that one has in hand it cannot
        write any more, so that each event is applied once. A source that this process does not reach is taken where
        nobody leads it.
        """
        name = KIND + source
        fence = await lease.acquire(self._pool, name, self._holder, idle=0.0 if is_reached else UNLED)
        if fence is None and is_reached:
            async with self._taking:
                fence = await lease.relieve(self._pool, name, self._holder, KIND)
        return self._noted(source, fence)

    async def renew(self, source: str, *, is_reached: bool) -> bool:
        """Renew the lease of a source that this process leads; False once another process took it.

        Of a source that it does not reach it is given back: whoever reaches it takes it.
        """
        seconds = lease.LEASE_SECONDS if is_reached else 0.0
        return self._noted(source, await lease.renew(self._pool, KIND + source, self._holder, seconds))

    def _noted(self, source: str, fence: int | None) -> bool:
        (self._taken.discard if fence is None else self._taken.add)(source)
        return fence is not None

    async def release(self) -> None:
        """Give back what this process holds, so that another takes over at once."""
        for source in self._taken:
            with contextlib.suppress(Exception):  # a lease that cannot be given back runs out
                await lease.release(self._pool, KIND + source, self._holder)
