"""The figures of the metrics: what the projection holds by each source's clock, and what was raised so far."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from services.followup.adapters.read.models import Source
from services.followup.adapters.read.pagination import read
from services.followup.adapters.read.queries import NEVER, SOURCES
from shared.identifiers import breach_instant, local_day, midnight

COUNTED_AT_ONCE = 20_000  # events

_CASES = """
SELECT source, split_part(jurisdiction, '.', 1) AS jurisdiction, agency, state, count(*) AS n,
    min(received_on) AS oldest
FROM cases WHERE unresolved GROUP BY 1, 2, 3, 4
"""
_DEADLINES = """
SELECT d.source, d.duty, d.debtor, count(*) AS n,
    count(*) FILTER (WHERE d.due_on < t.today) AS breached,
    count(*) FILTER (WHERE d.due_on >= t.today AND d.due_soon_on <= t.today) AS due_soon,
    min(d.due_on) FILTER (WHERE d.due_on >= t.today) AS next
FROM deadlines d LEFT JOIN unnest($1::text[], $2::date[]) AS t (source, today) ON t.source = d.source
WHERE d.outcome = '' GROUP BY d.source, d.debtor, d.duty
"""
_PARKED = "SELECT source, count(*) AS n FROM parked_events WHERE released_at IS NULL GROUP BY source"
_DIFFERENCES = "SELECT source, count(*) AS n FROM differences GROUP BY source"
_UNCOUNTABLE = "SELECT source, count(*) AS n FROM uncountable GROUP BY source"
_SWEEPS = "SELECT source, count(*) AS n, min(begun_at) AS oldest FROM sweeps GROUP BY source"
_SCHEDULER = "SELECT source, gaps, ticked_at FROM sources"
_BREACHES = """
WITH breaches AS (
    SELECT convert_from(state, 'UTF8')::jsonb AS state FROM public.stored_events
    WHERE notification_id > $1 AND notification_id <= $2 AND topic = 'DeadlineBreached'
)
SELECT state -> 'data' ->> 'source' AS source, state -> 'data' ->> 'duty' AS duty,
    state -> 'data' ->> 'debtor' AS debtor,
    coalesce((state -> 'meta' ->> 'backfilled')::boolean, false) AS backfilled, count(*) AS n
FROM breaches GROUP BY 1, 2, 3, 4
"""
_SUBSCRIPTIONS = """
SELECT CASE WHEN status = 'paused' AND reason <> 'asked' THEN 'stopped' ELSE status END AS status, count(*) AS n
FROM public.subscriptions WHERE status <> 'deleted' GROUP BY 1
"""
_WEBHOOKS_WAIT = """
SELECT min(coalesce(c.moved_at, s.changed)) FROM public.subscriptions s
CROSS JOIN (
    SELECT source AS log, position FROM sources
    UNION ALL SELECT source, (SELECT coalesce(max(notification_id), 0) FROM public.stored_events)
    FROM public.store_state
) AS logs
LEFT JOIN public.subscription_cursors c ON c.subscription_id = s.subscription_id AND c.log = logs.log
WHERE s.status = 'active' AND logs.position > coalesce(c.position, 0)
"""
#: One that its owner paused is `paused`, one that the sender had to pause `stopped`.
_STATUSES = ("active", "disabled", "paused", "stopped", "unverified")
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM public.stored_events"
_RELAYED = "SELECT position FROM public.relay_position WHERE name = $1"
_RECORDED = "SELECT recorded_at FROM public.stored_events WHERE notification_id = $1"

#: Labels to a figure.
Counts = Mapping[tuple[str, ...], float]


class MetricsSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics show, as of one moment. Instants are seconds since 1970; the labels stand behind each field."""

    unresolved: Counts = {}  # cases: source, jurisdiction, agency, state
    oldest_unresolved: Counts = {}  # midnight of the earliest day of receipt: source, agency
    open_deadlines: Counts = {}  # source, duty, debtor, status
    next_deadline: Counts = {}  # when the next open deadline is breached: source
    breaches: Counts = {}  # raised since the log began: source, duty, debtor
    alerts: Counts = {}  # those of them that were not backfilled: source, duty, debtor
    complete_to: Counts = {}  # source
    lag: Counts = {}  # events that are not applied yet: source
    stopped: Counts = {}  # 1 or 0: source
    away: Counts = {}  # 1 where this process leaves the source to another, since it does not reach it: source
    refused_sources: int = 0  # addresses of sources that this process does not follow
    gaps: Counts = {}  # how often the broker skipped events: source
    parked: Counts = {}  # events that wait: source
    differences: Counts = {}  # source
    uncountable: Counts = {}  # duties: source
    sweeps: Counts = {}  # events of the regulation that have not reached every case: source
    oldest_sweep: Counts = {}  # when the first of them was applied; 0 when there is none: source
    scheduler: float | None = None  # the last sign of life of any source
    pending: int = 0  # deadline events that the relay has not published yet
    oldest_pending: float = 0.0  # the stamp of the first of them; 0 when there is none
    hindered: Counts = {}  # 1 where something of the broker cannot be used: queue
    digests_failing_since: float = 0.0  # 0 while they do not fail
    subscriptions: Counts = {}  # status
    webhook_waiting_since: float = 0.0  # 0 when none of them waits
    forbidden_calls: Counts = {}  # calls of known callers that may not: reason
    refused_calls: Counts = {}  # calls without proof who calls: reason
    systems_read_at: float | None = None  # when the keys of the provider of systems were read
    lost: int = 0  # events of sources that were read and are there no more
    standby_required: bool = False
    standby_confirmed_at: float | None = None  # None where none is required
    taken_at: float = 0.0


class MetricsQueries:
    """Reads snapshots. Of the raised events each reads only those since the last one, and adds them to its counts."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        relay: str = "",
        digests_failing_for: Callable[[], float] = lambda: 0.0,
        refused: Callable[[], int] = lambda: 0,
    ) -> None:
        """Name the relay of the outbox; an empty `relay` says that no broker is configured, so nothing is pending.

        `digests_failing_for` says for how many seconds this process could not send a digest that is due, `refused`
        how many addresses it does not follow.
        """
        self._pool, self._relay, self._digests_failing_for = pool, relay, digests_failing_for
        self._refused = refused
        self._breaches: Counter[tuple[str, ...]] = Counter()
        self._alerts: Counter[tuple[str, ...]] = Counter()
        self._counted_to = 0

    async def snapshot(self) -> MetricsSnapshot:
        """Return the figures as they are now."""
        head = await self._count_breaches()
        standing = await read(self._pool, _standing)
        relayed = head
        if self._relay:
            relayed = min(head, await self._pool.fetchval(_RELAYED, self._relay) or 0)
        waiting: datetime | None = await self._pool.fetchval(_RECORDED, relayed + 1) if relayed < head else None
        now: datetime = await self._pool.fetchval("SELECT clock_timestamp()")
        subscriptions = {row["status"]: row["n"] for row in await self._pool.fetch(_SUBSCRIPTIONS)}
        waits: datetime | None = await read(self._pool, lambda connection: connection.fetchval(_WEBHOOKS_WAIT))
        failing_for = self._digests_failing_for()
        return msgspec.structs.replace(
            standing,
            breaches=dict(self._breaches),
            alerts=dict(self._alerts),
            pending=head - relayed,
            oldest_pending=waiting.timestamp() if waiting else 0.0,
            digests_failing_since=now.timestamp() - failing_for if failing_for else 0.0,
            refused_sources=self._refused(),
            subscriptions={(status,): subscriptions.get(status, 0) for status in _STATUSES},
            webhook_waiting_since=waits.timestamp() if waits else 0.0,
            taken_at=now.timestamp(),
        )

    async def _count_breaches(self) -> int:
        """Count what was raised since the last time, to the head."""
        head: int = await self._pool.fetchval(_HEAD)
        if head < self._counted_to:  # another database, or one restored to an earlier state
            self._breaches, self._alerts, self._counted_to = Counter(), Counter(), 0
        while self._counted_to < head:
            to = min(head, self._counted_to + COUNTED_AT_ONCE)
            for row in await self._pool.fetch(_BREACHES, self._counted_to, to):
                body = (row["source"], row["duty"], row["debtor"])
                self._breaches[body] += row["n"]
                self._alerts[body] += 0 if row["backfilled"] else row["n"]
            self._counted_to = to
        return head


async def _standing(connection: Any) -> MetricsSnapshot:
    """Return what the projection holds, read in one snapshot of it, so that open and overdue add up."""
    sources = [Source(**dict(row)) for row in await connection.fetch(SOURCES)]
    days = {s.source: local_day(s.now) for s in sources if s.now is not None}
    cases = await connection.fetch(_CASES)
    deadlines = await connection.fetch(_DEADLINES, list(days), list(days.values()))
    scheduler = await connection.fetch(_SCHEDULER)
    sweeps = await connection.fetch(_SWEEPS)
    ticks = [row["ticked_at"].timestamp() for row in scheduler if row["ticked_at"] is not None]
    return MetricsSnapshot(
        unresolved={(row["source"], row["jurisdiction"], row["agency"], row["state"]): row["n"] for row in cases},
        oldest_unresolved=_oldest(cases),
        open_deadlines=_by_status(deadlines),
        next_deadline=_next(deadlines),
        complete_to={(s.source,): s.complete_to.timestamp() for s in sources if s.complete_to is not None},
        lag={(s.source,): s.lag_events for s in sources},
        stopped={(s.source,): s.state == "stopped" for s in sources},
        gaps={(row["source"],): row["gaps"] for row in scheduler},
        parked=_per_source(sources, await connection.fetch(_PARKED)),
        differences=_per_source(sources, await connection.fetch(_DIFFERENCES)),
        uncountable=_per_source(sources, await connection.fetch(_UNCOUNTABLE)),
        sweeps=_per_source(sources, sweeps),
        oldest_sweep={(s.source,): 0.0 for s in sources}
        | {(row["source"],): row["oldest"].timestamp() for row in sweeps},
        scheduler=max(ticks, default=None),
    )


def _oldest(cases: list[Any]) -> Counts:
    found: dict[tuple[str, ...], float] = {}
    for row in cases:
        if row["oldest"] is not None:
            received = midnight(row["oldest"]).timestamp()
            body = (row["source"], row["agency"])
            found[body] = min(received, found.get(body, received))
    return found


def _by_status(deadlines: list[Any]) -> Counts:
    found: dict[tuple[str, ...], float] = {}
    for row in deadlines:
        passed = {"breached": row["breached"], "due_soon": row["due_soon"]}
        counts = {"on_track": row["n"] - sum(passed.values()), **passed}
        body = (row["source"], row["duty"], row["debtor"])
        found.update({(*body, status): n for status, n in counts.items() if n})
    return found


def _next(deadlines: list[Any]) -> Counts:
    following: dict[tuple[str, ...], date] = {}
    for row in deadlines:
        if row["next"] not in (None, NEVER):
            source = (row["source"],)
            following[source] = min(row["next"], following.get(source, NEVER))
    return {source: breach_instant(day).timestamp() for source, day in following.items()}


def _per_source(sources: list[Source], rows: list[Any]) -> Counts:
    counted = {row["source"]: row["n"] for row in rows}
    return {(s.source,): counted.get(s.source, 0) for s in sources}
