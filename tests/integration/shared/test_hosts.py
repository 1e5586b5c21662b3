"""A list of database hosts is walked past those that are silent, gone or not to be written to."""

import asyncio
import contextlib
import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

import asyncpg
import httpx
import psutil
import pytest

from services.dev.rabbitmq import free_ports
from services.followup.bootstrap import callers_of, running
from services.followup.settings import FollowupSettings
from shared.host_walk import NoHost
from shared.postgres.hosts import Birth, Hosts
from shared.postgres.pool import Notifications, connect, create_pool
from shared.postgres.server_check import failure
from shared.postgres.transient_errors import TRANSIENT_ERRORS
from shared.server_urls import hosts_of
from shared.sockets import UNACKNOWLEDGED, addresses_of, watch_peer
from tests.support.cluster import PASSWORD, USER, Cluster
from tests.support.intake import COMMUNE, served
from tests.support.postgres import TestServer
from tests.support.silent_hosts import mute, resolve, swallowing
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u:p@one:5432,two:6432/db?target_session_attrs=read-write", [("one", 5432), ("two", 6432)]),
        ("postgresql://u:p%40,@one,two/db", [("one", None), ("two", None)]),
        ("postgresql://u@[::1]:5433,[fe80::2]/db", [("::1", 5433), ("fe80::2", None)]),
        ("postgresql://u@%2Frun%2Fpostgresql,one:1/db", [("/run/postgresql", None), ("one", 1)]),
        ("postgresql:///db?host=/run/a,/run/b&port=1,2", [("/run/a", 1), ("/run/b", 2)]),
        ("postgresql://one,two/db?port=7", [("one", 7), ("two", 7)]),
        ("postgresql:///db", []),
    ],
)
def test_hosts__are_those_that_the_dsn_names(dsn: str, expected: list[tuple[str, int | None]]) -> None:
    assert hosts_of(dsn) == expected


def listing(database: str, *first: str) -> str:
    """The DSN of a test's database behind other hosts."""
    parts = urlsplit(database)
    folder = quote(parse_qs(parts.query)["host"][0], safe="")
    return f"postgresql://{parts.netloc}{','.join((*first, folder))}{parts.path}"


async def test_silent_hosts__are_passed_and_the_last_good_one_is_tried_first(database: str) -> None:
    with swallowing() as black, mute() as frozen:
        hosts = Hosts(listing(database, f"127.0.0.1:{black}", f"127.0.0.1:{frozen.port}"))
        for _ in range(2):
            connection = await hosts.connect()
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
        assert len(frozen.taken) == 1


async def test_all_hosts_away__each_is_named_with_its_reason(database: str) -> None:
    (nobody,) = free_ports(1)
    with swallowing() as black:
        hosts = Hosts(f"postgresql://u:secret@127.0.0.1:{black},127.0.0.1:{nobody}/db")
        with pytest.raises(NoHost) as raised:
            await hosts.connect()
    said = failure(raised.value, "INTAKE_DATABASE_URL")
    assert f"127.0.0.1:{black} does not answer within 1.5 s" in said
    assert f"127.0.0.1:{nobody} cannot be reached" in said
    assert "INTAKE_DATABASE_URL" in said and "secret" not in said


async def test_silent_host__is_tried_after_the_others_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.host_walk.EACH", 0.2)
    (nobody,) = free_ports(1)
    with mute() as silent:
        hosts = Hosts(f"postgresql://u@127.0.0.1:{silent.port},127.0.0.1:{nobody}/db")
        for order in ([silent.port, nobody], [nobody, silent.port]):
            with pytest.raises(NoHost) as raised:
                await hosts.connect()
            assert [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", str(raised.value))] == order


async def test_database_that_is_not_there__is_asked_of_one_host(database: str) -> None:
    with mute() as other:
        folder = quote(parse_qs(urlsplit(database).query)["host"][0], safe="")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await connect(f"postgresql://{urlsplit(database).netloc}{folder},127.0.0.1:{other.port}/nobody-has-this")
        assert other.taken == []


# --- one name with several addresses -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_tcp() -> Iterator[Cluster]:
    """A server that is reached by TCP, at 127.0.0.1 alone."""
    with own_server("tcp") as server:
        yield server


@contextlib.contextmanager
def own_server(name: str) -> Iterator[Cluster]:
    """A server until the block ends."""
    with tempfile.TemporaryDirectory(prefix=f"doithoai-{name}-") as folder:
        Path(folder).chmod(0o755)
        server = Cluster(Path(folder)).start()
        try:
            yield server
        finally:
            server.shut_down(signal.SIGQUIT)


@pytest.mark.parametrize("others", ["", ",127.0.0.1:1"])
async def test_address_that_swallows_packets__is_passed_for_the_next_one_of_its_name(
    by_tcp: Cluster, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    resolve(monkeypatch, db=["127.0.0.2", "127.0.0.3", "127.0.0.1"])
    hosts = Hosts(f"postgresql://{USER}:{PASSWORD}@db:{by_tcp.port}{others}/postgres")
    with swallowing("127.0.0.2", by_tcp.port) as black:
        connection = await hosts.connect()
        with pytest.raises(TimeoutError):  # the cancel request goes to the same address
            await connection.fetchval("SELECT pg_sleep(60)", timeout=0.1)
        assert await connection.fetchval("SELECT host(inet_server_addr())") == "127.0.0.1"
        await connection.close()
    hosts.hold_to(Birth("local", None))
    with pytest.raises(NoHost) as raised:
        await hosts.connect()
    said = str(raised.value)
    assert said.startswith(f"db:{black} (127.0.0.1) holds no store")
    assert f"db:{black} (127.0.0.3) cannot be reached (Connection refused)" in said
    assert said.endswith(f"db:{black} (127.0.0.2) cannot be reached (Connection refused)") and PASSWORD not in said


async def test_name_without_addresses__is_named() -> None:
    with pytest.raises(NoHost, match=r"no-such-host\.invalid cannot be reached"):
        await Hosts("postgresql://u:secret@no-such-host.invalid/db").connect()


async def test_addresses__are_those_of_the_system() -> None:
    assert "127.0.0.1" in await addresses_of("localhost", 5.0)
    for itself in ("127.0.0.9", "::1", "/run/postgresql", "no-such-host.invalid"):
        assert await addresses_of(itself, 5.0) == [itself]


# --- which store it is ---------------------------------------------------------------------------------------------

FIRST = UUID("00000000-0000-7000-8000-000000000001")
_FIRST_EVENT = f"""
INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, event_id, recorded_at)
VALUES ('{FIRST}', 1, 'x', '', 1, '{FIRST}', now())
"""


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Birth("other", None), "holds the store local (without events) and not other (without events)"),
        (Birth("local", FIRST), f"(without events) and not local (which begins with {FIRST})"),
    ],
)
async def test_server_of_another_store__is_passed_and_both_are_named(database: str, known: Birth, said: str) -> None:
    hosts = Hosts(database)
    hosts.hold_to(known)
    with pytest.raises(NoHost) as raised:
        await hosts.connect()
    assert said in str(raised.value) and said in hosts.notice
    assert hosts.trouble == raised.value.said and "giữ kho local" in raised.value.said.vi
    hosts.hold_to(Birth("local", None))
    await (await hosts.connect()).close()
    assert (hosts.notice, hosts.trouble) == ("", None)


async def test_database_without_a_store__is_passed(pg_server: TestServer) -> None:
    hosts = Hosts(await pg_server.empty())
    hosts.hold_to(Birth("local", None))
    with pytest.raises(NoHost, match="holds no store"):
        await hosts.connect()


async def test_store_without_events__is_known_by_its_first_one_once_it_has_it(
    database: str, pg_server: TestServer
) -> None:
    hosts = Hosts(database)
    hosts.hold_to(Birth("local", None))
    connection = await hosts.connect()
    await hosts.probe(connection, 5.0)
    await connection.execute(_FIRST_EVENT)
    await hosts.probe(connection, 5.0)
    hosts.dsn = await pg_server.fresh("shared.postgres")
    with pytest.raises(NoHost, match=f"and not local .which begins with {FIRST}"):
        await hosts.connect()
    await connection.close()


async def test_pool__holds_to_the_store_that_its_first_connection_finds(database: str) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as plain:
        await plain.execute(_FIRST_EVENT)
        pool = await create_pool(database, application="test", largest=2)
        try:
            await plain.execute("UPDATE store_state SET source = 'other'")
            async with pool.acquire():
                with pytest.raises(NoHost, match=r"holds the store other .* and not local"):
                    await pool.fetchval("SELECT 1")
        finally:
            await pool.close()


_ANOTHER_STORE = """
UPDATE store_state SET source = 'another';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.mark.slow
async def test_followup__holds_to_the_store_that_it_began_with_though_that_has_no_event_yet(
    pg_server: TestServer,
) -> None:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    settings = FollowupSettings(database_url=dsn, migrate=False, sources="", source="own")
    async with (
        running(settings, callers_of(settings)) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as plain:
            await plain.execute(_ANOTHER_STORE)

        async def is_told() -> bool:
            ready = await client.get("/readyz")
            return ready.status_code == 503 and "another (without events) and not own" in ready.json()["detail"]

        await until(is_told)


@pytest.mark.slow
async def test_next_server_of_the_list__that_holds_another_source_gets_nothing(by_tcp: Cluster, tmp_path: Path) -> None:
    theirs = await by_tcp.fresh("shared.postgres", "services.intake")
    name = theirs.rpartition("/")[2]
    with own_server("ours") as ours:
        ours.admin(f"CREATE DATABASE {name}")
        async with served(theirs, tmp_path, source="province-b") as other:
            await other.places()
            head = await other.head()
            own = f"127.0.0.1:{ours.port}"
            alone = f"postgresql://{USER}:{PASSWORD}@{own}/{name}"
            async with served(alone, tmp_path, source="province-a", migrate=True) as intake:
                await intake.places()
            listed = alone.replace(own, f"{own},127.0.0.1:{by_tcp.port}")
            async with served(listed, tmp_path, source="province-a") as intake:
                ours.kill()
                refused = await intake.post(
                    "/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường vào bản."}, idempotency_key="k"
                )
                assert refused.status_code == 503
                ready = await intake.get("/readyz")
                assert f"127.0.0.1:{by_tcp.port} holds the store province-b" in ready.json()["detail"]
                assert "and not province-a" in ready.json()["detail"]
                ready = await intake.client.get("/readyz", headers={"Accept-Language": "vi"})
                assert f"127.0.0.1:{by_tcp.port} giữ kho province-b" in ready.json()["detail"]
                assert await other.head() == head


async def test_peer__is_watched_by_the_kernel() -> None:
    loop = asyncio.get_running_loop()
    with mute() as server:
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", server.port)
        watch_peer(transport)
        connected = transport.get_extra_info("socket")
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED
        transport.close()
        await asyncio.sleep(0)  # it is closed by the loop


# --- a primary and its standby -------------------------------------------------------------------------------------


@pytest.fixture
def two() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary and a standby that streams from it, each on a port of its own."""
    with tempfile.TemporaryDirectory(prefix="doithoai-two-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("one", "two"):
            (folder / each).mkdir()
        primary = Cluster(folder / "one").start()
        stack.callback(primary.shut_down, signal.SIGQUIT)
        stack.callback(freeze, primary, signal.SIGCONT)
        primary.base_backup(folder / "one" / "copy")
        copied = (folder / "one" / "copy").rename(folder / "two" / "data")
        (copied / "standby.signal").touch()
        conninfo = f"host={folder / 'one'} port={primary.port} user={USER}"
        standby = Cluster(folder / "two", data=copied, primary_conninfo=conninfo).start()
        stack.callback(standby.shut_down, signal.SIGQUIT)
        yield primary, standby


def freeze(server: Cluster, how: signal.Signals = signal.SIGSTOP) -> None:
    """Stop every process of a server where it is, or let it go on."""
    assert server.process is not None
    if server.is_alive():
        postmaster = psutil.Process(server.process.pid)
        for each in (postmaster, *postmaster.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(how)


def both(first: Cluster, second: Cluster, password: str = PASSWORD) -> str:
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://{USER}:{password}@{hosts}/postgres?target_session_attrs=read-write"


async def port_of(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """To which server a pool leads, once it leads anywhere."""
    while True:
        with contextlib.suppress(*TRANSIENT_ERRORS):
            found: int = await pool.fetchval("SELECT inet_server_port()")
            return found
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_standby_before_its_primary__is_passed_and_a_wrong_password_is_said_at_once(
    two: tuple[Cluster, Cluster],
) -> None:
    primary, standby = two
    connection = await connect(both(standby, primary))
    assert await connection.fetchval("SELECT inet_server_port()") == primary.port
    await connection.close()
    with mute() as other, pytest.raises(asyncpg.InvalidPasswordError):
        await connect(f"postgresql://{USER}:wrong@127.0.0.1:{primary.port},127.0.0.1:{other.port}/postgres")
    assert other.taken == []
    primary.shut_down()
    with pytest.raises(NoHost, match=rf"127.0.0.1:{standby.port} takes no writes"):
        await connect(both(primary, standby))


@pytest.mark.slow
async def test_replaced_primary_before_the_new_one__is_passed_by_a_process_that_starts(
    two: tuple[Cluster, Cluster],
) -> None:
    replaced, primary = two
    primary.admin("SELECT pg_promote()")
    for listed in (both(replaced, primary), both(primary, replaced)):
        hosts = Hosts(listed)
        for _ in range(2):
            connection = await hosts.connect()
            assert await connection.fetchval("SELECT inet_server_port()") == primary.port
            await connection.close()


@pytest.mark.slow
async def test_database_of_its_own_in_a_list__is_told_at_the_start(
    two: tuple[Cluster, Cluster], by_tcp: Cluster
) -> None:
    hosts = Hosts(both(two[0], by_tcp))
    await (await hosts.connect()).close()
    assert hosts.notice.startswith(f"127.0.0.1:{by_tcp.port} is no standby of the primary but a database of its own")


@pytest.mark.slow
async def test_frozen_primary__lets_go_once_its_standby_is_promoted(two: tuple[Cluster, Cluster]) -> None:
    primary, standby = two
    hosts = Hosts(both(primary, standby))
    pool, notifications = await create_pool(hosts, application="test", event_store=False), Notifications(hosts)
    await notifications.start()
    try:
        assert await port_of(pool) == primary.port
        waits = asyncio.create_task(pool.fetchval("SELECT pg_sleep(100)"))
        await asyncio.sleep(1.0)
        freeze(primary)
        standby.admin("SELECT pg_promote()")
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):  # not its own time-out
            await waits
        assert await port_of(pool) == standby.port
        freeze(primary, signal.SIGCONT)  # it still takes itself for the primary
        standby.shut_down()
        with pytest.raises(NoHost, match=rf"127.0.0.1:{primary.port} is of an earlier timeline"):
            await hosts.connect()
    finally:
        await notifications.close()
        pool.terminate()
