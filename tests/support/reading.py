"""followup's read side over real HTTP, on a projection that a test has filled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.followup.adapters.intake_client import IntakeClient
from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.metrics_snapshot import MetricsQueries
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.adapters.read.reminders import Reminders
from services.followup.adapters.read.reports import Reports
from services.followup.console.addresses import LOGIN
from services.followup.console.administration import administration_routes
from services.followup.console.agenda import Agendas
from services.followup.console.calendars import calendar_pages
from services.followup.console.cases import case_pages
from services.followup.console.catalogues import catalogue_pages
from services.followup.console.conflicts import OpenConflicts, conflict_pages
from services.followup.console.daily.remind import remind_routes
from services.followup.console.daily.routes import daily_routes
from services.followup.console.favicon import FAVICON, favicon_route
from services.followup.console.figures import figures_routes
from services.followup.console.forms import form_routes
from services.followup.console.hall import hall_pages
from services.followup.console.language import LANGUAGE, language_routes
from services.followup.console.pages import Pages
from services.followup.console.people import people_pages
from services.followup.console.places import place_pages
from services.followup.console.problem_pages import for_people, keep_typed
from services.followup.console.reports import report_pages
from services.followup.console.rules import rule_pages
from services.followup.console.sign_in import sign_in_routes
from services.followup.console.work import work_routes
from services.followup.entrypoints.access import may_read_all, visible_to
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.health import works_of
from services.followup.entrypoints.metrics import followup_collector
from services.followup.entrypoints.queries import query_routes
from services.followup.entrypoints.reminders import reminder_routes
from services.followup.entrypoints.reports import report_routes
from services.followup.entrypoints.subscriptions import subscription_routes
from shared.http.auth import Callers
from shared.http.feed import feed_route
from shared.http.health import health_routes
from shared.http.metrics import metrics_route
from shared.http.server import server
from shared.postgres.durable import DurableHead
from shared.postgres.log import StoredLog
from shared.postgres.pool import Notifications
from tests.support.intake_stub import StubIntake
from tests.support.projection import Pool

LOCAL = Callers(local_allowed=True)
#: So that the first page is shown, and not the doors of development.
NOT_ASKED = Callers(local_allowed=False, has_provider=True)


def console_routes(
    pages: Pages, queries: Queries, reminders: Reminders, logs: RegulationLogs, intake: StubIntake | None = None
) -> list[HTTPRouteHandler]:
    """The pages that ask an intake; without one they say that it does not answer."""
    acts = intake.client if intake else IntakeClient(httpx.AsyncClient())
    address = intake.address if intake else lambda source: None
    agendas = Agendas(queries, logs)
    waiting = OpenConflicts(queries, acts, address)
    return [
        *work_routes(pages, queries, NOT_ASKED, waiting),
        *conflict_pages(pages, queries, waiting, acts, address),
        *case_pages(pages, queries, agendas, waiting, acts, address),
        *place_pages(pages, queries, acts, address),
        *catalogue_pages(pages, queries, acts, address),
        *daily_routes(pages, queries, agendas, acts, address),
        *remind_routes(pages, queries, reminders, acts, address),
        *form_routes(pages, queries, agendas, reminders, acts, address),
        *hall_pages(pages, queries, agendas, acts, address),
        *rule_pages(pages, queries, logs, acts, address),
        *calendar_pages(pages, queries, logs, acts, address),
        *language_routes(),
        favicon_route(),
    ]


async def _no_retry(source: str, petition_id: UUID) -> str:
    raise AssertionError("nobody retries here")


async def reading_app(
    pool: Pool, dsn: str, callers: Callers | None = None, intake: StubIntake | None = None
) -> Litestar:
    """The application with one snapshot of the figures taken."""
    queries, collector = Queries(pool), followup_collector()
    stored_log = StoredLog(pool, Notifications(dsn), DurableHead())
    reminders, reports, pages = Reminders(pool, queries), Reports(pool), Pages(queries)
    collector.snapshot = await MetricsQueries(pool).snapshot()
    return make_app(
        [
            *query_routes(queries, LiveState(pool)),
            *console_routes(pages, queries, reminders, RegulationLogs(pool), intake),
            *people_pages(pages, queries, IntakeClient(httpx.AsyncClient()), lambda source: None),
            *administration_routes(pages, queries, IntakeClient(httpx.AsyncClient()), lambda source: None, _no_retry),
            *figures_routes(pages, queries, lambda: collector.snapshot),
            *report_routes(reports),
            *report_pages(pages, queries, reports),
            *reminder_routes(queries, reminders),
            *subscription_routes(None),
            feed_route(stored_log, may_read_all(queries), visible_to(queries)),
            *sign_in_routes(pages, callers or LOCAL),
            *health_routes(stored_log.is_reachable, works_of(queries, dict)),
            metrics_route(collector, may_read_all(queries)),
        ],
        callers or LOCAL,
        open_paths=frozenset({LOGIN, FAVICON, *LANGUAGE}),
        for_people=for_people(pages),
        before_refusal=keep_typed,
    )


@contextlib.asynccontextmanager
async def read_side(
    pool: Pool, dsn: str, callers: Callers | None = None, intake: StubIntake | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it until the block ends."""
    http = server(await reading_app(pool, dsn, callers, intake), "127.0.0.1", 0)
    task = asyncio.create_task(http.serve())
    while not http.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    port = http.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        http.should_exit = True
        await task
