"""A connection on which a statement was begun and never sent is not given to the next request."""

import asyncpg
import pytest

from shared.postgres.pool import create_pool

#: What cannot be written as the type of its parameter: too large, not UTF-8, not of that type at all.
UNSENDABLE = [("int8", 2**63), ("text", "\ud83d"), ("int4", "one"), ("uuid", 7)]


@pytest.mark.parametrize(("kind", "value"), UNSENDABLE)
async def test_connection__after_a_parameter_that_cannot_be_sent_is_not_used_again(
    database: str, kind: str, value: object
) -> None:
    pool = await create_pool(database, application="test", largest=1)
    try:
        first = await pool.fetchval("SELECT pg_backend_pid()")
        with pytest.raises((asyncpg.DataError, asyncpg.InterfaceError)):
            await pool.fetchval(f"SELECT $1::{kind}", value)
        async with pool.acquire() as connection, connection.transaction():
            assert await connection.fetchval("SELECT pg_backend_pid()") != first
            # A transaction is really open: what the failure left behind has not swallowed its BEGIN.
            assert await connection.fetchval("SELECT now() < clock_timestamp() AND pg_sleep(0.01) IS NOT NULL")
            assert connection.is_in_transaction()
    finally:
        await pool.close()


async def test_connection__after_a_refusal_of_the_server_is_kept(database: str) -> None:
    pool = await create_pool(database, application="test", largest=1)
    try:
        first = await pool.fetchval("SELECT pg_backend_pid()")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await pool.fetchval("SELECT 1 / $1::int8", 0)
        assert await pool.fetchval("SELECT pg_backend_pid()") == first
    finally:
        await pool.close()
