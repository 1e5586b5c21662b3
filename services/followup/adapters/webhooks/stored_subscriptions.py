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

KEPT_ATTEMPTS, KEPT_CHANGES = 500, 100  # of each subscription
ATTEMPTS_SHOWN_FOR = timedelta(days=30)
#: A subscription that was deleted is kept so long, unless its owner has deleted so many since.
DELETED_KEPT_FOR, DELETED_KEPT = timedelta(days=30), 20


def _slotted(values: str) -> str:
    """The statement that keeps an attempt in the place of the oldest."""
    return f"""
INSERT INTO public.webhook_attempts (subscription_id, slot, kind, verdict, status, why, milliseconds, log, position,
    event_id, type)
SELECT $1, attempts % {KEPT_ATTEMPTS}, {values} FROM counted
ON CONFLICT (subscription_id, slot) DO UPDATE SET at = excluded.at, kind = excluded.kind, verdict = excluded.verdict,
    status = excluded.status, why = excluded.why, milliseconds = excluded.milliseconds, log = excluded.log,
    position = excluded.position, event_id = excluded.event_id, type = excluded.type
"""


_COLUMNS = """
subscription_id, owner, rights, sink, wanted, sealed, status, reason, is_verified, rate, created, revision
"""
_ACTIVE = f"SELECT {_COLUMNS} FROM public.subscriptions WHERE status = 'active' ORDER BY subscription_id"
_PLACES = """
SELECT subscription_id, log, epoch, position, event_id, recorded_at, failures, failing_since, next_attempt_at,
    next_attempt_at <= clock_timestamp() AS is_due
FROM public.subscription_cursors WHERE subscription_id = ANY($1)
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
    is_verified = $10, changed = clock_timestamp(), revision = revision + 1
WHERE subscription_id = $1 AND revision = $2 AND status <> 'deleted' RETURNING {_COLUMNS}
"""
_TRIED_AT_ONCE = """
UPDATE public.subscription_cursors SET failures = 0, failing_since = NULL, next_attempt_at = clock_timestamp(),
    moved_at = clock_timestamp()
WHERE subscription_id = $1
"""
_CHANGED = f"""
INSERT INTO public.subscription_changes (subscription_id, slot, revision, changed_by, what)
VALUES ($1, $2::bigint % {KEPT_CHANGES}, $2, $3, $4)
ON CONFLICT (subscription_id, slot) DO UPDATE SET at = excluded.at, revision = excluded.revision,
    changed_by = excluded.changed_by, what = excluded.what
"""
_CHANGES = """
SELECT at, changed_by, what FROM public.subscription_changes WHERE subscription_id = $1 ORDER BY revision DESC
"""
_PLACE = """
INSERT INTO public.subscription_cursors (subscription_id, log, epoch, position, event_id, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subscription_id, log) DO UPDATE SET epoch = excluded.epoch,
    position = excluded.position, event_id = excluded.event_id, recorded_at = excluded.recorded_at
"""
# The subscription is locked before its places, as by whoever changes it. No commit is waited for: what a crash takes
# back is delivered again, under the same ids.
_MOVED = """
held AS (
    SELECT revision = $8 AND status = 'active' AS goes_on FROM public.subscriptions
    WHERE subscription_id = $1 AND set_config('synchronous_commit', 'off', true) = 'off' FOR NO KEY UPDATE
), moved AS (
    INSERT INTO public.subscription_cursors AS c (subscription_id, log, epoch, position, event_id, recorded_at)
    SELECT $1, $2, $4, $5, $6, $7 FROM held WHERE goes_on
    ON CONFLICT (subscription_id, log) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,
        event_id = excluded.event_id, recorded_at = excluded.recorded_at, moved_at = excluded.moved_at, failures = 0,
        failing_since = NULL
    WHERE c.position = $3
    RETURNING true
)
"""
_MOVE = f"WITH {_MOVED} SELECT EXISTS (SELECT FROM moved)"
_ATTEMPTED = f"""
WITH counted AS (
    UPDATE public.subscriptions SET attempts = attempts + 1 WHERE subscription_id = $1 RETURNING attempts
) {_slotted("$2, $3, $4, $5, $6, $7, $8, $9, $10")}
"""
_DELIVERED = f"""
WITH {_MOVED}, counted AS (
    UPDATE public.subscriptions s SET attempts = attempts + 1 FROM held WHERE s.subscription_id = $1 RETURNING attempts
), kept AS ({_slotted("$9, $10, $11, $12, $13, $2, $5, $6, $14")})
SELECT EXISTS (SELECT FROM moved)
"""
_NOT_TAKEN = """
INSERT INTO public.subscription_cursors AS c (subscription_id, log, epoch, position, failures, failing_since,
    next_attempt_at)
SELECT $1, $4, '', 0, 1, clock_timestamp(), clock_timestamp() + $3::interval FROM public.subscriptions
WHERE subscription_id = $1 AND revision = $2 AND status = 'active'
ON CONFLICT (subscription_id, log) DO UPDATE SET failures = c.failures + 1,
    failing_since = coalesce(c.failing_since, excluded.failing_since), next_attempt_at = excluded.next_attempt_at
WHERE c.position = $5
"""
_DISABLE = """
UPDATE public.subscriptions SET status = 'disabled', reason = $3
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
_DROP_DELETED = """
DELETE FROM public.subscriptions WHERE subscription_id IN (
    SELECT subscription_id FROM (
        SELECT subscription_id, changed, row_number() OVER (PARTITION BY owner ORDER BY changed DESC) AS number
        FROM public.subscriptions WHERE status = 'deleted'
    ) AS deleted
    WHERE number > $1 OR changed < clock_timestamp() - $2::interval
)
"""
# No standby is waited for: what a fail-over takes back of it is tried again.
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

    async def active(self) -> Sequence[tuple[Subscription, Mapping[str, LogPlace]]]:
        """The active subscriptions, each with how far it has come in each log."""
        # Of one moment: with the places of a replay a subscription as it was before would be sent an event for nothing.
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            found = [_subscription(row) for row in await connection.fetch(_ACTIVE)]
            places = await self._places(connection, [each.subscription_id for each in found])
        return [(each, places.get(each.subscription_id, {})) for each in found]

    async def move(self, subscription: Subscription, before: LogPlace, after: LogPlace) -> bool:
        """Pass what is hidden; False where another has moved it or the subscription was changed."""
        return bool(await self._pool.fetchval(_MOVE, *_step(subscription, before, after)))

    async def delivered(self, subscription: Subscription, before: LogPlace, after: LogPlace, attempt: Attempt) -> bool:
        """Keep that an event was delivered; False as for `move`."""
        answer = attempt.answer
        said = attempt.kind, str(answer.verdict), answer.status, answer.why, attempt.milliseconds, attempt.type
        return bool(await self._pool.fetchval(_DELIVERED, *_step(subscription, before, after), *said))

    async def failed(
        self, subscription: Subscription, at: LogPlace, attempt: Attempt, pause: float, reason: str
    ) -> None:
        """Keep that the event after a place was not taken. With a reason the subscription is disabled."""
        changed = subscription.subscription_id, subscription.revision
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCALLY)
            await self._attempted(connection, subscription.subscription_id, attempt)
            await connection.execute(_NOT_TAKEN, *changed, timedelta(seconds=pause), at.log, at.position)
            if reason:
                await connection.execute(_DISABLE, *changed, reason)

    async def stop(self, subscription: Subscription, reason: str) -> None:
        """Pause a subscription until somebody resumes it."""
        await self._pool.execute(_STOP, subscription.subscription_id, subscription.revision, reason)

    async def drop_deleted(self) -> None:
        """Drop what is left of subscriptions that were deleted long ago."""
        await self._pool.execute(_DROP_DELETED, DELETED_KEPT, DELETED_KEPT_FOR)

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
        is_verified: bool | None = None,
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
                is_verified if is_verified is not None else before.is_verified,
            )
            if row is None:
                return None
            await connection.execute(_TRIED_AT_ONCE, before.subscription_id)
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
        return (await self._places(self._pool, [subscription_id])).get(subscription_id, {})

    async def attempts(self, subscription_id: UUID, limit: int) -> list[StoredAttempt]:
        """The last attempts, the newest first."""
        rows = await self._pool.fetch(_ATTEMPTS, subscription_id, ATTEMPTS_SHOWN_FOR, limit)
        return [StoredAttempt(**dict(row)) for row in rows]

    async def sent(self, subscription_id: UUID, event_id: UUID) -> tuple[str, int] | None:
        """The log and position of an event that the delivery log has."""
        row = await self._pool.fetchrow(_SENT, subscription_id, event_id)
        return None if row is None else (row["log"], row["position"])

    async def changes(self, subscription_id: UUID) -> list[SubscriptionChange]:
        """Who changed what, the newest first."""
        rows = await self._pool.fetch(_CHANGES, subscription_id)
        return [SubscriptionChange(**dict(row)) for row in rows]

    # ---------------------------------------------------------------------------------------------------------------

    async def _places(self, connection: Any, ids: Sequence[UUID]) -> dict[UUID, dict[str, LogPlace]]:
        found: dict[UUID, dict[str, LogPlace]] = {}
        for row in await connection.fetch(_PLACES, list(ids)):
            columns = dict(row)
            of = found.setdefault(columns.pop("subscription_id"), {})
            of[row["log"]] = LogPlace(**columns)
        return found

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


def _step(subscription: Subscription, before: LogPlace, after: LogPlace) -> tuple[Any, ...]:
    """What the statements that move a place are given."""
    to = after.epoch, after.position, after.event_id, after.recorded_at
    return subscription.subscription_id, before.log, before.position, *to, subscription.revision


def _subscription(row: Any) -> Subscription:
    columns = dict(row)
    columns["rights"] = msgspec.json.decode(columns["rights"], type=SubscriberRights)
    columns["wanted"] = msgspec.json.decode(columns["wanted"], type=Wanted)
    columns["sealed"] = bytes(columns["sealed"])
    return Subscription(**columns)
