"""Webhooks to real sinks: what is sent to whom, in which order, how often, and when no more."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from doithoai_client import verified_event
from services.cli.migrate import GRANTS
from services.followup.adapters.read.metrics_snapshot import MetricsQueries
from services.followup.adapters.webhooks import sink_client, stored_subscriptions
from services.followup.application import webhook_sender
from services.followup.application.webhook_ports import Answer, Attempt, LogHead, LogPlace, Verdict
from services.followup.domain.webhooks import retries
from services.followup.domain.webhooks.retries import GIVE_UP_AT
from shared.envelope import to_message
from shared.feed_cursor import FeedCursor, written
from shared.http.auth import Callers, mint_token
from shared.postgres.migrate import grant
from tests.support.following import projection_pool
from tests.support.postgres import as_role
from tests.support.projection import ELSEWHERE, dialogue, petition, project
from tests.support.waiting import until
from tests.support.webhooks import SinkServer, WebhookDesk, sink_served, webhooks_over

#: A moment at which some deadlines are breached.
SUMMER = "2019-08-30 09:00"
EARLIER = "2019-07-12 09:00"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender looks often, and tries again at once."""
    monkeypatch.setattr(webhook_sender, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(retries, "LONGEST_PAUSE", 0.05)


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
async def sink() -> AsyncIterator[SinkServer]:
    async with sink_served() as made:
        yield made


@pytest.fixture
async def desk(pool: asyncpg.Pool, followup_dsn: str, tmp_path: Path) -> AsyncIterator[WebhookDesk]:
    async with webhooks_over(pool, followup_dsn, tmp_path) as made:
        made.start()
        yield made


async def positions(pool: asyncpg.Pool) -> tuple[int, int]:
    facts = await pool.fetchval("SELECT count(*) FROM facts")
    return facts, await pool.fetchval("SELECT count(*) FROM public.stored_events")


async def all_sent(desk: WebhookDesk, made: dict[str, Any], token: str = "") -> bool:
    places = (await desk.of(made, token=token))["places"]
    return bool(places) and all(place["position"] == place["head"] for place in places)


async def test_everything__comes_once_in_the_order_of_each_log_and_verifies(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    made = await desk.subscribe(sink.url)
    assert made["status"] == "active"
    await project(pool, dialogue(), SUMMER)
    facts, own = await positions(pool)
    await until(lambda: len(sink.events) == facts + own)
    sink.verified(made["secret"])
    name = await pool.fetchval("SELECT source FROM public.store_state")
    for source, count in (("/doithoai/test", facts), (f"/doithoai/{name}", own)):
        numbers = [int(event["position"]) for event in sink.events if event["source"] == source]
        assert numbers == list(range(1, count + 1))
    assert len({event["id"] for event in sink.events}) == facts + own
    feed = (await desk.client.get("/v1/events?after=0")).json()["events"]
    assert [event for event in sink.events if event["source"] == f"/doithoai/{name}"] == feed


async def test_a_subtree_and_types__are_all_that_its_system_is_sent(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path
) -> None:
    token, entry = mint_token("portal", "system", ELSEWHERE)
    callers = Callers((entry,), local_allowed=False)
    async with webhooks_over(pool, followup_dsn, tmp_path, callers) as desk:
        made = await desk.subscribe(sink.url, token, filters=[{"prefix": {"type": "vn.doithoai.Petition"}}])
        other = await desk.subscribe(sink.url, token, config={"mine": True})
        desk.start()
        await project(pool, dialogue(), EARLIER)
        await until(lambda: all_sent(desk, made, token))
        await until(lambda: all_sent(desk, other, token))
        assert {event["subject"] for event in sink.events} == {str(petition("elsewhere"))}
        assert [event["type"] for event in sink.events] == ["PetitionReceived", "PetitionClassified"]


async def test_an_owner_that_was_revoked__is_sent_nothing_more(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path
) -> None:
    token, entry = mint_token("portal", "system")
    stays, kept = mint_token("operations", "operations")
    callers = Callers((entry, kept), local_allowed=False)
    async with webhooks_over(pool, followup_dsn, tmp_path, callers) as desk:
        made = await desk.subscribe(sink.url, token)
        callers.replace((kept,))
        desk.start()
        await project(pool, dialogue(), EARLIER)
        await until(lambda: is_paused(desk, made, "owner-gone", stays))
        assert not sink.events
        counts = (await MetricsQueries(pool).snapshot()).subscriptions
        assert (counts["stopped",], counts["paused",]) == (1, 0)


async def test_an_owner_that_is_revoked_while_a_page_is_sent__is_sent_no_more_of_it(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_sender, "JUDGED_FOR", 0.0)
    token, entry = mint_token("portal", "system")
    stays, kept = mint_token("operations", "operations")
    callers = Callers((entry, kept), local_allowed=False)
    async with webhooks_over(pool, followup_dsn, tmp_path, callers) as desk:
        made = await desk.subscribe(sink.url, token)
        sink.hold = asyncio.Event()
        desk.start()
        await project(pool, dialogue(), EARLIER)
        await until(lambda: bool(sink.events))
        callers.replace((kept,))
        sink.hold.set()
        await until(lambda: is_paused(desk, made, "owner-gone", stays))
        assert len(sink.events) == 1


async def is_paused(desk: WebhookDesk, made: dict[str, Any], reason: str, token: str = "") -> bool:
    found = await desk.of(made, token=token)
    return (found["status"], found.get("reason")) == ("paused", reason)


async def test_a_sink_that_was_down__gets_what_it_missed(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    made = await desk.subscribe(sink.url)
    sink.status = 500
    await project(pool, dialogue(), EARLIER)
    await until(lambda: len(sink.requests) > 4)
    assert len({event["id"] for event in sink.events}) <= 2, "only the first of each log is tried"
    places = (await desk.of(made))["places"]
    assert all(place["failures"] > 0 and place["failing_since"] for place in places)
    sink.requests.clear()
    sink.status = 204
    await until(lambda: all_sent(desk, made))
    facts, own = await positions(pool)
    assert len({event["id"] for event in sink.events}) == facts + own
    assert not any(place["failures"] for place in (await desk.of(made))["places"])


async def test_an_event_that_its_sink_refuses__holds_up_its_log_alone(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    made = await desk.subscribe(sink.url)
    sink.refused = {"/doithoai/test": "3"}
    await project(pool, dialogue(), EARLIER)
    facts, own = await positions(pool)

    async def places() -> dict[str, Any]:
        return {place["source"]: place for place in (await desk.of(made))["places"]}

    name = await pool.fetchval("SELECT source FROM public.store_state")

    async def waits_alone() -> bool:
        found = await places()
        return bool(found[name]["position"] == own and found["test"]["failures"] > 2)

    await until(waits_alone)
    found = await places()
    assert (found["test"]["position"], found[name]["failures"]) == (2, 0)
    assert found["test"]["next_attempt_at"] and found[name]["next_attempt_at"] is None
    assert facts > 2
    waits = (await MetricsQueries(pool).snapshot()).webhook_waiting_since
    moved = "SELECT extract(epoch FROM moved_at)::float FROM public.subscription_cursors WHERE log = 'test'"
    assert waits == pytest.approx(await pool.fetchval(moved), abs=0.001), "one log that waits is one that is late"
    sink.refused = {}
    await until(lambda: all_sent(desk, made))


async def test_gone__disables(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    made = await desk.subscribe(sink.url)
    sink.status = 410
    await project(pool, dialogue(), EARLIER)

    async def is_disabled() -> bool:
        found = await desk.of(made)
        return (found["status"], found.get("reason")) == ("disabled", "gone")

    await until(is_disabled)
    sink.status = 204
    await desk.of(made, "resume")
    await until(lambda: all_sent(desk, made))


async def test_failing_for_days__disables_though_not_for_those_in_which_nothing_was_tried(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    made = await desk.subscribe(sink.url)
    sink.status = 500
    await project(pool, dialogue(), EARLIER)
    await until(lambda: len(sink.requests) > 2)
    await pool.execute("UPDATE public.subscription_cursors SET failing_since = failing_since - interval '9 days'")
    tried = len(sink.requests)
    await until(lambda: len(sink.requests) > tried + 4)
    assert (await desk.of(made))["status"] == "active"
    await pool.execute("UPDATE public.subscription_cursors SET failures = $1", GIVE_UP_AT - 1)

    async def is_disabled() -> bool:
        return bool((await desk.of(made))["status"] == "disabled")

    await until(is_disabled)
    assert (await desk.of(made))["reason"] == "failing"


async def test_a_sink_that_hangs__delays_no_other(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    async with sink_served() as slow:
        slow.hold = asyncio.Event()
        await desk.subscribe(slow.url)
        made = await desk.subscribe(sink.url)
        await project(pool, dialogue(), EARLIER)
        await until(lambda: all_sent(desk, made))
        assert len(slow.events) == 1


async def test_a_caller_that_asks_a_sink_that_hangs__takes_nothing_of_others(
    sink: SinkServer, pool: asyncpg.Pool, followup_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_sender, "AT_ONCE", 1)
    async with sink_served() as slow, webhooks_over(pool, followup_dsn, tmp_path) as desk:
        desk.start()
        hanging = await desk.subscribe(slow.url)
        await project(pool, dialogue(), EARLIER)
        await until(lambda: all_sent(desk, hanging))
        made, again = await desk.subscribe(sink.url), {"event_id": slow.events[0]["id"]}
        slow.requests.clear()
        slow.hold = asyncio.Event()
        of_hanging = f"/v1/subscriptions/{hanging['id']}"
        calls = (("redelivery", again), ("test", None), ("redelivery", again), ("redelivery", again))
        asked = [asyncio.create_task(desk.client.post(f"{of_hanging}/{act}", json=body)) for act, body in calls]
        await until(lambda: len(slow.events) == len(asked))
        refused = await desk.client.post(f"{of_hanging}/redelivery", json=again)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        await desk.of(hanging, "pause")
        await project(pool, dialogue(), SUMMER)
        await until(lambda: all_sent(desk, made))
        slow.hold.set()
        assert [(await each).json()["verdict"] for each in asked] == ["delivered"] * len(asked)
        assert (await desk.of(hanging, "test"))["verdict"] == "delivered", "none of them is under way any more"


@pytest.mark.slow
async def test_many_sinks_that_hang__delay_none_that_answers(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_client, "WHOLE", 60.0)
    monkeypatch.setattr(webhook_sender, "AT_ONCE", 3)
    beginning = written(FeedCursor(1, "test", 0, None, None, b""), b"")
    async with webhooks_over(pool, followup_dsn, tmp_path) as desk, sink_served() as slow:
        desk.start()
        made = await desk.subscribe(sink.url)
        await project(pool, dialogue(), EARLIER)
        await until(lambda: all_sent(desk, made))
        slow.hold = asyncio.Event()
        for _ in range(webhook_sender.AT_ONCE + 1):
            await desk.subscribe(slow.url, after=[beginning])
        await until(lambda: len(slow.events) == webhook_sender.AT_ONCE)
        await desk.of(made, "replay", body={"cursor": beginning})
        await until(lambda: all_sent(desk, made), 10)


async def test_without_consent__nothing_is_sent(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    sink.consents = {}
    made = await desk.subscribe(sink.url)
    assert (made["status"], made["reason"]) == ("unverified", "no-consent")
    await desk.of(made, "resume", status=409)
    await desk.of(made, "test", status=409)
    sink.consents = {"WebHook-Allowed-Origin": "127.0.0.1", "WebHook-Allowed-Rate": "60000"}
    assert (await desk.of(made, "verification"))["status"] == "active"
    method, headers, _ = sink.requests[0]
    assert (method, headers["webhook-request-origin"]) == ("OPTIONS", "127.0.0.1")


async def test_a_secret_that_is_replaced__signs_beside_the_old_one(desk: WebhookDesk, sink: SinkServer) -> None:
    made = await desk.subscribe(sink.url, protocolsettings={"headers": {"Authorization": "Bearer ours"}})
    assert made["protocolsettings"] == {"headers": {"Authorization": ""}}
    new = (await desk.of(made, "secret"))["secret"]
    assert (await desk.of(made, "test"))["verdict"] == "delivered"
    assert sink.verified(made["secret"]) == sink.verified(new)
    assert sink.requests[-1][1]["authorization"] == "Bearer ours"
    assert "secret" not in await desk.of(made)
    taken = verified_event(new, dict(sink.requests[-1][1]), sink.requests[-1][2])
    assert (taken.type, taken.subject, taken.position) == ("webhook.test", made["id"], 0)


async def test_one_event__is_sent_once_more(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    made = await desk.subscribe(sink.url)
    await project(pool, dialogue(), EARLIER)
    await until(lambda: all_sent(desk, made))
    fifth = sink.events[4]
    answer = await desk.of(made, "redelivery", body={"event_id": fifth["id"]})
    assert answer["verdict"] == "delivered"
    assert sink.events[-1] == fifth
    kinds = [each["kind"] for each in (await desk.of(made, "deliveries?limit=500"))["items"]]
    assert (kinds[0], kinds[-1]) == ("redelivery", "verification")
    await desk.of(made, "redelivery", status=404, body={"event_id": "01900000-0000-7000-8000-000000000000"})


async def test_replay__begins_at_a_cursor_of_the_feed(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    await project(pool, dialogue(), EARLIER)
    page = (await desk.client.get("/v1/events?cursor=&limit=2")).json()
    made = await desk.subscribe(sink.url, after=[page["next"]])
    await until(lambda: all_sent(desk, made))
    own = (await positions(pool))[1]
    assert [int(event["position"]) for event in sink.events] == list(range(3, own + 1))
    sink.requests.clear()
    await desk.of(made, "replay", body={"cursor": page["next"]})
    await until(lambda: len(sink.events) == own - 2)
    await desk.of(made, "replay", status=422, body={"cursor": "AAAA"})
    sink.requests.clear()
    await desk.of(made, "replay", body={"cursor": ""})
    await until(lambda: all_sent(desk, made))
    again = [int(event["position"]) for event in sink.events if event["source"] == f"/doithoai/{page['source']}"]
    assert again == list(range(1, own + 1))


async def test_a_pause__keeps_everything_for_later(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    made = await desk.subscribe(sink.url)
    assert (await desk.of(made, "pause"))["status"] == "paused"
    await desk.of(made, "pause", status=409)
    await project(pool, dialogue(), EARLIER)
    assert not sink.events
    await desk.of(made, "resume")
    facts, own = await positions(pool)
    await until(lambda: len(sink.events) == facts + own)


async def test_a_pause__outlasts_another_sink(desk: WebhookDesk, sink: SinkServer) -> None:
    made = await desk.subscribe(sink.url)
    await desk.of(made, "pause")
    changed = await desk.ask("PATCH", f"/v1/subscriptions/{made['id']}", body={"sink": sink.url + "/other"})
    assert (changed["status"], changed["reason"], changed["verified"]) == ("paused", "asked", True)
    assert (await desk.of(made, "resume"))["status"] == "active"


@pytest.mark.parametrize("reason", ["asked", "history-changed"])
async def test_a_pause__outlasts_a_sink_that_consents_only_later(
    desk: WebhookDesk, sink: SinkServer, reason: str
) -> None:
    made = await desk.subscribe(sink.url)
    if reason == "asked":
        await desk.of(made, "pause")
    else:
        found = await desk.door.store.find(UUID(made["id"]))
        assert found is not None
        await desk.door.store.stop(found, reason)
    sink.consents = {}
    changed = await desk.ask("PATCH", f"/v1/subscriptions/{made['id']}", body={"sink": sink.url + "/other"})
    assert (changed["status"], changed["reason"], changed["verified"]) == ("paused", reason, False)
    await desk.of(made, "resume", status=409)
    await desk.of(made, "test", status=409)
    assert (await desk.of(made, "verification"))["verified"] is False
    sink.consents = {"WebHook-Allowed-Origin": "*"}
    changed = await desk.of(made, "verification")
    assert (changed["status"], changed["reason"], changed["verified"]) == ("paused", reason, True)
    assert (await desk.of(made, "resume"))["status"] == "active"


async def test_what_is_kept__has_bounds(desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool) -> None:
    made = await desk.subscribe(sink.url)
    for _ in range(stored_subscriptions.KEPT_CHANGES // 2):
        await desk.of(made, "pause")
        await desk.of(made, "resume")
    changes = (await desk.of(made, "deliveries"))["changes"]
    assert [each["what"] for each in changes[:2]] == ["resumed", "paused"]
    kept = await pool.fetchval("SELECT count(*) FROM public.subscription_changes")
    assert kept == len(changes) == stored_subscriptions.KEPT_CHANGES


async def test_what_was_deleted__is_dropped_after_weeks_or_after_many_others(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_subscriptions, "DELETED_KEPT", 2)
    stays, *gone = [await desk.subscribe(sink.url) for _ in range(5)]
    for each in gone:
        await desk.ask("DELETE", f"/v1/subscriptions/{each['id']}", status=204)
    await desk.door.store.drop_deleted()
    tables = ("subscriptions", "subscription_cursors", "webhook_attempts", "subscription_changes")

    async def kept() -> list[set[str]]:
        asked = [f"SELECT DISTINCT subscription_id::text AS id FROM public.{table}" for table in tables]
        return [{row["id"] for row in await pool.fetch(each)} for each in asked]

    assert await kept() == [{stays["id"], gone[2]["id"], gone[3]["id"]}] * len(tables)
    await pool.execute(
        "UPDATE public.subscriptions SET changed = changed - interval '31 days' WHERE subscription_id = ANY($1)",
        [gone[3]["id"], stays["id"]],
    )
    desk.door.sender._drop_at = 0.0

    async def is_dropped() -> bool:
        return await kept() == [{stays["id"], gone[2]["id"]}] * len(tables)

    await until(is_dropped)


async def test_the_role_of_the_service__may_drop_what_was_deleted(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool, followup_dsn: str
) -> None:
    made = await desk.subscribe(sink.url)
    await desk.ask("DELETE", f"/v1/subscriptions/{made['id']}", status=204)
    await pool.execute("UPDATE public.subscriptions SET changed = changed - interval '31 days'")
    role = "webhooks_service"
    if not await pool.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await pool.execute(f"CREATE ROLE {role} LOGIN")
    await grant(followup_dsn, dict.fromkeys(GRANTS["followup"], role))
    async with projection_pool(as_role(followup_dsn, role)) as of_service:
        await stored_subscriptions.StoredSubscriptions(of_service).drop_deleted()
    assert not await pool.fetchval("SELECT count(*) FROM public.subscriptions")


async def test_a_log_that_is_read_again__pauses_nobody(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.subscribe(sink.url)
    await project(pool, dialogue(), EARLIER)
    await until(lambda: all_sent(desk, made))
    heads, event_id_at, looked = desk.door.logs.heads, desk.door.logs.event_id_at, list[int]()

    async def shorter() -> Mapping[str, LogHead]:
        found = await heads()
        looked.append(1)
        return {**found, "test": msgspec.structs.replace(found["test"], position=2)}

    async def not_yet(log: str, position: int) -> UUID | None:
        return None if log == "test" and position > 2 else await event_id_at(log, position)

    monkeypatch.setattr(desk.door.logs, "heads", shorter)
    monkeypatch.setattr(desk.door.logs, "event_id_at", not_yet)
    await until(lambda: len(looked) > 3)
    assert (await desk.of(made))["status"] == "active"


async def test_a_subscription_that_is_replayed_while_it_is_read__is_of_one_moment(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.subscribe(sink.url)
    await project(pool, dialogue(), EARLIER)
    await until(lambda: all_sent(desk, made))
    await desk.stop()
    store, facts = desk.door.store, (await positions(pool))[0]
    read = store._places

    async def replayed_before(connection: Any, ids: Sequence[UUID]) -> Any:
        monkeypatch.setattr(store, "_places", read)
        await desk.of(made, "replay", body={"cursor": ""})
        return await read(connection, ids)

    before = await store.find(UUID(made["id"]))
    monkeypatch.setattr(store, "_places", replayed_before)
    ((found, places),) = await store.active()
    assert before is not None
    assert (found.revision, places["test"].position) == (before.revision, facts)
    ((found, places),) = await store.active()
    assert (found.revision, places["test"].position) == (before.revision + 1, 0)


async def subscribed_without_sender(desk: WebhookDesk, sink: SinkServer) -> tuple[Any, Any]:
    """The store and a subscription that only the test sends for."""
    made = await desk.subscribe(sink.url)
    await desk.stop()
    found = await desk.door.store.find(UUID(made["id"]))
    assert found is not None
    return desk.door.store, found


async def test_a_delivery_that_waits_for_a_change__keeps_nothing(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    store, found = await subscribed_without_sender(desk, sink)
    one = LogPlace(log="test", position=1, event_id=uuid4())
    attempt = Attempt(kind="delivery", answer=Answer(Verdict.DELIVERED, 204), milliseconds=1)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE public.subscriptions SET revision = revision + 1")
        waiting = asyncio.create_task(store.delivered(found, LogPlace(log="test"), one, attempt))
        blocked = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )

        async def waits() -> bool:
            return bool(await pool.fetchval(blocked))  # what a transaction has seen of others it sees until its end

        await until(waits)
    assert not await waiting
    assert "test" not in await store.places(found.subscription_id)
    assert (await store.attempts(found.subscription_id, 1))[0].kind == "delivery", "the sink has had it all the same"


async def test_a_history_that_was_replaced__pauses_until_it_is_resumed(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    history = dialogue()
    made = await desk.subscribe(sink.url)
    await project(pool, history, EARLIER)
    await until(lambda: all_sent(desk, made))
    await pool.execute(
        "UPDATE public.subscription_cursors SET event_id = gen_random_uuid(), epoch = 'before', "
        "position = position - 1 WHERE log = 'test'"
    )
    await until(lambda: is_paused(desk, made, "history-changed"))
    sink.requests.clear()
    await desk.of(made, "resume")
    await until(lambda: all_sent(desk, made))
    assert sink.events, "what both histories may not share comes again"


async def test_what_the_sender_pauses__is_counted_apart_from_what_owners_pause(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    stopped, by_owner = await desk.subscribe(sink.url), await desk.subscribe(sink.url)
    await desk.of(by_owner, "pause")
    found = await desk.door.store.find(UUID(stopped["id"]))
    assert found is not None
    await desk.door.store.stop(found, "history-changed")
    shot = await MetricsQueries(pool).snapshot()
    assert (shot.subscriptions[("stopped",)], shot.subscriptions[("paused",)]) == (1, 1)


async def test_while_a_standby_is_away__a_new_one_has_to_wait(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_yet(log: str, position: int) -> None:
        return None

    monkeypatch.setattr(desk.door.logs, "place_at", nothing_yet)
    answer = await desk.client.post("/v1/subscriptions", json={"sink": sink.url})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:doithoai:problem:store-unavailable")
    assert not (await desk.ask("GET", "/v1/subscriptions"))["items"]


async def test_two_senders__send_each_event_once(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path
) -> None:
    async with (
        webhooks_over(pool, followup_dsn, tmp_path) as one,
        webhooks_over(pool, followup_dsn, tmp_path) as other,
    ):
        made = await one.subscribe(sink.url)
        one.start()
        other.start()
        await project(pool, dialogue(), EARLIER)
        await until(lambda: all_sent(other, made))
        facts, own = await positions(pool)
        assert len(sink.events) == facts + own


async def test_what_is_wrong__names_the_field(desk: WebhookDesk, sink: SinkServer) -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"sink": "http://10.0.0.1/"}, "sink-refused", "sink"),
        ({"sink": "https://169.254.169.254/latest"}, "sink-refused", "sink"),
        ({"sink": "https://user:secret@example.org/"}, "sink-refused", "sink"),
        ({"sink": sink.url, "types": ["PetitionReceived", "Nothing"]}, "unknown-event-type", "types[1]"),
        (
            {"sink": sink.url, "filters": [{"exact": {"type": "x"}, "prefix": {"type": "x"}}]},
            "invalid-body",
            "filters[0]",
        ),
        (
            {"sink": sink.url, "protocolsettings": {"headers": {"Host": "x"}}},
            "invalid-body",
            "protocolsettings.headers",
        ),
        ({"sink": sink.url, "config": {"jurisdiction": "../.."}}, "invalid-code", "config.jurisdiction"),
        ({"sink": sink.url, "secret": "x"}, "invalid-body", "secret"),
        ({"sink": sink.url, "protocol": "MQTT"}, "invalid-body", "protocol"),
    ]
    for body, code, field in wrong:
        answer = await desk.client.post("/v1/subscriptions", json=body)
        found = answer.json()
        assert answer.status_code == 422, found
        assert (found["type"].rsplit(":", 1)[-1], found.get("field")) == (code, field), found
    for broken in (b"{", b'{"a":', b'{"sink": 1'):
        answer = await desk.client.post(
            "/v1/subscriptions", content=broken, headers={"Content-Type": "application/json"}
        )
        told = answer.json()
        assert (answer.status_code, told["type"]) == (400, "urn:doithoai:problem:malformed-json")
        assert f"line 1, column {len(broken) + 1}" in told["detail"]


async def test_what_is_wrong__is_told_as_intake_tells_it(desk: WebhookDesk, sink: SinkServer) -> None:
    body = {"sink": sink.url, "protocol": "MQTT"}
    chosen = (await desk.client.post("/v1/subscriptions", json=body)).json()
    assert (chosen["field"], chosen["allowed"]) == ("protocol", ["HTTP"])
    foreign = {"Content-Type": "application/json; charset=utf-16"}
    answer = await desk.client.post("/v1/subscriptions", content=json.dumps(body).encode("utf-16"), headers=foreign)
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Type")


async def test_others__see_nothing_of_it(
    pool: asyncpg.Pool, sink: SinkServer, followup_dsn: str, tmp_path: Path
) -> None:
    portal, one = mint_token("portal", "system", ELSEWHERE)
    stranger, two = mint_token("stranger", "system", ELSEWHERE)
    operations, three = mint_token("operations", "operations")
    agency, four = mint_token("agency", "agency", ELSEWHERE, "H40.2.1")
    callers = Callers((one, two, three, four), local_allowed=False)
    async with webhooks_over(pool, followup_dsn, tmp_path, callers) as desk:
        made = await desk.subscribe(sink.url, portal)
        await desk.of(made, token=stranger, status=404)
        assert (await desk.ask("GET", "/v1/subscriptions", stranger))["items"] == []
        await desk.ask("GET", "/v1/subscriptions", agency, 403)
        assert len((await desk.ask("GET", "/v1/subscriptions", operations))["items"]) == 1
        await desk.of(made, "secret", operations, 403)
        path = f"/v1/subscriptions/{made['id']}"
        assert (await desk.ask("PATCH", path, portal, body={"types": ["DeadlineBreached"]}))["types"]
        await desk.ask("DELETE", path, operations, 204)
        await desk.of(made, token=portal, status=404)


async def test_queue_feed_and_webhook__are_one_log_between_which_a_consumer_changes(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    """Some by the queue, some by the feed, the rest by webhook: none is left out, and the ids know what came twice."""
    await project(pool, dialogue(), EARLIER)
    name = await pool.fetchval("SELECT source FROM public.store_state")
    log = await desk.door.logs.events_after(LogPlace(log=name), 100)
    messages = [to_message(event) for event in log[:4]]
    first = await desk.client.get("/v1/events?cursor=&limit=2")
    page = (await desk.client.get("/v1/events", params={"cursor": first.json()["next"], "limit": 4})).json()
    made = await desk.subscribe(sink.url, after=[page["next"]])
    await until(lambda: all_sent(desk, made))
    queued = [message.message_id for message in messages]
    fed = [event["id"] for event in page["events"]]
    pushed = [event["id"] for event in sink.events]
    assert queued[2:] == fed[:2], "what came by both is known by its id"
    assert list(dict.fromkeys([*queued, *fed, *pushed])) == [str(event.event_id) for event in log]
    assert len(log) > 8


async def test_a_cursor_that_is_of_nothing_here__is_refused(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    await project(pool, dialogue(), EARLIER)
    place = FeedCursor(1, "test", 3, uuid4(), None, b"")
    gone = written(place, bytes(32))
    answer = await desk.client.post("/v1/subscriptions", json={"sink": sink.url, "after": [gone]})
    assert (answer.status_code, answer.json()["field"]) == (409, "after[0]")
    own = await pool.fetchval("SELECT source FROM public.store_state")
    far = written(msgspec.structs.replace(place, source=own, position=2**62), bytes(32))
    answer = await desk.client.post("/v1/subscriptions", json={"sink": sink.url, "after": [far]})
    assert (answer.status_code, answer.json()["field"]) == (409, "after[0]")
    elsewhere = written(msgspec.structs.replace(place, source="elsewhere"), bytes(32))
    answer = await desk.client.post("/v1/subscriptions", json={"sink": sink.url, "after": [elsewhere]})
    assert (answer.status_code, answer.json()["field"]) == (422, "after[0]")


async def test_a_sender_that_slept__keeps_nothing_where_another_has_sent(
    desk: WebhookDesk, sink: SinkServer, pool: asyncpg.Pool
) -> None:
    store, found = await subscribed_without_sender(desk, sink)
    begin = LogPlace(log="test")
    one, two = LogPlace(log="test", position=1, event_id=uuid4()), LogPlace(log="test", position=2, event_id=uuid4())
    attempt = Attempt(kind="delivery", answer=Answer(Verdict.DELIVERED, 204), milliseconds=1)
    assert await store.delivered(found, begin, one, attempt)
    assert not await store.delivered(found, begin, two, attempt), "another has moved the place"
    await desk.of({"id": str(found.subscription_id)}, "pause")
    assert not await store.move(found, one, two), "it was changed meanwhile"
    assert (await store.places(found.subscription_id))["test"].position == 1
