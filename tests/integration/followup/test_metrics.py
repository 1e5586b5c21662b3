"""What Prometheus scrapes: the names, the labels, and figures that are those of the API."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter
from services.followup.adapters.read.metrics_snapshot import COUNTED_AT_ONCE, MetricsQueries
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.entrypoints.metrics import followup_collector
from shared.http.metrics import pause
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import at
from tests.support.postgres import TestServer
from tests.support.projection import AUTUMN, EDUCATION, ENVIRONMENT, PACKAGES, Pool, dialogue, petition, project
from tests.support.reading import read_side

#: Every metric with its labels, as other systems rely on them.
CONTRACT = {
    "followup_unresolved_cases": {"source", "jurisdiction", "agency", "state"},
    "followup_open_deadlines": {"source", "kind", "agency", "status"},
    "followup_deadline_breaches_total": {"source", "kind", "agency"},
    "followup_deadline_alerts_total": {"source", "kind", "agency"},
    "followup_oldest_unresolved_timestamp_seconds": {"source", "agency"},
    "followup_next_deadline_timestamp_seconds": {"source"},
    "followup_scheduler_last_run_timestamp_seconds": set(),
    "followup_source_complete_timestamp_seconds": {"source"},
    "followup_source_stopped": {"source"},
    "followup_reader_lag_events": {"source"},
    "followup_parked_events": {"source"},
    "followup_differences": {"source"},
    "followup_uncountable_duties": {"source"},
    "followup_sources_refused": set(),
    "followup_sweeps": {"source"},
    "followup_oldest_sweep_timestamp_seconds": {"source"},
    "followup_feed_gaps_total": {"source"},
    "followup_outbox_pending_events": set(),
    "followup_outbox_oldest_pending_timestamp_seconds": set(),
    "followup_digests_failing_since_timestamp_seconds": set(),
    "followup_webhook_subscriptions": {"status"},
    "followup_webhook_waiting_since_timestamp_seconds": set(),
    "followup_lost_events": set(),
    "followup_standby_required": set(),
    "followup_snapshot_timestamp_seconds": set(),
}
Samples = dict[tuple[str, ...], float]


@pytest.fixture
async def pool(pg_server: TestServer) -> AsyncIterator[Pool]:
    """The conference of August 2019 as it stands in autumn."""
    async with projection_pool(await pg_server.fresh(*PACKAGES)) as pool:
        await project(pool, dialogue(), AUTUMN)
        yield pool


async def scraped(figures: MetricsQueries) -> dict[str, Samples]:
    """Every followup metric as a scrape shows it: its samples by the values of its labels, sorted by label."""
    collector, registry = followup_collector(), CollectorRegistry(auto_describe=False)
    collector.snapshot = await figures.snapshot()
    registry.register(collector)
    return samples(generate_latest(registry).decode())


def samples(text: str) -> dict[str, Samples]:
    found: dict[str, Samples] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[values] = sample.value
    return found


async def test_every_name__has_exactly_its_labels(pool: Pool) -> None:
    shown = await scraped(MetricsQueries(pool, "followup"))
    collector = followup_collector()
    collector.snapshot = await MetricsQueries(pool).snapshot()
    labels = {s.name: set(s.labels) for family in collector.collect() for s in family.samples}
    assert labels == CONTRACT
    assert CONTRACT.keys() <= shown.keys()


async def test_unresolved_cases__by_top_level_jurisdiction_agency_and_state(pool: Pool) -> None:
    shown = await scraped(MetricsQueries(pool))
    assert shown["followup_unresolved_cases"] == {
        (ENVIRONMENT, "H35", "test", "assigned"): 2,
        (ENVIRONMENT, "H35", "test", "escalated"): 1,
        (ENVIRONMENT, "H35", "test", "replied"): 2,
        (EDUCATION, "H35", "test", "assigned"): 1,
        ("unassigned", "H35", "test", "no_clock"): 1,
        ("unassigned", "H40", "test", "no_clock"): 1,
    }
    received = at("2019-07-10 00:00").timestamp()
    assert shown["followup_oldest_unresolved_timestamp_seconds"][EDUCATION, "test"] == received


async def test_figures__agree_with_the_api(pool: Pool) -> None:
    shown, queries = await scraped(MetricsQueries(pool)), Queries(pool)
    cases = await queries.cases(Scope(), CaseFilter(unresolved=True), 200)
    assert sum(shown["followup_unresolved_cases"].values()) == len(cases.items)
    for status in ("on_track", "due_soon", "breached"):
        page = await queries.deadlines(Scope(), DeadlineFilter(status=status), 200)
        counted = sum(n for key, n in shown["followup_open_deadlines"].items() if key[3] == status)
        assert counted == len(page.items), status
    # Open and overdue are disjoint and add up.
    still_open = await pool.fetchval("SELECT count(*) FROM deadlines WHERE outcome = ''")
    assert sum(shown["followup_open_deadlines"].values()) == still_open


async def test_open_deadlines__are_judged_by_the_clock_of_their_source(pool: Pool) -> None:
    figures = MetricsQueries(pool)
    shown = await scraped(figures)
    assert shown["followup_open_deadlines"][EDUCATION, "reply", "test", "due_soon"] == 1
    assert shown["followup_next_deadline_timestamp_seconds"]["test",] == at("2019-10-08 00:00").timestamp()
    # Silent since 10 days: no event says so, and yet 7 October has passed.
    await pool.execute("UPDATE sources SET complete_read_at = complete_read_at - interval '10 days'")
    shown = await scraped(figures)
    assert shown["followup_open_deadlines"][EDUCATION, "reply", "test", "breached"] == 1
    assert (EDUCATION, "reply", "test", "due_soon") not in shown["followup_open_deadlines"]
    assert (EDUCATION, "reply", "test") not in shown["followup_deadline_breaches_total"]
    assert shown["followup_next_deadline_timestamp_seconds"]["test",] == at("2019-11-16 00:00").timestamp()
    assert shown["followup_source_complete_timestamp_seconds"]["test",] == at(AUTUMN).timestamp()


async def test_breaches__are_counted_from_the_log_and_only_grow_by_what_came(pool: Pool) -> None:
    figures = MetricsQueries(pool)
    first = (await scraped(figures))["followup_deadline_breaches_total"]
    in_log = await pool.fetchval("SELECT count(*) FROM stored_events WHERE topic = 'DeadlineBreached'")
    assert sum(first.values()) == in_log
    assert first[ENVIRONMENT, "reply", "test"] == 3  # the one met late was breached too
    assert (await scraped(figures))["followup_deadline_breaches_total"] == first
    history = dialogue()
    await project(pool, history, "2019-10-10 00:00")
    later = (await scraped(figures))["followup_deadline_breaches_total"]
    assert later == {**first, (EDUCATION, "reply", "test"): 1}
    assert (await scraped(MetricsQueries(pool)))["followup_deadline_breaches_total"] == later


async def test_breaches__of_backfilled_data_alert_nobody(pool: Pool) -> None:
    before = await scraped(MetricsQueries(pool))
    await pool.execute("ALTER TABLE stored_events DISABLE TRIGGER USER")
    await pool.execute(
        "UPDATE stored_events SET state = convert_to(jsonb_set(convert_from(state, 'UTF8')::jsonb, "
        "'{meta,backfilled}', 'true')::text, 'UTF8') WHERE topic = 'DeadlineBreached'"
    )
    after = await scraped(MetricsQueries(pool))
    breaches = before["followup_deadline_breaches_total"]
    assert before["followup_deadline_alerts_total"] == after["followup_deadline_breaches_total"] == breaches
    assert after["followup_deadline_alerts_total"] == dict.fromkeys(breaches, 0)


async def test_sources__parked_differences_gaps_and_stops(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO parked_events (source, position, event_id, petition_id, topic, reason) "
        "SELECT 'test', n, gen_random_uuid(), $1, 'PetitionRaised', '' FROM generate_series(1, 3) AS n",
        petition("overdue"),
    )
    await pool.execute("UPDATE parked_events SET released_at = now() WHERE position = 3")
    await pool.execute("INSERT INTO differences (subject_id, source, reason) VALUES ($1, 'test', '')", derived_id(1))
    await pool.execute("UPDATE sources SET state = 'stopped', gaps = 4, head = position + 7")
    await pool.execute("INSERT INTO sources (source) VALUES ('other')")
    shown = await scraped(MetricsQueries(pool))
    assert shown["followup_parked_events"] == {("test",): 2, ("other",): 0}
    assert shown["followup_differences"] == {("test",): 1, ("other",): 0}
    assert shown["followup_source_stopped"] == {("test",): 1, ("other",): 0}
    assert shown["followup_feed_gaps_total"] == {("test",): 4, ("other",): 0}
    assert shown["followup_reader_lag_events"] == {("test",): 7, ("other",): 0}
    ticked = await pool.fetchval("SELECT max(ticked_at) FROM sources")
    assert shown["followup_scheduler_last_run_timestamp_seconds"][()] == pytest.approx(ticked.timestamp())


async def test_outbox__is_what_the_relay_has_not_confirmed(pool: Pool) -> None:
    head = await pool.fetchval("SELECT max(notification_id) FROM stored_events")
    oldest = await pool.fetchval("SELECT recorded_at FROM stored_events WHERE notification_id = 1")
    shown = await scraped(MetricsQueries(pool, "followup"))
    assert shown["followup_outbox_pending_events"][()] == head
    assert shown["followup_outbox_oldest_pending_timestamp_seconds"][()] == pytest.approx(oldest.timestamp())
    await pool.execute("INSERT INTO relay_position (name, position, fence) VALUES ('followup', $1, 1)", head)
    shown = await scraped(MetricsQueries(pool, "followup"))
    assert shown["followup_outbox_pending_events"][()] == 0
    assert shown["followup_outbox_oldest_pending_timestamp_seconds"][()] == 0
    # Where no broker is configured nothing falls behind.
    await pool.execute("DELETE FROM relay_position")
    assert (await scraped(MetricsQueries(pool)))["followup_outbox_pending_events"][()] == 0


async def test_two_sources_of_the_same_codes__are_told_apart(pool: Pool) -> None:
    alone = await scraped(MetricsQueries(pool))
    await project(pool, dialogue("other"), "2019-10-10 00:00")
    both = await scraped(MetricsQueries(pool))
    for name, labels in CONTRACT.items():
        if "agency" in labels:
            assert {key: n for key, n in both[name].items() if "other" not in key} == alone[name], name
            assert any("other" in key for key in both[name]), name
    assert both["followup_deadline_breaches_total"][EDUCATION, "reply", "other"] == 1
    assert set(both["followup_next_deadline_timestamp_seconds"]) == {("test",), ("other",)}


async def test_an_empty_followup__still_tells_its_snapshot(pg_server: TestServer) -> None:
    async with projection_pool(await pg_server.fresh(*PACKAGES)) as pool:
        shown = await scraped(MetricsQueries(pool, "followup"))
    assert set(shown) == {
        "followup_sources_refused",
        "followup_outbox_pending_events",
        "followup_outbox_oldest_pending_timestamp_seconds",
        "followup_digests_failing_since_timestamp_seconds",
        "followup_webhook_subscriptions",
        "followup_webhook_waiting_since_timestamp_seconds",
        "followup_lost_events",
        "followup_standby_required",
        "followup_snapshot_timestamp_seconds",
    }
    taken = datetime.fromtimestamp(shown["followup_snapshot_timestamp_seconds"][()], UTC)
    assert abs((datetime.now(UTC) - taken).total_seconds()) < 60


async def test_scrape__over_http(pool: Pool, pg_server: TestServer) -> None:
    async with read_side(pool, pg_server.dsn("postgres")) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert CONTRACT.keys() <= samples(answer.text).keys()
    assert "process_cpu_seconds_total" in answer.text


def test_pause__grows_with_what_counting_takes() -> None:
    assert pause(0.001) == 2.0
    assert pause(1.5) == 15.0
    assert pause(60.0) == 30.0
    assert COUNTED_AT_ONCE > 0
