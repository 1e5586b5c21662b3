"""A data folder made of a base backup and of the log that came after it, and a private server that recovers it.

The server listens on a socket in a folder of its own alone, and takes no setting from the files of the old server that
would make it send, archive or wait for anything.
"""

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec

from services.backups import programs
from services.backups.catalog import HISTORY, SEGMENT, ServerPart
from services.backups.errors import BackupFailed, WrongTarget

PORT = 5432  # in the name of the socket
LOOK_EVERY = 0.2  # seconds
STOP_WITHIN = 120.0  # seconds: the last checkpoint is written in them

#: Whatever the old server had: this one serves nobody but the restore.
_ALONE = {
    "listen_addresses": "",
    "hot_standby": "off",
    "archive_mode": "off",
    "ssl": "off",
    "shared_preload_libraries": "",
    "synchronous_standby_names": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "max_connections": "20",
    "recovery_target": "",
    "recovery_target_timeline": "latest",
    "logging_collector": "off",
    "log_destination": "stderr",
}


class LaterLog(msgspec.Struct, frozen=True):
    """The log that came after a base backup: how many segments, and the number of the last."""

    segments: int
    last: str


def log_folder(target: Path) -> Path:
    """Where the log lies while a data folder recovers."""
    return target.with_name(f"{target.name}.wal")


def lay_out(part: ServerPart, backup: Path, wal: Path, target: Path) -> LaterLog:
    """Make a data folder of a base backup, verified by PostgreSQL's own program; what of the log follows.

    Raises BackupFailed.
    """
    user = programs.as_owner_of(target.parent)
    verify = programs.found("pg_verifybackup", part.major)
    target.mkdir(mode=0o700)
    _own(target, user)
    # The archive is read by us, since the server's user may not look into the folder of the backups.
    _unpack(backup / "base.tar.gz", target, user)
    _unpack(backup / "pg_wal.tar.gz", target / "pg_wal", user)
    shutil.copyfile(backup / "backup_manifest", target / "backup_manifest")
    _own(target / "backup_manifest", user)
    # From within: it hands the folder's name to a shell.
    programs.run([verify, "-q", "."], user=user, folder=target)
    later = _copy_log(wal, log_folder(target), min(_segments(target / "pg_wal")), user)
    (target / "standby.signal").unlink(missing_ok=True)  # it would wait for a primary for ever
    (target / "recovery.signal").touch()
    _own(target / "recovery.signal", user)
    return later


@contextlib.asynccontextmanager
async def recovered(part: ServerPart, target: Path) -> AsyncIterator["PrivateServer"]:
    """The server of a laid-out folder once it has recovered to the end of its log; ended in good order afterwards."""
    server = PrivateServer(part, target)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(log_folder(target), ignore_errors=True)


class PrivateServer:
    """A server that nobody else reaches."""

    def __init__(self, part: ServerPart, target: Path) -> None:
        self._part, self._target = part, target
        self._user = programs.as_owner_of(target.parent)
        self._run = Path(tempfile.mkdtemp(prefix="doithoai-"))
        _own(self._run, self._user)
        self._process: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str) -> str:
        """A database of it, as the superuser."""
        user, name = (quote(part, safe="") for part in (self._part.superuser, database))
        return f"postgresql://{user}@/{name}?host={quote(str(self._run))}&port={PORT}"

    async def start(self) -> None:
        """Start, and wait until the end of the log is reached, however far that is. Raises BackupFailed."""
        files = {
            "postgresql.conf": "",
            "pg_hba.conf": "local all all trust\n",
            "pg_ident.conf": "",
        }
        for name, content in files.items():
            (self._run / name).write_text(content)
            _own(self._run / name, self._user)
        settings = _ALONE | {
            "unix_socket_directories": str(self._run),
            "port": str(PORT),
            "hba_file": str(self._run / "pg_hba.conf"),
            "ident_file": str(self._run / "pg_ident.conf"),
            "restore_command": restore_command(log_folder(self._target)),
        }
        program = programs.found("postgres", self._part.major)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        config = f"--config-file={self._run / 'postgresql.conf'}"
        self._process = self._spawn([program, "-D", str(self._target), config, *options])
        while not await self._has_recovered():
            if self._process.poll() is not None:
                raise BackupFailed(
                    str(self._target),
                    f"PostgreSQL không khôi phục được: {self._told()}",
                    f"PostgreSQL does not recover it: {self._told()}",
                )
            await asyncio.sleep(LOOK_EVERY)

    async def has_replayed(self, later: LaterLog) -> bool:
        """Whether it came to the end of the log. It stops without a word where a segment is missing or damaged."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            reached: str = await connection.fetchval("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 9)")
            return reached >= later.last
        finally:
            await connection.close()

    async def stop(self) -> None:
        """End it in good order, and leave nothing of its own."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait, STOP_WITHIN)
        shutil.rmtree(self._run, ignore_errors=True)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._run / "log").open("wb") as output:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **self._user
            )

    async def _has_recovered(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn("postgres"), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            return not await connection.fetchval("SELECT pg_is_in_recovery()")
        finally:
            await connection.close()

    def _told(self) -> str:
        lines = (self._run / "log").read_text("utf-8", "replace").splitlines()
        told = [line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR):", line)] or lines
        return " ".join(told[-2:])


def check_target(target: Path) -> None:
    """Refuse a folder that holds something. Raises WrongTarget."""
    if target.exists() and any(target.iterdir()):
        raise WrongTarget(
            str(target),
            "thư mục không trống; hãy nêu thư mục khác, hoặc thêm --replace để dời dữ liệu cũ sang bên cạnh",
            "the folder is not empty; name another one, or --replace to move what it holds aside",
        )


def restore_command(folder: Path) -> str:
    """Whole segments, and the one that was still being received when the server was lost."""
    place = shlex.quote(str(folder)).replace("%", "%%")  # by the shell's rules, then by PostgreSQL's
    return f'cp {place}/%f "%p" 2>/dev/null || cp {place}/%f.partial "%p" 2>/dev/null'


def _segments(folder: Path) -> list[str]:
    return [path.name[8:24] for path in folder.iterdir() if SEGMENT.fullmatch(path.name)]


def _copy_log(wal: Path, target: Path, first: str, user: dict[str, Any]) -> LaterLog:
    target.mkdir(mode=0o700)
    _own(target, user)
    found = list[str]()
    for path in sorted(wal.iterdir()) if wal.is_dir() else ():
        segment = SEGMENT.fullmatch(path.name)
        if HISTORY.fullmatch(path.name) or (segment and segment[2] >= first):
            shutil.copyfile(path, target / path.name)
            _own(target / path.name, user)
            found += [segment[2]] if segment else []
    return LaterLog(len(found), max(found, default=""))


def _unpack(archive: Path, target: Path, user: dict[str, Any]) -> None:
    target.mkdir(exist_ok=True, mode=0o700)
    _own(target, user)
    tar = [shutil.which("tar") or "/bin/tar", "--extract", "--gzip", "--no-same-owner", "--preserve-permissions"]
    with archive.open("rb") as given:
        programs.run([*tar, "-C", str(target)], user=user, given=given)


def _own(path: Path, user: dict[str, Any]) -> None:
    if user:
        os.chown(path, user["user"], user["group"])
