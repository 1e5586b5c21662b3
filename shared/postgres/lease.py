"""Leases with fencing: one holder at a time, judged by the database's clock."""

from typing import Any

LEASE_SECONDS = 5.0
RENEW_EVERY = 1.5  # seconds

ACQUIRE = """
INSERT INTO leases AS l (name, holder, fence, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder,
    fence = CASE WHEN l.holder = excluded.holder AND l.expires_at > clock_timestamp() THEN l.fence ELSE l.fence + 1 END,
    expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
RETURNING fence
"""


async def acquire(connection: Any, name: str, holder: str, seconds: float = LEASE_SECONDS) -> int | None:
    """Take or renew a lease; the fencing number, or None while another holds it."""
    fence: int | None = await connection.fetchval(ACQUIRE, name, holder, seconds)
    return fence


async def release(connection: Any, name: str, holder: str) -> None:
    """Give a lease back, so that another takes over at once."""
    await connection.execute(
        "UPDATE leases SET expires_at = clock_timestamp() WHERE name = $1 AND holder = $2", name, holder
    )
