"""Load on a whole pair: every petition is accepted, becomes visible, and its breach arrives."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.pair import Pair


@pytest.mark.slow
def test_load__is_timed_from_its_arrival_to_its_breach(pair: Pair) -> None:
    intake = pair.intake().start()
    followup = pair.followup(intake).start()
    command = ["-m", "services.cli", "load", "--rate", "20", "--duration", "1", "--breach", "--json"]
    places = ["--intake", intake.url, "--followup", followup.url, "--amqp", pair.amqp_url]
    done = subprocess.run(
        [sys.executable, *command, *places], env=os.environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    figures = json.loads(done.stdout)
    assert (figures["planned"], figures["accepted"], figures["failed"]) == (20, 20, {})
    assert [figures[name]["count"] for name in ("accepted_ms", "visible_ms", "breach_ms")] == [20, 20, 20]
    breaches = followup.get("/v1/breaches", limit=100)["items"]
    assert len([b for b in breaches if b["duty"] == "reply"]) == 20
