"""The composition root of followup: what is built from what, started and stopped in which order."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import structlog
from litestar import Litestar

from services.followup.adapters.feed import FeedClient
from services.followup.adapters.figures import Figures
from services.followup.adapters.inbox import Inboxes
from services.followup.adapters.intake import IntakeClient
from services.followup.adapters.projection import StoredProjection
from services.followup.adapters.queries import Queries
from services.followup.adapters.state import LiveState
from services.followup.application.following import Following
from services.followup.entrypoints.access import may_read_all
from services.followup.entrypoints.alerts import DeadlineAlerts
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.health import hindrances
from services.followup.entrypoints.metrics import FollowupCollector
from services.followup.entrypoints.office import office_routes
from services.followup.entrypoints.page import page_routes
from services.followup.entrypoints.queries import query_routes
from services.followup.settings import FollowupSettings
from shared.http.auth import Callers, is_loopback, load_tokens
from shared.http.feed import feed_route
from shared.http.health import health_routes
from shared.http.logs import configure_logs
from shared.http.metrics import keep_fresh, metrics_route
from shared.http.server import server
from shared.postgres import lease, store
from shared.postgres.log import StoredLog
from shared.postgres.migrate import migrate
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, create_pool
from shared.rabbit.consumer import Bell
from shared.rabbit.relay import Relay
from shared.rabbit.topology import DEADLINES, EVENTS

MIGRATIONS = ("shared.postgres", "services.followup")
SEARCH_PATH = "projection, public"
RELAY = "followup"

log = structlog.get_logger("followup")


class WrongSettings(ValueError):
    """Settings with which followup does not start; the message names the setting."""


def run(settings: FollowupSettings) -> None:
    """Serve until SIGTERM. Raises InvalidTokens, WrongSettings."""
    configure_logs("followup")
    callers = callers_of(settings)
    token = source_token(settings)

    async def main() -> None:
        async with running(settings, callers, token) as app:
            await server(app, settings.host, settings.port).serve()

    import uvloop

    uvloop.run(main())


def callers_of(settings: FollowupSettings) -> Callers:
    """The callers that the settings name; beyond loopback there must be some. Raises InvalidTokens."""
    entries = load_tokens(settings.tokens_file, settings.tokens)
    return Callers(entries, local_allowed=is_loopback(settings.host), cookies=True)


def source_token(settings: FollowupSettings) -> str:
    """The token with which the feeds are read. Raises WrongSettings."""
    if not settings.source_token_file:
        return ""
    try:
        return Path(settings.source_token_file).read_text("utf-8").strip()
    except OSError as error:
        raise WrongSettings(f"FOLLOWUP_SOURCE_TOKEN_FILE: {error.strerror}") from None


@contextlib.asynccontextmanager
async def running(settings: FollowupSettings, callers: Callers, token: str = "") -> AsyncIterator[Litestar]:
    """followup with everything started that it needs beside its HTTP server."""
    if settings.migrate:
        for name in await migrate(settings.database_url, MIGRATIONS):
            log.info("migrated", migration=name)
    async with contextlib.AsyncExitStack() as stack:
        pool = await create_pool(settings.database_url, application="followup", search_path=SEARCH_PATH)
        stack.push_async_callback(pool.close)
        await store.name_source(pool, settings.source)
        notifications = Notifications(settings.database_url)
        await notifications.start()
        stack.push_async_callback(notifications.close)

        relay = Relay(StoredOutbox(pool, notifications, RELAY), settings.amqp_url, DEADLINES, name=RELAY)
        await relay.start()
        stack.push_async_callback(relay.close)
        alerts = DeadlineAlerts(settings.amqp_url)
        await alerts.start()
        stack.push_async_callback(alerts.close)

        inboxes = Inboxes(Bell(settings.amqp_url, EVENTS))
        stack.push_async_callback(inboxes.close)
        client = await stack.enter_async_context(httpx.AsyncClient())
        leases = WriterLeases(pool)
        stack.push_async_callback(leases.release)
        followings = [
            Following(FeedClient(url, client, token), StoredProjection(pool), inboxes.of, leases.take, inboxes.lead)
            for url in settings.feeds
        ]
        for following in followings:
            task = asyncio.create_task(following.run(), name="following")
            stack.push_async_callback(_stop, task)

        def address(source: str) -> str | None:
            urls = zip(followings, settings.feeds, strict=True)
            return next((url for following, url in urls if following.source == source), None)

        queries, collector = Queries(pool), FollowupCollector()
        figures = Figures(pool, RELAY if settings.amqp_url else "")
        refresh = asyncio.create_task(keep_fresh(collector, figures.take), name="metrics")
        stack.push_async_callback(_stop, refresh)
        yield make_app(
            [
                *query_routes(queries, LiveState(pool)),
                *page_routes(queries),
                *office_routes(queries, IntakeClient(client), address, callers),
                feed_route(StoredLog(pool, notifications), may_read_all(queries)),
                *health_routes(hindrances(queries)),
                metrics_route(collector),
            ],
            callers,
        )


class WriterLeases:
    """The writer's lease of each source, judged by the database's clock."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._taken: set[str] = set()

    async def take(self, source: str) -> bool:
        """Take or renew the lease of a source; False while another process holds it."""
        taken = await lease.acquire(self._pool, f"writer:{source}", self._holder) is not None
        (self._taken.add if taken else self._taken.discard)(source)
        return taken

    async def release(self) -> None:
        """Give back what this process holds, so that another takes over at once."""
        for source in self._taken:
            with contextlib.suppress(Exception):  # a lease that cannot be given back runs out
                await lease.release(self._pool, f"writer:{source}", self._holder)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
