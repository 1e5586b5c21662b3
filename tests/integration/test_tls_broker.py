"""The pair over TLS alone, with Debian's servers: it works, it says who is not trusted, and it follows what changes."""

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared.host_walk import NoHost
from shared.rabbit.delivery_frames import DeliveryFrames
from shared.rabbit.hosts import BrokerHosts
from tests.support.cluster import PASSWORD, USER
from tests.support.pair import Pair, Service, pair, until
from tests.support.silent_hosts import resolve
from tests.support.tls import HOME, Authority, TlsBroker, TlsCluster, need_rabbitmq

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PROVINCE = {"code": "H35", "name": "Tỉnh Lai Châu", "level": "province", "valid_from": "2004-01-01"}
QUEUES = {"intake.local.commands", "followup.local.events", "followup.alerts"}
GUEST = "guest"


class ServersByTls:
    """Both servers, who certifies them, and the URLs by which the pair reaches them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.trusted = folder / "trusted.crt"
        self.trusted.write_bytes(self.authority.file.read_bytes())
        self.certificate = self.authority.issue("server")
        self.ours = self.authority.issue("ours", user="pair")
        self.passwords = {name: folder / f"{name}.password" for name in ("database", "broker")}
        self.passwords["database"].write_text(PASSWORD)
        self.passwords["broker"].write_text(GUEST)
        places = [folder / "postgres", folder / "rabbit"]
        for place in places:
            place.mkdir()
        self.cluster = TlsCluster(places[0], self.certificate, self.authority.file)
        # It asks for our certificate too: whoever brings none comes not even to the password.
        self.broker = TlsBroker(places[1], self.certificate, self.trusted, asks_certificate=True)

    def database_url(self, database: str, trusted: Path) -> str:
        query = f"sslmode=verify-full&sslrootcert={quote(str(trusted))}&password_file={self.passwords['database']}"
        return f"postgresql://{USER}@127.0.0.1:{self.cluster.port}/{database}?{query}"

    def amqp_url(self, vhost: str, trusted: Path) -> str:
        files = {"cafile": trusted, "certfile": self.ours.certificate, "keyfile": self.ours.key}
        query = "&".join(f"{name}={quote(str(file))}" for name, file in files.items())
        return f"{self.broker.tls_url(GUEST, vhost)}?{query}&password_file={self.passwords['broker']}"

    def serve(self, authority: Authority, stem: str, **options: Any) -> None:
        """Give both servers another certificate, and end what connections there are."""
        renewed = authority.issue(stem, **options)
        self.cluster.certificate.put(renewed)
        self.cluster.reload()
        self.broker.certificate.put(renewed)
        self.cut()

    def cut(self) -> None:
        """End every connection of the pair to both servers."""
        self.cluster.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        self.broker.cut()


@pytest.fixture(scope="module")
def ground() -> Iterator[ServersByTls]:
    """Debian's servers, which nobody reaches without TLS."""
    need_rabbitmq()
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = ServersByTls(Path(folder))
        try:
            made.broker.launch()
            made.cluster.start()
            made.broker.wait_ready()
            yield made
        finally:
            made.cluster.shut_down()
            made.broker.kill()


@contextlib.contextmanager
def running(
    ground: ServersByTls, folder: Path, vhost: str, trusted_broker: Path | None = None
) -> Iterator[tuple[Pair, Service, Service]]:
    """A pair on fresh databases and a virtual host of its own."""
    ground.broker.add_vhost(vhost)
    names = [ground.cluster.database(*packages).rpartition("/")[2] for packages in (
        ("shared.postgres",), ("shared.postgres", "services.followup"),
    )]  # fmt: skip
    intake_dsn, followup_dsn = (ground.database_url(name, ground.trusted) for name in names)
    amqp = ground.amqp_url(vhost, trusted_broker or ground.trusted)
    with pair(ground.cluster, folder, amqp, intake_dsn) as made:
        intake = made.intake().start()
        followup = made.followup(intake, followup_dsn).start()
        yield made, intake, followup


def post(intake: Service, path: str, body: Any) -> httpx.Response:
    return httpx.post(f"{intake.url}{path}", json=body, timeout=90, verify=False)


def receive(intake: Service) -> int:
    answer = post(intake, "/v1/petitions", {"jurisdiction": "H35", "text": "Đường."})
    return answer.status_code


def consumed(ground: ServersByTls, vhost: str) -> set[str]:
    """The queues that somebody consumes."""
    lines = ground.broker.control("list_queues", "-p", vhost, "name", "consumers").splitlines()
    return {name for name, _, count in (line.partition("\t") for line in lines) if count.isdigit() and int(count)}


def is_caught_up(intake: Service, followup: Service) -> bool:
    """Whether what intake has was published and applied."""
    pending = intake.metrics()["intake_outbox_pending_events"]
    (source,) = followup.get("/v1/sources")["items"]
    return pending == 0 and source["position"] == intake.get("/v1/events", after=0)["head"]


def hindered(*services: Service) -> dict[str, str]:
    """What each says that it cannot consume or publish."""
    return {name: why for each in services for name, why in each.get("/readyz").get("notices", {}).items()}


def by_tls(ground: ServersByTls) -> bool:
    """Whether every connection of the pair to PostgreSQL is encrypted, and there are some."""
    found = ground.cluster.admin(
        "SELECT bool_and(s.ssl), count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
        "WHERE a.backend_type = 'client backend' AND a.client_addr IS NOT NULL"
    )
    encrypted, count = found[0]
    return bool(encrypted) and count > 3


async def test_name_with_two_addresses__is_what_the_certificate_must_be_for(
    ground: ServersByTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, mq=["127.0.0.2", "127.0.0.1"], other=["127.0.0.2", "127.0.0.1"])
    ground.broker.renew(ground.authority.issue("named", "mq"))
    url = ground.amqp_url("%2F", ground.trusted)
    try:
        await (await BrokerHosts(url.replace(HOME, "mq")).connect()).close()
        await (await BrokerHosts(url.replace(HOME, "mq")).connect_raw(DeliveryFrames())).close()
        with pytest.raises(NoHost, match="certificate is for another host"):
            await BrokerHosts(url.replace(HOME, "other")).connect()
    finally:
        ground.broker.renew(ground.certificate)


def test_pair__goes_by_tls_alone_and_follows_certificates_and_passwords(ground: ServersByTls, tmp_path: Path) -> None:
    with running(ground, tmp_path, "tls") as (_, intake, followup):
        assert post(intake, "/v1/jurisdictions", PROVINCE).status_code == 201

        def goes_on() -> None:
            until(lambda: receive(intake) == 201, 60, "intake accepts")
            until(lambda: is_caught_up(intake, followup), 60, "caught up")
            until(lambda: not hindered(intake, followup), 60, "nothing is hindered")
            until(lambda: consumed(ground, "tls") == QUEUES, 60, "each queue is consumed")

        goes_on()
        assert by_tls(ground)

        # Another CA: both are trusted, the servers change, the old one goes.
        successor = Authority(ground.folder, "successor")
        ground.trusted.write_bytes(ground.authority.file.read_bytes() + successor.file.read_bytes())
        ground.serve(successor, "renewed")
        goes_on()
        ground.ours.put(successor.issue("ours-renewed", user="pair"))
        ground.trusted.write_bytes(successor.file.read_bytes())
        ground.serve(successor, "renewed-again")
        goes_on()

        # Passwords. Between the change and the file nobody comes in; nothing is started again.
        with changed_passwords(ground, "mới"):
            ground.cut()
            until(lambda: receive(intake) == 503, 60, "refused meanwhile, to be sent again")
            for file in ground.passwords.values():
                file.write_text("mới\n", "utf-8")
            goes_on()

        # A certificate that has expired: neither server is used, and both are once it is renewed.
        ground.serve(successor, "late", valid_for=-timedelta(days=1))
        until(lambda: receive(intake) == 503, 60, "the database is not trusted")
        ground.serve(successor, "in-time")
        goes_on()
        for service in (intake, followup):
            assert service.stop() == 0
            assert "Traceback" not in service.tail(10**6)


@contextlib.contextmanager
def changed_passwords(ground: ServersByTls, password: str) -> Iterator[None]:
    """Another password at both servers until the block ends; the files are the test's to change."""

    def change(database: str, broker: str) -> None:
        ground.cluster.admin(f"ALTER ROLE {USER} PASSWORD '{database}'")
        ground.broker.control("change_password", GUEST, broker)

    change(password, password)
    yield
    change(PASSWORD, GUEST)
    for name, old in (("database", PASSWORD), ("broker", GUEST)):
        ground.passwords[name].write_text(old)


#: What is wrong with the broker's certificate, and what is said of it.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another-host": ({"host": "broker.example.vn"}, "for another host"),
    "expired": ({"valid_for": -timedelta(days=1)}, "has expired"),
    "by-a-stranger": ({}, "by no CA that is trusted here"),
}


def test_broker__that_is_not_trusted_is_told_and_the_feed_carries_the_events(
    ground: ServersByTls, tmp_path: Path
) -> None:
    known, stranger = Authority(ground.folder, "known"), Authority(ground.folder, "stranger")
    ground.broker.renew(known.issue("other", "broker.example.vn"))
    with running(ground, tmp_path, "wrong", known.file) as (_, intake, followup):
        assert post(intake, "/v1/jurisdictions", PROVINCE).status_code == 201
        for fault, (options, said) in WRONG.items():
            ground.broker.renew((known if options else stranger).issue(fault, **options))
            assert receive(intake) == 201
            for service in (intake, followup):
                until(lambda service=service, said=said: is_told(service, said), 60, f"{service.name} tells: {said}")
            head = intake.get("/v1/events", after=0)["head"]
            until(
                lambda head=head: followup.get("/v1/sources")["items"][0]["position"] == head, 60, "the feed brings it"
            )
        assert consumed(ground, "wrong") == set()


def is_told(service: Service, said: str) -> bool:
    """Whether each of its notices names the setting and says this."""
    found = hindered(service).values()
    return bool(found) and all("AMQP_URL" in why and said in why for why in found)
