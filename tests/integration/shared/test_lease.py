"""A lease holds for its length by the database's clock, whatever a clock once wrote."""

import asyncpg
import pytest

from shared.postgres import lease


async def test_lease__of_a_clock_that_was_ahead_is_not_honoured(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert await lease.acquire(connection, "relay", "first") == 1
    assert await lease.acquire(connection, "relay", "second") is None
    await connection.execute("UPDATE leases SET expires_at = expires_at + interval '1 day'")
    assert await lease.acquire(connection, "relay", "second") == 2
    assert await lease.acquire(connection, "relay", "first") is None
    await connection.close()


@pytest.mark.parametrize("seconds", [1.0, lease.LEASE_SECONDS, 120.0])
async def test_lease__of_whatever_length_is_honoured(database: str, seconds: float) -> None:
    connection = await asyncpg.connect(database)
    assert await lease.acquire(connection, "relay", "first", seconds) == 1
    assert await lease.acquire(connection, "relay", "second", seconds) is None
    await connection.close()
