"""Subscriptions in the store: what their owners change, and how far the sender has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.application.webhook_ports import (
    Attempt,
    LogPlace,
    SubscriberRights,
    Subscription,
    SubscriptionStatus,
    Wanted,
)
from services.followup.domain.webhooks.retries import GIVE_UP_AFTER

KEPT_ATTEMPTS = 500  # of each subscription
ATTEMPTS_SHOWN_FOR = timedelta(days=30)

_COLUMNS = """
subscription_id, owner, rights, sink, wanted, sealed, status, reason, rate, failures, failing_since, next_attempt_at,
created, revision
"""
_DUE = f"""
SELECT {_COLUMNS} FROM public.subscriptions WHERE status = 'active' AND next_attempt_at <= clock_timestamp()
ORDER BY next_attempt_at
"""
_PLACES = """
SELECT subscription_id, log, epoch, position, event_id, recorded_at FROM public.subscription_cursors
WHERE subscription_id = ANY($1)
"""
_OF_OWNER = f"""
SELECT {_COLUMNS} FROM public.subscriptions WHERE status <> 'deleted' AND ($1::text IS NULL OR owner = $1)
ORDER BY created, subscription_id
"""
_FIND = f"SELECT {_COLUMNS} FROM public.subscriptions WHERE subscription_id = $1 AND status <> 'deleted'"
_INSERT = f"""
INSERT INTO public.subscriptions (subscription_id, owner, rights, sink, wanted, sealed, status)
SELECT $1, $2, $3, $4, $5, $6, 'unverified'
WHERE (SELECT count(*) FROM public.subscriptions WHERE owner = $2 AND status <> 'deleted') < $7
RETURNING {_COLUMNS}
"""
_LOCK_OWNER = "SELECT pg_advisory_xact_lock(hashtextextended('subscriptions of ' || $1, 0))"
_CHANGE = f"""
UPDATE public.subscriptions SET rights = $3, sink = $4, wanted = $5, sealed = $6, status = $7, reason = $8, rate = $9,
    failures = 0, failing_since = NULL, next_attempt_at = clock_timestamp(), moved_at = clock_timestamp(),
    revision = revision + 1
WHERE subscription_id = $1 AND revision = $2 AND status <> 'deleted' RETURNING {_COLUMNS}
"""
_CHANGED = """
INSERT INTO public.subscription_changes (subscription_id, revision, changed_by, what) VALUES ($1, $2, $3, $4)
"""
_CHANGES = """
SELECT at, changed_by, what FROM public.subscription_changes WHERE subscription_id = $1 ORDER BY revision DESC LIMIT $2
"""
_PLACE = """
INSERT INTO public.subscription_cursors (subscription_id, log, epoch, position, event_id, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subscription_id, log) DO UPDATE SET epoch = excluded.epoch,
    position = excluded.position, event_id = excluded.event_id, recorded_at = excluded.recorded_at
"""
_BEGIN_LOG = """
INSERT INTO public.subscription_cursors (subscription_id, log, epoch, position) VALUES ($1, $2, '', 0)
ON CONFLICT DO NOTHING
"""
_MOVE = """
UPDATE public.subscription_cursors c SET epoch = $4, position = $5, event_id = $6, recorded_at = $7
FROM public.subscriptions s
WHERE c.subscription_id = $1 AND c.log = $2 AND c.position = $3 AND s.subscription_id = $1 AND s.revision = $8
    AND s.status = 'active'
RETURNING true
"""
_MOVED = """
UPDATE public.subscriptions SET moved_at = clock_timestamp(), failures = 0, failing_since = NULL
WHERE subscription_id = $1
"""
_PASSED = "UPDATE public.subscriptions SET moved_at = clock_timestamp() WHERE subscription_id = $1"
_ATTEMPTED = f"""
WITH counted AS (
    UPDATE public.subscriptions SET attempts = attempts + 1 WHERE subscription_id = $1 RETURNING attempts
)
INSERT INTO public.webhook_attempts (subscription_id, slot, kind, verdict, status, why, milliseconds, log, position,
    event_id, type)
SELECT $1, attempts % {KEPT_ATTEMPTS}, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM counted
ON CONFLICT (subscription_id, slot) DO UPDATE SET at = excluded.at, kind = excluded.kind, verdict = excluded.verdict,
    status = excluded.status, why = excluded.why, milliseconds = excluded.milliseconds, log = excluded.log,
    position = excluded.position, event_id = excluded.event_id, type = excluded.type
"""
_FAILED = """
UPDATE public.subscriptions SET failures = failures + 1, failing_since = coalesce(failing_since, clock_timestamp()),
    next_attempt_at = clock_timestamp() + $3::interval,
    status = CASE WHEN $4 <> '' OR failing_since <= clock_timestamp() - $5::interval THEN 'disabled' ELSE status END,
    reason = CASE WHEN $4 <> '' THEN $4 WHEN failing_since <= clock_timestamp() - $5::interval THEN 'failing'
        ELSE reason END
WHERE subscription_id = $1 AND revision = $2 AND status = 'active'
"""
_STOP = """
UPDATE public.subscriptions SET status = 'paused', reason = $3
WHERE subscription_id = $1 AND revision = $2 AND status = 'active'
"""
_ATTEMPTS = """
SELECT at, kind, verdict, status, why, milliseconds, log, position, event_id, type FROM public.webhook_attempts
WHERE subscription_id = $1 AND at > clock_timestamp() - $2::interval ORDER BY at DESC LIMIT $3
"""
_SENT = """
SELECT log, position FROM public.webhook_attempts WHERE subscription_id = $1 AND event_id = $2 AND log <> ''
ORDER BY at DESC LIMIT 1
"""
# No standby is waited for: what a fail-over takes back of it is delivered again, under the same ids.
_LOCALLY = "SET LOCAL synchronous_commit = local"


class StoredAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a sink."""

    at: datetime
    kind: str
    verdict: str
    status: int
    why: str
    milliseconds: int
    log: str
    position: int
    event_id: UUID | None
    type: str


class SubscriptionChange(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what of a subscription."""

    at: datetime
    changed_by: str
    what: str


class StoredSubscriptions:
    """The subscriptions of this store, whichever process delivers."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    # --- for the sender --------------------------------------------------------------------------------------------

    async def due(self) -> Sequence[tuple[Subscription, Mapping[str, LogPlace]]]:
        """The active subscriptions whose next attempt may be made, each with how far it has come in each log."""
        found = [_subscription(row) for row in await self._pool.fetch(_DUE)]
        places = await self._places([each.subscription_id for each in found])
        return [(each, places.get(each.subscription_id, {})) for each in found]

    async def move(self, subscription: Subscription, before: LogPlace, after: LogPlace) -> bool:
        """Pass what is hidden; False where another has moved it or the subscription was changed."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCALLY)
            moved = await self._move(connection, subscription, before, after)
            if moved:
                await connection.execute(_PASSED, subscription.subscription_id)
            return moved

    async def delivered(self, subscription: Subscription, before: LogPlace, after: LogPlace, attempt: Attempt) -> bool:
        """Keep that an event was delivered; False as for `move`."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCALLY)
            await self._attempted(connection, subscription.subscription_id, attempt)
            moved = await self._move(connection, subscription, before, after)
            if moved:
                await connection.execute(_MOVED, subscription.subscription_id)
            return moved

    async def failed(self, subscription: Subscription, attempt: Attempt, pause: float, reason: str) -> None:
        """Keep that an attempt failed. With a reason, or where everything has failed for long, nothing more is sent."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCALLY)
            await self._attempted(connection, subscription.subscription_id, attempt)
            await connection.execute(
                _FAILED,
                subscription.subscription_id,
                subscription.revision,
                timedelta(seconds=pause),
                reason,
                GIVE_UP_AFTER,
            )

    async def stop(self, subscription: Subscription, reason: str) -> None:
        """Pause a subscription until somebody resumes it."""
        await self._pool.execute(_STOP, subscription.subscription_id, subscription.revision, reason)

    # --- for owners ------------------------------------------------------------------------------------------------

    async def create(
        self,
        subscription_id: UUID,
        owner: str,
        rights: SubscriberRights,
        sink: str,
        wanted: Wanted,
        sealed: bytes,
        places: Sequence[LogPlace],
        most: int,
    ) -> Subscription | None:
        """Keep a new one, which begins at some places; None where the owner has as many as it may."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK_OWNER, owner)
            encoded = msgspec.json.encode(rights), sink, msgspec.json.encode(wanted), sealed
            row = await connection.fetchrow(_INSERT, subscription_id, owner, *encoded, most)
            if row is None:
                return None
            for place in places:
                await self._put(connection, subscription_id, place)
            await connection.execute(_CHANGED, subscription_id, row["revision"], owner, "created")
            return _subscription(row)

    async def change(
        self,
        before: Subscription,
        by: str,
        what: str,
        *,
        places: Sequence[LogPlace] = (),
        rights: SubscriberRights | None = None,
        sink: str | None = None,
        wanted: Wanted | None = None,
        sealed: bytes | None = None,
        status: SubscriptionStatus | None = None,
        reason: str = "",
        rate: int | None = None,
    ) -> Subscription | None:
        """Change one, as `before` it was; None where somebody else has changed it since. What is left out stays."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                _CHANGE,
                before.subscription_id,
                before.revision,
                msgspec.json.encode(rights or before.rights),
                sink if sink is not None else before.sink,
                msgspec.json.encode(wanted or before.wanted),
                sealed if sealed is not None else before.sealed,
                status or before.status,
                reason,
                rate if rate is not None else before.rate,
            )
            if row is None:
                return None
            for place in places:
                await self._put(connection, before.subscription_id, place)
            await connection.execute(_CHANGED, before.subscription_id, row["revision"], by, what)
            return _subscription(row)

    async def note(self, subscription_id: UUID, attempt: Attempt) -> None:
        """Keep an attempt that somebody asked for."""
        await self._attempted(self._pool, subscription_id, attempt)

    async def of_owner(self, owner: str | None) -> list[Subscription]:
        """Those of an owner, or all."""
        return [_subscription(row) for row in await self._pool.fetch(_OF_OWNER, owner)]

    async def find(self, subscription_id: UUID) -> Subscription | None:
        """One of them; None where there is none."""
        row = await self._pool.fetchrow(_FIND, subscription_id)
        return None if row is None else _subscription(row)

    async def places(self, subscription_id: UUID) -> Mapping[str, LogPlace]:
        """How far one has come, by log."""
        return (await self._places([subscription_id])).get(subscription_id, {})

    async def attempts(self, subscription_id: UUID, limit: int) -> list[StoredAttempt]:
        """The last attempts, the newest first."""
        rows = await self._pool.fetch(_ATTEMPTS, subscription_id, ATTEMPTS_SHOWN_FOR, limit)
        return [StoredAttempt(**dict(row)) for row in rows]

    async def sent(self, subscription_id: UUID, event_id: UUID) -> tuple[str, int] | None:
        """The log and position of an event that the delivery log has."""
        row = await self._pool.fetchrow(_SENT, subscription_id, event_id)
        return None if row is None else (row["log"], row["position"])

    async def changes(self, subscription_id: UUID, limit: int) -> list[SubscriptionChange]:
        """Who changed what, the newest first."""
        rows = await self._pool.fetch(_CHANGES, subscription_id, limit)
        return [SubscriptionChange(**dict(row)) for row in rows]

    # ---------------------------------------------------------------------------------------------------------------

    async def _places(self, ids: Sequence[UUID]) -> dict[UUID, dict[str, LogPlace]]:
        found: dict[UUID, dict[str, LogPlace]] = {}
        for row in await self._pool.fetch(_PLACES, list(ids)):
            columns = dict(row)
            of = found.setdefault(columns.pop("subscription_id"), {})
            of[row["log"]] = LogPlace(**columns)
        return found

    async def _move(self, connection: Any, subscription: Subscription, before: LogPlace, after: LogPlace) -> bool:
        if not before.position:
            await connection.execute(_BEGIN_LOG, subscription.subscription_id, before.log)
        to = after.epoch, after.position, after.event_id, after.recorded_at
        given = subscription.subscription_id, before.log, before.position, *to, subscription.revision
        return bool(await connection.fetchval(_MOVE, *given))

    async def _put(self, connection: Any, subscription_id: UUID, place: LogPlace) -> None:
        to = place.epoch, place.position, place.event_id, place.recorded_at
        await connection.execute(_PLACE, subscription_id, place.log, *to)

    async def _attempted(self, connection: Any, subscription_id: UUID, attempt: Attempt) -> None:
        answer = attempt.answer
        await connection.execute(
            _ATTEMPTED,
            subscription_id,
            attempt.kind,
            str(answer.verdict),
            answer.status,
            answer.why,
            attempt.milliseconds,
            attempt.log,
            attempt.position,
            attempt.event_id,
            attempt.type,
        )


def _subscription(row: Any) -> Subscription:
    columns = dict(row)
    columns["rights"] = msgspec.json.decode(columns["rights"], type=SubscriberRights)
    columns["wanted"] = msgspec.json.decode(columns["wanted"], type=Wanted)
    columns["sealed"] = bytes(columns["sealed"])
    return Subscription(**columns)
