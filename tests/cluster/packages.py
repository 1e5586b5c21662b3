"""Where the servers come from: Debian's packages, installed as root, unpacked below the folder otherwise."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from services.dev import debian

PACKAGES = ("etcd-client", "etcd-server", "haproxy", "postgresql", "rabbitmq-server")
_BINARIES = Path(sys.executable).parent  # of the environment: `patroni` and `doithoai`
_ARCHIVES = ["-o", "Debug::NoLocking=1", "-y", "--no-install-recommends", "--download-only"]


class PackagesMissing(RuntimeError):
    """A server is not here and cannot be had. The message names the remedy."""


class Servers(msgspec.Struct, frozen=True):
    """The programs that the cluster runs, and what those need in their environment that are not installed."""

    etcd: Path
    etcdctl: Path
    haproxy: Path
    postgres: Path  # the folder of its programs
    rabbit: Path  # likewise
    patroni: Path
    doithoai: Path
    environment: dict[str, str] = {}


def find_servers(folder: Path) -> Servers:
    """The servers, installed or unpacked first where they are missing. Raises PackagesMissing."""
    if not (_BINARIES / "patroni").exists():
        raise PackagesMissing("patroni is not in the environment: make .venv/.cluster-synced")
    found = _found(Path("/")) or _found(folder)
    if found is None and debian.can_install():
        print("Installing etcd, HAProxy, PostgreSQL and RabbitMQ with apt-get ...", flush=True)
        debian.install(*PACKAGES)
        found = _found(Path("/"))
    elif found is None:
        _unpack(folder)
        found = _found(folder)
    if found is None:
        raise PackagesMissing(f"the cluster needs Debian's servers: apt-get install {' '.join(PACKAGES)}")
    return found


def _found(root: Path) -> Servers | None:
    """The servers, each below a root or else installed; None when one is missing."""
    places: dict[str, Path] = {}
    for name, patterns in {
        "etcd": ("usr/bin/etcd",),
        "etcdctl": ("usr/bin/etcdctl",),
        "haproxy": ("usr/sbin/haproxy",),
        "postgres": ("usr/lib/postgresql/*/bin",),
        "rabbit": ("usr/lib/rabbitmq/bin",),
    }.items():
        hits = [hit for base in (root, Path("/")) for pattern in patterns for hit in sorted(base.glob(pattern))]
        if not hits:
            return None
        places[name] = hits[-1] if root == Path("/") else hits[0]
    environment = {}
    if root != Path("/"):
        libraries = [str(p) for p in (root / "usr/lib").glob("*-linux-gnu")]
        environment = {
            "LD_LIBRARY_PATH": ":".join(libraries),
            "PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}",
        }
        if (erlang := root / "usr/lib/erlang").exists():
            environment["ERL_ROOTDIR"] = str(erlang)
    return Servers(**places, patroni=_BINARIES / "patroni", doithoai=_BINARIES / "doithoai", environment=environment)


def _unpack(folder: Path) -> None:
    """Download what is missing, with all that it needs, and unpack it below a folder: it takes no root."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    cache = ["-o", f"Dir::Cache::Archives={archives}"]
    print(f"Unpacking etcd, HAProxy, PostgreSQL and RabbitMQ below {folder} ...", flush=True)
    subprocess.run(["apt-get", "-qq", *cache, *_ARCHIVES, "install", *PACKAGES], capture_output=True, check=False)
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(folder)], capture_output=True, check=False)
    shutil.rmtree(archives)
