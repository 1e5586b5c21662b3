"""A database as its service finds it: server, role, tables, standby, the log that is kept, the clock."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from services.databases import PACKAGES, URLS
from services.doctor.findings import Finding, State, note, right, wrong
from shared.postgres.migrate import names_of
from shared.postgres.pool import connect
from shared.postgres.server_check import UnfitServer, failure, require_fit
from shared.postgres.store import named_at_birth

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
FAR_BEHIND = 256 << 20  # bytes of log that a standby or a receiver lacks

_GRANTS = """
SELECT (SELECT array_agg(name) FROM unnest($1::text[]) AS name WHERE to_regclass(format('public.%I', name)) IS NULL
        OR NOT has_table_privilege(to_regclass(format('public.%I', name)), 'SELECT')) AS tables,
    (SELECT array_agg(name) FROM unnest($2::text[]) AS name WHERE NOT coalesce((
        SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
        WHERE p.proname = name AND p.pronamespace = 'public'::regnamespace), false)) AS functions,
    (SELECT tableowner = current_user FROM pg_tables
        WHERE schemaname = 'public' AND tablename = 'stored_events') AS owns
"""
_STANDBYS = """
SELECT btrim(current_setting('synchronous_standby_names')) <> '' AS required,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_look,
    count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) AS synchronous,
    count(*) FILTER (WHERE sync_state = 'async') AS asynchronous,
    coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) FILTER (WHERE replay_lsn IS NOT NULL), 0) AS lag
FROM pg_stat_replication
"""
_LOG = """
SELECT current_setting('archive_mode') <> 'off' AS archives, a.last_archived_time, a.last_failed_time,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS fails,
    (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND active) AS active,
    (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active) AS idle,
    (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0) FROM pg_replication_slots) AS kept
FROM pg_stat_archiver a
"""
_CLOCK = "SELECT clock_timestamp() AS now, clock_offset IS NOT NULL AS movable, source FROM store_state"

Now = Callable[[], float]


async def look(name: str, url: str, connections: int, now: Now, source: str | None = None) -> Sequence[Finding]:
    """Everything about one database. `now` tells the time of this machine, `source` how intake is to call its store."""
    variable = URLS[name]
    try:
        connection: Any = await connect(url, timeout=CONNECT)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = failure(error, variable)
        return [
            wrong(
                f"không vào được cơ sở dữ liệu ({type(error).__name__})",
                f"cannot be reached: {why}",
                "kiểm tra địa chỉ, mật khẩu, pg_hba.conf và máy chủ có đang chạy không",
                "look at the address, the password, pg_hba.conf, and whether the server runs",
            )
        ]
    try:
        tables = await _tables(name, connection)
        found = [*await _server(connection, connections), *tables]
        if any(finding.state is State.WRONG for finding in tables):
            return found  # the rest asks tables
        found += [*await _standby(connection), *await _log(connection), *await _clock(connection, now)]
        return found if source is None else [*found, _name(source, await named_at_birth(connection))]
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


async def _server(connection: Any, connections: int) -> list[Finding]:
    version = connection.get_server_version()
    try:
        await require_fit(connection, connections=connections)
    except UnfitServer as error:
        return [wrong(f"máy chủ không phù hợp: {error}", str(error), "sửa như đã nêu", "do as it says")]
    return [
        right(
            f"PostgreSQL {version.major}.{version.minor}, UTF-8, ghi bền",
            f"PostgreSQL {version.major}.{version.minor}, UTF-8, commits are durable",
        )
    ]


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


async def _standby(connection: Any) -> list[Finding]:
    row = await connection.fetchrow(_STANDBYS)
    if not row["required"]:
        return [
            note(
                "không yêu cầu máy dự phòng đồng bộ: mất máy chủ là mất những gì chưa sao lưu",
                "no synchronous standby is required: a server that is lost takes what no backup has",
                "đặt synchronous_standby_names khi có máy thứ hai",
                "set synchronous_standby_names where there is a second machine",
            )
        ]
    if not row["may_look"]:
        return [
            note(
                "vai trò này không xem được máy dự phòng",
                "this role may not see the standby",
                "GRANT pg_monitor TO vai trò",
                "GRANT pg_monitor TO the role",
            )
        ]
    if not row["synchronous"]:
        return [
            wrong(
                "máy dự phòng đồng bộ không nối: mọi lệnh đang chờ",
                "the synchronous standby is not connected: every command waits",
                "khởi động lại máy dự phòng, hoặc dựng máy mới",
                "start the standby, or make a new one",
            )
        ]
    if row["lag"] > FAR_BEHIND:
        lag = int(row["lag"]) >> 20
        return [
            note(
                f"máy dự phòng chậm {lag} MiB",
                f"the standby is {lag} MiB behind",
                "xem đĩa và mạng của nó",
                "look at its disk and network",
            )
        ]
    return [right("máy dự phòng đồng bộ đang nối", "the synchronous standby is connected")]


async def _log(connection: Any) -> list[Finding]:
    """Whether the server's log goes to where a restore finds it."""
    row = await connection.fetchrow(_LOG)
    found = list[Finding]()
    if row["archives"] and row["fails"]:
        found.append(
            wrong(
                "archive_command đang lỗi: nhật ký không được cất",
                "archive_command fails: the log is not kept",
                "xem nhật ký của PostgreSQL và nơi cất",
                "see the log of PostgreSQL and the place where it goes",
            )
        )
    if row["idle"]:
        kept = int(row["kept"]) >> 20
        found.append(
            wrong(
                f"{row['idle']} slot không ai nhận; máy chủ giữ lại {kept} MiB nhật ký",
                f"{row['idle']} slots are received by nobody; the server keeps {kept} MiB of log",
                "khởi động lại pg_receivewal hoặc máy dự phòng; bỏ slot không dùng nữa",
                "start pg_receivewal or the standby again; drop a slot that is no longer used",
            )
        )
    if not (row["archives"] or row["active"] or row["idle"]):
        found.append(
            note(
                "nhật ký không được cất: khôi phục chỉ đến bản sao lưu gần nhất",
                "the log is not kept: a restore ends at the last backup",
                "chạy pg_receivewal (docs/howto/backup.md)",
                "run pg_receivewal (docs/howto/backup.md)",
            )
        )
    return found or [right("nhật ký của máy chủ đang được nhận", "the log of the server is received")]


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
