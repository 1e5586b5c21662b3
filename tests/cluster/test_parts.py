"""What is declared of the cluster, looked at without starting it."""

from pathlib import Path

import pytest

from tests.cluster.balancer import configuration
from tests.cluster.etcd import etcd_programs
from tests.cluster.hosts import LoopbackAddresses
from tests.cluster.packages import Servers
from tests.cluster.site import Site


def site(folder: Path) -> Site:
    """A place where nothing runs."""
    nowhere = Path("/nowhere")
    names = ("etcd", "etcdctl", "haproxy", "postgres", "rabbit", "patroni", "doithoai")
    servers = Servers(**dict.fromkeys(names, nowhere))
    return Site(folder, LoopbackAddresses(folder), servers)


@pytest.mark.parametrize(
    ("with_data", "state"),
    [((), "new"), (("etcd1", "etcd2"), "existing")],
    ids=["nobody_has_data", "others_have_data"],
)
def test_etcd__joins_the_cluster_that_is_there(tmp_path: Path, with_data: tuple[str, ...], state: str) -> None:
    for name in with_data:
        (tmp_path / name).mkdir()
    command = next(program.command for program in etcd_programs(site(tmp_path)) if program.name == "etcd3")
    assert command[command.index("--initial-cluster-state") + 1] == state


def test_balancer__as_shipped_names_only_the_processes_that_are_there() -> None:
    servers = {"intake1": "10.0.0.1", "intake2": "10.0.0.2", "followup1": "10.0.0.1", "followup2": "10.0.0.2"}
    text = configuration("10.0.0.9", servers)
    assert "bind 10.0.0.9:8571" in text and "server followup2 10.0.0.2:8571 track followup/followup2" in text
