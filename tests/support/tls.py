"""Servers of Debian that speak TLS, and the certificates for them: the wheel's PostgreSQL has no OpenSSL."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.dev import debian
from services.dev.rabbitmq import PrivateBroker, free_ports, server_script
from tests.support.cluster import Cluster
from tests.support.pair import until

DAY = timedelta(days=1)
HOME = "127.0.0.1"


class Certificate:
    """Files of a certificate and its key, which can be replaced in their place."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.certificate, self.key = folder / f"{stem}.crt", folder / f"{stem}.key"

    def put(self, other: "Certificate") -> None:
        """Put another one in its place; owner and mode stay."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.key.write_bytes(other.key.read_bytes())


class Authority:
    """A CA of a test's own."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self.file = folder, folder / f"{name}.crt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(self._name, self._key, 30 * DAY).add_extension(x509.BasicConstraints(True, None), True)
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, stem: str, host: str = HOME, *, user: str = "", valid_for: timedelta = 30 * DAY) -> Certificate:
        """A certificate for a host, or for a user; one that is valid for a negative time has expired."""
        key, found = ec.generate_private_key(ec.SECP256R1()), Certificate(self.folder, stem)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user or host)])
        name = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        made = self._builder(subject, key, valid_for).add_extension(x509.SubjectAlternativeName([name]), False)
        found.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        found.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        found.key.chmod(0o600)
        return found

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + valid_for)
        )


class TlsCluster(Cluster):
    """Debian's PostgreSQL, by TCP with TLS alone; the user `with_certificate` comes by its certificate alone."""

    def __init__(self, folder: Path, server: Certificate, clients: Path) -> None:
        self.programs = _programs()
        super().__init__(folder)
        self.certificate = Certificate(folder, "server")
        self.certificate.put(server)
        self._clients = shutil.copy(clients, folder / "clients.crt")
        self.certificate.key.chmod(0o600)
        for file in (self.certificate.certificate, self.certificate.key):
            self.own(file)

    def start(self) -> "TlsCluster":
        """Start; by TCP nobody comes in without TLS."""
        super().start()
        served = {"ssl_cert_file": self.certificate.certificate, "ssl_key_file": self.certificate.key}
        for name, value in (served | {"ssl_ca_file": self._clients, "ssl": "on"}).items():
            self.admin(f"ALTER SYSTEM SET {name} = '{value}'")
        rules = "local all all trust\nhostssl all with_certificate all cert\nhostssl all all all scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules)
        self.reload()
        return self

    def reload(self) -> None:
        """Have it read its certificate and its rules again, and wait until it has."""
        question = "SELECT pg_conf_load_time()"
        before = self.admin(question)
        self.admin("SELECT pg_reload_conf()")
        until(lambda: self.admin(question) != before)


class TlsBroker(PrivateBroker):
    """Debian's RabbitMQ with a TLS listener beside the plain one, which its own tools use."""

    def __init__(self, folder: Path, server: Certificate, clients: Path, *, asks_certificate: bool = False) -> None:
        super().__init__(folder)
        (self.tls_port,) = free_ports(1)
        self.certificate = Certificate(folder, "server")
        self.certificate.put(server)
        options = {
            "cacertfile": f'"{clients}"',
            "certfile": f'"{self.certificate.certificate}"',
            "keyfile": f'"{self.certificate.key}"',
            "verify": "verify_peer",
            "fail_if_no_peer_cert": str(asks_certificate).lower(),
        }
        said = ", ".join(f"{{{name}, {value}}}" for name, value in options.items())
        (folder / "advanced.config").write_text(
            f'[{{rabbit, [{{ssl_listeners, [{{"{HOME}", {self.tls_port}}}]}}, {{ssl_options, [{said}]}}]}}].\n'
        )

    def tls_url(self, user: str, vhost: str = "%2F") -> str:
        """The URL of a virtual host by TLS; the password is that of a file."""
        return f"amqps://{user}@{HOME}:{self.tls_port}/{vhost}"

    def renew(self, certificate: Certificate) -> None:
        """Give it another certificate, and end what connections there are."""
        self.certificate.put(certificate)
        self.cut()

    def cut(self) -> None:
        """End every connection, and have it read its certificate again, by one command: each takes seconds."""
        closed = '[rabbit_networking:close_connection(Each, <<"cut">>) || Each <- rabbit_networking:connections()]'
        self.control("eval", f"ssl:clear_pem_cache(), {closed}, ok.")


def _programs() -> Path:
    """The folder of Debian's PostgreSQL; installed where it may be, else the test is skipped."""
    if not _installed() and debian.can_install():
        debian.install("postgresql")
    if not (found := _installed()):
        pytest.skip("PostgreSQL of Debian is missing: apt-get install postgresql")
    return found[-1]


def _installed() -> list[Path]:
    return [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))]


def need_rabbitmq() -> None:
    """Skip the test where there is no RabbitMQ and none can be installed."""
    if server_script() is None and debian.can_install() and os.environ.get("BROKER") != "none":
        debian.install("rabbitmq-server")
    if server_script() is None:
        pytest.skip("RabbitMQ of Debian is missing: apt-get install rabbitmq-server")
