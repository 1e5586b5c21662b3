"""The composition root of intake: what is built from what, started and stopped in which order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import asyncpg
import httpx
import structlog
from litestar import Litestar

from services.intake.adapters import master_key
from services.intake.adapters.clock import StoreClock
from services.intake.adapters.contents import StoredContents
from services.intake.adapters.figures import StoreFigures
from services.intake.adapters.file_records import StoredFileRecords
from services.intake.adapters.file_types import sniffed
from services.intake.adapters.history import StoredHistory
from services.intake.adapters.proposals import proposed_calendar
from services.intake.adapters.pushed_petitions import StoredPetitions
from services.intake.adapters.pushes import StoredPushes
from services.intake.adapters.refused import RefusedCommands
from services.intake.adapters.seals import PetitionSeals
from services.intake.application.answers import Answers
from services.intake.application.append_builder import FileNaming, Recorder
from services.intake.application.calendars import CalendarKeeper
from services.intake.application.case_queries import CaseQueries
from services.intake.application.command_handler import CommandHandler
from services.intake.application.composite.act_handler import ActHandler
from services.intake.application.feed_visibility import FeedVisibility
from services.intake.application.file_keeper import FileKeeper
from services.intake.application.file_queries import FileQueries
from services.intake.application.known_reference import KnownReferences
from services.intake.application.people_directory import PeopleDirectory
from services.intake.application.possible_commands import PossibleCommands
from services.intake.application.pushing.push_handler import PushHandler
from services.intake.application.reconciliation import Reconciliation
from services.intake.application.regulation_cache import RegulationCache
from services.intake.application.uploads import Uploads
from services.intake.configured import (
    MIGRATIONS,
    check_sandbox,
    folder_of,
    new_id,
    scanner_of,
    seals_of,
    system_settings,
)
from services.intake.entrypoints.acts import act_routes
from services.intake.entrypoints.answers import answer_routes
from services.intake.entrypoints.app import make_app
from services.intake.entrypoints.catalogue_queries import catalogue_routes
from services.intake.entrypoints.clock import clock_routes
from services.intake.entrypoints.command_queries import command_query_routes
from services.intake.entrypoints.commands import command_routes
from services.intake.entrypoints.files import MIB, FileTroubles, file_routes, upload_route
from services.intake.entrypoints.metrics import IntakeSnapshot, intake_collector
from services.intake.entrypoints.openapi import WORDS
from services.intake.entrypoints.people_callers import PeopleCallers
from services.intake.entrypoints.people_queries import people_routes
from services.intake.entrypoints.pushed_queries import pushed_routes
from services.intake.entrypoints.pushes import push_routes
from services.intake.entrypoints.queries import may_read_all, query_routes, visible_to
from services.intake.entrypoints.queue_consumer import CommandQueue
from services.intake.entrypoints.queued_commands import CommandIntake
from services.intake.entrypoints.refused_queries import refused_route
from services.intake.entrypoints.rule_queries import regulation_routes
from services.intake.settings import IntakeSettings
from shared.calendar import unpublished_year
from shared.calendar.shipped import seed_years
from shared.envelope import to_message
from shared.http.access_tokens import AccessTokens, subject_in
from shared.http.auth import Callers, configured_callers
from shared.http.docs import docs_routes
from shared.http.event_schemas import schema_routes
from shared.http.feed import feed_route
from shared.http.health import health_routes
from shared.http.logs import configure_logs
from shared.http.metrics import keep_fresh, metrics_route
from shared.http.problem_registry import problem_routes
from shared.http.provider import KEYS_OLD, Provider, is_safe_url
from shared.http.server import serve
from shared.http.system_tokens import KEYS_OF_SYSTEMS_OLD, SystemTokens
from shared.http.tokens import follow_tokens
from shared.postgres import store
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.hosts import Birth, Hosts
from shared.postgres.log import StoredLog
from shared.postgres.losses import LossWatch, unconfirmed
from shared.postgres.migrate import migrate
from shared.postgres.outbox import StoredOutbox
from shared.postgres.pool import Notifications, create_pool
from shared.postgres.server_check import require_fit
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.relay import Relay, waiting
from shared.rabbit.topology import ForeignSource, claim, events_of
from shared.settings import WrongSettings, begin_telemetry, check_urls, path_of
from shared.tasks import cancel_and_wait

RELAY = "intake"  # tells the relays of one store apart
DAILY_CHECK = 600.0  # seconds between two looks at the store's day
KEEP_FILES_EVERY = 20.0  # seconds between two looks at what is to be dropped
KEEP_FILES_AGAIN = 2.0  # seconds after a look that failed
LEARN_EVERY, LEARN_AT_LATEST = 1.0, 5.0  # seconds between two looks at who holds which post
DEVELOPMENT_NAME = "local"
CLAIM_TIMEOUT = 5.0  # seconds for which a start waits for the broker

log = structlog.get_logger("intake")


def run(settings: IntakeSettings) -> None:
    """Serve until SIGTERM; requests in flight are finished first. Raises InvalidTokens, WrongSettings, UnfitServer."""
    configure_logs("intake")
    begin_telemetry("intake")
    serve(
        running(settings, callers_of(settings), seals_of(settings)),
        settings.host,
        settings.port,
        path_of(settings.public_url),
    )


def callers_of(settings: IntakeSettings) -> Callers:
    """The callers that the settings name; beyond loopback there must be some. Raises InvalidTokens, WrongSettings."""
    if settings.issuer and not (is_safe_url(settings.issuer) and settings.audience):
        raise WrongSettings("INTAKE_ISSUER, INTAKE_AUDIENCE: an address with https, and the audience of its tokens")
    has_provider = bool(system_settings(settings).issuer or settings.issuer)
    return configured_callers(
        settings.host, settings.tokens_file, settings.tokens, provider=has_provider, rate=settings.rate
    )


@contextlib.asynccontextmanager
async def running(settings: IntakeSettings, callers: Callers, seals: PetitionSeals) -> AsyncIterator[Litestar]:
    """Intake with everything started that it needs beside its HTTP server."""
    check_urls("INTAKE", settings.database_url, settings.amqp_url)
    folder, scanner = folder_of(settings), scanner_of(settings)
    if settings.migrate:
        for name in await migrate(settings.database_url, MIGRATIONS):
            log.info("migrated", migration=name)
    async with contextlib.AsyncExitStack() as stack:
        durable, hosts = DurableHead(), Hosts(settings.database_url)
        pool = await create_pool(hosts, application="intake", largest=settings.pool_size, on_epoch=durable.see)
        stack.push_async_callback(pool.close)
        await require_fit(pool, connections=settings.pool_size + 1)  # and the one that listens
        if not await store.named_at_birth(pool) and (away := await hosts.unanswered()):
            raise WrongSettings(f"INTAKE_DATABASE_URL: no store is begun before each host of the list answers: {away}")
        source = await _name_store(pool, settings, is_development=callers.are_local)
        await master_key.bind(pool, seals)
        birth = await store.event_id_at(pool, 1)
        hosts.hold_to(Birth(source, birth))
        await _claim_virtual_host(settings.amqp_url, source, birth)
        notifications = Notifications(hosts)
        await notifications.start()
        stack.push_async_callback(notifications.close)
        await durable.start(pool)
        stack.push_async_callback(durable.close)
        writer = GroupCommit(pool, durable)
        await writer.start()
        stack.push_async_callback(writer.close)

        history = StoredHistory(pool, durable)
        regulation_cache = RegulationCache(history, settings.declared_attributes)
        await regulation_cache.refresh()
        files = StoredFileRecords(pool)
        file_keeper = FileKeeper(files, folder)
        recorder = Recorder(history, seals, new_id, FileNaming(files, seals))
        keeper = CalendarKeeper(regulation_cache, recorder, writer, proposed_calendar)
        if settings.seed_calendars:
            log.info("seeded", calendars=await keeper.seed(seed_years()))
        await keeper.propose()
        birth = await store.event_id_at(pool, 1)

        contents = StoredContents(pool, new_id)
        references = KnownReferences(history, contents, seals, regulation_cache)
        refused = RefusedCommands(pool, seals, new_id)
        handler = CommandHandler(
            regulation_cache, history, writer, seals, recorder, new_id, references, refused, file_keeper
        )
        pushes = StoredPushes(pool, seals, new_id)
        pushing = PushHandler(handler, regulation_cache, history, references, writer, recorder, pushes, new_id)
        acts = ActHandler(regulation_cache, history, writer, seals, recorder, new_id, references)
        reading = CaseQueries(regulation_cache, history, contents, seals)
        answers = Answers(reading, history, contents, seals, files)
        stored_log, clock, collector = StoredLog(pool, notifications, durable), StoreClock(pool), intake_collector()
        reconciliation = Reconciliation(regulation_cache, history, StoredPetitions(pool), stored_log)
        outbox = StoredOutbox(pool, notifications, RELAY, durable)
        encode = partial(to_message, prefix=settings.event_type_prefix)
        route = events_of(source)
        relay = Relay(outbox, settings.amqp_url, route, name=RELAY, source=source, birth=birth, encode=encode)
        await relay.start()
        stack.push_async_callback(relay.close)
        commands = CommandIntake(handler, acts, pushing, callers, refused)
        queue = CommandQueue(settings.amqp_url, source, commands, birth)
        await queue.start()
        stack.push_async_callback(queue.close)
        figures, troubles = StoreFigures(pool, RELAY), FileTroubles()
        largest = settings.largest_file * MIB
        uploads = Uploads(folder, files, seals, sniffed, scanner, largest) if folder is not None else None

        async def snapshot() -> IntakeSnapshot:
            found = await figures.read()
            await regulation_cache.refresh()
            years = regulation_cache.regulation.years.values()
            published = {known.year for known in years if not known.provisional}
            return IntakeSnapshot(
                recorded={(topic,): count for topic, count in found.recorded.items()},
                # Without a broker events leave by the feed alone: there is no outbox to fall behind.
                pending=found.pending if settings.amqp_url else 0,
                oldest_pending=found.oldest_pending if settings.amqp_url else 0.0,
                unroutable=relay.unroutable_total,
                is_leader=relay.is_leader,
                unpublished_year=unpublished_year(regulation_cache.today, published) or 0,
                refused=callers.refused.counts,
                forbidden=callers.refused.forbidden,
                queued={(name,): w.messages for name, w in queue.waiting.items() if w.messages is not None},
                consumers={(name,): w.consumers for name, w in queue.waiting.items() if w.consumers is not None},
                hindered=bool(queue.hindrance or relay.hindrance),
                unanswered=queue.unanswered_total,
                files_unnamed=found.files_unnamed,
                oldest_conflict=found.oldest_conflict,
                files_kept_at=file_keeper.kept_at if folder is not None else None,
                files_unreadable=troubles.unreadable_total,
                seals_unopened=seals.unopened_total,
                lost=await unconfirmed(pool),
                standby_required=durable.is_required,
                standby_confirmed_at=durable.confirmed_at if durable.is_required else None,
                provider_read_at=provider.read_at(time.time()) if provider is not None else None,
                systems_read_at=systems.provider.read_at(time.time()) if systems is not None else None,
                taken_at=found.taken_at,
            )

        def durability() -> dict[str, str]:
            lost = collector.snapshot.lost
            told = f"{lost} acknowledged commands are lost; an operator must confirm it" if lost else ""
            return {"standby": durable.trouble, "lost": told}

        async def progress() -> dict[str, str]:
            held = waiting(collector.snapshot.pending, collector.snapshot.oldest_pending, time.time())
            return durability() | {
                "store": why.en if (why := await stored_log.is_reachable()) is not None else "",
                "appends": writer.standstill,
                "relay": relay.standstill or held,
                "commands": queue.hindrance,
                **{name: hindered.get(name, "") for name in ("files", "posts")},
            }

        def notices() -> dict[str, str]:
            away = provider is not None and provider.age > KEYS_OLD
            unverified = systems is not None and systems.provider.age > KEYS_OLD
            found = durability() | {
                "relay": relay.hindrance,
                "appends": writer.standstill,
                "standby": durable.trouble or durable.notice,
                "hosts": hosts.notice,
                "provider": "the keys of the sign-in provider could not be read for a while" if away else "",
                "systems": KEYS_OF_SYSTEMS_OLD if unverified else "",
            }
            return queue.notices | hindered | {name: why for name, why in found.items() if why}

        provider: Provider | None = None
        systems: SystemTokens | None = None
        hindered: dict[str, str] = {}  # what keeps a loop from its work, by the loop's name
        works = {"metrics": keep_fresh(collector, snapshot), "calendars": _propose_daily(regulation_cache, keeper)}
        works["losses"] = LossWatch(pool, durable).run()
        works["files"] = _keep_files(file_keeper, pushes, hindered)
        if settings.tokens_file:
            works["tokens"] = follow_tokens(callers, settings.tokens_file)
        if (of_systems := system_settings(settings)).issuer:
            systems = SystemTokens(of_systems, await stack.enter_async_context(httpx.AsyncClient()))
            callers.systems = systems
            works["systems"] = systems.provider.follow()
        if settings.issuer:
            provider = Provider(settings.issuer, await stack.enter_async_context(httpx.AsyncClient()))
            callers.people = PeopleCallers(AccessTokens(provider, settings.audience, subject_in), regulation_cache)
            works["provider"] = provider.follow()
            works["posts"] = _follow_posts(regulation_cache, notifications, hindered)
        for name, work in works.items():
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(cancel_and_wait, task)

        may_read = may_read_all(regulation_cache)
        visible = visible_to(FeedVisibility(regulation_cache, history))
        app = make_app(
            [
                *command_routes(handler),
                *act_routes(acts),
                *push_routes(pushing, reading),
                *query_routes(reading),
                *answer_routes(answers),
                *pushed_routes(reading, reconciliation, stored_log),
                *command_query_routes(PossibleCommands(reading, history)),
                *regulation_routes(regulation_cache),
                *catalogue_routes(regulation_cache),
                upload_route(uploads),
                *file_routes(FileQueries(reading, answers, files, folder, seals), troubles),
                *people_routes(PeopleDirectory(regulation_cache, history, contents, seals), callers),
                refused_route(refused, callers, regulation_cache),
                *clock_routes(clock, regulation_cache, keeper.propose),
                feed_route(stored_log, may_read, visible, settings.event_type_prefix),
                *problem_routes("intake", WORDS),
                *schema_routes(),
                *docs_routes(),
                *health_routes(stored_log.is_reachable, progress, notices),
                metrics_route(collector, may_read),
            ],
            callers,
            prefix=path_of(settings.public_url),
        )
        app.state.commands = commands
        yield app


async def _claim_virtual_host(url: str, source: str, birth: UUID | None) -> None:
    """Take the broker's virtual host for the source. A broker that is away is asked later. Raises WrongSettings."""
    if not url:
        return
    try:
        async with asyncio.timeout(CLAIM_TIMEOUT), await BrokerHosts(url).connect() as connection:
            await claim(await connection.channel(), source, birth)
    except ForeignSource as error:
        raise WrongSettings(f"INTAKE_AMQP_URL: {error}") from None
    except Exception as error:
        log.warning("broker_away", kind=type(error).__name__)


async def _name_store(pool: "asyncpg.Pool[asyncpg.Record]", settings: IntakeSettings, *, is_development: bool) -> str:
    """Name the store, and return the name that it has. Raises WrongSettings.

    Two stores of one name are told apart by nobody who reads them: only a developer's store gets one unasked.
    """
    born = await store.named_at_birth(pool)
    check_sandbox(settings, born, is_movable=await store.is_clock_movable(pool))
    if not (settings.source or is_development):
        remedy = f"this store is called {born}: set INTAKE_SOURCE={born} to go on" if born else "such as lai-chau"
        raise WrongSettings(f"INTAKE_SOURCE: name the source, each store differently and for ever; {remedy}")
    if settings.source and born and settings.source != born:
        raise WrongSettings(
            f"INTAKE_SOURCE: the store of INTAKE_DATABASE_URL is called {born} from its first event on, and not "
            f"{settings.source}: set INTAKE_SOURCE={born}, or name the database of {settings.source}"
        )
    await store.name_source(pool, settings.source or DEVELOPMENT_NAME)
    if settings.movable_from is not None and not await store.is_clock_movable(pool):
        try:
            await store.move_clock(pool, settings.movable_from)
        except store.OutOfYears as error:
            raise WrongSettings(f"INTAKE_CLOCK_START: {error}") from None
        except store.MovedBackwards:
            log.warning("clock_not_movable", why="the store has events already")
    return (await store.read_identity(pool)).source


async def _follow_posts(
    regulation_cache: RegulationCache, notifications: Notifications, hindered: dict[str, str]
) -> None:
    """Learn of posts that end, of the day's change too, without being asked: who holds one is asked of nobody else."""
    async with notifications.subscribed() as recorded:
        while True:
            recorded.clear()
            try:
                await regulation_cache.refresh()
                hindered.pop("posts", None)
            except Exception as error:  # the store may be away; the next round tries again
                hindered["posts"] = f"whose posts have ended is not read ({type(error).__name__})"
                log.warning("posts_not_read", kind=type(error).__name__)
            await asyncio.sleep(LEARN_EVERY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(recorded.wait(), LEARN_AT_LATEST)


async def _propose_daily(regulation_cache: RegulationCache, keeper: CalendarKeeper) -> None:
    while True:
        await asyncio.sleep(DAILY_CHECK)
        try:
            await regulation_cache.refresh()
            await keeper.propose()
        except Exception as error:  # the store may be away; the next round tries again
            log.warning("calendar_check_failed", kind=type(error).__name__)


async def _keep_files(file_keeper: FileKeeper, pushes: StoredPushes, hindered: dict[str, str]) -> None:
    """Let go, again and again, of what an erasure or time has made unwanted: files, and what conflicts say."""
    while True:
        try:
            await pushes.forget_erased()
            await file_keeper.round()
            file_keeper.kept_at = time.time()
            hindered.pop("files", None)
            pause = KEEP_FILES_EVERY
        except Exception as error:  # the store or the folder may be away; the next round tries again
            hindered["files"] = f"files that are to go are not dropped ({type(error).__name__})"
            log.warning("files_not_kept", kind=type(error).__name__)
            pause = KEEP_FILES_AGAIN
        await file_keeper.wait(pause)
