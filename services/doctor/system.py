"""What this machine says of itself: whom a service runs as, what that user may do, and where servers write."""

import grp
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

ANSWERS = 1.5  # seconds for one command
PROCESSES = Path("/proc")


class ServiceUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a service runs as. `user` is empty where no unit says it: then only whoever asks is known of."""

    user: str = ""
    group: str = ""
    uid: int = -1
    gid: int = -1
    groups: tuple[int, ...] = ()
    handed: frozenset[str] = frozenset()  # the files that systemd reads for it, as root

    @property
    def is_known(self) -> bool:
        """Whether a unit says whom the service runs as, and whether that can be tried from here."""
        return bool(self.user)

    def may_read(self, path: Path) -> bool:
        """Whether the service gets what is in a file."""
        return str(path) in self.handed or self._may("-r", path, os.R_OK)

    def may_write(self, path: Path) -> bool:
        """Whether the service may write into a folder."""
        return self._may("-w", path, os.W_OK) and self.may_enter(path)

    def may_enter(self, folder: Path) -> bool:
        """Whether the service reaches what is in a folder."""
        return self._may("-x", folder, os.X_OK)

    def is_member(self, gid: int) -> bool:
        """Whether the service is in a group."""
        return gid in (self.gid, *self.groups)

    def _may(self, flag: str, path: Path, mode: int) -> bool:
        """Ask as that user, so that lists of access, read-only disks and shares have their say."""
        if not self.is_known:
            return os.access(path, mode)
        asking = ["/usr/bin/test", flag, str(path)]
        try:
            return not subprocess.run(
                asking,
                user=self.uid,
                group=self.gid,
                extra_groups=self.groups,
                cwd="/",
                timeout=ANSWERS,
                check=False,
            ).returncode
        except (OSError, subprocess.SubprocessError):
            return os.access(path, mode)


def account_of(unit: str, working_in: str = "") -> ServiceUser:
    """Whom a unit of systemd runs as, if it names what it is said to work in. Only root can try what others may do."""
    shown = asked("systemctl", "show", "-p", "LoadState,User,Group,SupplementaryGroups", unit)
    given = dict(line.partition("=")[::2] for line in shown.splitlines())
    if os.geteuid() or given.get("LoadState") != "loaded" or not given.get("User"):
        return ServiceUser()
    text = asked("systemctl", "cat", unit)
    if working_in not in text:
        return ServiceUser()
    handed = frozenset(
        line.partition("=")[2].partition(":")[2]
        for line in text.splitlines()
        if line.startswith(("LoadCredential=", "LoadCredentialEncrypted="))
    )
    try:
        user = pwd.getpwnam(given["User"])
        group = grp.getgrnam(given["Group"]) if given.get("Group") else grp.getgrgid(user.pw_gid)
        others = [grp.getgrnam(name).gr_gid for name in given.get("SupplementaryGroups", "").split()]
    except KeyError:
        return ServiceUser()
    return ServiceUser(
        user=user.pw_name,
        group=group.gr_name,
        uid=user.pw_uid,
        gid=group.gr_gid,
        groups=(*os.getgrouplist(user.pw_name, user.pw_gid), *others),
        handed=handed,
    )


def asked(*command: str) -> str:
    """What a program says; empty where it is not there, or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def in_container() -> bool:
    """Whether this is a container of one program, where nobody else has an account. One that boots is a machine."""
    marked = any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))
    return (marked or "KUBERNETES_SERVICE_HOST" in os.environ) and not Path("/run/systemd/system").exists()


def is_open(path: Path) -> bool:
    """Whether whoever has an account on this machine reaches a file or folder, and may do something with it."""
    if in_container():
        return False
    whole = path.resolve()
    above = (folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents)
    return bool(whole.stat().st_mode & stat.S_IRWXO) and all(above)


def folder_of_postgres(pid: int, client_port: int | None) -> Path | None:
    """Where the server of a session keeps its data, if it runs here and whoever asks may look. It lies in no setting
    that a service's role may read; every process of the server works in it.
    """
    named = _command(pid).decode(errors="replace")
    peer = "[local]" if client_port is None else f"({client_port})"
    if not (named.startswith("postgres:") and peer in named and _is_of_this_system(PROCESSES / str(pid))):
        return None
    try:
        folder = Path(os.readlink(PROCESSES / str(pid) / "cwd"))
    except OSError:
        return None
    return folder if (folder / "PG_VERSION").exists() else None


def folders_of_rabbitmq() -> Iterator[Path]:
    """Where the brokers that run here keep their quorum queues, as far as whoever asks may look."""
    for process in PROCESSES.glob("[0-9]*"):
        command = _command(int(process.name)).split(b"\0")
        if not (command[0].endswith(b"beam.smp") and b"rabbit" in command and _is_of_this_system(process)):
            continue
        try:
            files = [os.readlink(file) for file in (process / "fd").iterdir()]
        except OSError:  # another user's, or it has just ended
            continue
        yield from {Path(file).parent for file in files if file.endswith(".wal") and "/quorum/" in file}


def _is_of_this_system(process: Path) -> bool:
    """Whether a process sees the same folders as we do; one in a container does not."""
    try:
        return (process / "root").stat().st_ino == Path("/").stat().st_ino
    except OSError:
        return False


def _command(pid: int) -> bytes:
    try:
        return (PROCESSES / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
