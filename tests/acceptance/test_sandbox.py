"""`doithoai dev --sandbox`: a petition meets its breach within a minute, and everything begins anew at will."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from services.dev.rabbitmq import free_ports
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
MINE = {"source": "cong-thu-nghiem", "external_id": "TN-0001"}
PROGRAM = Path(sys.executable).with_name("doithoai")


class RunningSandbox:
    """A sandbox as its `sandbox.env` names it."""

    def __init__(self, data: Path) -> None:
        lines = (data / "sandbox.env").read_text("utf-8").splitlines()
        self.names = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        self.data = data

    def bearer(self, name: str = "TOKEN") -> dict[str, str]:
        """The headers of one caller."""
        return {"Authorization": f"Bearer {self.names[name]}"}

    async def ask(self, client: httpx.AsyncClient, service: str, path: str, **query: Any) -> httpx.Response:
        """A question to intake or followup as the integrator's system."""
        return await client.get(f"{self.names[service]}{path}", params=query, headers=self.bearer())

    async def act(self, client: httpx.AsyncClient, act: str, **body: Any) -> dict[str, Any]:
        """One act of the desk, which must be done."""
        done = await client.post(f"{self.names['SANDBOX']}/sandbox/{act}", json=body, headers=self.bearer())
        assert done.status_code == 200, done.text
        found: dict[str, Any] = done.json()
        return found


@contextlib.asynccontextmanager
async def sandbox(folder: Path, broker: str = "none", **environment: str) -> AsyncIterator[RunningSandbox]:
    """A sandbox in a folder, which must end well when it is asked to and leave no process behind.

    `broker`: empty, where it is left to the environment.
    """
    intake, followup, desk = map(str, free_ports(3))
    ports = ["--intake-port", intake, "--followup-port", followup, "--sandbox-port", desk]
    said = folder / "said"
    with said.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            PROGRAM, "dev", "--sandbox", "--data", folder / "data", *(["--broker", broker] if broker else []), *ports,
            stdout=output, stderr=output, env=os.environ | environment,
        )  # fmt: skip
    try:
        await until(lambda: running.returncode is not None or "Running" in said.read_text("utf-8"), 180)
        assert running.returncode is None, said.read_text("utf-8")
        yield RunningSandbox(folder / "data")
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGINT)
    assert await running.wait() == 0
    assert "Stopping" in said.read_text("utf-8")
    assert processes_of(folder / "data") == []


def processes_of(data: Path) -> list[str]:
    """What still runs and names a folder in its command or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(data).encode() in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
                found.append(f"{process.name}: {(process / 'cmdline').read_bytes()!r}")
    return found


async def in_a_shell(running: RunningSandbox, commands: list[str]) -> list[dict[str, Any]]:
    """What commands come to that are pasted into a shell behind `sandbox.env`."""
    script = "; ".join(f"{command}; echo" for command in commands)
    shell = await asyncio.create_subprocess_exec(
        "sh", "-ec", f". {running.data / 'sandbox.env'}; {script}", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(shell.communicate(), 120)
    return [json.loads(line) for line in said.decode().splitlines() if line]


async def test_integrator__meets_the_breach_of_a_petition_by_the_commands_that_are_printed(tmp_path: Path) -> None:
    async with sandbox(tmp_path, "auto") as running, httpx.AsyncClient(timeout=90) as client:
        page = (await client.get(f"{running.names['SANDBOX']}/sandbox")).json()
        commands = [step["command"] for step in page["next_steps"]]
        assert all(command in (tmp_path / "said").read_text("utf-8") for command in commands)
        async with await aio_pika.connect(running.names["BROKER"]) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("portal.news", exclusive=True)
            await queue.bind("dialogue.deadlines", "deadline.deadline_breached.H35.#")
            pushed, held, moved = await in_a_shell(running, commands)
            assert [each["status"] for each in held["deadlines"] if each["duty"] == "reply"] == ["on_track"]
            assert [each["status"] for each in moved["deadlines"]] == ["breached"]
            message = await queue.get(timeout=20, fail=False)
            while message is not None and message.headers["ce-externalid"] != "TN-0001":
                message = await queue.get(timeout=20, fail=False)  # what the seed had to say
            assert message is not None
            assert message.headers["ce-type"] == "DeadlineBreached"
            # Commands by queue too, under the rights that are shipped for a portal.
            own = {"jurisdiction": "H35.10.31", "text": "Rác ở chợ.", "external_id": "TN-0009"}
            body = json.dumps({"command": "PetitionReceived", "data": own}).encode()
            commands_exchange = await channel.get_exchange("dialogue.commands", ensure=False)
            queued = aio_pika.Message(body, message_id="TN-0009", user_id="portal")
            await commands_exchange.publish(queued, running.names["BROKER_KEY"], mandatory=True)
        found = await running.ask(client, "INTAKE", "/v1/petitions", **MINE)
        assert found.json()["id"] == pushed["id"]
        for _ in range(2):  # done again it is what it was
            replied = await running.act(client, "reply", **MINE)
            assert "met_late" in [each["status"] for each in replied["deadlines"] if each["duty"] == "reply"]


async def test_sandbox__begins_anew_goes_on_after_a_restart_and_is_nothing_else(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as running, httpx.AsyncClient(timeout=90) as client:
        seeded = (await running.ask(client, "INTAKE", "/v1/clock")).json()["now"]
        of_the_seed = (await feed(running, client, "", limit=2)).json()["next"]
        petition = {"jurisdiction": "H35.11.31", "external_id": "TN-0001", "text": "Rác ở chợ."}
        for _ in range(2):
            pushed = await client.post(
                f"{running.names['INTAKE']}/v1/petitions", json=petition, headers=running.bearer()
            )
            assert pushed.status_code == 201, pushed.text
            moved = await running.act(client, "clock", to="next-deadline", **MINE)
            assert [(each["duty"], each["status"]) for each in moved["deadlines"]] == [("reply", "breached")]
            at_the_end = await last_cursor(running, client)
            began = time.monotonic()
            anew = await running.act(client, "reset")
            print(f"reset in {time.monotonic() - began:.1f} s")
            assert anew["now"][:15] == seeded[:15]  # the same ten minutes
            assert (await running.ask(client, "INTAKE", "/v1/petitions", **MINE)).status_code == 404
            # A cursor of the seed reads on; one of what was undone is told so, as after a restore.
            assert (
                await running.ask(client, "INTAKE", "/v1/events", mine="true", cursor=of_the_seed)
            ).status_code == 200
            assert (
                await running.ask(client, "INTAKE", "/v1/events", mine="true", cursor=at_the_end)
            ).status_code == 409
        redirected = await running.act(client, "redirection", source="cong-thu-nghiem", external_id="MAU-003")
        assert redirected["petition_id"]
        kept = {"token": running.names["TOKEN"], "head": await head(running, client)}
    plain = await asyncio.create_subprocess_exec(
        PROGRAM, "dev", "--no-story", "--broker", "none", "--data", tmp_path / "data",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, refused = await asyncio.wait_for(plain.communicate(), 60)
    assert (plain.returncode, b"add --sandbox" in refused) == (1, True), refused
    async with sandbox(tmp_path) as running, httpx.AsyncClient(timeout=90) as client:
        assert {"token": running.names["TOKEN"], "head": await head(running, client)} == kept
        again = await running.act(client, "redirection", source="cong-thu-nghiem", external_id="MAU-003")
        assert again["petition_id"] == redirected["petition_id"]
        assert await head(running, client) == kept["head"]


async def test_sandbox__started_from_a_shell_that_has_the_names_of_one_has_its_own_broker(tmp_path: Path) -> None:
    """An integrator reads `sandbox.env` in a shell, stops the sandbox and starts it from there again."""
    async with sandbox(tmp_path, "", BROKER="amqp://portal:secret@127.0.0.1:1/%2F") as running:
        assert ":1/" not in running.names["BROKER"]
        async with await aio_pika.connect(running.names["BROKER"]):
            pass


async def feed(running: RunningSandbox, client: httpx.AsyncClient, cursor: str, limit: int = 500) -> httpx.Response:
    """A page of the integrator's own events."""
    return await running.ask(client, "INTAKE", "/v1/events", mine="true", cursor=cursor, limit=limit)


async def last_cursor(running: RunningSandbox, client: httpx.AsyncClient) -> str:
    """The integrator's cursor behind the last event."""
    cursor = ""
    while True:
        page = (await feed(running, client, cursor)).json()
        if not page["events"]:
            return str(page["next"])
        cursor = page["next"]


async def head(running: RunningSandbox, client: httpx.AsyncClient) -> int:
    """The last position of intake's log."""
    url = f"{running.names['INTAKE']}/v1/events"
    found = await client.get(url, params={"after": 0, "limit": 1}, headers=running.bearer("AUDITOR_TOKEN"))
    return int(found.json()["head"])


async def test_other_pair__never_becomes_a_sandbox(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    os.environ.pop("INTAKE_SOURCE", None)
    tried = await asyncio.create_subprocess_exec(
        PROGRAM, "dev", "--sandbox", "--broker", "none", "--data", tmp_path / "data", stderr=asyncio.subprocess.PIPE
    )
    _, refused = await asyncio.wait_for(tried.communicate(), 60)
    assert (tried.returncode, b"leave --sandbox out" in refused) == (1, True), refused
