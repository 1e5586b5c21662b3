"""The hosts of a database: which of them is the primary, and holds the store that this process works on.

asyncpg gives a whole list one time-out, and all addresses of a name too, so that it never gets past a first one that
swallows packets, or past a frozen server. Nor does it notice that a standby was promoted while connections to the old
primary stay open: a frozen one would keep whoever waits for its answer. Here every new connection looks at the timeline
and the store that it finds. A later timeline ends the connections that were opened before; an earlier one is that of a
primary that was replaced, and is passed, as is a server that holds another store.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakSet

import asyncpg
import structlog

from shared.host_walk import EACH, HostAddress, HostWalk, Passed, places_of, why_not
from shared.sentences import Sentence
from shared.server_urls import Host, current, hosts_of
from shared.sockets import watch_peer

CONNECT_TIMEOUT = 5.0  # seconds for a single place, and the most for one of several that are all slow
#: A replica accepts no appends and sends no notifications.
WRITABLE: dict[str, Any] = {"target_session_attrs": "read-write"}
_ANY: dict[str, Any] = {"target_session_attrs": "any"}

#: What a URL without hosts leads to: PGHOST, or the socket of this machine.
_DEFAULT = HostAddress(Host("PGHOST", None), "PGHOST")
_SERVER = """
SELECT system_identifier AS system, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline FROM pg_control_system()
"""
_SYSTEM = "SELECT system_identifier FROM pg_control_system()"
_STORE = """
SELECT s.source, (SELECT e.event_id FROM public.stored_events e WHERE e.notification_id = 1) AS birth
FROM public.store_state s
"""
_SERVER_AND_STORE = f"SELECT * FROM ({_SERVER}) AS server, ({_STORE}) AS store"
#: What the next host would say too.
_FOR_ALL = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ProtocolViolationError,
    asyncpg.ClientConfigurationError,
)
#: What answers like no server of ours is passed, whatever the driver makes of it.
_PASSED = (Exception,)

log = structlog.get_logger(__name__)


class ServerTimeline(NamedTuple):
    """Which server a connection has reached: one system has several, and the primary of them the latest timeline."""

    system: int
    timeline: str


class Birth(NamedTuple):
    """Which store it is, whatever server it is on: its name, and the id of its first event once it has one."""

    source: str
    event_id: UUID | None

    @property
    def said(self) -> Sentence:
        """The store in words."""
        if self.event_id is None:
            return Sentence(f"{self.source} (chưa có sự kiện)", f"{self.source} (without events)")
        return Sentence(
            f"{self.source} (sự kiện đầu {self.event_id})", f"{self.source} (which begins with {self.event_id})"
        )


class ReplacedPrimary(Passed):
    """A server that was a primary before another one was promoted, and does not know it yet."""


class OtherStore(Passed):
    """A server that holds another store than the one that this process works on, or none."""


class Hosts:
    """The hosts that a DSN lists, and what is known of them. One object for all connections of a process."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.trouble: Sentence | None = None  # why the last connection could not be opened
        self._hosts = hosts_of(dsn)
        self._server: ServerTimeline | None = None  # as the newest connection found it
        self._store: Birth | None = None
        self._others: dict[HostAddress, Sentence] = {}  # servers that are none of this store's, and what they are
        self._open: WeakSet[asyncpg.Connection[asyncpg.Record]] = WeakSet()
        self._walk = HostWalk(_PASSED, _FOR_ALL)

    @property
    def notice(self) -> str:
        """Which hosts are passed because they hold another store; empty where none was met."""
        return "; ".join(f"{place} {said.en}" for place, said in self._others.items())

    def hold_to(self, store: Birth) -> None:
        """Pass every server that does not hold this store from now on. It gets its first event once."""
        self._store = store

    def meet(self, store: Birth) -> None:
        """Hold to a store that has events, unless it was said before which one it is."""
        if self._store is None and store.event_id is not None:
            self._store = store

    async def unanswered(self) -> str:
        """Which hosts of a list do not answer or hold something else; empty where all are one server and its standbys.

        A store is begun on such a list alone: one that is away may be the server that holds the store.
        """
        places = await places_of(self._hosts)
        if len(places) < 2:
            return ""
        said = list[str]()
        for place in places:
            try:
                system = await self._system_at(place)
            except Exception as error:
                said.append(f"{place} {_why(error, EACH).en}")
                continue
            if self._server is not None and system != self._server.system:
                said.append(f"{place} {_OTHER_SYSTEM.en}")
        return "; ".join(said)

    async def connect(
        self, _: str = "", *, timeout: float = CONNECT_TIMEOUT, **options: Any
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection to the first host that can be written to; a pool hands on its DSN, which is this one's.

        Raises NoHost, and what holds for every host: a password that does not fit, a database that is not there.
        """
        places = self._walk.ordered(await places_of(self._hosts) or [_DEFAULT])
        self._others = {place: said for place, said in self._others.items() if place in places}
        is_first, rest = self._server is None, list(places)

        async def attempt(place: HostAddress, limit: float) -> "asyncpg.Connection[asyncpg.Record]":
            rest.remove(place)
            connection, server = await self._opened(place, limit, options)
            self._enter(connection, server)
            return connection

        try:
            connection = await self._walk.first(places, attempt, _why, alone=timeout)
        except Exception as error:
            self.trouble = _why(error, timeout)
            raise
        self.trouble = None
        if is_first and rest:
            try:
                return await self._latest(connection, rest, options)
            except BaseException:
                connection.terminate()
                raise
        return connection

    async def probe(self, connection: Any, timeout: float) -> None:
        """Ask a server whether it still answers, and a store without events whether it has its first one by now."""
        if self._store is None or self._store.event_id is not None:
            await connection.fetchval("SELECT 1", timeout=timeout)
        else:
            self._compare(await connection.fetchrow(_STORE, timeout=timeout))

    async def _latest(
        self, connection: "asyncpg.Connection[asyncpg.Record]", rest: Sequence[HostAddress], options: dict[str, Any]
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """The connection with the latest timeline, of this one and those to the other hosts.

        A process that has just started has seen no timeline yet, and a replaced primary may be listed first.
        """
        tried = (self._opened(each, EACH, options) for each in rest)
        for place, found in zip(rest, await asyncio.gather(*tried, return_exceptions=True), strict=True):
            if isinstance(found, BaseException):  # it is passed, for whatever reason
                continue
            other, server = found
            assert self._server is not None
            if server.system != self._server.system:
                self._tell(place, _OTHER_SYSTEM)
            elif server.timeline > self._server.timeline:
                self._enter(other, server)
                connection = other
                continue
            other.terminate()
        return connection

    async def _system_at(self, place: HostAddress) -> Any:
        """Which system a host is of, a standby too."""
        async with asyncio.timeout(EACH):
            connection = await asyncpg.connect(current(self.dsn), **_ANY | self._at(place), timeout=EACH)
            try:
                return await connection.fetchval(_SYSTEM)
            finally:
                connection.terminate()

    def _at(self, place: HostAddress) -> dict[str, Any]:
        """The options of asyncpg that lead to one address of a host."""
        where: dict[str, Any] = {} if place is _DEFAULT else {"host": [place.host.name], "port": place.host.port}
        if place.address != place.host.name:
            where["loop"] = _LoopTo(place.address)
        return where

    async def _opened(
        self, place: HostAddress, limit: float, options: dict[str, Any]
    ) -> "tuple[asyncpg.Connection[asyncpg.Record], ServerTimeline]":
        async with asyncio.timeout(limit):
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                current(self.dsn), **WRITABLE | options | self._at(place), timeout=limit
            )
            try:
                watch_peer(connection._transport)  # type: ignore[attr-defined]  # asyncpg has no other way to it
                found = await self._look(connection)
            except OtherStore as error:
                self._tell(place, error.said)
                connection.terminate()
                raise
            except BaseException:
                connection.terminate()
                raise
        self._others.pop(place, None)
        return connection, found

    async def _look(self, connection: Any) -> ServerTimeline:
        if self._store is None:
            found = await connection.fetchrow(_SERVER)
        else:
            try:
                found = await connection.fetchrow(_SERVER_AND_STORE)
            except asyncpg.UndefinedTableError:
                raise OtherStore(_NO_STORE) from None
            self._compare(found)
        return ServerTimeline(found["system"], found["timeline"])

    def _compare(self, found: Any) -> None:
        """Take in which store a server holds. Raises OtherStore."""
        met, known = Birth(found["source"], found["birth"]), self._store
        assert known is not None
        if met.source != known.source or known.event_id not in (None, met.event_id):
            raise OtherStore(_OTHER_STORE.filled({"found": met.said, "known": known.said}, {}))
        self._store = met

    def _tell(self, place: HostAddress, said: Sentence) -> None:
        if self._others.get(place) != said:
            self._others[place] = said
            log.error("host_passed", host=str(place), why=said.en)

    def _enter(self, connection: "asyncpg.Connection[asyncpg.Record]", server: ServerTimeline) -> None:
        if server != self._server:
            if self._server is not None and server.system == self._server.system and server < self._server:
                connection.terminate()
                raise ReplacedPrimary(_REPLACED)
            stale, self._open, self._server = list(self._open), WeakSet(), server
            for each in stale:
                each.terminate()  # whoever waits for an answer of it learns that the connection is gone
            if stale:
                log.warning("connections_ended", count=len(stale), why="another server, or a later timeline of it")
        self._open.add(connection)


class _LoopTo:
    """The event loop, from which asyncpg goes to one address of the host that it knows by its name.

    The name stays what a certificate must be for, and what a password file has an entry for.
    """

    def __init__(self, address: str) -> None:
        self._loop, self._address = asyncio.get_running_loop(), address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def __eq__(self, other: object) -> bool:  # the current task of a loop is found by it
        return other is self or other is self._loop

    def __hash__(self) -> int:
        return hash(self._loop)

    async def create_connection(self, protocol: Any, host: str, port: int, **options: Any) -> Any:
        if options.get("ssl"):
            options["server_hostname"] = host
        return await self._loop.create_connection(protocol, self._address, port, **options)


_REPLACED = Sentence(
    "là máy chủ chính cũ, đã có máy khác thay; hãy dừng nó, còn nếu vừa khôi phục từ bản sao lưu thì khởi động lại "
    "dịch vụ này",
    "is of an earlier timeline than the primary that was found last: another one has replaced it; stop it, or, if a "
    "backup was restored to this timeline, start this service again",
)
_OTHER_STORE = Sentence(
    "giữ kho {found}, không phải kho {known}; hãy bỏ nó khỏi địa chỉ cơ sở dữ liệu",
    "holds the store {found} and not {known}; take it off the list of the database's hosts",
)
_NO_STORE = Sentence(
    "không giữ kho nào; hãy bỏ nó khỏi địa chỉ cơ sở dữ liệu",
    "holds no store; take it off the list of the database's hosts",
)
_OTHER_SYSTEM = Sentence(
    "là một cơ sở dữ liệu khác, không phải bản sao của máy chủ chính; hãy bỏ nó khỏi địa chỉ cơ sở dữ liệu",
    "is no standby of the primary but a database of its own; take it off the list of the database's hosts",
)


def _why(error: Exception, limit: float) -> Sentence:
    match error:
        case asyncpg.InternalClientError():
            return Sentence("không nhận ghi", "takes no writes")
        case asyncpg.TooManyConnectionsError():
            return Sentence("hết kết nối; hãy tăng max_connections", "has no connection left; raise max_connections")
        case asyncpg.InvalidAuthorizationSpecificationError():
            return Sentence(
                "không nhận người dùng, mật khẩu hay đường vào này (pg_hba.conf)",
                "refuses the user or the password, or whoever comes this way (pg_hba.conf)",
            )
        case asyncpg.ConnectionDoesNotExistError():
            return Sentence(
                "ngắt kết nối ngay; có đòi chứng thư (sslcert) không?",
                "ends the connection at once; does it ask for a certificate (sslcert)?",
            )
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            kind = type(error).__name__
            return Sentence(f"từ chối ({kind})", f"refuses ({kind})")
        case _:
            return why_not(error, limit)
