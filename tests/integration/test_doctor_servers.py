"""Doctor on real servers: a receiver of the log is no standby, and the data lie on a disk of this machine."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.doctor import servers
from services.doctor.findings import State
from tests.support.cluster import PASSWORD, USER
from tests.support.replicated import Replicated, replicated
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    with replicated() as made:
        yield made


@contextlib.contextmanager
def receiving(pair: Replicated, folder: Path) -> Iterator[None]:
    """pg_receivewal on the host of the primary, as the installation on Debian runs it."""
    server = pair.primary
    command = [server.programs / "pg_receivewal", "-D", folder, "-S", "backup", "--synchronous", "--no-password"]
    command += ["-h", "127.0.0.1", "-p", str(server.port), "-U", USER]
    process = subprocess.Popen(command, env={"PGPASSWORD": PASSWORD}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def told(pair: Replicated) -> dict[str, State]:
    url = pair.primary.dsn("postgres")
    found = await servers.look({"intake": url, "followup": url}, received=False)
    return {finding.said.en: finding.state for finding in found}


async def test_receiver__is_told_apart_from_the_standby(pair: Replicated, tmp_path: Path) -> None:
    pair.primary.admin("SELECT pg_create_physical_replication_slot('backup')")
    pair.require()
    before = await told(pair)
    # One server behind two databases is told once.
    standby = "the synchronous standby 15/main comes from the server's own host: who loses it loses both"
    assert before[standby] is State.NOTE
    assert before["the slot backup was never used"] is State.NOTE and len(before) == 2

    with receiving(pair, tmp_path):
        received = "pg_receivewal (127.0.0.1) receives the log"

        async def arrives() -> bool:
            return received in await told(pair)

        await until(arrives)
        assert await told(pair) == {standby: State.NOTE, received: State.RIGHT}
        pair.require("*")
        assert State.WRONG in (await told(pair)).values()
        # What a line that is cut leaves: the receiver alone has what is answered.
        pair.standby.kill()

        async def is_waited_for() -> bool:
            return any("is pg_receivewal on the server itself" in said for said in await told(pair))

        await until(is_waited_for)


async def test_data__lie_where_the_server_says(pair: Replicated) -> None:
    assert await servers.folders(pair.primary.dsn("postgres")) == [pair.primary.data, pair.primary.data / "pg_wal"]
    assert await servers.folders("postgresql://u:p@127.0.0.1:9/x") == []
