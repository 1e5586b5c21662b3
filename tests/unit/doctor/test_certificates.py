"""Certificates of servers and files are judged by how long they are valid, whatever else is wrong with them."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.doctor import certificates
from services.doctor.findings import State

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(folder: Path, days: int, names: Sequence[x509.GeneralName] = ()) -> Path:
    """A certificate with its key, valid for so many days, for some hosts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN - timedelta(days=900))
        .not_valid_after(BEGIN + timedelta(days=days))
    )
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    path = folder / f"{days}.pem"
    no_password = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


async def looked_at(url: str) -> list[tuple[State, str]]:
    found = await certificates.look([("X_URL", url)], lambda: BEGIN.timestamp())
    return [(finding.state, finding.said.en) for finding in found]


@pytest.mark.parametrize(
    ("days", "state", "said"),
    [
        (400, State.RIGHT, "is valid for 400 days"),
        (20, State.NOTE, "is valid for 20 days"),
        (5, State.WRONG, "ends in 5 days"),
        (-1, State.WRONG, "has expired"),
    ],
)
async def test_file__is_judged_by_its_last_day(tmp_path: Path, days: int, state: State, said: str) -> None:
    path = certificate(tmp_path, days)
    ((found, told),) = await looked_at(f"postgresql://u@h/x?sslmode=disable&sslrootcert={path}")
    assert found is state and said in told


async def test_file__that_is_not_there_is_told(tmp_path: Path) -> None:
    ((state, told),) = await looked_at(f"postgresql://u@h/x?sslmode=disable&sslrootcert={tmp_path}/none.pem")
    assert state is State.WRONG and "cannot be read (No such file or directory)" in told


@pytest.fixture
async def expired(tmp_path: Path) -> AsyncIterator[int]:
    """The port of a server with a certificate that has ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, -3))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_server__whose_certificate_has_expired_is_told(expired: int) -> None:
    (state, told), *_ = await looked_at(f"https://127.0.0.1:{expired}/path")
    assert state is State.WRONG and told == f"X_URL: 127.0.0.1:{expired}: the certificate has expired"


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("names", "state", "said"),
    [
        ([x509.DNSName("other.vn")], State.WRONG, "the certificate is not for 127.0.0.1: browsers refuse it"),
        ([], State.WRONG, "the certificate is not for 127.0.0.1"),
        ([LOOPBACK], State.NOTE, "nobody whom this machine trusts has issued 127.0.0.1's certificate"),
    ],
)
async def test_certificate__for_another_name_or_by_no_authority_is_told(
    tmp_path: Path, names: list[x509.GeneralName], state: State, said: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, 900, names))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    found = await certificates.look([("A_PUBLIC_URL", f"{url}/a"), ("B_PUBLIC_URL", f"{url}/b")], lambda: 1.0)
    server.close()
    # Two addresses of one server are one certificate.
    assert [finding.said.en.startswith("A_PUBLIC_URL, B_PUBLIC_URL: ") for finding in found] == [True, True]
    assert found[1].state is state and said in found[1].said.en


@pytest.mark.parametrize(
    ("host", "expected"),
    [("a.vn", True), ("A.VN.", True), ("x.b.vn", True), ("y.x.b.vn", False), ("b.vn", False), ("c.vn", False)],
)
def test_certificate__is_for_the_names_in_it(tmp_path: Path, host: str, expected: bool) -> None:
    made = certificate(tmp_path, 30, [x509.DNSName("a.vn"), x509.DNSName("*.b.vn")])
    assert certificates.is_for(x509.load_pem_x509_certificate(made.read_bytes()), host) is expected


async def test_server__that_shows_none_is_told(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for url in (f"amqps://u:p@127.0.0.1:{port}/v", f"postgresql://u:p@127.0.0.1:{port}/x?sslmode=verify-full"):
        ((state, told),) = await looked_at(url)
        assert state is State.WRONG and "shows no certificate" in told
    server.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h1,h2:6432/x?sslmode=require", [("h1", 5432, True), ("h2", 6432, True)]),
        ("postgresql://u:p@h1/x", []),
        ("amqps://u:p@h1/v", [("h1", 5671, False)]),
        ("amqp://u:p@h1/v", []),
        ("https://[::1]:8443/x", [("::1", 8443, False)]),
        ("https://h1", [("h1", 443, False)]),
    ],
)
def test_url__says_which_servers_are_reached_by_tls(url: str, expected: list[tuple[str, int, bool]]) -> None:
    assert list(certificates.servers_of(url)) == expected
