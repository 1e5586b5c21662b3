"""What the manifests say, run as processes against Debian's PostgreSQL and RabbitMQ by TLS: the pair of a province.

Their commands, environment, secrets, probes and signals are those of the built manifests; what an operator would do
(databases, roles, users of the broker, certificates) is done here from the same manifests.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kubernetes.test_manifests import DEPLOY, OVERLAY, build, one
from tests.support.office import bearer
from tests.support.pair import until
from tests.support.pods import Manifest, Pod, Secrets, secrets_of
from tests.support.tls import Authority, TlsBroker, TlsCluster, need_rabbitmq

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

PROVINCE = {"code": "H35", "name": "Tỉnh Lai Châu", "level": "province", "valid_from": "2004-01-01"}
SOURCE = "lai-chau"
QUEUES = {f"intake.{SOURCE}.commands", f"followup.{SOURCE}.events", "followup.alerts"}


class Province:
    """A namespace: its secrets, its servers, and pods made of its manifests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pods = folder, list[Pod]()
        shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
        overlay = folder / "deploy" / OVERLAY
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        script = folder / "deploy" / "kubernetes" / "make-secrets.sh"
        done = subprocess.run(
            ["/bin/sh", script, overlay, SOURCE], env=os.environ | {"PATH": path}, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        self.made = overlay / "secrets"
        assert f'"^{SOURCE}$"' in (self.made / "rabbitmq.definitions.json").read_text("utf-8")
        self.manifests = build(overlay)
        self.secrets: Secrets = secrets_of(self.manifests)
        self.authority = Authority(folder)
        certificate = self.authority.issue("server")
        trusted = {"ca.crt": self.authority.file.read_bytes()}
        self.secrets |= dict.fromkeys(("intake-db-ca", "followup-db-ca", "broker-tls"), trusted)
        servers = {name: folder / name for name in ("postgres", "rabbit")}
        for place in servers.values():
            place.mkdir()
        self.cluster = TlsCluster(servers["postgres"], certificate, self.authority.file)
        self.broker = TlsBroker(servers["rabbit"], certificate, self.authority.file)

    def start(self) -> "Province":
        """Start the servers, and do what the operators do."""
        self.broker.launch()
        self.cluster.start()
        for service in ("intake", "followup"):
            self._initialise(one(self.manifests, "Cluster", f"{service}-db")["spec"])
        self.broker.wait_ready()
        definitions = self.folder / "rabbit" / "shipped.json"
        definitions.write_bytes(self.secrets["broker-definitions"]["rabbitmq.definitions.json"])
        self.broker.control("import_definitions", str(definitions))
        return self

    def _initialise(self, spec: Manifest) -> None:
        made = spec["bootstrap"]["initdb"]
        self._login("CREATE ROLE", self.secrets[made["secret"]["name"]])
        self.cluster.admin(
            f"CREATE DATABASE {made['database']} OWNER {made['owner']} ENCODING '{made['encoding']}' "
            f"LC_COLLATE '{made['localeCollate']}' LC_CTYPE '{made['localeCType']}' TEMPLATE template0"
        )
        for statement in made["postInitApplicationSQL"]:
            self.cluster.admin(statement, database=made["database"])
        for role in spec["managed"]["roles"]:
            assert role["login"]
            self._login("ALTER ROLE", self.secrets[role["passwordSecret"]["name"]])

    def _login(self, verb: str, secret: dict[str, bytes]) -> None:
        name, password = secret["username"].decode(), secret["password"].decode()
        self.cluster.admin(f"{verb} {name} LOGIN PASSWORD '{password}'")

    def pod(self, kind: str, name: str, number: int = 1, **addresses: str) -> Pod:
        """A pod of a workload."""
        spec = one(self.manifests, kind, name)["spec"]["template"]["spec"]
        here = {
            "intake-db-rw:5432": f"127.0.0.1:{self.cluster.port}",
            "followup-db-rw:5432": f"127.0.0.1:{self.cluster.port}",
            "broker:5671": f"127.0.0.1:{self.broker.tls_port}",
        }
        made = Pod(spec, self.secrets, here | addresses, self.folder / f"{name}-{number}")
        self.pods.append(made)
        return made

    def token(self, role: str) -> str:
        """The token of a caller."""
        return (self.made / f"{role}.token").read_text("utf-8").strip()

    def post(self, pod: Pod, path: str, body: Any, role: str) -> httpx.Response:
        """Send a command as a caller."""
        headers = bearer(self.token(role))
        return httpx.post(f"{pod.url}{path}", json=body, timeout=30, verify=False, headers=headers)

    def close(self) -> None:
        """End everything."""
        for pod in self.pods:
            pod.kill()
        self.cluster.shut_down()
        self.broker.kill()


@pytest.fixture(scope="module")
def province() -> Iterator[Province]:
    """A province whose job `migrate` is done."""
    need_rabbitmq()
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Province(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.close()


def test_pair__runs_as_the_manifests_say_from_migration_to_sigterm(province: Province) -> None:
    for number in (1, 2):  # again with the next release
        job = province.pod("Job", "migrate", number).start()
        assert job.finished(60) == 0, job.said()
    intakes = [province.pod("Deployment", "intake", number).start() for number in (1, 2)]
    for pod in intakes:
        pod.started()
    at = {"http://intake:8570": intakes[0].url}
    followups = [province.pod("Deployment", "followup", number, **at).start() for number in (1, 2)]
    for pod in followups:
        pod.started()
    first, second = intakes
    assert province.post(first, "/v1/jurisdictions", PROVINCE, "operations").status_code == 201
    received = province.post(second, "/v1/petitions", {"jurisdiction": "H35", "text": "Đường hỏng."}, "office")
    assert received.status_code == 201, received.text
    for pod in followups:
        until(lambda pod=pod: _cases(province, pod), 30, "followup knows the petition")
    until(lambda: _consumed(province) == QUEUES, 60, "each queue is consumed")

    polled: list[int] = []
    poll = threading.Thread(target=lambda: polled.append(_poll(province, second)))
    poll.start()
    time.sleep(2)
    assert second.terminate() == 0, second.said()
    poll.join(10)
    assert polled == [200], "a request in flight was cut off"
    again = province.post(first, "/v1/petitions", {"jurisdiction": "H35", "text": "Cầu hỏng."}, "office")
    assert again.status_code == 201
    for pod in followups:
        assert pod.terminate() == 0, pod.said()
    assert first.terminate() == 0, first.said()
    for pod in province.pods:
        assert "Traceback" not in pod.log.read_text("utf-8"), pod.said()


def _consumed(province: Province) -> set[str]:
    lines = province.broker.control("list_queues", "-p", "doithoai", "name", "consumers").splitlines()
    return {name for name, _, count in (line.partition("\t") for line in lines) if count.isdigit() and int(count)}


def _cases(province: Province, pod: Pod) -> bool:
    answer = httpx.get(f"{pod.url}/v1/cases", headers=bearer(province.token("office")), timeout=30, verify=False)
    return answer.status_code == 200 and bool(answer.json()["items"])


def _poll(province: Province, pod: Pod) -> int:
    """Ask for what comes after the last event, which waits."""
    headers = bearer(province.token("auditor"))
    head = httpx.get(f"{pod.url}/v1/events?after=0", headers=headers, timeout=60, verify=False).json()["head"]
    url = f"{pod.url}/v1/events?after={head}&wait=50"
    return httpx.get(url, headers=headers, timeout=60, verify=False).status_code
