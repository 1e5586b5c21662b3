"""The nodes of a broker, tried one after another: each briefly, the last good one first, a silent one last.

A URL lists them as PostgreSQL's does, `amqp://user:password@one:5672,two:5672/vhost`; the libraries take one host.
Every connection is opened here, so that a peer that has gone without a word is found within seconds: by the kernel
where its host is gone, by heartbeats where it is frozen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit, urlunsplit

import aio_pika
import aiormq
from aio_pika import Connection, RobustConnection
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aiormq.connection import TransportFactory
from aiormq.exceptions import AuthenticationError, ProbableAuthenticationError

from shared.host_walk import HostAddress, HostWalk, NoHost, places_of, why_not
from shared.rabbit.delivery_frames import DecodableFrames, WatchedTransport
from shared.rabbit.topology import CONNECT_TIMEOUT, user_of
from shared.sentences import Sentence
from shared.server_urls import Host, broker_hosts_of, current, unreachable

HEARTBEAT = 5  # seconds: a frozen node is given up when three have not come
RECONNECT = 1  # seconds between two tries of a connection that restores itself

#: What the next node would say too.
_FOR_ALL = (AuthenticationError, ProbableAuthenticationError)

_T = TypeVar("_T")


class BrokerHosts:
    """The nodes that a URL lists, and which of them answered last. An empty URL names none: nobody connects then."""

    def __init__(self, url: str) -> None:
        self.user = user_of(url)
        self._urls = urls_of(url) if url else {}
        self._walk = HostWalk((Exception,), _FOR_ALL)
        self._given_up: set[asyncio.Task[Any]] = set()

    @property
    def is_named(self) -> bool:
        """Whether there is a broker at all."""
        return bool(self._urls)

    @property
    def url(self) -> str:
        """The URL of one of the nodes; but for the node they are all the same."""
        return next(iter(self._urls.values()))

    async def connect(self) -> AbstractConnection:
        """Open a connection. Raises NoHost, and what holds for every node: a password that does not fit."""

        async def attempt(place: HostAddress, limit: float) -> AbstractConnection:
            made = partial(_WatchedConnection, place.address)
            return await self._within(limit, aio_pika.connect(self._url(place), connection_class=made))

        return await self._first(attempt)

    async def connect_raw(self, frames: TransportFactory) -> aiormq.abc.AbstractConnection:
        """Open a connection without the comforts of aio-pika, on a transport of the caller's. Raises as `connect`."""

        async def attempt(place: HostAddress, limit: float) -> aiormq.abc.AbstractConnection:
            opening = aiormq.connect(self._url(place), transport_factory=frames, address=place.address)
            return await self._within(limit, opening)

        return await self._first(attempt)

    async def transport(
        self, frames: TransportFactory, options: dict[str, Any]
    ) -> tuple[HostAddress, tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a transport to the first node that takes one, and say which."""

        async def attempt(
            place: HostAddress, limit: float
        ) -> tuple[HostAddress, tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
            url = make_url(self._url(place))
            async with asyncio.timeout(limit):
                return place, await frames.create(url, address=place.address, **options)

        return await self._first(attempt)

    def pass_by(self, place: HostAddress) -> None:
        """Try a node last from now on."""
        self._walk.put_last(place)

    async def _first(self, attempt: Callable[[HostAddress, float], Awaitable[_T]]) -> _T:
        places = self._walk.ordered(await places_of(list(self._urls)))
        return await self._walk.first(places, attempt, _why, alone=CONNECT_TIMEOUT)

    def _url(self, place: HostAddress) -> str:
        return current(self._urls[place.host])

    async def _within(self, seconds: float, opening: Awaitable[_T]) -> _T:
        """What is opened in time. What is given up may take longer to end than to open, and nobody waits for it."""
        task = asyncio.ensure_future(opening)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
                self._given_up.add(task)
                task.add_done_callback(self._ended)
        if not task.done():
            raise TimeoutError
        return task.result()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that it is not logged as lost


class WalkingConnection(RobustConnection):
    """A connection that restores itself, on the next node where one is lost or not reached.

    A message with properties that cannot be decoded comes without them; it would end the connection for good.
    """

    def __init__(self, hosts: BrokerHosts, **options: Any) -> None:
        self._hosts, self._transports = hosts, _WalkedTransport(hosts)
        super().__init__(self.url, **options)
        self.reconnect_interval = RECONNECT
        self.kwargs["transport_factory"] = self._transports

    @property
    def url(self) -> Any:  # a URL of aio-pika's
        """One of the list, with what the files of the URL hold now; which node it is the transport says."""
        try:
            return make_url(current(self._hosts.url))
        except OSError:  # as it stands the broker refuses it, and that is told
            return make_url(self._hosts.url)

    @url.setter
    def url(self, _: Any) -> None:
        """What aio-pika sets does not hold: the nodes are `hosts`' to say."""

    async def _on_connection_close(self, closing: "asyncio.Future[Any]") -> None:
        """Called where one is lost, and where one is not made: the node kept silent behind its transport."""
        self._transports.pass_by()
        await super()._on_connection_close(closing)


class _WalkedTransport(TransportFactory):
    """Leads to the first node that takes a transport, and remembers which one that was."""

    def __init__(self, hosts: BrokerHosts) -> None:
        self._hosts, self._place = hosts, None  # type: tuple[BrokerHosts, HostAddress | None]

    async def create(self, url: Any, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._place, made = await self._hosts.transport(DecodableFrames(), options)
        return made

    def pass_by(self) -> None:
        """Try that node last from now on."""
        if self._place is not None:
            self._hosts.pass_by(self._place)


class _WatchedConnection(Connection):
    """A connection of aio-pika to one address of a node, whose peer is watched."""

    def __init__(self, address: str, url: Any, **options: Any) -> None:
        super().__init__(url, **options)
        self.kwargs |= {"transport_factory": WatchedTransport(), "address": address}

    async def connect(self, timeout: float | None = None) -> None:
        """Open it, or end it: one that is neither warns when the collector finds it outside of the loop."""
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()
            raise


def urls_of(url: str) -> dict[Host, str]:
    """The URL of each node, with our heartbeat unless the URL has its own. Raises ValueError."""
    hosts, parts = broker_hosts_of(url), urlsplit(url)
    caller, at, _ = parts.netloc.rpartition("@")
    query = parts.query if "heartbeat" in parse_qs(parts.query) else f"{parts.query}&heartbeat={HEARTBEAT}".lstrip("&")
    return {host: urlunsplit(parts._replace(netloc=f"{caller}{at}{host}", query=query)) for host in hosts}


def _why(error: Exception, limit: float) -> Sentence:
    if isinstance(error, _FOR_ALL):
        return Sentence("không nhận người dùng hay mật khẩu", "refuses the user or the password")
    return why_not(error, limit)


def told(error: Exception) -> str:
    """Why there is no connection, for an operator: no user, no password."""
    if isinstance(error, _FOR_ALL):
        return "the broker refuses the user or the password of its URL"
    if (why := unreachable(error)) is not None:
        return f"the broker cannot be reached (AMQP_URL): {why.en}"
    return f"the broker cannot be reached: {error if isinstance(error, NoHost) else type(error).__name__}"
