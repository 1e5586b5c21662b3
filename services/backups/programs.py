"""PostgreSQL's own programs: found where Debian or a path has them, run without a secret on their command line."""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from services.backups.errors import BackupFailed, WrongTarget
from shared.postgres.hosts import WRITABLE
from shared.server_urls import current

DEBIAN = "/usr/lib/postgresql/{}/bin"
STILL = 900.0  # seconds without any work: a program that hangs
LOOK_EVERY = 10.0  # seconds
ENDS_WITHIN = 5.0  # seconds
SHOWN = 4  # lines of what a program said
_ERROR = re.compile(r"(error|fatal|panic|detail|hint): |cannot|could not|no space", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=//)([^@/:]*):([^@/]*)(?=@)")


def found(name: str, major: int) -> str:
    """A program of a major version. Raises WrongTarget."""
    for path in (f"{DEBIAN.format(major)}/{name}", shutil.which(name)):
        if path and os.access(path, os.X_OK) and _major_of(path) == major:
            return path
    raise WrongTarget(
        name,
        f"không có chương trình này của PostgreSQL {major}; trên Debian: apt-get install postgresql-{major}",
        f"there is no such program of PostgreSQL {major}; on Debian: apt-get install postgresql-{major}",
    )


def _major_of(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\) (\d+)", said)
    return int(version[1]) if version else 0


def run(
    arguments: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    user: Mapping[str, Any] = {},
    given: IO[bytes] | None = None,
    folder: Path = Path("/"),
) -> None:
    """Run a program to its end. Raises BackupFailed with what it said of the cause."""
    name = Path(arguments[0]).name
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            arguments,
            env=os.environ | (environment or {}) | {"LC_MESSAGES": "C"},
            stdin=given or subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            **user,
        )
        try:
            _wait_for(process, name)
        finally:
            if process.poll() is None:
                process.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):  # where a disk does not answer, it ends later
                    process.wait(ENDS_WITHIN)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if process.returncode:
        why = cause_in(said) or f"exit code {process.returncode}"
        raise BackupFailed(name, f"không làm được: {why}", f"has failed: {why}")


def cause_in(said: str) -> str:
    """What a program said of why it failed, in one line: its errors, the first too, since later ones follow from it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.search(line)] or lines
    return " ".join(errors if len(errors) <= SHOWN else [errors[0], *errors[1 - SHOWN :]])


def _wait_for(process: subprocess.Popen[bytes], name: str) -> None:
    """Wait until a program ends. Raises BackupFailed where it stands still: a server or a disk does not answer."""
    used, since = _processor_time(process.pid), time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(LOOK_EVERY, STILL))
            return
        if (now_used := _processor_time(process.pid)) is None or now_used != used:
            used, since = now_used, time.monotonic()
        elif time.monotonic() - since >= STILL:
            raise BackupFailed(
                name,
                f"đứng yên từ {STILL:.0f} giây nay; hãy xem máy chủ, mạng và đĩa",
                f"has stood still for {STILL:.0f} seconds; look at the server, the network and the disk",
            )


def _processor_time(pid: int) -> int | None:
    """What a program and its ended children have used, in ticks: whoever reads or writes anything uses some.

    None where it cannot be looked at.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15]))


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """A database's URL as others may see it in the list of processes, and the environment that goes with it.

    A file that the URL names holds the password. Of several hosts the one that writes is meant.
    Raises OSError.
    """
    url, environment = current(url), {"PGTARGETSESSIONATTRS": WRITABLE["target_session_attrs"]}
    if password := _PASSWORD.search(url):
        environment["PGPASSWORD"] = unquote(password[2])
    return _PASSWORD.sub(r"\1", url, count=1), environment


def as_owner_of(folder: Path) -> dict[str, Any]:
    """Whom a program of the server is run as: it refuses root, who takes the folder's owner. Raises WrongTarget."""
    if os.geteuid() != 0:
        return {}
    found = folder.stat()
    if found.st_uid == 0:
        raise WrongTarget(
            str(folder),
            "PostgreSQL không chạy dưới quyền root; hãy giao thư mục này: chown postgres:postgres",
            "PostgreSQL does not run as root: give this folder to its user: chown postgres:postgres",
        )
    group = pwd.getpwuid(found.st_uid).pw_gid
    return {"user": found.st_uid, "group": group, "extra_groups": []}
