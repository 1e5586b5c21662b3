"""Hosts that say nothing, whether they swallow what they are sent or only never answer, and names that lead to them."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def swallowing(address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """The port of a host that answers no packet of a new connection, as one behind a wrong route: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def resolve(monkeypatch: pytest.MonkeyPatch, **addresses: list[str]) -> None:
    """Have names stand for addresses."""

    async def addresses_of(name: str, _: float) -> list[str]:
        return addresses.get(name, [name])

    monkeypatch.setattr("shared.host_walk.addresses_of", addresses_of)


class Mute:
    """Takes connections and never says a word, as a frozen server does."""

    def __init__(self) -> None:
        self.taken: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._taking = threading.Thread(target=self._take, daemon=True)
        self._taking.start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self._listener.accept()[0])

    def close(self) -> None:
        """Close everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._taking.join()  # what it has just taken is among them then
        for each in (self._listener, *self.taken):
            each.close()


@contextlib.contextmanager
def mute() -> Iterator[Mute]:
    """A host that takes connections and says nothing, until the block ends."""
    made = Mute()
    try:
        yield made
    finally:
        made.close()
