"""What every part of the cluster is made from: its folder, its hosts, its servers, its secrets."""

import os
import secrets
import subprocess
from pathlib import Path

import msgspec

from tests.cluster.hosts import ClusterHosts
from tests.cluster.packages import Servers

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "cluster"
SOURCE = "tamduong"
VHOST = "doithoai"
SYSTEM_USER = "postgres"


class Site(msgspec.Struct, frozen=True):
    """Where the cluster stands."""

    folder: Path
    hosts: ClusterHosts
    servers: Servers

    def address(self, host: str) -> str:
        """The address of a host."""
        return self.hosts.address(host)

    def secret(self, name: str) -> str:
        """A password of this cluster, drawn when it is first asked for."""
        file = self.folder / "secrets" / f"{name}.password"
        if not file.exists():
            self.keep(f"{name}.password", secrets.token_hex(16))
        return file.read_text()

    def keep(self, name: str, content: str | bytes) -> None:
        """Write a secret for its owner alone."""
        file = self.folder / "secrets" / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, host: str, *command: str, environment: dict[str, str] | None = None) -> str:
        """What a command says that is run on a host; it must succeed."""
        done = subprocess.run(
            [*self.hosts.inside(host), *command],
            env=os.environ | self.servers.environment | (environment or {}),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
        return done.stdout
