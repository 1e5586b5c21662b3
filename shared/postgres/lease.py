"""Leases with fencing: of several processes one holds a name at a time, judged by the database's clock.

             acquire by anyone: fence + 1
      ┌──────┐ ────────────────────────────▶ ┌──────┐ ──┐ acquire by the holder:
      │ free │                               │ held │   │ same fence, expires later
      └──────┘ ◀──────────────────────────── └──────┘ ◀─┘
             release by the holder, or          │
             expires_at has passed              └──▶ acquire by another: None, nothing changes

A name without a row is free, and its first fence is 1. `expires_at` alone says whether a lease is held: one that has
passed, or that lies further ahead than a lease is long, is free. The latter was written by a clock that was ahead, as
that of a server before it was set right or replaced by its standby.

`renew` is for who would rather know that another held the lease meanwhile than acquire it again.

A process that slept past its lease does not know that another holds it now. When it writes it therefore names what it
knows (a relay its fence, a projector the revision of its cursor), and the write fails when another has written since.

Of several leases of one kind each process has its share: one that holds fewer by two than another takes one from it.
"""

from typing import Any

LEASE_SECONDS = 5.0  # how long a holder that has died keeps the others waiting
RENEW_EVERY = 1.5  # seconds: two renewals may fail before the lease is lost
RELEASE_WITHIN = 2.0  # seconds that whoever ends gives to releasing: the row may be held by who waits for a standby

_ACQUIRE = """
INSERT INTO leases AS l (name, holder, fence, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder,
    fence = CASE WHEN l.holder = excluded.holder AND l.expires_at > clock_timestamp() THEN l.fence ELSE l.fence + 1 END,
    expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp() - make_interval(secs => $4)
    OR l.expires_at > clock_timestamp() + make_interval(secs => $3)
RETURNING fence
"""
_RELIEVE = """
WITH held AS (
    SELECT holder, count(*) AS n FROM leases
    WHERE starts_with(name, $4) AND expires_at > clock_timestamp()
        AND expires_at <= clock_timestamp() + make_interval(secs => $3)
    GROUP BY holder
)
UPDATE leases l SET holder = $2, fence = l.fence + 1, expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE l.name = $1 AND l.holder <> $2 AND (SELECT h.n FROM held h WHERE h.holder = l.holder)
    >= 2 + coalesce((SELECT h.n FROM held h WHERE h.holder = $2), 0)
RETURNING fence
"""
_RENEW = """
UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => $3) WHERE name = $1 AND holder = $2
RETURNING fence
"""
# No standby is waited for: what a fail-over takes back of it runs out.
_RELEASE = """
UPDATE leases SET expires_at = clock_timestamp()
WHERE name = $1 AND holder = $2 AND set_config('synchronous_commit', 'local', true) = 'local'
"""


async def acquire(
    connection: Any, name: str, holder: str, seconds: float = LEASE_SECONDS, idle: float = 0.0
) -> int | None:
    """Acquire or renew a lease; return its fence, or None while another holds it or did in the last `idle` seconds."""
    fence: int | None = await connection.fetchval(_ACQUIRE, name, holder, seconds, idle)
    return fence


async def relieve(connection: Any, name: str, holder: str, kind: str, seconds: float = LEASE_SECONDS) -> int | None:
    """Take a lease from a holder of at least two more of this kind, that is with names that begin so; return its fence.

    Whoever held it learns of it when it renews, or by the fence of a write. Two takers at one moment may both take from
    one holder; what they are then apart is less than two again, or is evened out the same way.
    """
    fence: int | None = await connection.fetchval(_RELIEVE, name, holder, seconds, kind)
    return fence


async def renew(connection: Any, name: str, holder: str, seconds: float = LEASE_SECONDS) -> int | None:
    """Renew a lease that nobody else has held meanwhile, though it may have run out; return its fence, or else None.

    With 0 seconds it is free, but stays this holder's until another acquires it.
    """
    fence: int | None = await connection.fetchval(_RENEW, name, holder, seconds)
    return fence


async def release(connection: Any, name: str, holder: str) -> None:
    """Release a lease, so that another process acquires it at once; of no effect when the caller does not hold it."""
    await connection.execute(_RELEASE, name, holder)
