"""The Prometheus metrics of followup."""

from services.followup.adapters.read.metrics_snapshot import MetricsSnapshot
from shared.http.metrics import (
    FORBIDDEN_CALLS,
    REFUSED_CALLS,
    STANDBY_CONFIRMED,
    STANDBY_REQUIRED,
    SYSTEMS_KEYS_READ,
    Family,
    SnapshotCollector,
)

FAMILIES = (
    Family(
        "followup_unresolved_cases",
        ("source", "jurisdiction", "agency", "state"),
        "Cases not yet resolved, by source, top-level jurisdiction, lead agency and state",
        "unresolved",
    ),
    Family(
        "followup_oldest_unresolved_timestamp_seconds",
        ("source", "agency"),
        "Local midnight of the day on which the oldest unresolved case was received",
        "oldest_unresolved",
    ),
    Family(
        "followup_open_deadlines",
        ("source", "kind", "agency", "status"),
        "Open deadlines by rule, debtor and how they stand by their source's clock",
        "open_deadlines",
    ),
    Family(
        "followup_next_deadline_timestamp_seconds",
        ("source",),
        "When the next open deadline passes, in its source's time; no sample when there is none",
        "next_deadline",
    ),
    Family(
        "followup_deadline_breaches",
        ("source", "kind", "agency"),
        "Breaches raised, by rule and debtor at that instant",
        "breaches",
        counts=True,
    ),
    Family(
        "followup_deadline_alerts",
        ("source", "kind", "agency"),
        "The same without those of data of the past that was entered later: nobody is alerted of them",
        "alerts",
        counts=True,
    ),
    Family(
        "followup_scheduler_last_run_timestamp_seconds",
        (),
        "When timers were last looked at, wall time; no sample before the first time",
        "scheduler",
    ),
    Family(
        "followup_source_complete_timestamp_seconds",
        ("source",),
        "The instant to which the source last said that it is complete",
        "complete_to",
    ),
    Family("followup_source_stopped", ("source",), "1 where the source is stopped and needs a person", "stopped"),
    Family(
        "followup_sources_refused",
        (),
        "Addresses that this process does not follow, since their source is, or is called like, another",
        "refused_sources",
    ),
    Family(
        "followup_source_away",
        ("source",),
        "1 where this process does not reach the source and leaves it to another",
        "away",
    ),
    Family("followup_reader_lag_events", ("source",), "Events of the source not yet applied", "lag"),
    Family("followup_parked_events", ("source",), "Events that wait because one of their petition failed", "parked"),
    Family("followup_differences", ("source",), "Cases that raise nothing until they are reconciled", "differences"),
    Family(
        "followup_uncountable_duties",
        ("source",),
        "Duties that cannot be counted until a calendar is published or a document is mended",
        "uncountable",
    ),
    Family(
        "followup_sweeps",
        ("source",),
        "Calendars, policies and the like that have not reached every case yet",
        "sweeps",
    ),
    Family(
        "followup_oldest_sweep_timestamp_seconds",
        ("source",),
        "When the oldest of them was applied; 0 when there is none",
        "oldest_sweep",
    ),
    Family(
        "followup_feed_gaps",
        ("source",),
        "Times that the broker brought a later event than the next one",
        "gaps",
        counts=True,
    ),
    Family("followup_outbox_pending_events", (), "Deadline events not yet confirmed by the broker", "pending"),
    Family(
        "followup_outbox_oldest_pending_timestamp_seconds",
        (),
        "Recording instant of the oldest event not yet confirmed; 0 when there is none",
        "oldest_pending",
    ),
    Family(
        "followup_broker_hindered",
        ("queue",),
        "1 where this process cannot use a queue, or its relay the exchange",
        "hindered",
    ),
    Family(
        "followup_digests_failing_since_timestamp_seconds",
        (),
        "Since when this process could not mail a digest that is due, wall time; 0 while it can",
        "digests_failing_since",
    ),
    Family("followup_systems_keys_read_timestamp_seconds", (), SYSTEMS_KEYS_READ, "systems_read_at"),
    Family(
        "followup_webhook_subscriptions",
        ("status",),
        "Subscriptions to webhooks; those disabled, paused or stopped are sent nothing until somebody resumes them",
        "subscriptions",
    ),
    Family(
        "followup_webhook_waiting_since_timestamp_seconds",
        (),
        "Since when an active subscription that has events before it has been sent none; 0 when none waits",
        "webhook_waiting_since",
    ),
    Family("followup_forbidden_calls", ("reason",), FORBIDDEN_CALLS, "forbidden_calls", counts=True),
    Family("followup_refused_calls", ("reason",), REFUSED_CALLS, "refused_calls", counts=True),
    Family(
        "followup_lost_events",
        (),
        "Events that were read from sources and are there no more, until an operator confirms that they were seen to",
        "lost",
    ),
    Family("followup_standby_required", (), STANDBY_REQUIRED, "standby_required"),
    Family("followup_standby_confirmed_timestamp_seconds", (), STANDBY_CONFIRMED, "standby_confirmed_at"),
    Family("followup_snapshot_timestamp_seconds", (), "When these figures were read from the store", "taken_at"),
)


def followup_collector() -> SnapshotCollector[MetricsSnapshot]:
    """The collector of followup, with no figures yet."""
    return SnapshotCollector(FAMILIES, MetricsSnapshot())
