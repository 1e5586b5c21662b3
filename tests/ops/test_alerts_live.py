"""A real pair under a real Prometheus and Alertmanager: each alert is provoked, received, and ends when it is mended.

A stub tells only what a real pair would take too long for: a reader that lags for minutes, a mail server that is away
for an hour, and a sweep of half an hour, since that of a few cases is over within milliseconds.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import asyncpg
import httpx
import msgspec
import pytest
import yaml

from services.dev.rabbitmq import PrivateBroker
from shared.envelope import parse_feed_page, to_message
from shared.rabbit.topology import commands_of, events_of
from tests.support import forked
from tests.support.files import PDF
from tests.support.office import AGENCIES, BEGIN, DISTRICT, Office
from tests.support.pair import Pair
from tests.support.pair import pair as made_pair
from tests.support.postgres import TestServer
from tests.support.prometheus import RULES, AlertReceiver, Exporter, Watch, serving, until

EVENTS, COMMANDS = events_of("local"), commands_of("local")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FACTOR = 20  # fifteen minutes are forty-five seconds
PATIENCE = 60.0  # seconds
LONG_PATIENCE = 240.0  # seconds; an hour is three minutes
OCTOBER = "2026-10-08T08:00:00+07:00"  # the calendars that are shipped end with that year
WELL = {"DoithoaiWatchdog"}
#: What is sent in vain: to which service, what it says of it, and the header that it does not take.
REFUSED = {
    ("intake", "unknown-token"): {"Authorization": "Bearer old"},
    ("followup", "foreign-origin"): {"Sec-Fetch-Site": "cross-site"},
}


class WatchedPair:
    """The pair, the office that works with it, and those who watch."""

    watch: Watch

    def __init__(self, pair: Pair, broker: PrivateBroker, sink: AlertReceiver, stub: Exporter) -> None:
        self.pair, self.broker, self.sink, self.stub = pair, broker, sink, stub
        self.intake, self.followup = pair.services
        self.followup_dsn = self.followup.environment["FOLLOWUP_DATABASE_URL"]
        self.later = pair.intake(
            DATABASE_URL=pair.server.database("shared.postgres"), AMQP_URL="", SOURCE="later", CLOCK_START=OCTOBER
        )
        self.office = Office(lambda: self.intake.url)
        self.damaged = (0, b"")  # where the damaged event stands, and what it should have been

    def firing(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.watch.prometheus.firing()}

    def fires(self, name: str, patience: float = PATIENCE, **labels: str) -> None:
        """Wait until somebody was told of an alert with these labels."""
        until(lambda: self.is_told(name, **labels), f"{name} {labels} is told; {self.firing()}", patience)

    def ends(self, name: str, **labels: str) -> None:
        """Wait until somebody was told that it has ended."""
        until(lambda: self.is_told(name, "resolved", **labels), f"{name} {labels} ends; {self.firing()}", PATIENCE)

    def is_told(self, name: str, status: str = "firing", **labels: str) -> bool:
        """Whether somebody was told of it."""
        return any(labels.items() <= alert["labels"].items() for alert in self.sink.told(name, status))

    def doithoai(self, *arguments: str) -> str:
        """A command of the operator, where followup runs."""
        done = forked.run(*arguments, env=self.followup.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def caught_up(self) -> bool:
        (source,) = self.followup.get("/v1/sources")["items"]
        return bool(source["position"] == self.intake.get("/v1/events", limit=1)["head"])


@pytest.fixture
def scene(pg_server: TestServer, tmp_path: Path, rabbit_server: PrivateBroker, amqp_url: str) -> Iterator[WatchedPair]:
    sink, stub = AlertReceiver(), Exporter()
    with made_pair(pg_server, tmp_path, amqp_url) as pair, serving(sink) as told, serving(stub) as told_by_stub:
        intake = pair.intake(CLOCK_START=BEGIN, FILES=str(tmp_path / "files")).start()
        followup = pair.followup(intake).start()
        scene = WatchedPair(pair, rabbit_server, sink, stub)
        targets = {"intake": intake.url, "followup": followup.url, "later": scene.later.url, "stub": told_by_stub}
        scene.watch = Watch(tmp_path, targets, told, FACTOR, scrape="1500ms")
        try:
            yield scene
        finally:
            scene.office.close()
            scene.watch.stop()
            rabbit_server.control("start_app")


def on(dsn: str, work: "Callable[[asyncpg.Connection], Awaitable[Any]]") -> Any:
    """Do something in a database, past the services."""

    async def do() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(do())


def execute(dsn: str, *statements: str) -> None:
    async def run(connection: asyncpg.Connection) -> None:
        for statement in statements:
            await connection.execute(statement)

    on(dsn, run)


def test_real_pair__each_alert_fires_and_ends(scene: WatchedPair) -> None:
    pair_is_well(scene)
    work_until_all_is_assigned(scene)
    broker_away_over_deadlines(scene)
    scene.later.start()  # an hour of its alert passes beside all else; without a broker, of which the pair's counts
    early_messages(scene)
    commands_that_wait(scene)
    refused_callers(scene)
    parked_event(scene)
    uncountable_duty(scene)
    folder_moved_away(scene)
    key_that_does_not_open(scene)
    undecided_conflict(scene)
    locked_tables(scene)
    followup_down_and_a_difference(scene)
    address_twice(scene)
    intake_down_and_restored(scene)
    lagging_reader(scene)
    webhooks(scene)
    unsent_digests(scene)
    lost_standby(scene)
    slow_sweep(scene)
    old_backup(scene)
    unpublished_calendar(scene)
    for name in ("DoithoaiDeadlineBreached", "DoithoaiFeedGaps"):
        scene.ends(name)
    standing = {"DoithoaiDeadlinesDueSoon", "DoithoaiOldestUnresolvedTooOld"}  # of the other petitions
    until(lambda: scene.firing() <= WELL | standing, "all is well", PATIENCE)
    everything_was_told(scene.sink)


def pair_is_well(scene: WatchedPair) -> None:
    """Nothing fires on a healthy pair, once it is known, for longer than any alert waits."""
    since = time.monotonic()

    def quiet_for_long() -> bool:
        nonlocal since
        if scene.firing() != WELL:
            since = time.monotonic()
        return time.monotonic() - since > 10

    until(quiet_for_long, "a healthy pair", PATIENCE)
    scene.sink.notifications.clear()
    scene.fires("DoithoaiWatchdog")


def work_until_all_is_assigned(scene: WatchedPair) -> None:
    office = scene.office
    office.places()
    office.plan()
    for number in range(4):
        office.receive(number)
    office.clock("2019-08-05 08:00")
    for number in range(4):
        office.schedule(number)
    office.hold(4)
    office.clock("2019-08-30 08:00")
    for number in range(4):
        office.assign(number)
    until(scene.caught_up, "followup has read everything", PATIENCE)


def broker_away_over_deadlines(scene: WatchedPair) -> None:
    """Both outboxes fill while deadlines come and pass; the alerts need no broker."""
    scene.broker.control("stop_app")
    scene.office.clock("2019-09-09 08:00")
    scene.office.on(1, "extension", petitioner_told_on="2019-09-09", committee_told_on="2019-09-09",
                    expected_on="2019-12-01")  # fmt: skip
    scene.fires("DoithoaiDeadlinesDueSoon", agency=AGENCIES[0])
    scene.office.clock("2019-09-17 00:00")
    scene.fires("DoithoaiDeadlineBreached", agency=AGENCIES[0])
    scene.ends("DoithoaiDeadlinesDueSoon", agency=AGENCIES[0])
    scene.office.clock("2019-10-08 08:00")
    scene.fires("DoithoaiOldestUnresolvedTooOld", agency=AGENCIES[0])
    scene.office.on(0, "withdrawal", reason="đã xong")
    scene.ends("DoithoaiOldestUnresolvedTooOld", agency=AGENCIES[0])
    scene.fires("DoithoaiOutboxStuck", service="intake")
    scene.fires("DoithoaiOutboxStuck", service="followup")
    scene.fires("DoithoaiQueueNotConsumed", service="intake")
    scene.fires("DoithoaiQueueNotConsumed", service="followup")
    scene.broker.control("start_app")
    scene.ends("DoithoaiOutboxStuck", service="intake")
    scene.ends("DoithoaiOutboxStuck", service="followup")
    scene.ends("DoithoaiQueueNotConsumed", service="intake")
    scene.ends("DoithoaiQueueNotConsumed", service="followup")


def early_messages(scene: WatchedPair) -> None:
    """Messages that come before their turn, as after a loss in the broker."""

    page = parse_feed_page(httpx.get(f"{scene.intake.url}/v1/events", params={"after": 0}).content)

    async def publish() -> None:
        async with await aio_pika.connect(scene.pair.amqp_url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(EVENTS.exchange)
            for number in range(6):
                early = msgspec.structs.replace(page.events[-1], position=page.head + 1000 + number)
                message = to_message(early)
                await exchange.publish(
                    aio_pika.Message(message.body, headers=dict(message.headers)), message.routing_key
                )
                await asyncio.sleep(1)

    asyncio.run(publish())
    scene.fires("DoithoaiFeedGaps", source="local")


def commands_that_wait(scene: WatchedPair) -> None:
    """One command can be neither decided nor kept while somebody holds a table; those behind it wait for it."""

    async def publish() -> None:
        async with await aio_pika.connect(scene.pair.amqp_url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(COMMANDS.exchange)
            for number in range(3):
                await exchange.publish(aio_pika.Message(f"không phải lệnh {number}".encode()), COMMANDS.pattern)

    async def held(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE refused_commands IN EXCLUSIVE MODE")
            await publish()
            await asyncio.to_thread(scene.fires, "DoithoaiCommandsWaiting", queue=COMMANDS.queue)

    on(scene.pair.intake_dsn, held)
    scene.ends("DoithoaiCommandsWaiting", queue=COMMANDS.queue)


def refused_callers(scene: WatchedPair) -> None:
    """A token that nobody has any more, sent again and again; and a page of others that sends from a browser."""
    until(lambda: call_in_vain(scene), f"DoithoaiCallersRefused is told; {scene.firing()}", PATIENCE)
    for service, reason in REFUSED:
        scene.ends("DoithoaiCallersRefused", job=service, reason=reason)


def call_in_vain(scene: WatchedPair) -> bool:
    """Call a few times in vain, and say whether somebody was told of each kind of it."""

    async def call() -> None:
        async with httpx.AsyncClient(verify=False, timeout=30) as client:
            for (name, _), headers in REFUSED.items():
                url = {"intake": scene.intake, "followup": scene.followup}[name].url
                # At once: each answer to a wrong token is held back.
                answers = await asyncio.gather(*(client.get(f"{url}/v1/agencies", headers=headers) for _ in range(5)))
                assert {answer.status_code for answer in answers} <= {401, 403}

    asyncio.run(call())
    return all(scene.is_told("DoithoaiCallersRefused", job=name, reason=reason) for name, reason in REFUSED)


def parked_event(scene: WatchedPair) -> None:
    """An event that this release cannot read; a release that can, and the operator's command."""
    petition = scene.office.petitions[2]

    async def append_damaged(connection: asyncpg.Connection) -> tuple[int, bytes]:
        async with connection.transaction():
            await connection.execute("SELECT ordering_lock()")
            last = await connection.fetchrow(
                "SELECT topic, state FROM stored_events WHERE originator_id = $1"
                " ORDER BY originator_version DESC LIMIT 1",
                petition,
            )
            state = json.loads(last["state"])
            event_id = uuid4()
            state["meta"]["event_id"] = str(event_id)
            sound = json.dumps(state).encode()
            state["data"]["effective_on"] = "hôm qua"
            position = await connection.fetchval(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, event_id,"
                " recorded_at) SELECT $1, (SELECT max(originator_version) FROM stored_events WHERE originator_id = $1)"
                " + 1, $2, $3, (SELECT max(notification_id) FROM stored_events) + 1, $4,"
                " greatest(complete_to + interval '1 microsecond', store_now()) FROM store_state"
                " RETURNING notification_id",
                petition, last["topic"], json.dumps(state).encode(), event_id,
            )  # fmt: skip
            await connection.execute("SELECT pg_notify('stored_events', $1)", str(position))
            return position, sound

    scene.damaged = on(scene.pair.intake_dsn, append_damaged)
    scene.fires("DoithoaiEventsParked", source="local")
    release_parked(scene)
    scene.ends("DoithoaiEventsParked", source="local")


def release_parked(scene: WatchedPair) -> None:
    """What a release that reads the event would do, and the operator's command."""
    position, sound = scene.damaged

    async def readable(connection: asyncpg.Connection) -> None:
        await connection.execute("UPDATE followed.facts SET state = $2 WHERE position = $1", position, sound)

    on(scene.followup_dsn, readable)
    scene.doithoai("followup", "unpark", scene.office.petitions[2], "--source", "local")


def uncountable_duty(scene: WatchedPair) -> None:
    """A document names a day of a year that has no calendar; then somebody publishes that year."""
    rule = {"duty": "commune_plan", "form": "deadline", "length": 0, "counted_from": "fixed_date"}
    policy = {
        "policy_id": "far",
        "document": {"number": "1/QĐ-UBND", "issued_on": "2019-09-01"},
        "valid_from": "2019-09-01",
        "rules": [rule | {"fixed_date": "2030-03-15"}],
    }
    scene.office.act("policy", "/v1/policies", jurisdiction=DISTRICT, policy=policy)
    scene.office.act("plan:2019", "/v1/plans", jurisdiction=DISTRICT, number="1/KH-UBND", year=2019)
    scene.fires("DoithoaiDutiesUncountable", source="local")
    holidays = [{"date": "2030-01-01", "name": "Tết Dương lịch"}]
    scene.office.act("calendar:2030", "/v1/calendars", year=2030, holidays=holidays)
    scene.ends("DoithoaiDutiesUncountable", source="local")


def folder_moved_away(scene: WatchedPair) -> None:
    """The folder of files is away: nothing is dropped, and a file that somebody asks for is not there."""
    folder = Path(scene.intake.environment["INTAKE_FILES"])
    sent = httpx.post(f"{scene.intake.url}/v1/files", content=PDF, timeout=30)
    assert sent.status_code == 201, sent.text
    digest = sent.json()["digest"]
    body = {"jurisdiction": DISTRICT, "attachments": [{"digest": digest}]}
    petition = httpx.post(f"{scene.intake.url}/v1/petitions", json=body, timeout=30).json()["id"]
    address = f"{scene.intake.url}/v1/petitions/{petition}/files/{digest}"
    assert httpx.get(address, timeout=30).content == PDF
    away = folder.rename(folder.with_name("away"))
    assert httpx.get(address, timeout=30).status_code == 503
    scene.fires("DoithoaiFilesUnreadable", service="intake")
    scene.fires("DoithoaiFilesNotDropped", LONG_PATIENCE, service="intake")
    away.rename(folder)
    assert httpx.get(address, timeout=30).content == PDF
    scene.ends("DoithoaiFilesNotDropped")
    scene.ends("DoithoaiFilesUnreadable")


def key_that_does_not_open(scene: WatchedPair) -> None:
    """A petition is sealed under another key, and somebody reads it."""
    body = {"jurisdiction": DISTRICT, "text": "Đường vào bản."}
    petition = httpx.post(f"{scene.intake.url}/v1/petitions", json=body, timeout=30).json()["id"]
    changed = "UPDATE sealing_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
    other = f"{changed} WHERE originator_id = '{petition}'"
    execute(scene.pair.intake_dsn, other)
    address = f"{scene.intake.url}/v1/petitions/{petition}/content"
    assert httpx.get(address, timeout=30).status_code == 500
    scene.fires("DoithoaiSealsUnopened", service="intake")
    execute(scene.pair.intake_dsn, other)
    assert httpx.get(address, timeout=30).is_success
    scene.ends("DoithoaiSealsUnopened")


def undecided_conflict(scene: WatchedPair) -> None:
    """A portal changes what an official has classified, and nobody decides for days."""
    address = f"{scene.intake.url}/v1/petitions/by-reference/local/undecided"
    body = {"jurisdiction": DISTRICT, "text": "Đường vào bản.", "source_version": "1"}
    petition = httpx.put(address, json=body, timeout=30).json()["id"]
    classified = {"subject": "Đường vào bản", "field": "giao thông"}
    httpx.post(f"{scene.intake.url}/v1/petitions/{petition}/classification", json=classified, timeout=30)
    pushed = httpx.put(address, json=body | {"source_version": "2", "text": "Đường và cầu."}, timeout=30).json()
    execute(scene.pair.intake_dsn, "UPDATE conflicts SET pushed_at = pushed_at - interval '4 days'")
    scene.fires("DoithoaiConflictWaits", service="intake")
    decided = httpx.post(f"{scene.intake.url}/v1/conflicts/{pushed['conflict_id']}/refusal", timeout=30)
    assert decided.is_success, decided.text
    scene.ends("DoithoaiConflictWaits")


def locked_tables(scene: WatchedPair) -> None:
    """Somebody forgot a transaction: first the writer cannot write, then the figures cannot be read."""

    async def forgotten(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE followed.sources IN EXCLUSIVE MODE")
            await asyncio.to_thread(scene.fires, "DoithoaiSchedulerStopped", service="followup")
            name = "DoithoaiSourceSilent"
            await asyncio.to_thread(until, lambda: scene.watch.alertmanager.is_inhibited(name), f"{name} is held back")
            await connection.execute("LOCK TABLE followed.cases IN ACCESS EXCLUSIVE MODE")
            await asyncio.to_thread(scene.fires, "DoithoaiSnapshotStale", service="followup")

    on(scene.followup_dsn, forgotten)
    scene.ends("DoithoaiSchedulerStopped")
    scene.ends("DoithoaiSnapshotStale")


def followup_down_and_a_difference(scene: WatchedPair) -> None:
    """followup is stopped; a deadline is altered meanwhile, and found out at the next event of its case."""
    scene.followup.stop()
    scene.fires("DoithoaiTargetDown", service="followup", severity="page")
    petition = scene.office.petitions[3]
    execute(
        scene.followup_dsn,
        "UPDATE followed.deadlines SET raised = convert_to(jsonb_set(convert_from(raised, 'UTF8')::jsonb, "
        f"'{{due_on}}', '\"2019-09-20\"')::text, 'UTF8') WHERE subject_id = '{petition}' AND duty = 'reply'",
    )
    scene.followup.start()
    scene.ends("DoithoaiTargetDown", service="followup")
    scene.office.on(3, "reassignment", agency=AGENCIES[5], reason="đúng thẩm quyền")
    scene.fires("DoithoaiDifferencesFound", source="local")
    scene.doithoai("reconcile", "--source", "local", "--reason", "đã đối chiếu sổ")
    scene.ends("DoithoaiDifferencesFound", source="local")


def address_twice(scene: WatchedPair) -> None:
    """followup is given a second address of the source that it follows already, and then only the first again."""
    sources = {"FOLLOWUP_SOURCES": f"{scene.intake.url},http://localhost:{scene.intake.port}"}
    before = dict(scene.followup.environment)
    scene.followup.stop()
    scene.followup.environment |= sources
    scene.followup.start(wait=False)  # it never says that it is ready
    scene.fires("DoithoaiSourceRefused", service="followup")
    scene.followup.stop()
    scene.followup.environment = before
    scene.followup.start()
    scene.ends("DoithoaiSourceRefused", service="followup")


def intake_down_and_restored(scene: WatchedPair) -> None:
    """intake is silent; later its database is put back to a backup, and another event stands where one was read."""
    name = urlsplit(scene.pair.intake_dsn).path[1:]
    admin = scene.pair.server.dsn("postgres")
    scene.intake.stop()
    execute(admin, f"CREATE DATABASE {name}_backup TEMPLATE {name}")
    scene.fires("DoithoaiSourceSilent", source="local")
    scene.fires("DoithoaiTargetDown", service="intake", severity="page")
    scene.intake.start()
    scene.ends("DoithoaiSourceSilent", source="local")
    scene.ends("DoithoaiTargetDown", service="intake")
    scene.office.receive(10)
    until(scene.caught_up, "followup has read what will be lost", PATIENCE)
    scene.intake.stop()
    execute(admin, f"ALTER DATABASE {name} RENAME TO {name}_lost", f"ALTER DATABASE {name}_backup RENAME TO {name}")
    scene.intake.start()
    for number in (11, 12):
        scene.office.receive(number)
    scene.fires("DoithoaiSourceStopped", source="local")
    scene.doithoai("followup", "rebuild", "--confirm-restored", "local")
    release_parked(scene)  # intake's own log is never mended, so a rebuild parks the event as the writer did
    scene.doithoai("reconcile", "--source", "local", "--reason", "source_restored")
    scene.ends("DoithoaiSourceStopped", source="local")
    until(scene.caught_up, "followup follows the restored source", PATIENCE)


def lagging_reader(scene: WatchedPair) -> None:
    scene.stub.values['followup_reader_lag_events{source="far"}'] = 20_000
    scene.fires("DoithoaiReaderLagging", source="far")
    scene.stub.values['followup_reader_lag_events{source="far"}'] = 0
    scene.ends("DoithoaiReaderLagging", source="far")


def webhooks(scene: WatchedPair) -> None:
    scene.stub.values["followup_webhook_waiting_since_timestamp_seconds"] = time.time() - 4000
    scene.fires("DoithoaiWebhookBehind", service="followup")
    scene.stub.values["followup_webhook_waiting_since_timestamp_seconds"] = 0
    scene.ends("DoithoaiWebhookBehind", service="followup")
    name = 'followup_webhook_subscriptions{status="disabled"}'
    scene.stub.values[name] = 1
    scene.fires("DoithoaiWebhookDisabled", service="followup")
    scene.stub.values[name] = 0
    scene.ends("DoithoaiWebhookDisabled", service="followup")


def unsent_digests(scene: WatchedPair) -> None:
    scene.stub.values["followup_digests_failing_since_timestamp_seconds"] = time.time() - 4000
    scene.fires("DoithoaiDigestsUnsent", service="followup")
    scene.stub.values["followup_digests_failing_since_timestamp_seconds"] = 0
    scene.ends("DoithoaiDigestsUnsent", service="followup")


def lost_standby(scene: WatchedPair) -> None:
    """The standby is required and away, then no longer required; meanwhile a fail-over has lost something."""
    name = "intake_standby_required"
    scene.stub.values |= {name: 1, "intake_standby_confirmed_timestamp_seconds": time.time() - 100}
    scene.fires("DoithoaiStandbyMissing", service="intake")
    del scene.stub.values["intake_standby_confirmed_timestamp_seconds"]
    scene.ends("DoithoaiStandbyMissing", service="intake")
    scene.stub.values |= {name: 0, "intake_lost_commands": 12}
    scene.fires("DoithoaiStandbyNotRequired", service="intake")
    scene.fires("DoithoaiEventsLost", service="intake")
    scene.stub.values |= {name: 1, "intake_lost_commands": 0}
    scene.ends("DoithoaiStandbyNotRequired", service="intake")
    scene.ends("DoithoaiEventsLost", service="intake")
    del scene.stub.values[name]


def slow_sweep(scene: WatchedPair) -> None:
    name = 'followup_oldest_sweep_timestamp_seconds{source="far"}'
    scene.stub.values[name] = time.time() - 2000
    scene.fires("DoithoaiSweepSlow", source="far")
    scene.stub.values[name] = 0
    scene.ends("DoithoaiSweepSlow", source="far")


def old_backup(scene: WatchedPair) -> None:
    for name, alert in (
        ("doithoai_backup_timestamp_seconds", "DoithoaiBackupOld"),
        ('doithoai_backup_log_timestamp_seconds{server="intake"}', "DoithoaiLogNotReceived"),
    ):
        scene.stub.values[name] = time.time() - 100_000
        scene.fires(alert, service="backup")
        scene.stub.values[name] = time.time() + 600  # what is further ahead is of a wrong clock
        scene.ends(alert, service="backup")


def unpublished_calendar(scene: WatchedPair) -> None:
    """In October nobody has published the next year; the office does, as the runbook says."""
    scene.fires("DoithoaiCalendarUnpublished", LONG_PATIENCE)
    office = scene.pair.office(scene.later)
    office.places()
    file = scene.pair.folder / "2027.yaml"
    scene.doithoai("calendar", "propose", "2027", "--out", str(file))
    scene.doithoai("calendar", "publish", str(file), "--url", scene.later.url)
    scene.ends("DoithoaiCalendarUnpublished")


def everything_was_told(sink: AlertReceiver) -> None:
    """Each alert was received firing and resolved, by whom it concerns, in words that were rendered."""
    groups = yaml.safe_load((RULES / "alerts.rules.yml").read_text("utf-8"))["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"]}
    for status, expected in (("firing", names), ("resolved", names - WELL)):
        told = {a["labels"]["alertname"] for n in sink.notifications for a in n["alerts"] if a["status"] == status}
        assert told == expected, status
    for notification in sink.notifications:
        for alert in notification["alerts"]:
            text = " ".join(alert["annotations"].values())
            assert "error expanding" not in text
            assert "<no value>" not in text
            office = alert["labels"]["alertname"] in ("DoithoaiDeadlineBreached", "DoithoaiDeadlinesDueSoon")
            assert not office or notification["path"] == "/office"
