"""The nodes of a broker, tried one after another: each briefly, the last good one first, a silent one last.

A URL lists them as PostgreSQL's does, `amqp://user:password@one:5672,two:5672/vhost`; the libraries take one host.
Every connection is opened here, so that a peer that has gone without a word is found within seconds: by the kernel
where its host is gone, by heartbeats where it is frozen.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit, urlunsplit

import aio_pika
import aiormq
from aio_pika import Connection, RobustConnection
from aio_pika.abc import AbstractConnection
from aiormq.connection import TransportFactory
from aiormq.exceptions import AuthenticationError, ProbableAuthenticationError
from yarl import URL

from shared.rabbit.delivery_frames import DecodableFrames, WatchedTransport
from shared.rabbit.topology import CONNECT_TIMEOUT, user_of
from shared.server_urls import current, unreachable

EACH = 1.5  # seconds for each node of several
HEARTBEAT = 5  # seconds: a frozen node is given up when three have not come
RECONNECT = 1  # seconds between two tries of a connection that restores itself

#: What the next node would say too.
_SAID_FOR_ALL = (AuthenticationError, ProbableAuthenticationError)

_T = TypeVar("_T", covariant=True)


class NoNode(ConnectionError):
    """None of several nodes can be reached. The message says of each why."""


class Connect(Protocol[_T]):
    """Opens a connection to the node of a URL."""

    def __call__(self, url: str) -> Coroutine[Any, Any, _T]: ...


class BrokerHosts:
    """The nodes that a URL lists, and which of them answered last. An empty URL names none: nobody connects then."""

    def __init__(self, url: str) -> None:
        self.user = user_of(url)
        self._urls = urls_of(url) if url else []  # one a node, in the order in which they are tried
        self._limit = EACH
        self._given_up: set[asyncio.Task[Any]] = set()

    @property
    def is_named(self) -> bool:
        """Whether there is a broker at all."""
        return bool(self._urls)

    @property
    def first(self) -> str:
        """The URL of the node that is tried first."""
        return self._urls[0]

    def pass_by(self, url: str) -> None:
        """Try a node last from now on."""
        if url in self._urls:
            self._urls.remove(url)
            self._urls.append(url)

    async def connect(self) -> AbstractConnection:
        """Open a connection. Raises NoNode, and what holds for every node: a password that does not fit."""
        return await self._first(_connected)

    async def connect_raw(self, frames: TransportFactory) -> aiormq.abc.AbstractConnection:
        """Open a connection without the comforts of aio-pika, on a transport of the caller's. Raises as `connect`."""
        return await self._first(partial(aiormq.connect, transport_factory=frames))

    async def _first(self, connect: Connect[_T]) -> _T:
        said: list[str] = []
        several = len(self._urls) > 1
        limit = self._limit if several else CONNECT_TIMEOUT
        for url in list(self._urls):
            try:
                found = await self._within(limit, connect(current(url)))
            except Exception as error:
                if not several or isinstance(error, _SAID_FOR_ALL):
                    raise
                said.append(f"{_node(url)} {_why(error, limit)}")
                if isinstance(error, TimeoutError):
                    self.pass_by(url)
            else:
                self._urls.remove(url)
                self._urls.insert(0, url)
                self._limit = EACH
                return found
        # A machine so busy that every node is slow gets the time of a single one.
        self._limit = min(self._limit * 2, CONNECT_TIMEOUT)
        raise NoNode("; ".join(said))

    async def _within(self, seconds: float, opening: Coroutine[Any, Any, _T]) -> _T:
        """What is opened in time. What is given up may take longer to end than to open, and nobody waits for it."""
        task = asyncio.create_task(opening)
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
        self._hosts = hosts
        super().__init__(self.url, **options)
        self.reconnect_interval = RECONNECT
        self.kwargs["transport_factory"] = DecodableFrames()

    @property
    def url(self) -> URL:
        """The node that is tried next, with what the files of its URL hold now."""
        try:
            return URL(current(self._hosts.first))
        except OSError:  # as it stands the broker refuses it, and that is told
            return URL(self._hosts.first)

    @url.setter
    def url(self, _: URL) -> None:
        """What aio-pika sets does not hold: the node is `hosts`' to say."""

    async def _on_connection_close(self, closing: "asyncio.Future[Any]") -> None:
        self._hosts.pass_by(self._hosts.first)
        await super()._on_connection_close(closing)


class _WatchedConnection(Connection):
    """A connection of aio-pika whose peer is watched."""

    def __init__(self, url: URL, **options: Any) -> None:
        super().__init__(url, **options)
        self.kwargs["transport_factory"] = WatchedTransport()


async def _connected(url: str) -> AbstractConnection:
    return await aio_pika.connect(url, connection_class=_WatchedConnection)


def urls_of(url: str) -> list[str]:
    """The URLs of the nodes, one a node, with our heartbeat unless the URL has its own. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("amqp", "amqps"):
        raise ValueError("it must begin with amqp:// or amqps://")
    caller, at, listed = parts.netloc.rpartition("@")
    nodes = listed.split(",")
    if not all(node.strip() for node in nodes):
        raise ValueError("it names no host, or an empty one in a list")
    query = parts.query if "heartbeat" in parse_qs(parts.query) else f"{parts.query}&heartbeat={HEARTBEAT}".lstrip("&")
    made = [urlunsplit(parts._replace(netloc=f"{caller}{at}{node.strip()}", query=query)) for node in nodes]
    for each in made:
        try:
            named = URL(each)
        except ValueError:
            named = URL()
        if named.host is None:
            # Not repeated: in a URL that is cut at the wrong place it may be a piece of the password.
            raise ValueError("a host or port cannot be read; in a password : / @ , ? are written %3A %2F %40 %2C %3F")
    return made


def told(error: Exception) -> str:
    """Why there is no connection, for an operator: no user, no password."""
    if isinstance(error, _SAID_FOR_ALL):
        return "the broker refuses the user or the password of its URL"
    if (why := unreachable(error)) is not None:
        return f"the broker cannot be reached (AMQP_URL): {why.en}"
    return f"the broker cannot be reached: {error if isinstance(error, NoNode) else type(error).__name__}"


def _node(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _why(error: Exception, limit: float) -> str:
    if isinstance(error, TimeoutError):
        return f"does not answer within {limit:g} s"
    why = unreachable(error)
    return f"cannot be reached ({type(error).__name__ if why is None else why.en})"
