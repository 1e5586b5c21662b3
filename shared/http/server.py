"""Serves an application with uvicorn on uvloop. On SIGTERM requests in flight are finished first."""

import asyncio
import contextlib
import gc
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import FrameType

import structlog
import uvicorn
from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.http.connections import ConnectionLimits, WatchedProtocol, limits_here, sweep
from shared.http.prefix import under
from shared.http.problems import PROBLEM_JSON, ProblemError, language_of, problem, problem_body
from shared.http.rate_limits import RATE
from shared.trace import ORIGIN, Origin, request_id_of, traceparent_of

GRACE = 20  # seconds for requests in flight; long polls end within one
SIGNALS = (signal.SIGTERM, signal.SIGINT)
MAX_QUERY, MAX_PARAMETERS = 4096, 50  # bytes of an address behind its question mark; the framework keeps the last 1024
REQUEST_ID, TRACEPARENT = b"x-request-id", b"traceparent"
TICKS = 10  # of uvicorn's loop, a tenth of a second each, between two looks at the connections

#: Headers of which a second one makes it unclear what is asked, or by whom.
ONCE = (
    b"host",
    b"authorization",
    b"x-doithoai-token",
    b"origin",
    b"content-type",
    b"idempotency-key",
    b"sec-fetch-site",
)
#: What no answer lacks: no cache keeps it, no browser takes it for another type than it says.
GUARDS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

#: How a host ends that says no port, or one of up to four digits or of five that is none too large.
_PORT = re.compile(rb"^[^:]*$|\]$|:(\d{0,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$")

log = structlog.get_logger("http")


class Server(uvicorn.Server):
    """Stops on a signal and returns, so that what was started around it is closed too."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. What was loaded up to now is frozen, so that no collection walks it again."""
        await super().startup(sockets)
        # Walked again by each full collection, it would hold up every request for a tenth of a second.
        gc.collect()
        gc.freeze()

    async def on_tick(self, counter: int) -> bool:
        """Close the connections that have taken too long."""
        if counter % TICKS == 0:
            sweep(list(self.server_state.connections), asyncio.get_running_loop().time())
        return await super().on_tick(counter)

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


def serve(running: AbstractAsyncContextManager[Litestar], host: str, port: int, prefix: str = "") -> None:
    """Serve an application on uvloop until SIGTERM, with everything open that `running` opens around it.

    A proxy may show it under a path, the `prefix`.
    """

    async def main() -> None:
        async with running as app:
            await server(app, host, port, prefix=prefix).serve()

    import uvloop

    uvloop.run(main())


def server(app: Litestar, host: str, port: int, limits: ConnectionLimits | None = None, *, prefix: str = "") -> Server:
    """A server for `app`. Its `.serve()` returns after SIGTERM or SIGINT, or once `should_exit` is set."""
    protocol = type("Protocol", (WatchedProtocol,), {"limits": limits or limits_here()})
    config = uvicorn.Config(
        guarded(under(prefix, app)),
        host=host,
        port=port,
        loop="uvloop",
        http=protocol,
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


def guarded(app: ASGIApp) -> ASGIApp:
    """The application behind what holds for all requests and answers, however they come to be."""

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return

        is_answering, status = False, 0
        names = [name for name, _ in scope["headers"]]
        origin = _origin(scope, names)
        named = (REQUEST_ID, origin.request_id.encode())

        async def send_guarded(message: Message) -> None:
            nonlocal is_answering, status
            is_answering = True
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                answered = {name.lower() for name, _ in headers}
                headers += [guard for guard in GUARDS if guard[0] not in answered]
                message = message | {"headers": [*headers, named, *scope.get("state", {}).get(RATE, ())]}
            await send(message)

        before = ORIGIN.set(origin)
        try:
            refusal = _unclear(scope, names)
            if refusal is None:
                try:
                    if telemetry.is_on():
                        with telemetry.span(scope["method"], "server") as told:
                            await app(scope, receive, send_guarded)
                            told["http.request.method"], told["http.response.status_code"] = scope["method"], status
                            told["http.route"] = scope.get("path_template", "")  # an address holds the ids of cases
                    else:
                        await app(scope, receive, send_guarded)
                    return
                except Exception as error:
                    if is_answering:
                        raise
                    log.error("unforeseen", path=scope["path"], kind=type(error).__name__)
                    refusal = problem(500, "internal-error")
            body = problem_body(refusal, language_of(Request(scope)))
            headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
            await send_guarded({"type": "http.response.start", "status": refusal.status, "headers": headers})
            await send_guarded({"type": "http.response.body", "body": body, "more_body": False})
        finally:
            ORIGIN.reset(before)

    return edge


def _origin(scope: Scope, names: list[bytes]) -> Origin:
    """Where a request says that it comes from. Of two that contradict each other none counts."""
    if REQUEST_ID not in names and TRACEPARENT not in names:
        return Origin(request_id_of(""))
    return Origin(request_id_of(_once(scope, REQUEST_ID)), traceparent_of(_once(scope, TRACEPARENT)))


def _once(scope: Scope, name: bytes) -> str:
    found = [value for each, value in scope["headers"] if each == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _unclear(scope: Scope, names: list[bytes]) -> ProblemError | None:
    """What is wrong with a request that could be read in two ways, or with parameters that take long to read."""
    query = scope["query_string"]
    if len(query) > MAX_QUERY or query.count(b"&") >= MAX_PARAMETERS:
        return problem(400, "invalid-request", "query", most=MAX_QUERY, parameters=MAX_PARAMETERS)
    if len(set(names)) < len(names):
        for name in ONCE:
            if names.count(name) > 1:
                said = name.decode().title()
                return problem(400, "invalid-header", "twice", field=said, name=said)
    if b"host" in names:
        if not _PORT.search(next(value for name, value in scope["headers"] if name == b"host")):
            return problem(400, "invalid-header", "port", field="Host")
    elif scope["http_version"] == "1.1":
        return problem(400, "invalid-header", "no-host", field="Host")
    return None


def stopping(app: Litestar) -> Callable[[], bool]:
    """Whether the server of an application is about to stop. Long polls ask this."""
    found: Callable[[], bool] = getattr(app.state, "is_stopping", _never)
    return found


def _never() -> bool:
    return False
