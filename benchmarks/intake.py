"""An intake in a process of its own, as it is served in production."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import httpx

from services.dev.rabbitmq import free_ports
from shared.events import Recorded

START_TIMEOUT = 60.0  # seconds


@contextlib.contextmanager
def intake_on(dsn: str, folder: Path, **settings: str) -> Iterator[str]:
    """Serve intake on a database; yields its URL."""
    key = folder / "master.key"
    key.write_bytes(bytes(range(32)))
    own = {"INTAKE_DATABASE_URL": dsn, "INTAKE_MASTER_KEY_FILE": str(key), "INTAKE_SOURCE": "local"}
    with served([sys.executable, "-m", "services.cli", "intake", "serve"], "INTAKE", folder, own, settings) as url:
        yield url


@contextlib.contextmanager
def followup_on(dsn: str, source_url: str, folder: Path, **settings: str) -> Iterator[str]:
    """Serve followup on a database; yields its URL."""
    own = {"FOLLOWUP_DATABASE_URL": dsn, "FOLLOWUP_SOURCES": source_url}
    with served([sys.executable, "-m", "services.cli", "followup", "serve"], "FOLLOWUP", folder, own, settings) as url:
        yield url


@contextlib.contextmanager
def served(
    command: Sequence[str], prefix: str, folder: Path, own: dict[str, str], settings: dict[str, str]
) -> Iterator[str]:
    """A server process on a free port until the block ends."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    chosen = own | {f"{prefix}_{k}": v for k, v in settings.items()} | {f"{prefix}_PORT": str(port)}
    log = folder / f"{prefix.lower()}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | chosen, stdout=output, stderr=subprocess.STDOUT)
    try:
        _until_alive(url, process, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _until_alive(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-3000:]
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise TimeoutError(log.read_text("utf-8", "replace")[-3000:])


async def stored(dsn: str, events: Sequence[Recorded]) -> None:
    """Put a history into an event store as it is, with its own stamps; only the owner of the tables can."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table(
            "stored_events",
            records=[
                (e.originator_id, e.version, e.topic, e.state, e.position, e.event_id, e.recorded_at) for e in events
            ],
            columns=[
                "originator_id", "originator_version", "topic", "state", "notification_id", "event_id", "recorded_at",
            ],
        )  # fmt: skip
        await connection.execute("UPDATE store_state SET source = 'bench'")
        await connection.execute("ANALYZE stored_events")
    finally:
        await connection.close()
