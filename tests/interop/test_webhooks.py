"""The receiver of webhooks that the documentation shows, run by Node: it consents, verifies, takes each event once."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from services.followup.application import webhook_sender
from tests.support.following import projection_pool
from tests.support.interop import node
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES, dialogue, project
from tests.support.waiting import until
from tests.support.webhooks import webhooks_over

RECEIVER = Path(__file__).resolve().parents[2] / "docs" / "howto" / "integrate" / "webhook.mjs"


async def started(port: str, secret: str) -> tuple[Process, str]:
    """The receiver, and the port on which it listens."""
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret}
    process = await asyncio.create_subprocess_exec(
        str(node() / "node"), str(RECEIVER), port, env=environment, stdout=PIPE
    )
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().split()[-1]


async def test_receiver_in_javascript__takes_each_event_once(
    pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_sender, "LOOK_EVERY", 0.02)
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, webhooks_over(pool, dsn, tmp_path) as desk:
        process, port = await started("0", "")
        made = await desk.subscribe(f"http://127.0.0.1:{port}/")
        assert made["status"] == "active"
        assert (await desk.of(made, "test"))["status"] == 401, "it does not know the secret yet"
        process.terminate()
        await process.wait()
        process, _ = await started(port, made["secret"])
        try:
            await project(pool, dialogue(), "2019-07-12 09:00")
            desk.start()

            async def all_sent() -> bool:
                places = (await desk.of(made))["places"]
                return all(place["position"] == place["head"] for place in places)

            await until(all_sent)
            event = await pool.fetchval("SELECT event_id FROM facts WHERE position = 1")
            await desk.of(made, "redelivery", body={"event_id": str(event)})
            count = await pool.fetchval(
                "SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM public.stored_events)"
            )
        finally:
            process.terminate()
        assert process.stdout is not None
        taken = [json.loads(line) for line in (await process.stdout.read()).splitlines()]
        await process.wait()
        assert len({each["id"] for each in taken}) == len(taken) == count
