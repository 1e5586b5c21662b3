"""PostgreSQL under Patroni: a primary and a synchronous standby, which may become it."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.cluster.etcd import etcd_hosts
from tests.cluster.hosts import DATABASES
from tests.cluster.processes import NotWithin, Processes, Program, until
from tests.cluster.site import SYSTEM_USER, Site

NODES = ("pg1", "pg2")
HOSTS = dict(zip(NODES, DATABASES, strict=False))
PORT, REST = 5432, 8008
REAPER = Path(__file__).with_name("reaper.py")

#: Patroni's own time-outs, in seconds; its rule is loop_wait + 2 * retry_timeout <= ttl, and 20 the smallest ttl.
TTL, LOOP_WAIT, RETRY_TIMEOUT = 20, 5, 5
#: Seconds for which Patroni waits for the word of the old primary before it promotes; no setting of it says so.
ASKS_FOR = 2
#: Until a connection between the two servers is given up that nothing comes through, and tried again.
REPLICATION_TIMEOUT, RECONNECT_EVERY = 5, 1

_DYNAMIC: dict[str, Any] = {
    "ttl": TTL,
    "loop_wait": LOOP_WAIT,
    "retry_timeout": RETRY_TIMEOUT,
    "maximum_lag_on_failover": 1_048_576,
    # What was answered is on both servers; while there is no standby the primary goes on alone, and nobody else may
    # become it then.
    "synchronous_mode": True,
    # Without etcd the primary stays as long as it reaches every member by itself.
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "max_connections": 100,
            "shared_buffers": "64MB",
            "wal_level": "replica",
            "hot_standby": "on",
            "wal_keep_size": "128MB",
            "max_wal_size": "512MB",
            "wal_sender_timeout": f"{REPLICATION_TIMEOUT}s",
            "wal_receiver_timeout": f"{REPLICATION_TIMEOUT}s",
            "wal_retrieve_retry_interval": f"{RECONNECT_EVERY}s",
        },
    },
}


class Member(msgspec.Struct, frozen=True):
    """One server, as Patroni sees it."""

    name: str
    role: str
    state: str


class Databases:
    """The two servers and who leads."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def programs(self) -> list[Program]:
        """Patroni on two hosts; each starts its PostgreSQL."""
        return [self._program(name) for name in NODES]

    def _program(self, name: str) -> Program:
        folder = self._site.folder / name
        return Program(
            name=name,
            host=HOSTS[name],
            command=(sys.executable, str(REAPER), str(self._site.servers.patroni), str(folder / "patroni.yml")),
            environment=self._site.servers.environment | {"HOME": str(folder)},
            user=SYSTEM_USER,
            probe=f"{self._rest(name)}/readiness",
            disk=str(folder / "data"),
        )

    def configure(self) -> None:
        """Write what each Patroni reads. Once; what changes later it keeps in etcd."""
        for name in NODES:
            folder = self._site.folder / name
            if folder.exists():
                continue
            folder.mkdir(parents=True, mode=0o700)
            (folder / "patroni.yml").write_text(json.dumps(self._configuration(name), indent=1))  # JSON is YAML
            if os.geteuid() == 0:
                for path in (folder, folder / "patroni.yml"):
                    shutil.chown(path, SYSTEM_USER, SYSTEM_USER)

    def _configuration(self, name: str) -> dict[str, Any]:
        folder, address = self._site.folder / name, self._site.address(HOSTS[name])
        users = {"superuser": "postgres", "replication": "replicator", "rewind": "rewinder"}
        network = f"{address}/8"
        return {
            "scope": "doithoai",
            "name": name,
            "restapi": {"listen": f"{address}:{REST}", "connect_address": f"{address}:{REST}"},
            "etcd3": {"hosts": etcd_hosts(self._site)},
            "bootstrap": {"dcs": _DYNAMIC, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
            "postgresql": {
                "listen": f"{address}:{PORT}",
                "connect_address": f"{address}:{PORT}",
                "data_dir": str(folder / "data"),
                "bin_dir": str(self._site.servers.postgres),
                "pgpass": str(folder / "pgpass"),
                "authentication": {
                    kind: {"username": user, "password": self._site.secret(user)} for kind, user in users.items()
                },
                "parameters": {"unix_socket_directories": str(folder)},
                "basebackup": [{"checkpoint": "fast"}],
                "pg_hba": [
                    "local all all trust",
                    *(f"host {what} all {network} scram-sha-256" for what in ("replication", "all")),
                ],
            },
        }  # fmt: skip

    # --- who leads -------------------------------------------------------------------------------------------------

    def members(self) -> list[Member]:
        """All servers as the first Patroni that answers sees them; none when no one does."""
        for name in NODES:
            try:
                found = httpx.get(f"{self._rest(name)}/cluster", timeout=2).json()
            except (httpx.HTTPError, ValueError):
                continue
            return [msgspec.convert(member, Member, strict=False) for member in found.get("members", [])]
        return []

    def primary(self) -> str:
        """The name of the server that leads by its own account; empty when none does."""
        for name in NODES:
            try:
                if httpx.get(f"{self._rest(name)}/primary", timeout=2).status_code == 200:
                    return name
            except httpx.HTTPError:
                continue
        return ""

    def standby(self) -> str:
        """The name of the other."""
        leads = self.primary()
        return next(name for name in NODES if name != leads)

    def is_whole(self, synchronous: bool = True) -> bool:
        """Whether one leads and the other follows it, synchronously if that is asked for."""
        followers = {"sync_standby"} if synchronous else {"replica"}
        found = {(m.role, m.state) for m in self.members()}
        return len(found) == 2 and ("leader", "running") in found and any((f, "streaming") in found for f in followers)

    def switch_over(self) -> None:
        """Let the standby lead, in good order."""
        leader, candidate = self.primary(), self.standby()
        answer = httpx.post(
            f"{self._rest(leader)}/switchover", json={"leader": leader, "candidate": candidate}, timeout=60
        )
        assert answer.status_code == 200, answer.text

    def set_synchronous(self, required: bool) -> None:
        """Ask for the standby's word before each answer, or no longer."""
        answer = httpx.patch(f"{self._rest(self.primary())}/config", json={"synchronous_mode": required}, timeout=5)
        assert answer.status_code == 200, answer.text

    def wait_whole(self, within: float, synchronous: bool = True) -> None:
        """Wait until one leads and the other follows. Raises NotWithin."""
        try:
            until(lambda: self.is_whole(synchronous), within, "a primary and its standby")
        except NotWithin as error:
            raise NotWithin(f"{error}; Patroni says {self.members()}") from None

    # --- databases -------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """The databases of the two services, each with its owner."""
        for service in ("intake", "followup"):
            self.query("postgres", f"CREATE ROLE {service} LOGIN PASSWORD '{self._site.secret(service)}'")
            self.query("postgres", f"CREATE DATABASE {service} OWNER {service}")
            self.query("postgres", f"GRANT pg_read_all_stats TO {service}")

    def query(self, database: str, text: str) -> str:
        """Ask the primary, as its superuser."""
        name = self.primary()
        program = str(self._site.servers.postgres / "psql")
        url = f"postgresql://postgres:{self._site.secret('postgres')}@{self._at(name)}/{database}?connect_timeout=3"
        return self._site.run(HOSTS[name], program, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text, url).strip()

    def primary_dsn(self, service: str) -> str:
        """A service's database on the server that leads now."""
        return f"postgresql://{service}:{self._site.secret(service)}@{self._at(self.primary())}/{service}"

    def service_dsn(self, service: str) -> str:
        """A service's database, wherever it leads: what the services are given."""
        hosts = ",".join(self._at(name) for name in NODES)
        return f"postgresql://{service}:{self._site.secret(service)}@{hosts}/{service}?target_session_attrs=read-write"

    def environment(self) -> dict[str, str]:
        """What `patronictl` needs, and `psql` in order to ask the primary as its superuser."""
        return {
            "PATRONICTL_CONFIG_FILE": str(self._site.folder / NODES[0] / "patroni.yml"),
            "PGHOST": ",".join(self._site.address(HOSTS[name]) for name in NODES),
            "PGPORT": str(PORT),
            "PGUSER": "postgres",
            "PGPASSWORD": self._site.secret("postgres"),
            "PGDATABASE": "postgres",
            "PGTARGETSESSIONATTRS": "read-write",
        }

    def postmaster(self, name: str) -> int:
        """The first process of a server's PostgreSQL."""
        return int((self._site.folder / name / "data" / "postmaster.pid").read_text().split()[0])

    def receivers(self, name: str, processes: Processes) -> list[int]:
        """The process of a standby that takes what the primary sends."""
        return [pid for pid in processes.pids(name) if "walreceiver" in _command(pid)]

    def version(self) -> str:
        """The version of PostgreSQL."""
        return self.query("postgres", "SHOW server_version").split()[0]

    def _at(self, name: str) -> str:
        return f"{self._site.address(HOSTS[name])}:{PORT}"

    def _rest(self, name: str) -> str:
        return f"http://{self._site.address(HOSTS[name])}:{REST}"


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
