"""Serves an application with uvicorn on uvloop. On SIGTERM requests in flight are finished first."""

import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import FrameType

import uvicorn
from litestar import Litestar

GRACE = 20  # seconds for requests in flight; long polls end within one
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server(uvicorn.Server):
    """Stops on a signal and returns, so that what was started around it is closed too."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. What was loaded up to now is frozen, so that no collection walks it again."""
        await super().startup(sockets)
        # Walked again by each full collection, it would hold up every request for a tenth of a second.
        gc.collect()
        gc.freeze()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and do not raise it again, as uvicorn does: the process would end before it is closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self._on_signal) for sig in SIGNALS}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _on_signal(self, sig: int, frame: FrameType | None) -> None:
        self.handle_exit(sig, frame)


def serve(running: AbstractAsyncContextManager[Litestar], host: str, port: int) -> None:
    """Serve an application on uvloop until SIGTERM, with everything open that `running` opens around it."""

    async def main() -> None:
        async with running as app:
            await server(app, host, port).serve()

    import uvloop

    uvloop.run(main())


def server(app: Litestar, host: str, port: int) -> Server:
    """A server for `app`. Its `.serve()` returns after SIGTERM or SIGINT, or once `should_exit` is set."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,  # paths hold references to cases; the services log what matters themselves
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    made = Server(config)
    app.state.is_stopping = lambda: made.should_exit
    return made


def stopping(app: Litestar) -> Callable[[], bool]:
    """Whether the server of an application is about to stop. Long polls ask this."""
    found: Callable[[], bool] = getattr(app.state, "is_stopping", _never)
    return found


def _never() -> bool:
    return False
