"""The hosts of a database, tried one after another: each briefly, the last good one first, a silent one last.

asyncpg gives a whole list one time-out, so that it never gets past a first host that swallows packets, or past a
frozen server. Nor does it notice that a standby was promoted while connections to the old primary stay open: a frozen
one would keep whoever waits for its answer. Here every new connection looks at the timeline that it finds. A later one
ends the connections that were opened before; an earlier one is that of a primary that was replaced, and is passed.
"""

import asyncio
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from weakref import WeakSet

import asyncpg
import structlog

from shared.server_urls import current, unreachable
from shared.sockets import watch_peer

EACH = 1.5  # seconds for each host of several
CONNECT_TIMEOUT = 5.0  # seconds for a single one, and the most for one of several that are all slow
#: A replica accepts no appends and sends no notifications.
WRITABLE: dict[str, Any] = {"target_session_attrs": "read-write"}

_TIMELINE = """
SELECT system_identifier AS system, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline FROM pg_control_system()
"""
#: What the next host would say too.
_SAID_FOR_ALL = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)

log = structlog.get_logger(__name__)

#: A host, and its port where one is named.
Host = tuple[str, int | None]


class NoHost(ConnectionError):
    """None of several hosts can be written to. The message says of each why."""


class ReplacedPrimary(ConnectionError):
    """A server that was a primary before another one was promoted, and does not know it yet."""


class Hosts:
    """The hosts that a DSN lists, and what is known of them. One object for all connections of a process."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._hosts = hosts_of(dsn)  # in the order in which they are tried
        self._limit = EACH
        self._server: tuple[int, str] = (0, "")  # the system and its timeline, as the newest connection found them
        self._open: WeakSet[asyncpg.Connection[asyncpg.Record]] = WeakSet()

    async def connect(
        self, dsn: str = "", *, timeout: float = CONNECT_TIMEOUT, **options: Any
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection to the first host that can be written to; a pool hands on its `dsn`, which is this one's.

        Raises NoHost, and what holds for every host: a password that does not fit, a database that is not there.
        """
        if len(self._hosts) < 2:
            return await self._opened(timeout, options)
        said: list[str] = []
        refused: asyncpg.PostgresError | None = None
        for host in list(self._hosts):
            try:
                connection = await self._opened(self._limit, options | {"host": [host[0]], "port": host[1]})
            except (*_SAID_FOR_ALL, asyncpg.ClientConfigurationError):
                raise
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                said.append(f"{_name(host)} {_why(error, self._limit)}")
                if isinstance(error, TimeoutError):
                    self._put(host, last=True)
                if isinstance(error, asyncpg.TooManyConnectionsError):
                    refused = error
            else:
                self._put(host)
                self._limit = EACH
                return connection
        # A machine so busy that every host is slow gets the time of a single one.
        self._limit = min(self._limit * 2, CONNECT_TIMEOUT)
        raise refused or NoHost("; ".join(said))

    def _put(self, host: Host, *, last: bool = False) -> None:
        self._hosts.remove(host)
        self._hosts.insert(len(self._hosts) if last else 0, host)

    async def _opened(self, limit: float, options: dict[str, Any]) -> "asyncpg.Connection[asyncpg.Record]":
        async with asyncio.timeout(limit):
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                current(self.dsn), **WRITABLE | options, timeout=limit
            )
            try:
                watch_peer(connection._transport)  # type: ignore[attr-defined]  # asyncpg has no other way to it
                found = await connection.fetchrow(_TIMELINE)
                assert found is not None
                self._enter(connection, (found["system"], found["timeline"]))
            except BaseException:
                connection.terminate()
                raise
        return connection

    def _enter(self, connection: "asyncpg.Connection[asyncpg.Record]", server: tuple[int, str]) -> None:
        if server != self._server:
            if server[0] == self._server[0] and server[1] < self._server[1]:
                raise ReplacedPrimary("is of an earlier timeline than the primary that was found last")
            stale, self._open, self._server = list(self._open), WeakSet(), server
            for each in stale:
                each.terminate()  # whoever waits for an answer of it learns that the connection is gone
            if stale:
                log.warning("connections_ended", count=len(stale), why="another server, or a later timeline of it")
        self._open.add(connection)


def hosts_of(dsn: str) -> list[Host]:
    """The hosts that a DSN names, in its order: before the path or as `host` and `port`; none where it names none.

    Raises ValueError.
    """
    parts = urlsplit(dsn)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    named = parts.netloc.rpartition("@")[2]
    listed = named or query.get("host", "")
    hosts = [_host(each, quoted=bool(named)) for each in listed.split(",") if each]
    ports = [_port(port) for port in query.get("port", "").split(",") if port]
    if len(ports) > 1 and len(ports) != len(hosts):
        raise ValueError(f"{len(ports)} ports for {len(hosts)} hosts")
    if ports:
        return [(host, ports[at % len(ports)]) for at, (host, _) in enumerate(hosts)]
    return hosts


def _host(text: str, *, quoted: bool) -> Host:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.startswith("/"):
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    return unquote(host) if quoted else host, _port(port) if port else None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        # Not repeated: in a URL that is cut at the wrong place it may be a piece of the password.
        raise ValueError("a port is no number; in a password : / @ , ? are written %3A %2F %40 %2C %3F")
    return int(text)


def _name(host: Host) -> str:
    return host[0] if host[1] is None else f"{host[0]}:{host[1]}"


def _why(error: Exception, limit: float) -> str:
    match error:
        case TimeoutError():
            return f"does not answer within {limit:g} s"
        case asyncpg.InternalClientError():
            return "takes no writes"
        case ReplacedPrimary():
            return str(error)
        case _ if (why := unreachable(error)) is not None:
            return f"cannot be reached ({why.en})"
        case OSError():
            return f"cannot be reached ({error.strerror or type(error).__name__})"
        case _:
            return f"refuses ({type(error).__name__})"
