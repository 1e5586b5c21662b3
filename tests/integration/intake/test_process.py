"""The process itself: refuses to start unguarded, stops cleanly, and keeps what it answered."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.cli.intake import app

SERVE = [sys.executable, "-c", "from services.cli.intake import app; app()", "serve"]


def environment(dsn: str, folder: Path, **more: str) -> dict[str, str]:
    key = folder / "master.key"
    key.write_bytes(os.urandom(32))
    own = {k: v for k, v in os.environ.items() if not k.startswith("INTAKE_")}
    return own | {"INTAKE_DATABASE_URL": dsn, "INTAKE_MASTER_KEY_FILE": str(key)} | more


def test_sigterm_finishes_requests_in_flight(database: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = environment(database, tmp_path, INTAKE_PORT=str(port))
    process = subprocess.Popen(SERVE, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                if httpx.get(f"{base}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        answers: list[httpx.Response] = []
        poll = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{base}/v1/events?after=10&wait=50", timeout=60))
        )
        poll.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert process.wait(timeout=15) == 0
        poll.join(5)
        assert time.monotonic() - started < 10
        assert [a.status_code for a in answers] == [200]
    finally:
        if process.poll() is None:
            process.kill()
        _, errors = process.communicate()
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"INTAKE_HOST": "0.0.0.0"}, "tokens"),
        ({"INTAKE_MASTER_KEY_FILE": ""}, "INTAKE_MASTER_KEY_FILE"),
        ({"INTAKE_DATABASE_URL": "postgresql:///none", "INTAKE_PORT": "x"}, "INTAKE_PORT"),
    ],
)
def test_it_refuses_to_start(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    environ = environment("postgresql:///none", tmp_path) | settings
    done = subprocess.run(SERVE, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_serve_has_help() -> None:
    assert CliRunner().invoke(app, ["serve", "--help"]).exit_code == 0
