"""`make run`: `doithoai dev` starts a whole pair from nothing, and stops all of it."""

import asyncio
import signal
import sys
from pathlib import Path

import httpx

from services.dev.rabbitmq import free_ports
from tests.support.waiting import until


async def test_dev__starts_a_pair_from_nothing_and_stops_it(tmp_path: Path) -> None:
    intake, followup = free_ports(2)
    program = Path(sys.executable).with_name("doithoai")
    options = ["--no-story", "--broker", "none", "--intake-port", str(intake), "--followup-port", str(followup)]
    said = tmp_path / "said"
    with said.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            program, "dev", "--data", tmp_path / "data", *options, stdout=output, stderr=output
        )
    try:
        await until(lambda: running.returncode is not None or "Running" in said.read_text("utf-8"), 90)
        assert running.returncode is None, said.read_text("utf-8")
        async with httpx.AsyncClient() as client:
            for port in (intake, followup):
                assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
    assert await running.wait() == 0
