"""A TCP proxy that hurts: delay, cut, reset, one direction swallowed, something done when a pattern passes by."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

CHUNK = 65536
PUBLISH = b"\x00\x3c\x00\x28"  # AMQP 0-9-1: class basic, method publish
COMMIT = b"COMMIT;"  # PostgreSQL: the simple query with which a client ends its transaction

#: Changes bytes on their way, or holds some back until more have come.
Filter = Callable[[bytes], bytes]


class Link:
    """One proxied connection. "up" is from the client to the server, "down" the way back."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.sockets = {"up": (client, server), "down": (server, client)}
        self.swallowed: set[str] = set()
        self.tail = b""
        self.filter: Filter | None = None

    def reset(self) -> None:
        """End both connections without a goodbye."""
        for one in self.sockets["up"]:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Wakes a thread that waits in recv; closing alone does not.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                one.close()


class Proxy:
    """Listens on a free port of the loopback and passes everything on to another one."""

    def __init__(self, target: int, filter_down: Callable[[], Filter] | None = None) -> None:
        self.target = target
        self.delay = 0.0  # seconds for each piece
        self.seen = 0
        self.is_cut = False
        self._filter_down = filter_down
        self._links: set[Link] = set()
        self._pattern, self._action, self._forwards = b"", lambda link: None, True
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    # --- harm ------------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset what is connected and refuse what comes, until `mend`."""
        self.is_cut = True
        self.reset()

    def mend(self) -> None:
        """Pass everything on again."""
        self.is_cut, self.delay = False, 0.0

    def reset(self) -> None:
        """Reset what is connected; new connections pass."""
        for link in self._open():
            link.reset()

    def swallow(self, direction: str) -> None:
        """Of what is connected now, one direction leads nowhere from here on, as behind a host that is gone."""
        for link in self._open():
            link.swallowed.add(direction)

    def when(self, pattern: bytes, action: Callable[[Link], None], forwards: bool = True) -> None:
        """Once, when the pattern comes from a client: pass it on (or not), then do something to its link."""
        with self._lock:
            self._pattern, self._action, self._forwards = pattern, action, forwards

    def close(self) -> None:
        """End."""
        self.is_cut = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    # --- passing on ------------------------------------------------------------------------------------------------

    def _open(self) -> list[Link]:
        with self._lock:
            return list(self._links)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.is_cut:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(client, server)
            link.filter = self._filter_down() if self._filter_down else None
            with self._lock:
                self._links.add(link)
            for direction in ("up", "down"):
                threading.Thread(target=self._pump, args=(link, direction), daemon=True).start()

    def _pump(self, link: Link, direction: str) -> None:
        source, target = link.sockets[direction]
        try:
            while data := source.recv(CHUNK):
                if self.delay:
                    time.sleep(self.delay)
                if direction == "up":
                    action = self._matched(link, data)
                    if action is not None:
                        if self._forwards:
                            target.sendall(data)
                        action(link)
                        continue
                elif link.filter is not None:
                    data = link.filter(data)
                if direction not in link.swallowed:
                    target.sendall(data)
        except OSError:
            pass
        if direction not in link.swallowed:  # what is swallowed stays open, as behind a host that is gone
            link.reset()
            with self._lock:
                self._links.discard(link)

    def _matched(self, link: Link, data: bytes) -> Callable[[Link], None] | None:
        with self._lock:
            if not self._pattern:
                return None
            joined = link.tail + data
            link.tail = joined[-len(self._pattern) :]
            if self._pattern not in joined:
                return None
            self._pattern, self.seen = b"", self.seen + 1
            return self._action


def without_notifications() -> Filter:
    """PostgreSQL's answers without NOTIFY: what a pooler between transactions makes of LISTEN."""
    kept = b""

    def passed(data: bytes) -> bytes:
        nonlocal kept
        kept += data
        found = b""
        while len(kept) >= 5 or kept[:1] in (b"N", b"S"):
            if kept[:1] in (b"N", b"S") and len(kept) == 1:
                found, kept = found + kept, b""  # the one byte that answers a request for TLS
                break
            if len(kept) < 5:
                break
            size = 1 + int.from_bytes(kept[1:5], "big")
            if len(kept) < size:
                break
            if kept[:1] != b"A":
                found += kept[:size]
            kept = kept[size:]
        return found

    return passed
