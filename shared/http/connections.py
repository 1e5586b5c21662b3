"""How long a connection may take, and how many there may be: what uvicorn does not limit.

A connection is watched by where it stands: it waits for a request, sends the head of one, sends its body, or is being
answered. Only the last takes as long as it takes. An answer must be read, too. The server looks at all of them once a
second (`sweep`), so that no request pays for a timer.
"""

import asyncio
import enum
import heapq
import resource
from collections.abc import Iterable
from typing import Any

import httptools
import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.http.problems import PROBLEM_JSON, ProblemError, problem, problem_body

OWN_FILES = 200  # descriptors that the process needs beside its connections

log = structlog.get_logger("http")


class ConnectionLimits(msgspec.Struct, frozen=True):
    """What a connection is held to. Times in seconds, sizes in bytes."""

    #: At once in one process; the longest idle one makes room for a new one.
    connections: int = 1000
    #: From the connection, or the last answer, to a request's last header.
    head_time: float = 10.0
    head_size: int = 64 * 1024
    #: For a body, and for reading an answer, beyond what the slowest line needs.
    stall: float = 30.0
    #: Bytes a second of the slowest line.
    rate: float = 2_000.0


class ConnectionStage(enum.Enum):
    """Where a connection stands."""

    WAITING = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWERING = enum.auto()


class WatchedProtocol(HttpToolsProtocol):
    """A connection that knows where it stands and since when."""

    limits = ConnectionLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; where there are too many, close those that have been idle longest, or this one."""
        super().connection_made(transport)
        self.stage, self.since, self.size = ConnectionStage.WAITING, self.loop.time(), 0
        self._unread: tuple[float, int] | None = None
        if len(self.connections) > self.limits.connections and not self._make_room():
            self._end(problem(503, "overloaded", "connections", headers={"Retry-After": "1"}))

    def data_received(self, data: bytes) -> None:
        """Read on; a head that is too long is refused."""
        self.size += len(data)
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._unread_by_parser(data)
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        if self.stage is ConnectionStage.HEAD and self.size > self.limits.head_size and not self.transport.is_closing():
            self._end(problem(431, "head-too-large", most=self.limits.head_size // 1024))

    def _unread_by_parser(self, data: bytes) -> bytes:
        """Read on; what is returned is to be read next.

        Whoever offers to change to another protocol (`Upgrade`) is answered in this one (RFC 9110, 7.8). The parser
        holds instead that what follows the head is of the other protocol: a new one reads the head without the offer.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            method = self.parser.get_method()
            if method == b"CONNECT":  # asks for a tunnel: after its head there is no request
                return b""
            lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
            lines += [b"%s: %s" % (name, value) for name, value in self.headers if name != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            return b"\r\n".join([*lines, b"", data[stopped.args[0] :]])
        return b""

    @property
    def _is_offer(self) -> bool:
        """Whether the head that was read is read once more, without the offer of another protocol."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self.stage is not ConnectionStage.WAITING:  # waiting for a request and sending its head share one time
            self.since = self.loop.time()
        self.stage, self.size = ConnectionStage.HEAD, 0

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._is_offer:
            return
        self.stage, self.since, self.size = ConnectionStage.BODY, self.loop.time(), 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there, and may have been answered already."""
        if self._is_offer:
            return
        super().on_message_complete()
        self.stage = ConnectionStage.ANSWERING
        if self.cycle.response_complete:
            self._wait()

    def on_response_complete(self) -> None:
        """An answer is given; another request may be waiting behind it."""
        super().on_response_complete()
        if self.stage is ConnectionStage.ANSWERING and self.cycle.response_complete:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP as any other request; amid an answer the refusal would become part of that."""
        cycle: RequestResponseCycle | None = self.cycle
        is_amid_answer = cycle is not None and cycle.response_started and not cycle.response_complete
        self._end(None if is_amid_answer else problem(400, "invalid-request", "http"))

    def resume_writing(self) -> None:
        """The answer is read on."""
        self._unread = None
        super().resume_writing()

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer on it."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn has it so, and says otherwise
        return cycle is None or cycle.response_complete

    def look(self, now: float) -> None:
        """End the connection where it has taken too long."""
        if self._is_unread(now):
            self.transport.abort()
        elif self.transport.is_closing() or self.flow.read_paused:
            return
        elif self.stage in (ConnectionStage.WAITING, ConnectionStage.HEAD):
            if self.is_idle and now - self.since > self.limits.head_time:
                self._end(problem(408, "request-timeout") if self.stage is ConnectionStage.HEAD else None)
        elif self.stage is ConnectionStage.BODY:
            answered = self.cycle.response_complete  # then nobody reads what is still sent
            if now - self.since > self.limits.stall + (0 if answered else self.size / self.limits.rate):
                self._end(None if self.cycle.response_started else problem(408, "request-timeout"))

    def _wait(self) -> None:
        self.stage, self.since, self.size = ConnectionStage.WAITING, self.loop.time(), 0

    def _is_unread(self, now: float) -> bool:
        """Whether the peer has not read of an answer, for the whole time, what the slowest line brings."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self._unread = None
        elif self._unread is None:
            self._unread = now, size
        else:
            since, before = self._unread
            if now - since > self.limits.stall:
                self._unread = now, size
                return size > before - self.limits.stall * self.limits.rate
        return False

    def _make_room(self) -> bool:
        """Close the longest idle connections, several at once: a flood must not cost a look at all for each."""
        others = [c for c in watched(self.connections) if c is not self and c.is_idle and not c.transport.is_closing()]
        oldest = heapq.nsmallest(max(1, self.limits.connections // 20), others, key=lambda c: c.since)
        for each in oldest:
            each.transport.abort()
        return bool(oldest)

    def _end(self, answer: ProblemError | None) -> None:
        if answer is not None:
            body = problem_body(answer)
            head = [f"HTTP/1.1 {answer.status} {_PHRASES[answer.status]}", f"content-type: {PROBLEM_JSON}"]
            head += [f"content-length: {len(body)}", "cache-control: no-store", "x-content-type-options: nosniff"]
            head += [f"{name.lower()}: {value}" for name, value in answer.headers.items()]
            self.transport.write("\r\n".join([*head, "connection: close", "", ""]).encode() + body)
        self.transport.close()


_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def watched(connections: Iterable[Any]) -> list[WatchedProtocol]:
    """The connections of a server that are watched."""
    return [each for each in connections if isinstance(each, WatchedProtocol)]


def sweep(connections: Iterable[Any], now: float) -> None:
    """Look at every connection once."""
    for each in watched(connections):
        each.look(now)


def limits_here() -> ConnectionLimits:
    """The limits for this process: as many connections as it may have open files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ConnectionLimits().connections + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            log.warning("few_open_files", allowed=soft, wanted=wanted)
            return ConnectionLimits(connections=max(soft // 2, soft - OWN_FILES))
    return ConnectionLimits()
