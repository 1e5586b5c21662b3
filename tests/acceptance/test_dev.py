"""`make run`: `doithoai dev` starts a whole pair from nothing, and stops all of it."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from services.dev.rabbitmq import free_ports
from tests.support.waiting import until


async def test_dev__starts_a_pair_from_nothing_and_stops_it(tmp_path: Path) -> None:
    intake, followup = free_ports(2)
    command = [Path(sys.executable).with_name("doithoai"), "dev", "--data", str(tmp_path / "data"), "--no-story"]
    ports = ["--intake-port", str(intake), "--followup-port", str(followup), "--broker", "none"]
    with (tmp_path / "told").open("wb") as told:
        running = subprocess.Popen([*command, *ports], stdout=told, stderr=subprocess.STDOUT)
    try:
        await until(lambda: running.poll() is not None or "Running" in (tmp_path / "told").read_text("utf-8"), 90)
        assert running.poll() is None, (tmp_path / "told").read_text("utf-8")
        for port in (intake, followup):
            assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    finally:
        running.send_signal(signal.SIGTERM)
        code = running.wait(60)
    assert code == 0
