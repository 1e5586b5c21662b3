"""The errors of PostgreSQL that pass by themselves, so that the same statement may succeed when it is tried again."""

import asyncpg


class Unconfirmed(Exception):
    """The server has committed, and gave up waiting for the standby that must have it: a fail-over may take it back."""


BROKEN_CONNECTION = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    TimeoutError,
    asyncpg.InternalClientError,
)
TRANSIENT_ERRORS = (
    *BROKEN_CONNECTION,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a password that is being rotated
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    Unconfirmed,
)
