"""PostgreSQL's own programs: found where Debian or a path has them, run without a secret on their command line."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.backups.errors import BackupFailed, WrongTarget

DEBIAN = "/usr/lib/postgresql/{}/bin"
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


def run(arguments: list[str], *, environment: Mapping[str, str] | None = None, user: Mapping[str, Any] = {}) -> None:
    """Run a program to its end. Raises BackupFailed with the last thing that it said."""
    done = subprocess.run(
        arguments,
        env=os.environ | (environment or {}) | {"LC_MESSAGES": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        **user,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).strip().splitlines()[-2:]) or f"exit code {done.returncode}"
        name = Path(arguments[0]).name
        raise BackupFailed(name, f"không làm được: {said}", f"has failed: {said}")


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """A database's URL as others may see it in the list of processes, and the environment that carries its password."""
    password = _PASSWORD.search(url)
    if password is None:
        return url, {}
    from urllib.parse import unquote

    return _PASSWORD.sub(r"\1", url, count=1), {"PGPASSWORD": unquote(password[2])}


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
