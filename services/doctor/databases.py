"""A database as its service finds it: server, role, tables, the clock, and whose it is."""

import time
from collections.abc import Callable, Sequence, Set
from typing import Any

import asyncpg

from services.databases import PACKAGES, URLS
from services.doctor.findings import Finding, State, note, right, wrong
from services.intake.configured import check_sandbox
from services.intake.settings import IntakeSettings
from shared.host_walk import NoHost
from shared.postgres.migrate import names_of
from shared.postgres.pool import connect
from shared.postgres.server_check import UnfitServer, failure, require_fit
from shared.postgres.store import is_clock_movable, named_at_birth
from shared.server_urls import unreachable
from shared.settings import WrongSettings

#: What a service must be able to call and to read, beside what it owns.
CALLED = {
    "intake": ("append_events", "state_complete", "move_clock", "erase_refused"),
    "followup": ("append_events", "state_complete"),
}
READ_BY_BOTH = ("stored_events", "store_state", "leases", "losses")
READ = {
    "intake": (*READ_BY_BOTH, "sealing_keys", "files", "file_keys", "refused_commands"),
    "followup": (*READ_BY_BOTH, "parked_events", "requests", "sessions"),
}
CONNECT = 4.0  # seconds
SKEW, LARGE_SKEW = 1.0, 30.0  # seconds between two clocks

_GRANTS = """
SELECT (SELECT array_agg(name) FROM unnest($1::text[]) AS name WHERE to_regclass(format('public.%I', name)) IS NULL
        OR NOT has_table_privilege(to_regclass(format('public.%I', name)), 'SELECT')) AS tables,
    (SELECT array_agg(name) FROM unnest($2::text[]) AS name WHERE NOT coalesce((
        SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
        WHERE p.proname = name AND p.pronamespace = 'public'::regnamespace), false)) AS functions,
    (SELECT tableowner = current_user FROM pg_tables
        WHERE schemaname = 'public' AND tablename = 'stored_events') AS owns
"""
#: By which a database is known, whatever its role may read.
MARKS = {"intake": "refused_commands", "followup": "parked_events"}
_MARKED = "SELECT to_regclass('public.' || $1) IS NOT NULL AS own, to_regclass('public.' || $2) IS NOT NULL AS foreign_"
_CLOCK = "SELECT clock_timestamp() AS now, clock_offset IS NOT NULL AS movable, source FROM store_state"

Now = Callable[[], float]


async def look(
    name: str, url: str, connections: int, now: Now, intake: IntakeSettings | None = None
) -> Sequence[Finding]:
    """Everything about one database. `now` tells the time of this machine, `intake` how its store is to be called."""
    variable = URLS[name]
    try:
        connection: Any = await connect(url, timeout=CONNECT)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = failure(error, variable)
        return [
            wrong(
                f"không vào được cơ sở dữ liệu: {_in_vietnamese(error)}",
                f"cannot be reached: {why}",
                "kiểm tra địa chỉ, mật khẩu, pg_hba.conf và máy chủ có đang chạy không",
                "look at the address, the password, pg_hba.conf, and whether the server runs",
            )
        ]
    try:
        found = await _server(connection, connections)
        if (other := await _other(name, connection)) is not None:
            return [*found, other]
        tables = await _tables(name, connection)
        found += tables
        if any(finding.state is State.WRONG for finding in tables):
            return found  # the rest asks tables
        found += await _clock(connection, now)
        return found if intake is None else [*found, await _whose(intake, connection)]
    finally:
        connection.terminate()


async def name_of_store(url: str, otherwise: str) -> str:
    """What a store is called from its first event on; `otherwise` while it has none, or cannot be asked."""
    try:
        connection: Any = await connect(url, timeout=CONNECT / 2)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return otherwise  # the check of the database says why
    try:
        return await named_at_birth(connection) or otherwise
    except asyncpg.PostgresError:
        return otherwise
    finally:
        connection.terminate()


async def followed(url: str) -> Set[str]:
    """The sources that followup's database has read something of; none where it cannot be asked."""
    try:
        connection: Any = await connect(url, timeout=CONNECT / 2)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return frozenset()  # the check of the database says why
    try:
        return {
            row["source"] for row in await connection.fetch("SELECT source FROM followed.sources WHERE position > 0")
        }
    except asyncpg.PostgresError:
        return frozenset()
    finally:
        connection.terminate()


def _in_vietnamese(error: Exception) -> str:
    """What `failure` says in English."""
    match error:
        case NoHost():
            return error.said.vi  # hosts, and what each says
        case TimeoutError():
            return "máy chủ không trả lời"
        case asyncpg.InvalidCatalogNameError():
            return "không có cơ sở dữ liệu này"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "máy chủ từ chối người dùng, mật khẩu hoặc nơi gọi (pg_hba.conf)"
        case asyncpg.TooManyConnectionsError():
            return "máy chủ hết kết nối"
        case asyncpg.ProtocolViolationError():
            return "bên trung gian (như pgbouncer) từ chối phiên của ta"
        case ConnectionRefusedError():
            return "ở đó không có ai nghe"
        case _ if (why := unreachable(error)) is not None:
            return why.vi
        case _:
            return type(error).__name__


async def _server(connection: Any, connections: int) -> list[Finding]:
    version = connection.get_server_version()
    try:
        await require_fit(connection, connections=connections)
    except UnfitServer as error:
        return [wrong(f"máy chủ không phù hợp: {error}", str(error), "sửa như đã nêu", "do as it says")]
    shown = f"PostgreSQL {version.major}.{version.micro}"  # of two numbers the driver calls the second so
    return [right(f"{shown}, UTF-8, ghi bền", f"{shown}, UTF-8, commits are durable")]


async def _other(name: str, connection: Any) -> Finding | None:
    """What is wrong where the URL names the database of the other service; nothing that migrates is advised."""
    (other,) = set(MARKS) - {name}
    found = await connection.fetchrow(_MARKED, MARKS[name], MARKS[other])
    if found["own"] or not found["foreign_"]:
        return None
    return wrong(
        f"đây là cơ sở dữ liệu của {other}, không phải của {name}",
        f"this is the database of {other}, not of {name}",
        f"sửa {URLS[name]}: nêu cơ sở dữ liệu của {name}",
        f"mend {URLS[name]}: name the database of {name}",
    )


async def _tables(name: str, connection: Any) -> list[Finding]:
    found = list[Finding]()
    known = {migration for package in PACKAGES[name] for migration in names_of(package)}
    migrate = f"doithoai migrate --{name}-role VAI_TRÒ", f"doithoai migrate --{name}-role ROLE"
    try:
        rows = await connection.fetch("SELECT name FROM schema_migrations")
        applied = {row["name"] for row in rows}
        if pending := sorted(known - applied):
            found.append(
                wrong(
                    f"{len(pending)} bước nâng cấp chưa chạy, từ {pending[0]}",
                    f"{len(pending)} migrations are pending, from {pending[0]} on",
                    *migrate,
                )
            )
        elif newer := sorted(applied - known):
            found.append(
                note(
                    f"cơ sở dữ liệu của phiên bản mới hơn ({newer[-1]})",
                    f"the database is of a newer version ({newer[-1]})",
                    "nâng cấp phần mềm trên máy này",
                    "upgrade this machine too",
                )
            )
        else:
            found.append(right("bảng của đúng phiên bản này", "its tables are those of this version"))
    except asyncpg.UndefinedTableError:
        return [wrong("chưa có bảng nào", "there are no tables yet", *migrate)]
    except asyncpg.InsufficientPrivilegeError:
        # As it should be: a service's role does not read what its owner has applied.
        found.append(
            note(
                "vai trò này không xem được các bước nâng cấp",
                "this role may not see which migrations were applied",
                "muốn xem: chạy doctor với địa chỉ của vai trò chủ sở hữu",
                "to see them run doctor with the owner's URL",
            )
        )
    grants = await connection.fetchrow(_GRANTS, list(READ[name]), list(CALLED[name]))
    if missing := [*(grants["tables"] or ()), *(grants["functions"] or ())]:
        listed = ", ".join(missing)
        found.append(wrong(f"vai trò thiếu quyền: {listed}", f"the role lacks rights: {listed}", *migrate))
    elif grants["owns"]:
        found.append(
            note(
                "vai trò này sở hữu bảng sự kiện: quyền không ngăn được việc sửa",
                "this role owns the events: no grant keeps it from changing them",
                "chạy dịch vụ bằng vai trò khác (docs/howto/run.md)",
                "let the service run as another role (docs/howto/run.md)",
            )
        )
    else:
        found.append(right("vai trò có đúng các quyền cần thiết", "the role has its rights and owns no event"))
    return found


async def _clock(connection: Any, now: Now) -> list[Finding]:
    sent, began = now(), time.monotonic()
    row = await connection.fetchrow(_CLOCK)
    skew = row["now"].timestamp() - (sent + (time.monotonic() - began) / 2)
    found = [_skew(skew, "cơ sở dữ liệu", "the database")]
    if row["movable"]:
        found.append(
            note(
                f"kho {row['source']} có đồng hồ dời được, chỉ để thử",
                f"the store {row['source']} has a movable clock: it is for trying alone",
            )
        )
    return found


async def _whose(settings: IntakeSettings, connection: Any) -> Finding:
    """Whose store it is, and whether the settings may serve it."""
    born = await named_at_birth(connection)
    try:
        check_sandbox(settings, born, is_movable=await is_clock_movable(connection))
    except WrongSettings as error:
        return wrong(str(error), str(error), "sửa thiết lập này", "mend this setting")
    return _name(settings.source, born)


def _name(wanted: str, born: str) -> Finding:
    if not (born or wanted):
        remedy = "đặt INTAKE_SOURCE, mỗi kho một tên", "set INTAKE_SOURCE, each store differently"
        return note("kho chưa có tên", "the store has no name yet", *remedy)
    if not born or wanted == born:
        return right(f"kho của nguồn {wanted}", f"the store is that of the source {wanted}")
    said = f"kho tên là {born}, INTAKE_SOURCE là {wanted!r}", f"the store is called {born}, INTAKE_SOURCE is {wanted!r}"
    do = (
        f"đặt INTAKE_SOURCE={born}, hoặc nêu đúng cơ sở dữ liệu",
        f"set INTAKE_SOURCE={born}, or name the other database",
    )
    return wrong(*said, *do) if wanted else note(*said, *do)


def _skew(seconds: float, vi: str, en: str) -> Finding:
    if abs(seconds) <= SKEW:
        return right(f"đồng hồ khớp với máy này (lệch {seconds:+.2f} giây)", f"its clock agrees ({seconds:+.2f} s)")
    said = f"đồng hồ của {vi} lệch {seconds:+.0f} giây", f"the clock of {en} is {seconds:+.0f} s off"
    do = "bật đồng bộ thời gian trên cả hai máy", "synchronise the time of both machines"
    return wrong(*said, *do) if abs(seconds) > LARGE_SKEW else note(*said, *do)
