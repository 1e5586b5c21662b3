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

A process that slept past its lease does not know that another holds it now. When it writes it therefore names what it
knows (a relay its fence, a projector the revision of its cursor), and the write fails when another has written since.
"""

from typing import Any

LEASE_SECONDS = 5.0  # how long a holder that has died keeps the others waiting
RENEW_EVERY = 1.5  # seconds: two renewals may fail before the lease is lost

_ACQUIRE = """
INSERT INTO leases AS l (name, holder, fence, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder,
    fence = CASE WHEN l.holder = excluded.holder AND l.expires_at > clock_timestamp() THEN l.fence ELSE l.fence + 1 END,
    expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
    OR l.expires_at > clock_timestamp() + make_interval(secs => $3)
RETURNING fence
"""
_RELEASE = "UPDATE leases SET expires_at = clock_timestamp() WHERE name = $1 AND holder = $2"


async def acquire(connection: Any, name: str, holder: str, seconds: float = LEASE_SECONDS) -> int | None:
    """Acquire or renew a lease; return its fence, or None while another holds it."""
    fence: int | None = await connection.fetchval(_ACQUIRE, name, holder, seconds)
    return fence


async def release(connection: Any, name: str, holder: str) -> None:
    """Release a lease, so that another process acquires it at once; of no effect when the caller does not hold it."""
    await connection.execute(_RELEASE, name, holder)
