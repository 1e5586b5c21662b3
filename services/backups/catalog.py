"""The folder of the backups: each whole one has a manifest, the files are shared by all, the log of the servers beside.

FOLDER/2026-11-30T180000Z/    one backup; a name that begins with a dot is half a one
    manifest.json             what it holds, with the SHA-256 of each part
    intake/, followup/        a base backup of each server; one alone where both databases are on it
    erasures.json             who was erased so far
    files.txt                 the names of the sealed files that were there
FOLDER/files/ab/ab12…         sealed files: the name is the SHA-256 of the bytes
FOLDER/wal/intake/, …         what pg_receivewal or an archive_command brings
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from services.backups.errors import BackupFailed, WrongTarget

MANIFEST, ERASURES, FILE_NAMES = "manifest.json", "erasures.json", "files.txt"
FORMAT = 1  # of the manifest
#: A segment of a server's log: its timeline, its number, and whether it is still arriving.
SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.partial)?")


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
            if not path.is_file():
                raise BackupFailed(str(path), "phần này của bản sao lưu không còn", "this part of the backup is gone")
            if digest_of(path) != part.sha256:
                raise BackupFailed(
                    str(path),
                    "phần này không đúng với mã băm trong manifest; hãy dùng bản sao lưu khác",
                    "this part is not what the manifest says; take another backup",
                )


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

    def log_grown(self) -> dict[str, float]:
        """When the log of each server last grew here, in seconds since 1970; of none that never came."""
        found = dict[str, float]()
        for folder in sorted((self.root / "wal").glob("*/")):
            # A segment may be put in its place while it is looked at.
            times = [path.stat().st_mtime for path in folder.iterdir() if path.exists()]
            found |= {folder.name: max(times)} if times else {}
        return found

    def whole(self) -> list[Backup]:
        """Every whole backup, the oldest first."""
        if not self.root.is_dir():
            return []
        named = sorted(path for path in self.root.iterdir() if (path / MANIFEST).is_file() and path.name[0] != ".")
        return [opened(path) for path in named]

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
    found = catalog.whole()
    if not found:
        raise WrongTarget(str(place), "không có bản sao lưu trọn vẹn nào ở đó", "there is no whole backup there")
    return catalog, found[-1]


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
