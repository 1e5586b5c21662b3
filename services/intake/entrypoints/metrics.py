"""The Prometheus metrics of intake."""

from collections.abc import Mapping

import msgspec

from shared.http.metrics import (
    FORBIDDEN_CALLS,
    REFUSED_CALLS,
    STANDBY_CONFIRMED,
    STANDBY_REQUIRED,
    SYSTEMS_KEYS_READ,
    Family,
    SnapshotCollector,
)


class IntakeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The figures behind the metrics, as of one moment."""

    recorded: Mapping[tuple[str], int] = {}
    pending: int = 0
    oldest_pending: float = 0.0
    unroutable: int = 0
    is_leader: bool = False
    unpublished_year: int = 0
    refused: Mapping[tuple[str], int] = {}
    forbidden: Mapping[tuple[str], int] = {}
    queued: Mapping[tuple[str], int] = {}
    consumers: Mapping[tuple[str], int] = {}
    hindered: bool = False
    unanswered: int = 0
    files_unnamed: int = 0
    oldest_conflict: float = 0.0
    files_kept_at: float | None = None
    files_unreadable: int = 0
    seals_unopened: int = 0
    provider_read_at: float | None = None
    systems_read_at: float | None = None
    lost: int = 0
    standby_required: bool = False
    standby_confirmed_at: float | None = None
    taken_at: float = 0.0


FAMILIES = (
    Family("intake_events_recorded", ("type",), "Events in the store, by topic", "recorded", counts=True),
    Family("intake_outbox_pending_events", (), "Events not yet confirmed by the broker", "pending"),
    Family(
        "intake_outbox_oldest_pending_timestamp_seconds",
        (),
        "Recording instant of the oldest event not yet confirmed; 0 when there is none",
        "oldest_pending",
    ),
    Family("intake_outbox_unroutable", (), "Events that the broker returned", "unroutable", counts=True),
    Family("intake_outbox_leader", (), "Whether this process relays", "is_leader"),
    Family(
        "intake_calendar_unpublished_year",
        (),
        "The next year, from October on while nobody has published its calendar; 0 otherwise",
        "unpublished_year",
    ),
    Family("intake_forbidden_calls", ("reason",), FORBIDDEN_CALLS, "forbidden", counts=True),
    Family("intake_refused_calls", ("reason",), REFUSED_CALLS, "refused", counts=True),
    Family("intake_queue_waiting_commands", ("queue",), "Commands that wait in a queue of the broker", "queued"),
    Family(
        "intake_queue_consumers", ("queue",), "Processes that consume a command queue, as the broker says", "consumers"
    ),
    Family(
        "intake_broker_hindered",
        (),
        "1 where this process cannot use the broker: away, a queue of another type, or another source's virtual host",
        "hindered",
    ),
    Family(
        "intake_queue_unanswered_commands",
        (),
        "Answers that reached no queue of the sender's",
        "unanswered",
        counts=True,
    ),
    Family(
        "intake_conflicts_oldest_timestamp_seconds",
        (),
        "When the oldest push came in that waits for a decision of an office; 0 when none waits",
        "oldest_conflict",
    ),
    Family("intake_files_unnamed", (), "Uploaded files that no command has named yet", "files_unnamed"),
    Family(
        "intake_files_kept_timestamp_seconds",
        (),
        "When this process last dropped the files that nobody may or will read; missing where it keeps no files",
        "files_kept_at",
    ),
    Family(
        "intake_files_unreadable",
        (),
        "Files that were asked for and are missing or damaged in the folder",
        "files_unreadable",
        counts=True,
    ),
    Family(
        "intake_seals_unopened",
        (),
        "How often sealed content or one of its keys did not open under the master key",
        "seals_unopened",
        counts=True,
    ),
    Family(
        "intake_provider_keys_read_timestamp_seconds",
        (),
        "When this process last read the sign-in provider's keys; 0 before it did, missing where nobody signs in",
        "provider_read_at",
    ),
    Family("intake_systems_keys_read_timestamp_seconds", (), SYSTEMS_KEYS_READ, "systems_read_at"),
    Family(
        "intake_lost_commands",
        (),
        "Acknowledged commands that the store has no more, until an operator confirms that they were seen to",
        "lost",
    ),
    Family("intake_standby_required", (), STANDBY_REQUIRED, "standby_required"),
    Family("intake_standby_confirmed_timestamp_seconds", (), STANDBY_CONFIRMED, "standby_confirmed_at"),
    Family("intake_snapshot_timestamp_seconds", (), "When these figures were read from the store", "taken_at"),
)


def intake_collector() -> SnapshotCollector[IntakeSnapshot]:
    """The collector of intake, with no figures yet."""
    return SnapshotCollector(FAMILIES, IntakeSnapshot())
