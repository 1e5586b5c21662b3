"""PostgreSQL by TLS, with Debian's server: who is trusted, what is refused and how it is said, what changes live."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
import uvloop

from shared.postgres.pool import connect, create_pool
from shared.postgres.server_check import failure
from tests.support.cluster import PASSWORD, USER
from tests.support.silent_hosts import resolve
from tests.support.tls import Authority, Certificate, TlsCluster

PAST = -timedelta(days=1)


class DatabaseByTls:
    """A server, who certifies it, and the URLs by which it is reached."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.stranger = Authority(folder, "ca"), Authority(folder, "stranger")
        self.good = self.authority.issue("good")
        place = folder / "postgres"
        place.mkdir()
        self.cluster = TlsCluster(place, self.good, self.authority.file)
        self.password = folder / "db.password"
        self.password.write_text(PASSWORD)

    def url(self, database: str = USER, user: str = USER, host: str = "127.0.0.1", **options: object) -> str:
        """The URL of a database, verified by our CA, with the password of the file."""
        chosen = {
            "sslmode": "verify-full",
            "sslrootcert": self.authority.file,
            "password_file": self.password,
        } | options
        query = "&".join(f"{name}={quote(str(value))}" for name, value in chosen.items() if value)
        return f"postgresql://{user}@{host}:{self.cluster.port}/{database}?{query}"

    def serve(self, certificate: Certificate) -> None:
        """Give the server another certificate, and end what connections there are."""
        self.cluster.certificate.put(certificate)
        self.cluster.reload()
        self.cluster.terminate(USER)


@pytest.fixture(scope="module")
def server() -> Iterator[DatabaseByTls]:
    """Debian's server, with TLS and without anything else."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = DatabaseByTls(Path(folder))
        try:
            made.cluster.start()
            yield made
        finally:
            made.cluster.shut_down()


@pytest.fixture
def ground(server: DatabaseByTls) -> Iterator[DatabaseByTls]:
    """The server as each test finds it."""
    yield server
    server.password.write_text(PASSWORD)
    server.cluster.admin(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    server.serve(server.good)


async def how(url: str) -> tuple[str, bool]:
    """As whom a URL connects, and whether by TLS."""
    connection = await connect(url)
    try:
        user, by_tls = await connection.fetchrow(  # type: ignore[misc]
            "SELECT current_user::text, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        return user, by_tls
    finally:
        await connection.close()


async def test_server__that_our_ca_knows_is_reached_by_tls(ground: DatabaseByTls) -> None:
    assert await how(ground.url()) == (USER, True)


async def test_certificate__logs_in_without_a_password(ground: DatabaseByTls) -> None:
    ground.cluster.admin("DROP ROLE IF EXISTS with_certificate")
    ground.cluster.admin("CREATE ROLE with_certificate LOGIN")
    ours = ground.authority.issue("client", user="with_certificate")
    theirs = ground.stranger.issue("client-of-a-stranger", user="with_certificate")
    known: dict[str, object] = {"sslcert": ours.certificate, "sslkey": ours.key, "password_file": ""}
    assert await how(ground.url(user="with_certificate", **known)) == ("with_certificate", True)
    for options in (known | {"sslcert": theirs.certificate, "sslkey": theirs.key}, {"password_file": ""}):
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)) as raised:
            await how(ground.url(user="with_certificate", **options))
        said = failure(raised.value, "X")
        assert any(word in said for word in ("refuses our certificate", "sslcert", "pg_hba.conf")), said


#: What is wrong with a server or with our settings; what is said of it.
WRONG: dict[str, tuple[Callable[[DatabaseByTls], str], str]] = {}


def wrong(said: str) -> Callable[[Callable[[DatabaseByTls], str]], Callable[[DatabaseByTls], str]]:
    def keep(made: Callable[[DatabaseByTls], str]) -> Callable[[DatabaseByTls], str]:
        WRONG[made.__name__] = (made, said)
        return made

    return keep


@wrong("by no CA that is trusted here")
def another_ca(ground: DatabaseByTls) -> str:
    return ground.url(sslrootcert=ground.stranger.file)


@wrong("by no CA that is trusted here")
def a_stranger_in_between(ground: DatabaseByTls) -> str:
    ground.serve(ground.stranger.issue("in-between"))
    return ground.url()


@wrong("for another host")
def another_host(ground: DatabaseByTls) -> str:
    ground.serve(ground.authority.issue("other", "db.example.vn"))
    return ground.url()


@wrong("for another host")
def another_name(ground: DatabaseByTls) -> str:
    return ground.url(host="localhost")


@wrong("has expired")
def expired(ground: DatabaseByTls) -> str:
    ground.serve(ground.authority.issue("old", valid_for=PAST))
    return ground.url()


@wrong("none.crt cannot be read")
def no_ca_file(ground: DatabaseByTls) -> str:
    return ground.url(sslrootcert=ground.folder / "none.crt")


@wrong("none.password cannot be read")
def no_password_file(ground: DatabaseByTls) -> str:
    return ground.url(password_file=ground.folder / "none.password")


@wrong("refuses its user or password")
def another_password(ground: DatabaseByTls) -> str:
    ground.password.write_text("falsch")
    return ground.url()


@wrong("pg_hba.conf")
def without_tls(ground: DatabaseByTls) -> str:
    return ground.url(sslmode="disable", sslrootcert="")


@pytest.mark.parametrize("fault", WRONG)
async def test_connection__is_refused_and_says_why(ground: DatabaseByTls, fault: str) -> None:
    make, said = WRONG[fault]
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)) as raised:
        await how(make(ground))
    told = failure(raised.value, "INTAKE_DATABASE_URL")
    assert told.startswith("INTAKE_DATABASE_URL: ") and said in told, told
    assert PASSWORD not in told and "falsch" not in told


async def test_server__without_tls_is_refused(ground: DatabaseByTls) -> None:
    ground.cluster.admin("ALTER SYSTEM SET ssl = off")
    ground.cluster.reload()
    try:
        with pytest.raises(OSError) as raised:
            await how(ground.url())
        assert failure(raised.value, "X").endswith("(the server offers no TLS; turn it on there)")
    finally:
        ground.cluster.admin("ALTER SYSTEM SET ssl = on")
        ground.cluster.reload()


REGISTER = str(Path(__file__).resolve().parents[2] / "docs" / "howto" / "so-tiep-dan-mau.csv")
COMMANDS = {
    "migrate": ["migrate"],
    "intake": ["intake", "serve", "--port", "0"],
    "followup": ["followup", "serve", "--port", "0"],
    "rebuild": ["followup", "rebuild"],
    "reconcile": ["reconcile", "--reason", "x"],
    "import": ["import", REGISTER, "--jurisdiction", "H35.10", "--source", "so-tiep-dan-mau"],
    "replay": ["replay", "--until", "1", "--from", "URL"],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_command__goes_by_tls_and_ends_where_the_server_is_not_trusted(ground: DatabaseByTls, command: str) -> None:
    wrong_url = ground.url(sslrootcert=ground.stranger.file)
    key = ground.folder / "master.key"
    key.write_bytes(os.urandom(32))
    words = [wrong_url if word == "URL" else word for word in COMMANDS[command]]
    settings = {
        "INTAKE_DATABASE_URL": wrong_url, "FOLLOWUP_DATABASE_URL": wrong_url, "INTAKE_MASTER_KEY_FILE": str(key),
        "INTAKE_SOURCE": "local",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *words], env=os.environ | settings, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2) and "by no CA that is trusted here" in done.stderr, done.stderr + done.stdout
    assert "DATABASE_URL" in done.stderr or command == "replay"
    assert PASSWORD not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_name_with_two_addresses__is_what_the_certificate_must_be_for(
    ground: DatabaseByTls, monkeypatch: pytest.MonkeyPatch, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    resolve(monkeypatch, db=["127.0.0.2", "127.0.0.1"], other=["127.0.0.2", "127.0.0.1"])
    ground.serve(ground.authority.issue("named", "db"))

    async def reached() -> None:
        connection = await connect(ground.url(host="db"))
        with pytest.raises(TimeoutError):  # the request to cancel goes the same way
            await connection.fetchval("SELECT pg_sleep(60)", timeout=0.1)
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert not connection._cancellations  # type: ignore[attr-defined]
        await connection.close()
        with pytest.raises(OSError, match="certificate is for another host"):
            await connect(ground.url(host="other"))

    run(reached())


async def test_pool__follows_a_new_ca_certificate_and_password(ground: DatabaseByTls) -> None:
    name = (await ground.cluster.fresh("shared.postgres")).rpartition("/")[2]
    bundle = ground.folder / "bundle.crt"
    bundle.write_bytes(ground.authority.file.read_bytes())
    pool = await create_pool(ground.url(name, sslrootcert=bundle), application="test", largest=2)

    async def again() -> int:
        ground.cluster.terminate(name)
        while True:
            try:
                return int(await pool.fetchval("SELECT 1"))
            except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError):
                await asyncio.sleep(0.05)  # the old connection has only now learned of its end

    try:
        # Another CA: first both are trusted, then the server changes, then the old one goes.
        successor = Authority(ground.folder, "successor")
        bundle.write_bytes(ground.authority.file.read_bytes() + successor.file.read_bytes())
        ground.serve(successor.issue("renewed"))
        assert await again() == 1
        bundle.write_bytes(successor.file.read_bytes())
        assert await again() == 1
        # A password: between the two nobody comes in, and nothing has to be started again.
        ground.cluster.admin(f"ALTER ROLE {USER} PASSWORD 'mới'")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await again()
        ground.password.write_text("mới\n", "utf-8")
        assert await again() == 1
        # A certificate that has expired lets nobody in until it is renewed.
        ground.serve(successor.issue("late", valid_for=PAST))
        with pytest.raises(OSError, match="expired"):
            await again()
        ground.serve(successor.issue("renewed-again"))
        assert await again() == 1
    finally:
        await pool.close()
