"""A store is bound to one master key: no process starts on it with another, and what does not open says so."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.intake.adapters import master_key
from services.intake.adapters.master_key import WrongMasterKey
from services.intake.adapters.seals import PetitionSeals
from services.intake.configured import new_id
from tests.integration.intake.test_process import SERVE, environment
from tests.support.files import PDF, answered, uploaded
from tests.support.importing import Importing, write_lines
from tests.support.intake import DISTRICT, Intake, served
from tests.support.postgres import MASTER_KEY
from tests.support.waiting import until

OTHER_KEY = bytes(32)
OF_AN_OLDER_RELEASE = "DELETE FROM master_key"
WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'master_key'::regclass
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
ALTERED = "UPDATE sealing_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
UNREADABLE = "urn:doithoai:problem:sealed-content-unreadable"
POST = {
    "subject": "sub-1", "name": "Lò Văn Nam", "position": "Chuyên viên", "roles": ["office"], "jurisdiction": DISTRICT,
    "valid_from": "2020-01-01",
}  # fmt: skip


async def execute(dsn: str, *statements: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def with_key(folder: Path, key: bytes) -> None:
    folder.mkdir()
    (folder / "master.key").write_bytes(key)


async def with_petitions(dsn: str, folder: Path, key: bytes, count: int) -> list[str]:
    """Petitions under a key, as an older release took them with any key; their ids."""
    with_key(folder, key)
    await execute(dsn, OF_AN_OLDER_RELEASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(master_key, "bind", _bind_nothing)
        async with served(dsn, folder) as intake:
            return [str((await intake.petition(petitioner_ids=[f"p{n}"]))["id"]) for n in range(count)]


async def _bind_nothing(*_: Any) -> None:
    pass


def test_intake__does_not_start_with_another_key(placed: str, tmp_path: Path) -> None:
    """Exit code 2, one line, in both languages, and it says what to do."""
    environ = environment(placed, tmp_path, INTAKE_PORT="0")
    (tmp_path / "master.key").write_bytes(OTHER_KEY)
    done = subprocess.run(SERVE, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "INTAKE_MASTER_KEY_FILE" in line]
    assert "không phải khóa chính" in line and "is not the master key of this store" in line
    assert "the one that was locked away" in line and "Traceback" not in done.stderr


async def test_import__does_not_begin_with_another_key(
    intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = Importing(intake, monkeypatch)
    with_key(tmp_path / "other", OTHER_KEY)
    monkeypatch.setenv("INTAKE_MASTER_KEY_FILE", str(tmp_path / "other" / "master.key"))
    row = {"command": "PetitionReceived", "external_id": "1", "effective_on": "2024-01-02", "jurisdiction": DISTRICT}
    code, _, told = await importing.run(write_lines(tmp_path / "rows.jsonl", row))
    assert code == 2 and "is not the master key of this store" in told
    assert await intake.rows("SELECT 1 FROM stored_events WHERE topic = 'PetitionReceived'") == []


async def test_of_two_first_processes__the_second_is_refused(database: str, tmp_path: Path) -> None:
    """On a new store each process may be the first: one of them binds it."""
    await execute(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    folders = [tmp_path / "a", tmp_path / "b"]
    with_key(folders[0], MASTER_KEY)
    with_key(folders[1], OTHER_KEY)
    async with served(database, folders[0]):
        with pytest.raises(WrongMasterKey):
            async with served(database, folders[1]):
                pass
        async with served(database, folders[0]):
            pass


async def test_binding__at_the_same_instant_takes_one_key(placed: str) -> None:
    """None sees the other's row before it writes its own."""
    await execute(placed, OF_AN_OLDER_RELEASE)
    pool: Any = await asyncpg.create_pool(placed, min_size=8)
    blocker: Any = await asyncpg.connect(placed)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE master_key IN SHARE ROW EXCLUSIVE MODE")  # reading goes on, writing waits
    keys = [PetitionSeals(os.urandom(32), new_id) for _ in range(4)]
    binding = [asyncio.create_task(master_key.bind(pool, seals)) for seals in keys]

    async def all_wait() -> bool:
        return bool(await blocker.fetchval(WAITING) == len(keys))

    await until(all_wait)
    await transaction.rollback()
    outcomes = await asyncio.gather(*binding, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", *["WrongMasterKey"] * 3]
    await blocker.close()
    await pool.close()


async def test_store_of_an_older_release__takes_the_key_that_opens_it(placed: str, tmp_path: Path) -> None:
    """Nothing is written there yet by which the key is known: what is sealed must open."""
    await with_petitions(placed, tmp_path / "right", MASTER_KEY, 3)
    with_key(tmp_path / "other", OTHER_KEY)
    with pytest.raises(WrongMasterKey):
        async with served(placed, tmp_path / "other"):
            pass
    async with served(placed, tmp_path / "right") as intake:
        assert [row["fingerprint"] for row in await intake.rows("SELECT fingerprint FROM master_key")]


async def test_store_sealed_under_two_keys__takes_the_one_of_most(placed: str, tmp_path: Path) -> None:
    """An older release took petitions under any key: the store still starts, with the right one alone."""
    await with_petitions(placed, tmp_path / "right", MASTER_KEY, 3)
    (lost, _) = await with_petitions(placed, tmp_path / "other", OTHER_KEY, 2)
    with pytest.raises(WrongMasterKey):
        async with served(placed, tmp_path / "other"):
            pass
    async with served(placed, tmp_path / "right") as intake:
        told = await intake.get(f"/v1/petitions/{lost}/content")
        assert (told.status_code, told.json()["type"]) == (500, UNREADABLE)
        assert set(told.json()["translations"]) == {"vi", "en"}
        # What is added to it would be sealed under a key that does not open.
        told = await intake.post(f"/v1/petitions/{lost}/withdrawal", {"reason": "Rút."})
        assert (told.status_code, told.json()["type"]) == (500, UNREADABLE)
        good = await intake.petition(petitioner_ids=["p9"])
        assert (await intake.get(f"/v1/petitions/{good['id']}/content")).status_code == 200
        # Whoever cannot be read can be erased.
        await intake.done("/v1/petitioners/p0/erasure", {})
        assert (await intake.get(f"/v1/petitions/{lost}/content")).status_code == 200


async def test_what_does_not_open__is_counted_and_named_once(
    intake: Intake, capsys: pytest.CaptureFixture[str]
) -> None:
    petition = str((await intake.petition(petitioner_ids=["p1"]))["id"])
    await intake.rows(ALTERED)
    for _ in range(2):
        assert (await intake.get(f"/v1/petitions/{petition}/content")).json()["type"] == UNREADABLE
    out = "".join(capsys.readouterr())
    assert out.count("seal_unopened") == 1 and petition in out and "sạt lở" not in out

    async def is_counted() -> bool:
        return "intake_seals_unopened_total 2.0" in (await intake.get("/metrics")).text

    await until(is_counted)


async def test_file__whose_case_does_not_open_says_so(placed: str, tmp_path: Path) -> None:
    """It is not damaged: a backup would not help."""
    async with served(placed, tmp_path, files=str(tmp_path / "files")) as intake:
        stored = await uploaded(intake, PDF)
        path = await answered(intake, PDF)
        await intake.rows(ALTERED)
        told = await intake.get(f"{path}/files/{stored['digest']}", on_behalf_of="test")
        assert (told.status_code, told.json()["type"]) == (500, UNREADABLE)


async def test_person__whose_name_does_not_open_is_listed_without_it(intake: Intake) -> None:
    await intake.done("/v1/people", POST)
    await intake.rows(ALTERED)
    assert [person["name"] for person in (await intake.get("/v1/people")).json()["items"]] == [""]
