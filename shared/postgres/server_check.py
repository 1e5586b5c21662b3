"""What the server and the database must be, found at `migrate` and at start, each said in one sentence with its remedy.

What can be set for a session is not asked for but set: `shared/postgres/pool` does.
"""

from typing import Any

import asyncpg

from shared.host_walk import NoHost
from shared.postgres.transient_errors import Unconfirmed
from shared.server_urls import unreachable

OLDEST = 15  # the oldest major version that the tests run on

_LOOK = """
SELECT current_setting('server_version_num')::integer / 10000 AS version,
    pg_encoding_to_char(d.encoding) AS encoding,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('default_transaction_isolation') AS isolation,
    current_setting('idle_in_transaction_session_timeout') AS idle,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'plpgsql') AS plpgsql,
    least(
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
        nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1)
    ) AS connections
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user
"""


class UnfitServer(ValueError):
    """The server or the database is not what the services need; the message says what it must be, and how."""


async def require_fit(connection: Any, *, connections: int = 1) -> None:
    """Check the server behind a connection that was opened with our session settings, or a pool of such.

    `connections` are those that this process may open. Raises UnfitServer.
    """
    found = await connection.fetchrow(_LOOK)
    if found["version"] < OLDEST:
        raise UnfitServer(f"the server is PostgreSQL {found['version']}: upgrade it to {OLDEST} or later")
    if found["encoding"] != "UTF8":
        raise UnfitServer(
            f"the database is in {found['encoding']}, which has no room for Vietnamese: make another by "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and restore a dump of this one there"
        )
    if (found["isolation"], found["idle"], found["synchronous_commit"]) != ("read committed", "30s", "on"):
        raise UnfitServer(
            "something between drops the settings of the session, as pgbouncer does: "
            "give the address of the server itself"
        )
    if not found["plpgsql"]:
        raise UnfitServer("the database has no plpgsql: CREATE EXTENSION plpgsql, as a superuser")
    if found["connections"] < connections:
        raise UnfitServer(
            f"this process opens up to {connections} connections and the server allows {found['connections']}: "
            "raise max_connections, or the limit of the role or database"
        )


def failure(error: BaseException, variable: str) -> str:
    """Why a service or a command cannot work on its database, without its user or password.

    `variable` is the setting that names the database.
    """
    match error:
        case UnfitServer():
            return f"{variable}: {error}"
        case Unconfirmed():
            return (
                f"{variable}: the server has recorded it and the standby that must have it has not acknowledged: bring "
                "the standby back, and do this again"
            )
        case NoHost():
            return f"{variable}: {error}"
        case asyncpg.InvalidCatalogNameError():
            return f"{variable}: there is no such database; CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedFunctionError() | asyncpg.InvalidSchemaNameError():
            return f"{variable}: the database lacks tables of this version; run `doithoai migrate` first"
        case asyncpg.InsufficientPrivilegeError():
            return (
                f"{variable}: its role may not do this; `doithoai migrate`, run as the owner, grants a service's role"
            )
        case asyncpg.ProtocolViolationError():
            return f"{variable}: something between, such as pgbouncer, refuses our sessions; name the server itself"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return f"{variable}: the server refuses its user or password, or whoever comes this way (pg_hba.conf)"
        case asyncpg.TooManyConnectionsError():
            return f"{variable}: the server has no connection left; raise max_connections"
        case _ if (why := unreachable(error)) is not None:
            return f"{variable}: {why.en}"
        case asyncpg.ConnectionDoesNotExistError():
            return f"{variable}: the server ends the connection at once; does it ask for a certificate (sslcert)?"
        case _:
            return f"{type(error).__name__}; is {variable} right?"
