"""The servers behind the databases, each told once: who has what is committed, who gets the log, where data lie."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from services.doctor.findings import Finding, note, right, wrong
from services.doctor.system import folder_of_postgres
from shared.postgres.pool import connect
from shared.sentences import Sentence

CONNECT = 2.0  # seconds; the check of the database says why there is no connection
FAR_BEHIND = 256 << 20  # bytes of log that a standby or a receiver lacks
RECEIVED = "backup"  # the slot over which pg_receivewal receives, as docs/howto/backup.md names it

_SERVER = """
SELECT system_identifier::text AS system, pg_backend_pid() AS pid, inet_client_port() AS port,
    btrim(current_setting('synchronous_standby_names')) AS required,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_look,
    current_setting('archive_mode') <> 'off' AS archives, a.last_archived_time IS NOT NULL AS archived,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS fails
FROM pg_control_system(), pg_stat_archiver a
"""
# A receiver of the log replays nothing. That of a base backup ends with it.
_SENDERS = """
SELECT application_name AS name, coalesce(host(client_addr), '') AS address, coalesce(sync_state, '') AS waited,
    replay_lsn IS NULL AS receives,
    coalesce(client_addr <<= '127.0.0.0/8' OR client_addr IN ('::1', inet_server_addr()), true) AS here,
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn, write_lsn)), 0)::bigint AS lag
FROM pg_stat_replication WHERE state IN ('streaming', 'catchup') AND application_name <> 'pg_basebackup' ORDER BY 1, 2
"""
_SLOTS = """
SELECT slot_name AS name, active, restart_lsn IS NOT NULL AS used, coalesce(wal_status = 'lost', false) AS lost,
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS kept
FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary ORDER BY 1
"""
_AWAY = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


class WalSender(msgspec.Struct, frozen=True, kw_only=True):
    """Who is sent the log: a standby, or a receiver such as pg_receivewal."""

    name: str
    address: str
    waited: str  # sync or quorum: commits wait for it
    receives: bool  # it keeps the log, and replays nothing
    here: bool  # it comes from the server's own host
    lag: int


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps the log for somebody who may be away."""

    name: str
    active: bool
    used: bool
    lost: bool
    kept: int


class PostgresServer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of its log. `senders` are empty where `may_look` is not given."""

    system: str
    required: str
    may_look: bool
    senders: tuple[WalSender, ...]
    slots: tuple[Slot, ...]
    archives: bool
    archived: bool
    fails: bool

    @property
    def receivers(self) -> list[WalSender]:
        """Who keeps the log for a restore."""
        return [each for each in self.senders if each.receives]


async def look(urls: Mapping[str, str], *, received: bool) -> Sequence[Finding]:
    """Each server behind the databases, by their names, once. `received`: the folder of the backups has a log."""
    found = dict[str, tuple[str, PostgresServer]]()
    for name, server in zip(urls, await asyncio.gather(*map(_server, urls.values())), strict=True):
        if server is None:
            continue
        names, known = found.get(server.system, ("", server))
        found[server.system] = f"{names}, {name}".lstrip(", "), server if server.may_look else known
    if not found:
        return [
            note("không hỏi được máy chủ nào", "no server could be asked", "xem các cơ sở dữ liệu", "see the databases")
        ]
    told = list[Finding]()
    for names, server in found.values():
        findings = [*standby(server), *log(server, expected=received)]
        told += findings if len(found) == 1 else [_of(names, finding) for finding in findings]
    return told


async def folders(url: str) -> list[Path]:
    """Where the server of a database keeps its data and its log, if it is on this machine and that can be seen."""
    try:
        async with _connected(url) as connection:
            session = await connection.fetchrow("SELECT pg_backend_pid() AS pid, inet_client_port() AS port")
            data = folder_of_postgres(session["pid"], session["port"])
    except _AWAY:
        return []
    return [] if data is None else [data, (data / "pg_wal").resolve()]


def standby(server: PostgresServer) -> list[Finding]:
    """Whether what was answered is on two machines."""
    if not server.required:
        return [
            note(
                "không yêu cầu máy dự phòng đồng bộ: mất máy chủ là mất những gì chưa sao lưu",
                "no synchronous standby is required: a server that is lost takes what no backup has",
                "đặt synchronous_standby_names khi có máy thứ hai",
                "set synchronous_standby_names where there is a second machine",
            )
        ]
    if not server.may_look:
        return [_UNSEEN, *([_ANYBODY] if "*" in server.required else [])]
    waited = [each for each in server.senders if each.waited in ("sync", "quorum")]
    found = list[Finding]()
    if own := [each for each in waited if each.receives and each.here]:
        found.append(
            wrong(
                f"máy dự phòng đồng bộ là {own[0].name} trên chính máy chủ: lệnh đã trả lời chỉ nằm trên một máy",
                f"the synchronous standby is {own[0].name} on the server itself: what was answered is on one machine",
                *_NAME_IT,
            )
        )
    elif "*" in server.required and server.receivers:
        name = server.receivers[0].name
        found.append(
            wrong(
                f"synchronous_standby_names = '*' nhận cả {name} làm máy dự phòng: lệnh có thể chỉ nằm trên một máy",
                f"synchronous_standby_names = '*' takes {name} too: what is answered may be on one machine alone",
                *_NAME_IT,
            )
        )
    if not waited:
        return [
            *found,
            wrong(
                f"máy dự phòng đồng bộ ({server.required}) không nối: mọi lệnh đang chờ",
                f"the synchronous standby ({server.required}) is not connected: every command waits",
                "khởi động lại máy dự phòng, hoặc dựng máy mới",
                "start the standby, or make a new one",
            ),
        ]
    if "*" in server.required and not found:
        found.append(_ANYBODY)
    return [*found, *(_waited_for(each) for each in waited if not (each.receives and found))]


def log(server: PostgresServer, *, expected: bool) -> list[Finding]:
    """Whether the server's log goes to where a restore finds it, and what keeps it on the server."""
    found = [finding for slot in server.slots if (finding := _idle(slot)) is not None]
    if server.archives and server.fails:
        found.append(
            wrong(
                "archive_command đang lỗi: nhật ký không được cất",
                "archive_command fails: the log is not kept",
                "xem nhật ký của PostgreSQL và nơi cất",
                "see the log of PostgreSQL and the place where it goes",
            )
        )
    elif server.archives and server.archived:
        found.append(right("nhật ký được cất bằng archive_command", "the log is kept by archive_command"))
    for each in server.receivers:
        at = f" ({each.address})" if each.address else ""
        found.append(right(f"{each.name}{at} đang nhận nhật ký", f"{each.name}{at} receives the log"))
    active = [slot.name for slot in server.slots if slot.active]
    if (server.archives and (server.archived or server.fails)) or server.receivers:
        return found
    if not server.may_look and RECEIVED in active:
        found.append(right(f"nhật ký được nhận qua slot {RECEIVED}", f"the log is received over the slot {RECEIVED}"))
    elif not server.may_look and active:
        listed = ", ".join(active)
        found.append(
            note(
                f"có bên nhận qua slot {listed}; không xem được đó là bản sao lưu hay chỉ là máy dự phòng",
                f"somebody receives over the slot {listed}: whether a backup or a standby alone cannot be seen",
                *_GRANT,
            )
        )
    elif any(slot.name == RECEIVED for slot in server.slots):
        return found  # nobody receives it, as is told already
    elif expected:
        found.append(
            wrong(
                "không ai nhận nhật ký cho bản sao lưu: khôi phục chỉ đến lúc nó dừng",
                "nobody receives the log for the backups: a restore ends where it stopped",
                *_RECEIVE,
            )
        )
    else:
        found.append(
            note(
                "nhật ký không được cất: khôi phục chỉ đến bản sao lưu gần nhất",
                "the log is not kept: a restore ends at the last backup",
                "chạy pg_receivewal (docs/howto/backup.md)",
                "run pg_receivewal (docs/howto/backup.md)",
            )
        )
    return found


def _idle(slot: Slot) -> Finding | None:
    """What is to be said of a slot over which nobody receives."""
    if slot.lost:
        return wrong(
            f"slot {slot.name} đã mất một phần nhật ký (max_slot_wal_keep_size)",
            f"the slot {slot.name} has lost a part of the log (max_slot_wal_keep_size)",
            "bỏ slot, tạo lại, rồi sao lưu ngay (docs/howto/backup.md)",
            "drop the slot, make it again, then take a backup at once (docs/howto/backup.md)",
        )
    if slot.active:
        return None
    kept = slot.kept >> 20
    if not slot.used:
        return note(
            f"slot {slot.name} chưa từng được dùng",
            f"the slot {slot.name} was never used",
            "chạy pg_receivewal hoặc máy dự phòng của nó (docs/howto/backup.md)",
            "start its pg_receivewal or its standby (docs/howto/backup.md)",
        )
    if slot.name == RECEIVED:
        return wrong(
            f"không ai nhận slot {slot.name}: nhật ký không đến bản sao lưu; máy chủ giữ lại {kept} MiB",
            f"nobody receives the slot {slot.name}: the log does not reach the backups; the server keeps {kept} MiB",
            *_RECEIVE,
        )
    said = (
        f"không ai nhận slot {slot.name}; máy chủ giữ lại {kept} MiB nhật ký",
        f"nobody receives the slot {slot.name}; the server keeps {kept} MiB of log",
    )
    do = (
        f"khởi động lại máy dự phòng hoặc bên nhận của nó; không dùng nữa thì pg_drop_replication_slot('{slot.name}')"
        ", của Patroni thì để Patroni bỏ",
        f"start its standby or receiver again; pg_drop_replication_slot('{slot.name}') if it is not used any more, "
        "but leave one of Patroni's to Patroni",
    )
    return wrong(*said, *do) if slot.kept > FAR_BEHIND else note(*said, *do)


def _waited_for(each: WalSender) -> Finding:
    at = f"{each.name} ({each.address})" if each.address else each.name
    if each.lag > FAR_BEHIND:
        return note(
            f"{at} chậm {each.lag >> 20} MiB",
            f"{at} is {each.lag >> 20} MiB behind",
            "xem đĩa và mạng của nó",
            "look at its disk and network",
        )
    if each.receives:
        return right(
            f"lệnh chờ {at} ghi nhật ký; không máy nào thay được máy chủ",
            f"commands wait until {at} has the log; no server can take this one's place",
        )
    if each.here:
        return note(
            f"máy dự phòng đồng bộ {at} nối từ chính máy chủ: mất máy này là mất cả hai",
            f"the synchronous standby {at} comes from the server's own host: who loses it loses both",
            "đặt máy dự phòng trên máy khác",
            "put the standby on another machine",
        )
    return right(f"máy dự phòng đồng bộ {at} đang nối", f"the synchronous standby {at} is connected")


def _of(names: str, finding: Finding) -> Finding:
    said = Sentence(f"{names}: {finding.said.vi}", f"{names}: {finding.said.en}")
    return msgspec.structs.replace(finding, said=said)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection: Any = await connect(url, timeout=CONNECT)
    try:
        yield connection
    finally:
        connection.terminate()


async def _server(url: str) -> PostgresServer | None:
    try:
        async with _connected(url) as connection:
            row = await connection.fetchrow(_SERVER)
            senders = await connection.fetch(_SENDERS) if row["may_look"] else []
            slots = await connection.fetch(_SLOTS)
    except _AWAY:
        return None
    return PostgresServer(
        system=row["system"],
        required=row["required"],
        may_look=row["may_look"],
        senders=tuple(WalSender(**each) for each in senders),
        slots=tuple(Slot(**each) for each in slots),
        archives=row["archives"],
        archived=row["archived"],
        fails=row["fails"],
    )


_GRANT = ("GRANT pg_read_all_stats TO vai trò của dịch vụ", "GRANT pg_read_all_stats TO the service's role")
_UNSEEN = note("vai trò này không xem được máy dự phòng", "this role may not see the standby", *_GRANT)
_NAME_IT = (
    "nêu tên máy dự phòng: ALTER SYSTEM SET synchronous_standby_names = '\"TÊN\"' (cluster_name của nó); "
    "dưới Patroni thì chỉ đưa máy dự phòng trở lại",
    "name the standby: ALTER SYSTEM SET synchronous_standby_names = '\"NAME\"' (its cluster_name); "
    "under Patroni bring a standby back instead",
)
_ANYBODY = note(
    "synchronous_standby_names = '*' nhận bất kỳ ai, cả pg_receivewal trên chính máy chủ",
    "synchronous_standby_names = '*' takes anybody, a pg_receivewal on the server itself too",
    *_NAME_IT,
)
_RECEIVE = (
    "chạy lại pg_receivewal và xem nhật ký của nó; nếu nó đòi đoạn không còn, làm theo docs/howto/backup.md",
    "start pg_receivewal again and see its log; where it asks for a segment that is gone, docs/howto/backup.md",
)
