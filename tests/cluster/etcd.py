"""Three etcd: where Patroni keeps who leads."""

import httpx

from tests.cluster.hosts import DATABASES
from tests.cluster.processes import Program
from tests.cluster.site import Site

MEMBERS = ("etcd1", "etcd2", "etcd3")
CLIENT, PEER = 2379, 2380
ELECTION = 1  # second without a leader until another is elected
#: How much later a key runs out whose etcd leader was lost: an election takes up to two such times, and whoever is
#: elected gives each key its whole time again and one more.
LASTS_LONGER = 3 * ELECTION


def etcd_programs(site: Site) -> list[Program]:
    """A member on each host of databases."""
    peers = {name: f"http://{site.address(host)}:{PEER}" for name, host in zip(MEMBERS, DATABASES, strict=True)}
    return [
        Program(
            name=name,
            host=host,
            command=(
                str(site.servers.etcd), "--name", name, "--data-dir", str(site.folder / name),
                "--listen-peer-urls", peers[name], "--initial-advertise-peer-urls", peers[name],
                "--listen-client-urls", _client(site, host), "--advertise-client-urls", _client(site, host),
                "--initial-cluster", ",".join(f"{peer}={url}" for peer, url in peers.items()),
                "--initial-cluster-state", _state(site, name),
                "--heartbeat-interval", "100", "--election-timeout", str(ELECTION * 1000), "--log-level", "warn",
            ),
            environment=site.servers.environment,
            probe=f"{_client(site, host)}/health",
            disk=str(site.folder / name),
        )
        for name, host in zip(MEMBERS, DATABASES, strict=True)
    ]  # fmt: skip


def _state(site: Site, name: str) -> str:
    """Of a new cluster, or of one that is there: a member without data beside others that have some replaces one.

    With data of its own etcd does not look at it.
    """
    others = (site.folder / other for other in MEMBERS if other != name)
    return "existing" if any(other.exists() for other in others) else "new"


def environment_of_etcd(site: Site) -> dict[str, str]:
    """What `etcdctl` needs in order to ask every member."""
    return {"ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": ",".join(_client(site, host) for host in DATABASES)}


def etcd_hosts(site: Site) -> list[str]:
    """The members' addresses, as Patroni takes them."""
    return [f"{site.address(host)}:{CLIENT}" for host in DATABASES]


def leading_member(site: Site) -> str:
    """The name of the member that leads."""
    for host in DATABASES:
        try:
            answer = httpx.post(f"{_client(site, host)}/v3/maintenance/status", json={}, timeout=2).json()
            listed = httpx.post(f"{_client(site, host)}/v3/cluster/member/list", json={}, timeout=2).json()
        except httpx.HTTPError:
            continue
        return next(str(m["name"]) for m in listed["members"] if m["ID"] == answer["leader"])
    raise AssertionError("no etcd answers")


def _client(site: Site, host: str) -> str:
    return f"http://{site.address(host)}:{CLIENT}"
