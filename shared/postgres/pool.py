"""Connections to PostgreSQL: bounded in number and time, each checked for which store it has reached."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from asyncpg.pool import PoolAcquireContext

from shared.postgres.durable import confirmed
from shared.postgres.hosts import CONNECT_TIMEOUT, Birth, Hosts
from shared.postgres.store import read_identity
from shared.sentences import Sentence
from shared.tasks import cancel_and_wait

COMMAND_TIMEOUT = 30.0  # seconds for one statement
MAX_QUERIES = 50_000  # of one connection, then it is replaced
IDLE = 300.0  # seconds after which an unused connection is closed
POLL = 1.0  # seconds between two looks, since a notification may be lost
PROBE_TIMEOUT = 2.0  # seconds after which a server that does not answer is taken for frozen
AGAIN = 0.5  # seconds between two tries to find a server

if TYPE_CHECKING:  # generic for the type checker alone
    _Context = PoolAcquireContext[asyncpg.Record]
    _Connections = asyncpg.Pool[asyncpg.Record]
else:
    _Context = PoolAcquireContext
    _Connections = asyncpg.Pool

_log = structlog.get_logger(__name__)
#: Of a session, whatever the server, the database or the role have for defaults. A commit waits until a required
#: standby has it on its disk, and the warning that it does no longer reaches us. That a standby has applied it too
#: (`remote_apply`) is waited for by nobody: nothing of ours reads there.
_SETTINGS = {
    "synchronous_commit": "on",
    "client_min_messages": "warning",
    "jit": "off",
    "timezone": "UTC",
    "DateStyle": "ISO, MDY",
    "search_path": "public",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "30000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


async def create_pool(
    dsn: str | Hosts,
    *,
    application: str,
    largest: int = 10,
    event_store: bool = True,
    search_path: str = "public",
    on_epoch: Callable[[str, Any], Awaitable[None]] | None = None,
) -> "asyncpg.Pool[asyncpg.Record]":
    """Make a pool of at most `largest` connections.

    A process that has more than a pool hands the same `Hosts` to all: what one finds of a host ends what waits there.
    With `event_store` each new connection reads the store's identity first, so that a restored store gets its new epoch
    before anything is read from it; `on_epoch` is told it, with the connection, before anything else is. A server that
    holds another store is passed from then on.

    What is written through it is durable once its statement, or the block of its connection, has ended: where the
    server gave up waiting for a standby it raises Unconfirmed.
    """

    async def prepare(connection: Any) -> None:
        if event_store:
            found = await read_identity(connection)
            hosts.meet(Birth(found.source, found.birth))
            if on_epoch is not None:
                await on_epoch(found.epoch, connection)

    hosts = dsn if isinstance(dsn, Hosts) else Hosts(dsn)
    walk: Any = hosts.connect  # it gives what asyncpg's own would, whose class the type asks for by an option
    pool: asyncpg.Pool[asyncpg.Record] = await _Pool(
        hosts.dsn,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        init_size=1,
        min_size=1,
        max_size=largest,
        max_queries=MAX_QUERIES,
        max_inactive_connection_lifetime=IDLE,
        loop=None,
        connect=walk,
        setup=None,
        command_timeout=COMMAND_TIMEOUT,
        timeout=CONNECT_TIMEOUT,
        init=prepare,
        reset=_rolled_back,
        server_settings={**_SETTINGS, "application_name": application, "search_path": search_path},
    )
    return pool


class _Acquired(_Context):
    """A connection until the block ends, whose commits are confirmed then.

    One whose statement was begun and never sent is closed, not given back.
    """

    async def __aenter__(self) -> Any:
        connection: Any = await super().__aenter__()
        self._confirmed = confirmed(connection)
        try:
            await self._confirmed.__aenter__()
        except BaseException:  # it was closed just now
            await super().__aexit__()
            raise
        return connection

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await self._confirmed.__aexit__(*raised)
        finally:
            if self.connection is not None and _left_half_sent(raised[1]):
                self.connection.terminate()
            await super().__aexit__(*raised)


class _Pool(_Connections):
    """A pool whose connections are fit for whoever comes next, and that tells of nothing as written which is not."""

    def acquire(self, *, timeout: float | None = None) -> "PoolAcquireContext[asyncpg.Record]":
        """A connection for a block."""
        return _Acquired(self, timeout)


def _left_half_sent(error: BaseException | None) -> bool:
    """Whether asyncpg itself refused a parameter: then it has sent Parse and no Sync, and the server holds a
    transaction open of which `is_in_transaction` knows nothing. Errors of the server have a severity."""
    if isinstance(error, asyncpg.PostgresError):
        return getattr(error, "severity", None) is None
    return isinstance(error, asyncpg.InterfaceError)


async def connect(dsn: str, timeout: float = CONNECT_TIMEOUT) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection with the settings that those of a pool have, to read by. Who writes calls `connected`."""
    return await Hosts(dsn).connect(timeout=timeout, server_settings=_SETTINGS)


@contextlib.asynccontextmanager
async def connected(dsn: str, timeout: float = CONNECT_TIMEOUT) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Such a connection for a block whose commits are confirmed at its end. Raises Unconfirmed."""
    connection = await connect(dsn, timeout)
    try:
        async with confirmed(connection):
            yield connection
    finally:
        await connection.close()


async def _rolled_back(connection: Any) -> None:
    """Roll back what a connection has left open before its next use.

    asyncpg would reset the whole session, which costs a round trip. Nothing here sets or locks anything beyond its own
    transaction.
    """
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


class Notifications:
    """Wakes whoever waits when events were recorded. After a lost connection it listens again by itself.

    It looks every second whether the server still answers, so it is the first to notice a frozen one.
    """

    def __init__(self, dsn: str | Hosts, channel: str = "stored_events") -> None:
        self._hosts, self._channel = dsn if isinstance(dsn, Hosts) else Hosts(dsn), channel
        self._waiters: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen(), name=f"listen-{self._channel}")

    async def close(self) -> None:
        """Stop listening."""
        await cancel_and_wait(self._task)

    @contextlib.asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Event]:
        """Yield an event that is set at each notification; whoever waits clears it before it looks."""
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            yield event
        finally:
            self._waiters.discard(event)

    @property
    def trouble(self) -> Sentence | None:
        """Why no connection could be opened when it was last tried, by all who share our hosts."""
        return self._hosts.trouble

    def wake(self) -> None:
        """Set the event of everybody who waits."""
        for event in self._waiters:
            event.set()

    async def _listen(self) -> None:
        while True:
            connection = None
            try:
                connection = await self._hosts.connect(server_settings=_SETTINGS)
                await connection.add_listener(self._channel, lambda *_: self.wake())
                while not connection.is_closed():
                    await asyncio.sleep(POLL)
                    await self._hosts.probe(connection, PROBE_TIMEOUT)
            except Exception as error:  # whatever a server answers: nobody would listen for the life of the process
                why = self.trouble.en if self.trouble is not None else ""
                _log.warning("listen_lost", error=type(error).__name__, why=why)
            finally:
                if connection is not None and not connection.is_closed():
                    connection.terminate()
            await asyncio.sleep(AGAIN)
