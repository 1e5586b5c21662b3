"""Serve an application with uvicorn on uvloop; on SIGTERM requests in flight are finished first."""

import uvicorn
from litestar import Litestar

GRACE = 20  # seconds for requests in flight; a long poll ends earlier


def server(app: Litestar, host: str, port: int) -> uvicorn.Server:
    """A server for `app`; `.run()` blocks until SIGTERM or SIGINT, `.serve()` runs in a loop."""
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
    return uvicorn.Server(config)
