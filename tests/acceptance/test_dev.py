"""`make run`: `doithoai dev` starts a whole pair from nothing, and stops all of it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import aiormq
import httpx
import pytest

from services.dev.rabbitmq import free_ports
from shared.http.auth import mint_token
from shared.rabbit.topology import events_of
from tests.support.intake import tokens_file
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PAGE, IMPORTING = (ROOT / "docs" / "howto" / name for name in ("connect-a-system.md", "import.md"))
PLACE = {"code": "H35.10", "name": "Huyện Tam Đường", "level": "district", "valid_from": "2004-01-01"}
AGENCY = {
    "code": "H35.10.6",
    "name": "Phòng Kinh tế và Hạ tầng huyện Tam Đường",
    "jurisdiction": "H35.10",
    "valid_from": "2004-01-01",
}


@contextlib.asynccontextmanager
async def pair_from_nothing(folder: Path, broker: str, **environment: str) -> AsyncIterator[tuple[str, str]]:
    """The URLs of intake and followup of `doithoai dev`, which must end well when it is asked to."""
    intake, followup = free_ports(2)
    program = Path(sys.executable).with_name("doithoai")
    options = ["--no-story", "--broker", broker, "--intake-port", str(intake), "--followup-port", str(followup)]
    said = folder / "said"
    with said.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            program, "dev", "--data", folder / "data", *options, stdout=output, stderr=output,
            env=os.environ | environment,
        )  # fmt: skip
    try:
        await until(lambda: running.returncode is not None or "Running" in said.read_text("utf-8"), 120)
        assert running.returncode is None, said.read_text("utf-8")
        yield f"http://127.0.0.1:{intake}", f"http://127.0.0.1:{followup}"
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
    assert await running.wait() == 0


async def test_dev__starts_a_pair_from_nothing_and_stops_it(tmp_path: Path) -> None:
    async with pair_from_nothing(tmp_path, "none") as urls, httpx.AsyncClient() as client:
        for url in urls:
            assert (await client.get(f"{url}/readyz")).status_code == 200
        url_file = tmp_path / "data" / "intake-database.url"
        assert stat.S_IMODE(url_file.stat().st_mode) == 0o600
        await client.post(f"{urls[0]}/v1/jurisdictions", json=PLACE)
        await client.post(f"{urls[0]}/v1/agencies", json=AGENCY)
        commune = PLACE | {"code": "H35.10.31", "level": "commune", "parent": "H35.10"}
        assert (await client.post(f"{urls[0]}/v1/jurisdictions", json=commune)).status_code == 201
        pushed, found, deadlines = await printed_commands((tmp_path / "said").read_text("utf-8"))
        assert pushed["receipt_code"]
        assert found["id"] == pushed["id"]
        assert "items" in deadlines
        code, said = await by_the_page(url_file.parent)
        if code and "run it again" in said:  # a store that is too busy, as on a loaded machine: it goes on where it was
            code, said = await by_the_page(url_file.parent)
        assert (code, said) in ((0, "3 đã ghi"), (0, "3 đã có"))


@pytest.mark.slow
async def test_dev__that_was_killed_is_gone_on_with_and_leaves_nothing(tmp_path: Path) -> None:
    data, ports = tmp_path / "data", [str(port) for port in free_ports(2)]
    program = Path(sys.executable).with_name("doithoai")
    options = ["--no-story", "--intake-port", ports[0], "--followup-port", ports[1]]
    with (tmp_path / "said").open("wb") as output:

        async def started(times: int, broker: str) -> asyncio.subprocess.Process:
            made = await asyncio.create_subprocess_exec(
                program, "dev", "--data", data, "--broker", broker, *options, stdout=output, stderr=output
            )
            said = tmp_path / "said"
            await until(lambda: made.returncode is not None or said.read_text("utf-8").count("Running") == times, 120)
            assert made.returncode is None, said.read_text("utf-8")
            return made

        killed = await started(1, "auto")
        killed.kill()
        await killed.wait()
        left = [int((data / f"{name}.pid").read_text("utf-8")) for name in ("intake", "followup")]
        broker = [int(pid) for pid in (data / "rabbitmq" / "pids").read_text("utf-8").split()]
        again = await started(2, "none")
        assert left != [int((data / f"{name}.pid").read_text("utf-8")) for name in ("intake", "followup")]
        again.send_signal(signal.SIGTERM)
        assert await again.wait() == 0
    assert not list(data.glob("*.pid"))
    assert not [pid for pid in broker if is_running(pid)]
    assert not (data / "postgres" / "postmaster.pid").exists()


def is_running(pid: int) -> bool:
    """Whether a process is there and is more than an entry that nobody asked for."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


async def printed_commands(said: str) -> list[Any]:
    """What the commands that the run prints come to in a shell."""
    printed = [line.strip() for line in said.splitlines() if line.startswith(("  TOKEN=", "  curl "))]
    shell = await asyncio.create_subprocess_exec("sh", "-ec", "; echo;".join(printed), stdout=asyncio.subprocess.PIPE)
    answers, _ = await asyncio.wait_for(shell.communicate(), 60)
    return [json.loads(line) for line in answers.decode().splitlines() if line]


async def by_the_page(data: Path) -> tuple[int, str]:
    """Run the commands at the head of the page on imports in a pair's folder: exit code, what came of the rows."""
    first = next(
        each for each in re.findall(r"```\n(.*?)```", IMPORTING.read_text("utf-8"), re.DOTALL) if ".url" in each
    )
    assert ".data/dev" in first
    commands = first.replace(".data/dev", str(data)).replace(".venv/bin/doithoai", f"{sys.executable} -m services.cli")
    shell = await asyncio.create_subprocess_exec(
        "sh",
        "-ec",
        commands,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "1000"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(shell.communicate(), 60)
    found = re.findall(r"3 (?:đã ghi|đã có)", said.decode())
    return shell.returncode or 0, found[0] if found else said.decode()[-300:]


@pytest.mark.slow
async def test_dev__a_portal_queues_by_the_page_under_the_shipped_rights(tmp_path: Path) -> None:
    minted = {
        "FOLLOWUP_SOURCE_TOKEN_FILE": mint_token("followup", "auditor"),
        "operations": mint_token("operations", "operations"),
        "portal": mint_token("cong-thu-nghiem", "system", "H35", amqp_user="portal"),
    }
    tokens = str(tokens_file(tmp_path, *(entry for _, entry in minted.values())))
    (tmp_path / "followup.token").write_text(minted["FOLLOWUP_SOURCE_TOKEN_FILE"][0])
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "portal.py").write_text(code)
    environment = {"INTAKE_TOKENS_FILE": tokens, "FOLLOWUP_TOKENS_FILE": tokens}
    environment["FOLLOWUP_SOURCE_TOKEN_FILE"] = str(tmp_path / "followup.token")
    async with pair_from_nothing(tmp_path, "auto", **environment) as (intake, followup), httpx.AsyncClient() as client:
        own = {"Authorization": f"Bearer {minted['operations'][0]}"}
        for place_code, level in (("H35", "province"), ("H35.10", "district"), ("H35.10.31", "commune")):
            place = {"code": place_code, "name": place_code, "level": level, "valid_from": "2004-01-01"}
            assert (await client.post(f"{intake}/v1/jurisdictions", json=place, headers=own)).status_code == 201
        url_file = tmp_path / "data" / "portal.url"
        assert stat.S_IMODE(url_file.stat().st_mode) == 0o600
        url = url_file.read_text("utf-8")
        command = [sys.executable, str(tmp_path / "portal.py"), url]
        portal = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await asyncio.wait_for(portal.communicate(), 60)
        assert portal.returncode == 0 and "'receipt_code'" in said.decode(), said
        # It came by followup's own broker user too, and the portal reaches no queue of theirs.
        page = (await client.get(f"{intake}/v1/events", params={"after": 0}, headers=own)).json()
        assert [event["type"] for event in page["events"]][-1] == "PetitionReceived"
        await until(lambda: _follows(client, followup, own, len(page["events"])), 60)
        async with await aio_pika.connect(url) as connection:
            channel: Any = await connection.channel()
            with pytest.raises(aiormq.exceptions.ChannelAccessRefused):
                message = aio_pika.Message(json.dumps({}).encode())
                await channel.default_exchange.publish(message, events_of("local").queue)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_dev__outlives_its_broker_and_starts_it_again(tmp_path: Path) -> None:
    async with pair_from_nothing(tmp_path, "auto") as (intake, _), httpx.AsyncClient() as client:
        node, _ = (tmp_path / "data" / "rabbitmq" / "pids").read_text("utf-8").split()
        os.killpg(int(node), signal.SIGKILL)
        await until(lambda: "The broker ended" in (tmp_path / "said").read_text("utf-8"), 30)
        place = {"code": "H35", "name": "Lai Châu", "level": "province", "valid_from": "2004-01-01"}
        assert (await client.post(f"{intake}/v1/jurisdictions", json=place)).status_code == 201
        await until(lambda: "The broker starts again." in (tmp_path / "said").read_text("utf-8"), 60)
        # Not until its queues are back: those of a node that is killed right after their birth may need a person.
        await until(lambda: _takes_connections((tmp_path / "data" / "portal.url").read_text("utf-8")), 120)


async def _takes_connections(url: str) -> bool:
    with contextlib.suppress(OSError, aiormq.exceptions.AMQPError):
        async with await aio_pika.connect(url, timeout=5):
            return True
    return False


async def _follows(client: httpx.AsyncClient, url: str, own: dict[str, str], position: int) -> bool:
    (source,) = (await client.get(f"{url}/v1/sources", headers=own)).json()["items"] or [{}]
    return bool(source.get("position") == position)
