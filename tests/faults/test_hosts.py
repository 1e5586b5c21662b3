"""Faults of one host among several."""

import pytest

from tests.support.chaos import Scenes, fault
from tests.support.pair import until
from tests.support.silent_hosts import mute, swallowing

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@fault("48", "First host of a list swallows packets", "both URLs of both services begin with a host that answers no "
       "packet and one that is mute", "I1 I2 I3; the next host within seconds; the same after SIGTERM")  # fmt: skip
def test_first_hosts_are_silent(staged: Scenes) -> None:
    with staged() as scene, swallowing() as black, mute() as frozen:
        silent = f"@127.0.0.1:{black},127.0.0.1:{frozen.port},"
        for service in (scene.intake, scene.followup):
            for setting in ("DATABASE_URL", "AMQP_URL"):
                name = f"{service.name.upper()}_{setting}"
                service.environment[name] = service.environment[name].replace("@", silent)
        scene.start().work(scene.some(10, 20), pause=True)
        assert scene.followup.get("/readyz").get("notices") is None
        for service in (scene.intake, scene.followup):
            assert service.stop() == 0
            service.start()
        scene.go_on(10)
        until(lambda: scene.followup.get("/readyz").get("notices") is None, 30, "the broker's node is found again")
        scene.check()
