"""Hosts that say nothing: one that swallows what it is sent, one that counts who comes and never answers."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def swallowing() -> Iterator[int]:
    """The port of a host that answers no packet of a new connection, as one behind a wrong route: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


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
