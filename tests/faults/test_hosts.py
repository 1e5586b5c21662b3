"""Faults of one host among several."""

from functools import partial

import pytest

from tests.support.backups import own_cluster
from tests.support.chaos import Scene, Scenes, fault
from tests.support.pair import Service, get, until
from tests.support.silent_hosts import mute, swallowing

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@fault("48", "First host of a list swallows packets", "both URLs of both services begin with a host that answers no "
       "packet and one that is mute", "I1 I2 I3; the next host within seconds; the same after SIGTERM")  # fmt: skip
def test_first_hosts_are_silent(staged: Scenes) -> None:
    with staged() as scene, swallowing() as black, mute() as frozen:
        begun(scene)
        silent = f"@127.0.0.1:{black},127.0.0.1:{frozen.port},"
        for service in (scene.intake, scene.followup):
            for setting in ("DATABASE_URL", "AMQP_URL"):
                name = f"{service.name.upper()}_{setting}"
                service.environment[name] = service.environment[name].replace("@", silent)
        scene.start().work(scene.some(10, 20), pause=True)
        until(lambda: scene.followup.get("/readyz").get("notices") is None, 60, "the broker's node is found")
        for service in (scene.intake, scene.followup):
            assert service.stop() == 0
            service.start()
        scene.go_on(10)
        until(lambda: scene.followup.get("/readyz").get("notices") is None, 60, "the broker's node is found again")
        scene.check()


@fault("54", "Next host of a list holds another source", "both lists of the database go on with a server of other "
       "stores under the same names; the right one killed and started again",
       "I1 I2 I3; nothing is written there; both stores named")  # fmt: skip
def test_next_host_holds_another_source(staged: Scenes) -> None:
    with staged() as scene, own_cluster() as other:
        begun(scene)
        names = list[str]()
        for service, dsn in ((scene.intake, scene.store), (scene.followup, scene.projection)):
            made = other.database("shared.postgres", f"services.{service.name}").rpartition("/")[2]
            names.append(name := dsn.rpartition("/")[2])
            other.admin(f"ALTER DATABASE {made} RENAME TO {name}")
            other.admin("UPDATE store_state SET source = 'so-thu'", database=name)
            listed = dsn.replace(f":{scene.cluster.port}/", f":{scene.cluster.port},127.0.0.1:{other.port}/")
            service.environment[f"{service.name.upper()}_DATABASE_URL"] = listed
        scene.start().work(scene.some(10, 20), pause=True)
        scene.cluster.kill()
        for service in (scene.intake, scene.followup):
            until(partial(names_both, service), 30, "the other store is named")
        scene.cluster.start()
        scene.go_on(10).check()
        assert [other.admin("SELECT count(*) FROM stored_events", database=name) for name in names] == [[(0,)]] * 2


def begun(scene: Scene) -> None:
    """A store is begun only while each host of a list answers."""
    scene.intake.start()
    assert scene.intake.stop() == 0


def names_both(service: Service) -> bool:
    """Whether it says that it has reached another store, and which."""
    told = get(f"{service.url}/readyz", timeout=15).text
    return "holds the store so-thu" in told and "and not" in told


@fault("60", "Collector of spans is mute, then gone", "OTEL_EXPORTER_OTLP_ENDPOINT names a host that takes connections "
       "and answers nothing, then nobody listens; both services are stopped meanwhile",
       "I1 I2 I3; nobody waits")  # fmt: skip
def test_collector_of_spans_is_away(staged: Scenes) -> None:
    with staged() as scene:
        with mute() as frozen:
            for service in (scene.intake, scene.followup):
                service.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{frozen.port}"
            scene.start().work(scene.some(20, 30), pause=True)
            for service in (scene.intake, scene.followup):
                assert service.stop() == 0
                service.start()
            scene.go_on(10)
        scene.go_on(10)
        scene.check()
