"""The composition root of followup: what is built from what, started and stopped in which order."""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
import structlog
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.followup.adapters.feed_client import FeedClient
from services.followup.adapters.intake_client import IntakeClient, name_origin
from services.followup.adapters.person_posts import ActingPosts, PersonPosts
from services.followup.adapters.prefetch import PrefetchBuffers
from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.metrics_snapshot import MetricsQueries, MetricsSnapshot
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.adapters.read.reminders import Reminders
from services.followup.adapters.read.reports import Reports
from services.followup.adapters.sessions import SessionSeals, StoredSessions
from services.followup.adapters.sign_in_provider import SignInProvider
from services.followup.adapters.store.earlier_release import EarlierRelease
from services.followup.adapters.store.operator_requests import ask
from services.followup.adapters.store.projection import StoredProjection
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH as REBUILT_PATH
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.adapters.store.writer_leases import WriterLeases
from services.followup.adapters.webhooks.delivered_logs import DeliveredLogs
from services.followup.adapters.webhooks.sink_addresses import AllowedSinks
from services.followup.adapters.webhooks.sink_client import SinkClient
from services.followup.adapters.webhooks.stored_subscriptions import StoredSubscriptions
from services.followup.adapters.webhooks.webhook_seals import WebhookSeals
from services.followup.application.ports import RebuildRuns
from services.followup.application.rebuild import take_over
from services.followup.application.source_names import SourceNames
from services.followup.application.source_reader import SourceReader
from services.followup.application.webhook_ports import SealsBroken, SinkDeliveries, Subscription
from services.followup.application.webhook_sender import WebhookSender
from services.followup.configured import (
    MIGRATIONS,
    SEARCH_PATH,
    broker_urls,
    digest_mailer,
    source_token,
    system_settings,
)
from services.followup.console.addresses import CALLBACK, LOGIN
from services.followup.console.administration import administration_routes
from services.followup.console.agenda import Agendas
from services.followup.console.calendars import calendar_pages
from services.followup.console.cases import case_pages
from services.followup.console.catalogues import catalogue_pages
from services.followup.console.conflicts import OpenConflicts, conflict_pages
from services.followup.console.daily.remind import remind_routes
from services.followup.console.daily.routes import daily_routes
from services.followup.console.doors import door_routes
from services.followup.console.favicon import FAVICON, favicon_route
from services.followup.console.figures import figures_routes
from services.followup.console.forms import form_routes
from services.followup.console.hall import hall_pages
from services.followup.console.intake_door import Address
from services.followup.console.language import LANGUAGE, language_routes
from services.followup.console.pages import Pages
from services.followup.console.people import people_pages
from services.followup.console.places import place_pages
from services.followup.console.problem_pages import for_people, keep_typed
from services.followup.console.provider_sign_in import OPEN_PATHS, provider_sign_in_routes
from services.followup.console.reports import report_pages
from services.followup.console.rules import rule_pages
from services.followup.console.samples import sample_routes
from services.followup.console.sign_in import sign_in_routes
from services.followup.console.work import work_routes
from services.followup.entrypoints.access import READING, facts_visible_to, may_read_all, visible_to
from services.followup.entrypoints.alerts import DeadlineAlerts
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.health import works_of
from services.followup.entrypoints.me import me_routes
from services.followup.entrypoints.metrics import followup_collector
from services.followup.entrypoints.queries import query_routes
from services.followup.entrypoints.reminders import reminder_routes
from services.followup.entrypoints.reports import report_routes
from services.followup.entrypoints.signed_in import SessionCallers
from services.followup.entrypoints.subscriptions import subscription_routes
from services.followup.entrypoints.webhook_door import WebhookDoor, sight_of
from services.followup.settings import FollowupSettings
from shared.envelope import to_message
from shared.http.auth import Callers, configured_callers
from shared.http.docs import docs_routes
from shared.http.event_schemas import schema_routes
from shared.http.feed import feed_route
from shared.http.health import health_routes
from shared.http.logs import configure_logs
from shared.http.metrics import keep_fresh, metrics_route
from shared.http.permissions import KNOWN, KNOWN_OWN, permitted
from shared.http.problem_registry import problem_routes
from shared.http.provider import KEYS_OLD, Provider, is_safe_url
from shared.http.server import serve
from shared.http.system_tokens import KEYS_OF_SYSTEMS_OLD, SystemTokens
from shared.http.tokens import follow_tokens
from shared.postgres import lease, store
from shared.postgres.durable import DurableHead
from shared.postgres.hosts import Birth, Hosts
from shared.postgres.log import StoredLog
from shared.postgres.losses import keep_loss, unconfirmed
from shared.postgres.migrate import migrate
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, create_pool
from shared.postgres.server_check import require_fit
from shared.problem_words import DOOR_WORDS
from shared.rabbit.relay import Relay, waiting
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import DEADLINES, events_of
from shared.sealing import BrokenSeal, key_in
from shared.sentences import Sentence
from shared.server_urls import hosts_of
from shared.settings import WrongSettings, begin_telemetry, check_urls, path_of
from shared.tasks import cancel_and_wait

RELAY = "followup"
DIGESTS_LATE = 3600.0  # seconds
TAKE_OVER_AGAIN = 5.0  # seconds before it is tried again to take over what an earlier release has followed
_TAKING_OVER = "what release 0.4.0 has followed is being taken over"

log = structlog.get_logger("followup")


def run(settings: FollowupSettings) -> None:
    """Serve until SIGTERM. Raises InvalidTokens, WrongSettings, UnfitServer."""
    configure_logs("followup")
    begin_telemetry("followup")
    prefix = path_of(settings.public_url)
    serve(running(settings, callers_of(settings), source_token(settings)), settings.host, settings.port, prefix)


def callers_of(settings: FollowupSettings) -> Callers:
    """The callers that the settings name; beyond loopback there must be some. Raises InvalidTokens, WrongSettings.

    Where people sign in at a provider, no browser keeps a token of the file.
    """
    if settings.issuer and not (is_safe_url(settings.issuer) and is_safe_url(settings.public_url)):
        raise WrongSettings("FOLLOWUP_ISSUER, FOLLOWUP_PUBLIC_URL: addresses with https")
    has_provider = bool(system_settings(settings).issuer or settings.issuer)
    cookies = not settings.issuer
    return configured_callers(
        settings.host, settings.tokens_file, settings.tokens, cookies=cookies, provider=has_provider, rate=settings.rate
    )


def session_seals(settings: FollowupSettings) -> SessionSeals:
    """The seals under the key file of sessions. Raises WrongSettings."""
    if not settings.session_key_file:
        raise WrongSettings("FOLLOWUP_SESSION_KEY_FILE: a file of 32 random bytes; without it nobody can sign in")
    try:
        return SessionSeals(key_in(settings.session_key_file))
    except (OSError, ValueError) as error:
        raise WrongSettings(f"FOLLOWUP_SESSION_KEY_FILE: {error}") from None


def client_secret(settings: FollowupSettings) -> str:
    """The secret of the console at the provider; empty where it has none. Raises WrongSettings."""
    try:
        file = settings.client_secret_file
        return Path(file).read_text("utf-8").strip() if file else ""
    except (OSError, ValueError) as error:
        raise WrongSettings(f"FOLLOWUP_CLIENT_SECRET_FILE: {error}") from None


async def _name_store(pool: "asyncpg.Pool[asyncpg.Record]", settings: FollowupSettings) -> None:
    """Give the store its name; one that has events keeps its own. Raises WrongSettings.

    Of a list of hosts the first that answers may be another followup's: only a name of its own tells it from ours.
    """
    if len(hosts_of(settings.database_url)) > 1 and "source" not in settings.model_fields_set:
        raise WrongSettings(
            "FOLLOWUP_SOURCE: where FOLLOWUP_DATABASE_URL lists several hosts, name this followup unlike any "
            "other; one that has events is called followup unless it was named"
        )
    born = await store.named_at_birth(pool)
    if born not in ("", settings.source):
        raise WrongSettings(
            f"FOLLOWUP_SOURCE: the store of FOLLOWUP_DATABASE_URL is called {born} from its first event on, and not "
            f"{settings.source}: set FOLLOWUP_SOURCE={born}, or name the database of {settings.source}"
        )
    await store.name_source(pool, settings.source)


@contextlib.asynccontextmanager
async def running(
    settings: FollowupSettings, callers: Callers, token: Callable[[], str] = lambda: ""
) -> AsyncIterator[Litestar]:
    """followup with everything started that it needs beside its HTTP server."""
    check_urls("FOLLOWUP", settings.database_url, settings.amqp_url)
    brokers = broker_urls(settings)
    if settings.migrate:
        for name in await migrate(settings.database_url, MIGRATIONS):
            log.info("migrated", migration=name)
    async with contextlib.AsyncExitStack() as stack:
        durable, hosts = DurableHead(), Hosts(settings.database_url)
        pool = await create_pool(hosts, application="followup", search_path=SEARCH_PATH, on_epoch=durable.see)
        stack.push_async_callback(pool.close)
        await require_fit(pool, connections=pool.get_max_size() + 1)  # and the one that listens
        await _name_store(pool, settings)
        async with pool.acquire() as connection:
            found = await store.read_identity(connection)
        hosts.hold_to(Birth(found.source, found.birth))
        notifications = Notifications(hosts)
        await notifications.start()
        stack.push_async_callback(notifications.close)

        encode = partial(to_message, prefix=settings.event_type_prefix)
        await durable.start(pool)
        stack.push_async_callback(durable.close)
        outbox = StoredOutbox(pool, notifications, RELAY, durable)
        relay = Relay(outbox, settings.amqp_url, DEADLINES, name=RELAY, encode=encode)
        await relay.start()
        stack.push_async_callback(relay.close)
        alerts = DeadlineAlerts(settings.amqp_url)
        await alerts.start()
        stack.push_async_callback(alerts.close)

        def bell_of(source: str) -> Subscriber:
            url = brokers.get(followed.address(source) or "", "")
            return Subscriber(url, events_of(source), publisher=settings.broker_publisher)

        inboxes = PrefetchBuffers(bell_of)
        stack.push_async_callback(inboxes.close)
        client = await stack.enter_async_context(httpx.AsyncClient())
        leases = WriterLeases(pool)
        stack.push_async_callback(leases.release)
        followed = FollowedSources(settings.feeds, pool, client, token, inboxes, leases)
        earlier = TakingOver(hosts)
        for reader in followed.readers.values():
            task = asyncio.create_task(earlier.then(reader.run), name="following")
            stack.push_async_callback(cancel_and_wait, task)
        task = asyncio.create_task(earlier.run(), name="taking over")
        stack.push_async_callback(cancel_and_wait, task)

        def broker_hindrances() -> dict[str, str]:
            return inboxes.hindrances | {DEADLINES.queue: alerts.hindrance, "relay": relay.hindrance}

        def durability() -> dict[str, str]:
            lost = collector.snapshot.lost
            told = f"{lost} events are lost at their source; an operator must confirm it" if lost else ""
            return {"standby": durable.trouble, "lost": told}

        def notices() -> dict[str, str]:
            found = broker_hindrances() | durability()
            found |= {"standby": durable.trouble or durable.notice, "hosts": hosts.notice}
            if systems is not None and systems.provider.age > KEYS_OLD:
                found["systems"] = KEYS_OF_SYSTEMS_OLD
            return {name: why for name, why in found.items() if why}

        if (mailer := digest_mailer(settings, pool)) is not None:
            mail = asyncio.create_task(mailer.run(), name="digests")
            stack.push_async_callback(cancel_and_wait, mail)

        queries, collector = Queries(pool), followup_collector()
        stored_log, sources_go_on = StoredLog(pool, notifications, durable), works_of(queries, followed.by_address)

        async def can_serve() -> Sentence | None:
            # Until then its pages are empty, and those of the release before, if it runs, are not.
            if why := earlier.hindrance:
                return Sentence(why, why)
            return await stored_log.is_reachable()

        async def progress() -> dict[str, str]:
            late = mailer is not None and mailer.failing_for > DIGESTS_LATE
            digests = "a digest that is due could not be sent for an hour" if late else ""
            held = waiting(collector.snapshot.pending, collector.snapshot.oldest_pending, time.time())
            found = {"relay": relay.standstill or held, "digests": digests, "upgrade": earlier.hindrance}
            return found | durability() | await sources_go_on()

        figures = MetricsQueries(
            pool,
            RELAY if settings.amqp_url else "",
            lambda: mailer.failing_for if mailer is not None else 0.0,
            lambda: len(followed.refused()),
        )

        async def snapshot() -> MetricsSnapshot:
            return msgspec.structs.replace(
                await figures.snapshot(),
                lost=await unconfirmed(pool),
                standby_required=durable.is_required,
                standby_confirmed_at=durable.confirmed_at if durable.is_required else None,
                away=followed.away(),
                refused_calls=callers.refused.counts,
                forbidden_calls=callers.refused.forbidden,
                systems_read_at=systems.provider.read_at(time.time()) if systems is not None else None,
                hindered={(name,): float(bool(why)) for name, why in broker_hindrances().items()},
            )

        works = {"metrics": keep_fresh(collector, snapshot)}
        systems: SystemTokens | None = None
        if (of_systems := system_settings(settings)).issuer:
            systems = SystemTokens(of_systems, await stack.enter_async_context(cookieless_client()))
            callers.systems = systems
            works["systems"] = systems.provider.follow()
        if settings.tokens_file:
            works["tokens"] = follow_tokens(callers, settings.tokens_file)
        for name, work in works.items():
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(cancel_and_wait, task)

        webhooks = await webhook_door(settings, pool, queries, callers, stored_log, durable)
        if webhooks is not None:
            task = asyncio.create_task(webhooks.sender.run(), name="webhooks")
            stack.push_async_callback(cancel_and_wait, task)

        # Of its own: forms that wait for an intake that hangs take no connection from the feeds.
        in_post = ActingPosts()
        acting = await stack.enter_async_context(cookieless_client(in_post.name_post, name_origin))
        pages = Pages(queries, path_of(settings.public_url))
        sign_in, open_paths = sign_in_routes(pages, callers), frozenset({LOGIN})
        if settings.issuer:
            signing = await stack.enter_async_context(cookieless_client())
            sign_in, open_paths = _at_provider(settings, callers, pool, pages, in_post, signing), OPEN_PATHS
        yield make_app(
            [
                *query_routes(queries, LiveState(pool)),
                *report_routes(Reports(pool)),
                *reminder_routes(queries, Reminders(pool, queries)),
                *me_routes(callers),
                *_console(pool, pages, queries, callers, IntakeClient(acting), followed.address),
                *figures_routes(pages, queries, lambda: collector.snapshot),
                *sign_in,
                *subscription_routes(webhooks),
                feed_route(stored_log, may_read_all(queries), visible_to(queries), settings.event_type_prefix),
                *problem_routes("followup", DOOR_WORDS),
                *schema_routes(),
                *docs_routes(),
                *health_routes(can_serve, progress, notices),
                metrics_route(collector, may_read_all(queries)),
            ],
            callers,
            open_paths=frozenset({FAVICON, *LANGUAGE}) | open_paths,
            for_people=for_people(pages),
            before_refusal=keep_typed,
            prefix=path_of(settings.public_url),
        )


async def webhook_door(
    settings: FollowupSettings,
    pool: "asyncpg.Pool[asyncpg.Record]",
    queries: Queries,
    callers: Callers,
    own: StoredLog,
    durable: DurableHead,
) -> WebhookDoor | None:
    """What sends events to others; None where no key for their secrets is set. Raises WrongSettings."""
    if not settings.webhook_key_file:
        return None
    seals, sinks = webhook_seals(settings), sink_client(settings)
    logs, store = DeliveredLogs(pool, own, durable), StoredSubscriptions(pool)
    holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"

    async def own_log() -> str:
        return (await own.identity())[0]

    async def may_send() -> bool:
        return await lease.acquire(pool, "webhooks", holder) is not None

    @contextlib.asynccontextmanager
    async def open_sink(subscription: Subscription) -> AsyncIterator[SinkDeliveries]:
        try:
            secrets = seals.open(subscription.subscription_id, subscription.sealed)
        except BrokenSeal:
            raise SealsBroken from None
        async with sinks.session(subscription.sink, secrets) as session:
            yield session

    sight = sight_of(callers, own_log, visible_to(queries), facts_visible_to(queries))
    sender = WebhookSender(store, logs, sight, open_sink, may_send, settings.event_type_prefix)

    return WebhookDoor(store, logs, sender, sinks, seals, sight, callers.named, _utc_now)


def webhook_seals(settings: FollowupSettings) -> WebhookSeals:
    """The seals under the key file of webhooks. Raises WrongSettings."""
    try:
        return WebhookSeals(key_in(settings.webhook_key_file))
    except (OSError, ValueError) as error:
        raise WrongSettings(f"FOLLOWUP_WEBHOOK_KEY_FILE: {error}") from None


def sink_client(settings: FollowupSettings) -> SinkClient:
    """The way to sinks as far as the settings allow it. Raises WrongSettings."""
    try:
        allowed = AllowedSinks(settings.webhook_allowed)
    except ValueError as error:
        raise WrongSettings(f"FOLLOWUP_WEBHOOK_ALLOWED: {error}") from None
    trusted = ssl.create_default_context()
    try:
        if settings.webhook_ca_file:
            trusted.load_verify_locations(settings.webhook_ca_file)
    except OSError as error:
        raise WrongSettings(f"FOLLOWUP_WEBHOOK_CA_FILE: {error}") from None
    return SinkClient(allowed, urlsplit(settings.public_url).hostname or "doithoai", trusted, _utc_now)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _console(
    pool: "asyncpg.Pool[asyncpg.Record]",
    pages: Pages,
    queries: Queries,
    callers: Callers,
    intake: IntakeClient,
    address: Address,
) -> list[HTTPRouteHandler]:
    """The pages for people, but those of sign-in and of the figures."""
    reminders, logs = Reminders(pool, queries), RegulationLogs(pool)
    agendas = Agendas(queries, logs)
    waiting = OpenConflicts(queries, intake, address)
    pages_of_people = [
        *permitted(KNOWN_OWN, work_routes(pages, queries, callers, waiting)),
        *conflict_pages(pages, queries, waiting, intake, address),
        *permitted(KNOWN, [*door_routes(pages, queries, callers), *sample_routes(pages, callers)]),
        *case_pages(pages, queries, agendas, waiting, intake, address),
        *place_pages(pages, queries, intake, address),
        *catalogue_pages(pages, queries, intake, address),
        *daily_routes(pages, queries, agendas, intake, address),
        *remind_routes(pages, queries, reminders, intake, address),
        *permitted(KNOWN_OWN, people_pages(pages, queries, intake, address)),
        *administration_routes(pages, queries, intake, address, partial(_retried, pool)),
        *report_pages(pages, queries, Reports(pool)),
        *hall_pages(pages, queries, agendas, intake, address),
        *permitted(KNOWN_OWN, form_routes(pages, queries, agendas, reminders, intake, address)),
        *rule_pages(pages, queries, logs, intake, address),
        *calendar_pages(pages, queries, logs, intake, address),
        *language_routes(),
        favicon_route(),
    ]
    return permitted(READING, pages_of_people)


def _at_provider(
    settings: FollowupSettings,
    callers: Callers,
    pool: "asyncpg.Pool[asyncpg.Record]",
    pages: Pages,
    in_post: ActingPosts,
    client: httpx.AsyncClient,
) -> list[HTTPRouteHandler]:
    """The routes of sign-in at the provider; from now on callers are known by their sessions. Raises WrongSettings."""
    seals = session_seals(settings)
    sessions = StoredSessions(pool, seals)
    provider = SignInProvider(
        Provider(settings.issuer, client),
        client,
        client_id=settings.client_id,
        secret=client_secret(settings),
        redirect_uri=settings.public_url.rstrip("/") + CALLBACK,
        scope=settings.sign_in_scope,
        audience=settings.audience,
    )
    posts, is_secure = PersonPosts(client, settings.feeds), settings.public_url.startswith("https:")
    callers.people = people = SessionCallers(sessions, provider, posts, in_post, is_secure=is_secure)
    return provider_sign_in_routes(pages, people, sessions, seals, provider)


def cookieless_client(*before: Callable[[httpx.Request], Awaitable[None]]) -> httpx.AsyncClient:
    """A client that keeps no cookie: what is set for one person is sent for no other. `before` see each request."""
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(cookies=jar, event_hooks={"request": list(before)})


async def _retried(pool: "asyncpg.Pool[asyncpg.Record]", source: str, petition_id: UUID) -> str:
    """Ask the projector of a source to rebuild a petition whose events wait. Raises RequestFailed."""
    return await ask(pool, "unpark", source, petition_id, "")


class FollowedSources:
    """The sources that are followed, by the addresses of their feeds."""

    def __init__(
        self,
        feeds: Iterable[str],
        pool: "asyncpg.Pool[asyncpg.Record]",
        client: httpx.AsyncClient,
        token: Callable[[], str],
        inboxes: PrefetchBuffers,
        leases: WriterLeases,
    ) -> None:
        names = SourceNames(StoredBirths(pool))
        self.readers = {
            url: SourceReader(
                FeedClient(url, client, token),
                StoredProjection(pool),
                inboxes.of,
                leases,
                inboxes.lead,
                partial(names.claim, url),
                partial(keep_loss, pool),
            )
            for url in feeds
        }

    def by_address(self) -> dict[str, tuple[str, str]]:
        """The name of each source, empty while it is not known, and why this process leaves it to another."""
        return {url: (reader.source, reader.stands_back) for url, reader in self.readers.items()}

    def refused(self) -> dict[str, str]:
        """Why sources are not read, by their addresses."""
        return {url: reader.refused for url, reader in self.readers.items() if reader.refused}

    def away(self) -> dict[tuple[str, ...], float]:
        """Whether this process leaves a source to another since it does not reach it, by name or by address."""
        readers = self.readers.items()
        return {(r.source or url,): float(bool(r.away) and not r.is_leading) for url, r in readers if not r.refused}

    def address(self, source: str) -> str | None:
        """Where a source is; None while it is not known by its name."""
        return next((url for url, reader in self.readers.items() if reader.source == source), None)


class TakingOver:
    """Takes over what release 0.4.0 has followed, before anything else is followed.

    That release may still run, and goes on until then. What hinders it is tried again.
    """

    def __init__(self, hosts: Hosts) -> None:
        self._hosts, self._done, self._why = hosts, asyncio.Event(), _TAKING_OVER

    @property
    def hindrance(self) -> str:
        """Why nothing is followed yet; empty once all is taken over."""
        return "" if self._done.is_set() else self._why

    async def then(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something once all is taken over."""
        await self._done.wait()
        await work()

    async def run(self) -> None:
        """Take over every source, however often it is tried."""
        while not self._done.is_set():
            try:
                await self._take_over()
                self._done.set()
            except RebuildRuns:  # another process does it, or an operator
                self._why = _TAKING_OVER
                await asyncio.sleep(TAKE_OVER_AGAIN)
            except Exception as error:
                self._why = f"what release 0.4.0 has followed cannot be taken over: {type(error).__name__}: {error}"
                log.warning("not_taken_over", kind=type(error).__name__, why=str(error))
                await asyncio.sleep(TAKE_OVER_AGAIN)

    async def _take_over(self) -> None:
        pool = await create_pool(self._hosts, application="taking over", search_path=REBUILT_PATH)
        try:
            for source, report in (await take_over(EarlierRelease(pool), lambda _done, _total: None)).items():
                log.info("taken_over", source=source, events=report.events, differences=len(report.differences))
        finally:
            await pool.close()
