"""An intake that is killed at any line of what keeps files: what was answered stands, and what was erased goes."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from services.dev.postgres import ensure_database
from services.intake.adapters.file_folder import INCOMING
from tests.support.crashing_files import PETITION
from tests.support.files import PDF, digest_of, stored
from tests.support.intake import Intake, served
from tests.support.postgres import TestServer
from tests.support.waiting import until

FEW, MANY = 3, 40
TEMPLATE = f"template_files_{os.getpid()}"


async def crashed(line: int, dsn: str, folder: Path) -> list[str]:
    """What was answered, word by word, before it died."""
    arguments = (sys.executable, "-m", "tests.support.crashing_files", str(line), dsn, str(folder))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == (-9 if line else 0)
    return [line.removeprefix("TOLD ") for line in told.decode().splitlines() if line.startswith("TOLD ")]


async def check(intake: Intake, told: list[str]) -> None:
    digest = digest_of(PDF)
    if "uploaded" not in told:
        # Nobody was promised anything: it is sent again, and that is enough.
        answer = await intake.client.post("/v1/files", content=PDF)
        assert answer.status_code in (200, 201)
    petition = await intake.post("/v1/petitions", PETITION, Idempotency_Key="named")
    assert petition.status_code == 201, petition.text
    path = f"/v1/petitions/{petition.json()['id']}"
    facts = [fact["topic"] for fact in (await intake.get(path)).json()["facts"]]
    assert ("PersonalDataErased" in facts) or "erased" not in told
    found = await intake.get(f"{path}/files/{digest}")
    if "PersonalDataErased" not in facts:
        assert (found.status_code, found.content) == (200, PDF)
        assert (await intake.post("/v1/petitioners/p1/erasure", {}, Idempotency_Key="erased")).status_code == 201
        found = await intake.get(f"{path}/files/{digest}")
    assert found.status_code == 410
    # What nobody has finished is taken for forgotten after an hour.
    for file in stored(Path(intake.settings.files) / INCOMING):
        os.utime(file, (1, 1))
    # So is a command that had named it and was not recorded.
    await intake.rows("UPDATE file_keys SET named_at = named_at - interval '2 minutes' WHERE NOT recorded")
    await until(lambda: stored(intake.settings.files) == [])
    assert await intake.rows("SELECT 1 FROM files WHERE wrapped IS NOT NULL") == []


async def killed_at(lines: range, server: TestServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill it at lines of the whole, each time on a copy of the same store."""
    monkeypatch.setattr("services.intake.bootstrap.KEEP_FILES_EVERY", 0.05)
    for number, line in enumerate(lines):
        own = folder / str(number)
        shutil.copytree(folder / "store", own)
        dsn = await server.empty(TEMPLATE)
        told = await crashed(line, dsn, own)
        async with served(dsn, own, files=str(own / "files")) as intake:
            await check(intake, told)


async def whole(server: TestServer, folder: Path) -> int:
    """A store of which copies are made, and how many lines are run where nobody is killed."""
    dsn = await server.fresh("shared.postgres", "services.intake")
    (folder / "store").mkdir()
    async with served(dsn, folder / "store", files=str(folder / "store" / "files")) as intake:
        await intake.places()
    await ensure_database(server.dsn("postgres"), TEMPLATE, dsn.partition("?")[0].rpartition("/")[2])
    shutil.copytree(folder / "store", folder / "undisturbed")
    told = await crashed(0, await server.empty(TEMPLATE), folder / "undisturbed")
    assert told[:3] == ["uploaded", "named", "erased"]
    return int(told[3])


@pytest.mark.timeout(300)
@pytest.mark.slow
async def test_killed__at_some_lines_keeps_what_it_answered(
    pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = await whole(pg_server, tmp_path)
    assert count > 100
    await killed_at(range(count // (2 * FEW), count + 1, count // FEW), pg_server, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_killed__at_many_lines_keeps_what_it_answered(
    pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = await whole(pg_server, tmp_path)
    await killed_at(range(1, count + 1, max(1, count // MANY)), pg_server, tmp_path, monkeypatch)
