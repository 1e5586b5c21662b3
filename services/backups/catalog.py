"""The folder of the backups: each whole one has a manifest, the files are shared by all, the log of the servers beside.

FOLDER/0042-2026-11-30T180000Z/    one backup; a name that begins with a dot is half a one
    manifest.json                  what it holds, with the SHA-256 of each part
    intake/, followup/             a base backup of each server; one alone where both databases are on it
    erasures.json                  who was erased so far
    files.txt                      the names of the sealed files that were there
FOLDER/files/ab/ab12…              sealed files: the name is the SHA-256 of the bytes
FOLDER/wal/intake/, …              what pg_receivewal or an archive_command brings

The number before the instant says in which order backups were taken. A clock may be wrong, and after a restore
positions go on from an earlier one; the number only grows.
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from services.backups.errors import BackupFailed, WrongTarget

MANIFEST, ERASURES, FILE_NAMES = "manifest.json", "erasures.json", "files.txt"
FORMAT = 1  # of the manifest
#: A segment of a server's log: its timeline, its number, and whether it is still arriving.
SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.partial)?")
HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_LABEL = re.compile(r"[0-9A-F]{24}\.[0-9A-F]{8}\.backup")  # which an archive_command is given too
_NAME = re.compile(r"(\d{4,})-\d{4}-\d\d-\d\dT\d{6}Z")
HALF = "."  # before the name of a backup that is not whole
#: What two clocks may differ by: that of this machine and that of the disk's.
AHEAD = timedelta(minutes=5)


class ReadUpTo(msgspec.Struct, frozen=True):
    """How far a followup had read a source."""

    source: str
    position: int
    event_id: UUID | None


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """A database when its backup began: the backup holds at least this."""

    server: str  # the part that holds it
    database: str
    source: str
    epoch: str
    birth: UUID | None  # the first event
    position: int
    event_id: UUID | None
    recorded_at: datetime | None
    cursors: tuple[ReadUpTo, ...] = ()  # of followup


class ServerPart(msgspec.Struct, frozen=True, kw_only=True):
    """The base backup of one server."""

    major: int
    system_identifier: str
    superuser: str
    segment_size: int  # of its log, in bytes


class BackupPart(msgspec.Struct, frozen=True):
    """A file of the backup."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole backup holds. It is written last."""

    format: int
    version: str  # of the product
    began_at: datetime
    ended_at: datetime
    servers: dict[str, ServerPart]
    databases: dict[str, StoreState]
    files: int
    damaged_files: int
    keys: dict[str, str]  # what tells each key, and nothing of it
    parts: tuple[BackupPart, ...]


class Backup(msgspec.Struct, frozen=True):
    """A whole backup in its folder."""

    folder: Path
    manifest: Manifest

    def verify(self) -> None:
        """Hold every part against the manifest. Raises BackupFailed."""
        for part in self.manifest.parts:
            path = self.folder / part.path
            try:
                found = digest_of(path)
            except OSError as error:
                raise _lacking(path, error) from None
            _check_digest(path, found, part.sha256)

    def content(self, name: str) -> bytes:
        """A part of it, held against the manifest. Raises BackupFailed."""
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _lacking(path, error) from None
        expected = next((part.sha256 for part in self.manifest.parts if part.path == name), "")
        _check_digest(path, hashlib.sha256(content).hexdigest(), expected)
        return content


class Held(msgspec.Struct, frozen=True):
    """The backups of a folder."""

    whole: tuple[Backup, ...]  # in the order in which they were taken
    damaged: tuple[BackupFailed, ...]  # why each of the others is none


class Catalog:
    """The folder that holds all backups of one pair."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def files(self) -> Path:
        """Where the sealed files of all backups are."""
        return self.root / "files"

    def wal(self, server: str) -> Path:
        """Where the log of a server arrives."""
        return self.root / "wal" / server

    def log_grown(self, now: datetime) -> dict[str, float]:
        """When the log of each server last grew here, in seconds since 1970; 0 where nothing has come yet.

        What a wrong clock dated ahead does not count: it would look as if the log arrived for ever.
        """
        latest, found = (now + AHEAD).timestamp(), dict[str, float]()
        for folder in sorted((self.root / "wal").glob("*/")):
            times = [0.0]
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # a segment may be put in its place while it is looked at
                    times += [path.stat().st_mtime] if SEGMENT.fullmatch(path.name) else []
            found[folder.name] = min(max(time for time in times if time <= latest), now.timestamp())
        return found

    def check_log(self, server: str) -> None:
        """Refuse a log of which a restore would read a part alone. Raises WrongTarget."""
        folder = self.wal(server)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            known = any(form.fullmatch(path.name) for form in (SEGMENT, HISTORY, _LABEL))
            if not known and path.name[0] != "." and path.is_file():
                raise WrongTarget(
                    str(path),
                    "không phải là một đoạn nhật ký mà PostgreSQL đọc được; hãy giải nén (gunzip, lz4 -d, zstd -d), "
                    "hoặc dời đi nếu không phải là nhật ký",
                    "is no segment of a log that PostgreSQL reads; unpack it (gunzip, lz4 -d, zstd -d), or where it "
                    "is no log move it away",
                )

    def held(self) -> Held:
        """Every backup, and what looks like one and is none."""
        whole, damaged = list[Backup](), list[BackupFailed]()
        for folder in sorted(self._named(), key=lambda path: (_number_of(path.name), path.name)):
            try:
                if not _NAME.fullmatch(folder.name):
                    raise BackupFailed(
                        str(folder),
                        "bản sao lưu này đã bị đổi tên nên không rõ thứ tự; hãy đặt lại tên cũ hoặc dời nó đi",
                        "this backup was renamed, so its order is unknown; give it its name again, or move it away",
                    )
                whole.append(opened(folder))
            except BackupFailed as error:
                damaged.append(error)
        return Held(tuple(whole), tuple(damaged))

    def whole(self) -> list[Backup]:
        """Every whole backup, in the order in which they were taken."""
        return list(self.held().whole)

    def doubts(self, now: datetime) -> list[BackupFailed]:
        """What a person should see to: damaged backups, those that a wrong clock has dated, a log that is not read."""
        held = self.held()
        found = list(held.damaged)
        for backup in held.whole:
            if backup.manifest.ended_at > now + AHEAD:
                ended = f"{backup.manifest.ended_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                found.append(
                    BackupFailed(
                        str(backup.folder),
                        f"kết thúc lúc {ended}, sau giờ của máy này: đồng hồ lúc đó hoặc bây giờ sai; hãy kiểm tra",
                        f"ended at {ended}, after the time of this machine: a clock was or is wrong; look at it",
                    )
                )
        for folder in sorted((self.root / "wal").glob("*/")):
            try:
                self.check_log(folder.name)
            except BackupFailed as error:
                found.append(error)
        return found

    def next_name(self, now: datetime) -> str:
        """The name of the next backup: its number is greater than that of any other, half ones too."""
        last = max((_number_of(path.name.removeprefix(HALF)) for path in self.root.iterdir()), default=0)
        return f"{last + 1:04d}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"

    def halves(self) -> list[Path]:
        """What interrupted backups, and an interrupted removal of old ones, have left."""
        return [path for path in self.root.glob(f"{HALF}*") if _NAME.fullmatch(path.name[len(HALF) :])]

    def _named(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        folders = [path for path in self.root.iterdir() if not path.name.startswith(HALF) and path.is_dir()]
        return [path for path in folders if _NAME.fullmatch(path.name) or (path / MANIFEST).is_file()]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One backup at a time. Raises WrongTarget."""
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WrongTarget(
                    str(self.root),
                    "một lần sao lưu khác đang chạy; hãy đợi",
                    "another backup is being taken; wait for it",
                ) from None
            yield
        finally:
            os.close(handle)


def opened(folder: Path) -> Backup:
    """A whole backup. Raises BackupFailed."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise WrongTarget(
            str(folder),
            f"không phải là một bản sao lưu trọn vẹn ({error.strerror})",
            f"is not a whole backup ({error.strerror})",
        ) from None
    except msgspec.MsgspecError as error:
        raise BackupFailed(
            str(folder / MANIFEST),
            f"không đọc được ({error}); hãy dùng bản sao lưu khác",
            f"cannot be read ({error}); take another backup",
        ) from None
    if manifest.format != FORMAT:
        raise BackupFailed(
            str(folder / MANIFEST),
            f"theo dạng {manifest.format} của phiên bản {manifest.version}; hãy khôi phục bằng phiên bản đó",
            f"is in the form {manifest.format} of version {manifest.version}; restore it with that version",
        )
    return Backup(folder, manifest)


def chosen(place: Path) -> tuple[Catalog, Backup]:
    """The backup that a folder is, or the newest that it holds. Raises WrongTarget."""
    if (place / MANIFEST).is_file():
        return Catalog(place.parent), opened(place)
    catalog = Catalog(place)
    held = catalog.held()
    if not held.whole:
        for error in held.damaged:  # it says more than that there is none
            raise error
        raise WrongTarget(str(place), "không có bản sao lưu trọn vẹn nào ở đó", "there is no whole backup there")
    return catalog, held.whole[-1]


def _number_of(name: str) -> int:
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else 0


def _lacking(path: Path, error: OSError) -> BackupFailed:
    return BackupFailed(
        str(path),
        f"không đọc được phần này của bản sao lưu ({error.strerror}); hãy dùng bản sao lưu khác",
        f"this part of the backup cannot be read ({error.strerror}); take another backup",
    )


def _check_digest(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise BackupFailed(
            str(path),
            "phần này không đúng với mã băm trong manifest; hãy dùng bản sao lưu khác",
            "this part is not what the manifest says; take another backup",
        )


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def written(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
