"""Migrations: applied once, in order, whoever comes first; an edited one is refused; `doithoai migrate`."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from shared.postgres import migrate as migrations
from shared.postgres.migrate import EditedMigration, migrate
from tests.support.postgres import TestServer, as_role

PACKAGES = ("shared.postgres", "services.intake")


def doithoai(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("INTAKE_", "FOLLOWUP_"))}
    command = [Path(sys.executable).with_name("doithoai"), "migrate", *arguments]
    return subprocess.run(command, env=own | environment, capture_output=True, text=True, timeout=60, check=False)


async def test_migrations__are_applied_once_by_whoever_comes_first(pg_server: TestServer) -> None:
    dsn = await pg_server.empty()
    found = await asyncio.gather(*(migrate(dsn, PACKAGES) for _ in range(4)))
    applied = [names for names in found if names]
    assert len(applied) == 1 and applied[0][0] == "shared.postgres/0001_event_store.sql"
    assert applied[0] == sorted(applied[0], key=lambda name: (PACKAGES.index(name.split("/")[0]), name))


async def test_edited_migration__is_refused(pg_server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = await pg_server.fresh("shared.postgres")
    real = migrations._files
    monkeypatch.setattr(migrations, "_files", lambda package: [(name, sql + " ") for name, sql in real(package)])
    with pytest.raises(EditedMigration, match="0001_event_store"):
        await migrate(dsn, ["shared.postgres"])


async def test_file_of_a_migration__is_run_in_its_place_and_never_edited_either(
    pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "quoting" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "quoting" / "__init__.py").touch()
    (tmp_path / "quoting" / "tables.sql").write_text("CREATE TABLE one (a int);\n")
    first = folder / "0001_first.sql"
    first.write_text("-- Before.\n\\ir ../tables.sql\nINSERT INTO one VALUES (1);\n")
    monkeypatch.syspath_prepend(tmp_path)
    dsn = await pg_server.empty()
    assert await migrate(dsn, ["quoting"]) == ["quoting/0001_first.sql"]
    (tmp_path / "quoting" / "tables.sql").write_text("CREATE TABLE one (a bigint);\n")
    with pytest.raises(EditedMigration, match="0001_first"):
        await migrate(dsn, ["quoting"])
    # The text that was run takes the line's place: the migration is what it was, and the file may go on.
    first.write_text("-- Before.\nCREATE TABLE one (a int);\nINSERT INTO one VALUES (1);\n")
    assert await migrate(dsn, ["quoting"]) == []


async def test_failing_migration__leaves_nothing_half_done(
    pg_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await pg_server.empty()
    broken = [("x/0001.sql", "CREATE TABLE one (a int); SELECT nonsense")]
    monkeypatch.setattr(migrations, "_files", lambda package: broken)
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(dsn, ["x"])
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT to_regclass('one')") is None
    assert await connection.fetchval("SELECT count(*) FROM schema_migrations") == 0
    await connection.close()


async def test_concurrent_migration__goes_on_where_it_was_interrupted__and_appends_go_on_meanwhile(
    pg_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await pg_server.fresh("shared.postgres")
    make = "CREATE INDEX CONCURRENTLY by_topic ON stored_events (topic);\n"
    index = "-- migrate: concurrently\nDROP INDEX CONCURRENTLY IF EXISTS by_topic;\n" + make
    text = {"x": index + "SELECT nonsense;\n"}
    monkeypatch.setattr(
        migrations, "_files", lambda package: [("x/0001.sql", text[package])] if package in text else []
    )
    packages = ["shared.postgres", "x"]
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(dsn, packages)
    text["x"] = index
    assert [names for names in await asyncio.gather(*(migrate(dsn, packages) for _ in range(3))) if names] == [
        ["x/0001.sql"]
    ]
    connection = await asyncpg.connect(dsn)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_topic'::regclass"
    assert await connection.fetchval(valid) is True
    await connection.close()


async def test_command__migrates_what_is_set_and_says_so(pg_server: TestServer) -> None:
    intake, followup = await pg_server.empty(), await pg_server.empty()
    first = await asyncio.to_thread(doithoai, "--json", INTAKE_DATABASE_URL=intake, FOLLOWUP_DATABASE_URL=followup)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["intake"][0] == told["followup"][0] == "shared.postgres/0001_event_store.sql"
    assert "services.intake/0001_intake.sql" in told["intake"]
    assert "services.followup/0001_followup.sql" in told["followup"]
    again = await asyncio.to_thread(doithoai, INTAKE_DATABASE_URL=intake)
    assert (again.returncode, again.stdout) == (0, "intake: nothing to apply\n")


async def test_database_of_the_other_service__is_refused_and_left_as_it_is(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    done = await asyncio.to_thread(doithoai, "--intake-role", "postgres", INTAKE_DATABASE_URL=dsn)
    said = "INTAKE_DATABASE_URL: this database belongs to services.followup, and its tables are not to be mixed"
    assert done.returncode == 1 and said in done.stderr
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT to_regclass('refused_commands')") is None
    await connection.close()


async def test_command__grants_roles_and_says_which_is_missing(pg_server: TestServer) -> None:
    dsn = await pg_server.empty()
    admin = await asyncpg.connect(dsn)
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'migrate_auditor'"):
        await admin.execute("CREATE ROLE migrate_auditor LOGIN")
    await admin.close()
    missing = await asyncio.to_thread(doithoai, "--auditor-role", "nobody_here", INTAKE_DATABASE_URL=dsn)
    assert missing.returncode == 1 and 'role "nobody_here" does not exist' in missing.stderr
    granted = await asyncio.to_thread(doithoai, "--auditor-role", "migrate_auditor", INTAKE_DATABASE_URL=dsn)
    assert granted.returncode == 0, granted.stderr
    reader = await asyncpg.connect(as_role(dsn, "migrate_auditor"))
    assert await reader.fetchval("SELECT count(*) FROM stored_events") == 0
    await reader.close()


async def test_command__refuses_to_grant_to_the_owner_of_the_events(pg_server: TestServer) -> None:
    dsn = await pg_server.empty()
    for role in ("--intake-role", "--auditor-role"):
        owner = await asyncio.to_thread(doithoai, role, "postgres", INTAKE_DATABASE_URL=dsn)
        assert owner.returncode == 1 and "REASSIGN OWNED BY postgres" in owner.stderr


async def test_command__takes_urls_from_the_folder_of_secrets(pg_server: TestServer, tmp_path: Path) -> None:
    (tmp_path / "intake_database_url").write_text(await pg_server.empty())
    done = await asyncio.to_thread(doithoai, DOITHOAI_SECRETS_DIR=str(tmp_path))
    assert done.returncode == 0 and done.stdout.startswith("intake: shared.postgres/0001"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "told"),
    [
        ((), {}, 2, "INTAKE_DATABASE_URL"),
        (("--intake-role", "x"), {"FOLLOWUP_DATABASE_URL": "postgresql:///x"}, 2, "--intake-role"),
        (("--nonsense",), {}, 2, "--nonsense"),
        ((), {"INTAKE_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, 1, "127.0.0.1:1 cannot be reached"),
        ((), {"FOLLOWUP_DATABASE_URL": "nonsense"}, 1, "followup: "),
    ],
)
def test_command__fails_in_one_line(
    arguments: tuple[str, ...], environment: dict[str, str], code: int, told: str
) -> None:
    done = doithoai(*arguments, **environment)
    assert done.returncode == code and told in done.stderr
    assert len(done.stderr.splitlines()) == 1 and "secret" not in done.stderr
