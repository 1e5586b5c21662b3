"""Faults of replication: a primary with its standby, lost in every order; and what no standby had."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.chaos import Scene, Scenes, fault
from tests.support.pair import Service, until
from tests.support.replicated import Replicated, replicated

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

LATE = 40.0  # seconds: callers are answered after ten, and try again


@pytest.fixture
def servers() -> Iterator[Replicated]:
    with replicated() as made:
        yield made


@fault("44", "Standby dies, then the primary", "kill -9 of the required standby; the commits that wait are cancelled, "
       "terminated, or the primary restarts on its own; then the primary is killed and the standby promoted",
       "I1: every 2xx is on the survivor, feed and relay gave out nothing else; retries with the same key")  # fmt: skip
@pytest.mark.parametrize("then", ["pg_cancel_backend", "pg_terminate_backend", "restart", ""])
def test_standby_dies_then_primary(staged: Scenes, servers: Replicated, then: str) -> None:
    with staged(cluster=servers, apart=True, pace=0.05) as scene:
        scene.start()
        servers.require()
        scene.work(scene.some(10, 40))
        servers.standby.kill()
        assert pushed(scene).status_code == 503
        before, durable = len(scene.office.accepted), head(scene, servers)
        if then == "restart":
            servers.primary.kill()
            servers.primary.start()
            scene.intake.wait_ready()
        elif then:
            until(lambda: servers.primary.cancel_waiting(then), LATE, "a commit that waits")
        assert [pushed(scene).status_code for _ in range(2)] == [503, 503]
        assert len(scene.office.accepted) == before, "something was accepted that the standby has not"
        assert scene.relay_position() <= durable
        scene.note(f"{head(scene, servers) - durable} events on the primary alone")
        servers.fail_over()
        scene.office.accepted["beside"] = until(lambda: answer(pushed(scene)), LATE, "accepted in the end")
        scene.beside = 1
        scene.check(within=60)


@fault("44", "Primary dies, then the standby", "kill -9 of the primary under load, then of the standby; "
       "it is started and promoted", "I1: every 2xx is on the survivor")  # fmt: skip
def test_primary_dies_then_standby(staged: Scenes, servers: Replicated) -> None:
    with staged(cluster=servers, apart=True, pace=0.05) as scene:
        scene.start()
        servers.require()
        scene.work(scene.some(10, 40))
        servers.primary.kill()
        servers.standby.kill()
        servers.fail_over()
        scene.check(within=60)


@fault("45", "Asynchronous fail-over", "no standby is required, both databases on it; it is stopped for a while, then "
       "promoted", "told: metric, notice, log with ids, until an operator confirms; commands go on")  # fmt: skip
def test_asynchronous_fail_over(staged: Scenes, servers: Replicated) -> None:
    with staged(cluster=servers, tap=False) as scene:
        scene.start()
        scene.office.places()
        for number in range(5):
            scene.office.receive(number)
        until(lambda: scene.position() == scene.head(), 30, "followed so far")
        servers.standby.kill()
        for number in range(5, 12):
            scene.office.receive(number)
        until(lambda: scene.position() == scene.head(), 30, "followed so far")
        servers.fail_over()
        until(lambda: lost(scene.intake, "intake_lost_commands") >= 7, 30, "intake tells of the loss")
        until(
            lambda: lost(scene.followup, "followup_lost_events") >= 7, 30, "and so does followup, which went back too"
        )
        for service in (scene.intake, scene.followup):
            assert "lost" in service.get("/readyz")["notices"], "it can serve, and says so"
        assert "acknowledged_lost" in scene.intake.tail(10**6)
        for number in range(20, 25):
            scene.office.receive(number)
        until(lambda: scene.position() == scene.head(), 30, "it goes on")
        for service, metric in ((scene.intake, "intake_lost_commands"), (scene.followup, "followup_lost_events")):
            told = confirmed(service)
            scene.note(told.splitlines()[0].split(": ", 1)[1])
            until(lambda service=service, metric=metric: not lost(service, metric), 30, "seen to")
            assert "lost" not in service.get("/readyz").get("notices", {})


def pushed(scene: Scene) -> httpx.Response:
    """A petition pushed beside the office, under the same key each time."""
    body = {"jurisdiction": "H35.10.31", "text": "Kiến nghị số 0", "source": "tải", "external_id": "beside"}
    headers = {"Idempotency-Key": "beside"}
    return httpx.post(f"{scene.intake.url}/v1/petitions", json=body, headers=headers, verify=False, timeout=60)


def head(scene: Scene, servers: Replicated) -> int:
    """The last position that whoever looks at the primary sees."""
    database = scene.store.partition("?")[0].rpartition("/")[2]
    ((position,),) = servers.primary.admin("SELECT max(notification_id) FROM stored_events", database=database)
    return int(position)


def answer(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json()) if response.is_success else {}


def lost(service: Service, metric: str) -> float:
    return service.metrics().get(metric, 0)


def confirmed(service: Service) -> str:
    """What the operator's command says, who has seen to every loss."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", service.name, "losses", "--confirm", "all", "--by", "Trực ban"],
        env=service.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
