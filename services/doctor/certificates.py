"""Certificates: those that servers show, and those in files that URLs name; how long each is still valid."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509

from services.doctor.databases import Now
from services.doctor.findings import Finding, note, right, wrong
from shared.server_urls import hosts_of

ANSWERS = 3.0  # seconds
DAY = 86_400.0
SOON, WATCHED = 14, 30  # days
PORTS = {"https": 443, "amqps": 5671, "postgresql": 5432, "postgres": 5432}
FILES = ("sslrootcert", "sslcert", "cafile", "certfile")
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # what a client of PostgreSQL asks for TLS with


async def look(urls: Iterable[tuple[str, str]], now: Now) -> Sequence[Finding]:
    """The certificates behind some settings: pairs of a setting's name and its URL."""
    works = list[Callable[[], Finding]]()
    for variable, url in urls:
        works += [partial(_of_file, variable, path, now) for path in files_of(url)]
        works += [partial(_of_server, variable, *server, now) for server in servers_of(url)]
    found = await asyncio.gather(*map(asyncio.to_thread, works))
    return found or [note("không địa chỉ nào dùng TLS", "no address uses TLS")]


def files_of(url: str) -> Iterator[Path]:
    """The files of certificates that a URL names."""
    given = parse_qs(urlsplit(url).query)
    yield from (Path(path) for name in FILES for path in given.get(name, ()))


def servers_of(url: str) -> Iterator[tuple[str, int, bool]]:
    """The hosts that a URL reaches by TLS: name, port, and whether it speaks PostgreSQL first."""
    parts = urlsplit(url)
    is_postgres = parts.scheme in ("postgresql", "postgres")
    wants = parts.scheme in ("https", "amqps") or (
        is_postgres and parse_qs(parts.query).get("sslmode", ["prefer"])[0] in ("require", "verify-ca", "verify-full")
    )
    if not wants:
        return
    for name, port in hosts_of(url):
        if not name.startswith("/"):  # a socket, which goes by no TLS
            yield name, port or PORTS[parts.scheme], is_postgres


def _of_file(variable: str, path: Path, now: Now) -> Finding:
    try:
        shown = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or "PEM"
        return wrong(
            f"{variable}: không đọc được {path} ({why})",
            f"{variable}: {path} cannot be read ({why})",
            "nêu tệp chứng thư đọc được",
            "name a file of certificates that can be read",
        )
    return _judged(f"{variable}: {path}", min(each.not_valid_after_utc for each in shown), now)


def _of_server(variable: str, host: str, port: int, is_postgres: bool, now: Now) -> Finding:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # an expired one is to be seen
    try:
        with contextlib.closing(socket.create_connection((host, port), ANSWERS)) as plain:
            plain.settimeout(ANSWERS)
            if is_postgres:
                plain.sendall(_SSL_REQUEST)
                if plain.recv(1) != b"S":
                    raise ssl.SSLError("no TLS")
            with context.wrap_socket(plain, server_hostname=host) as secured:
                shown = secured.getpeercert(binary_form=True)
    except OSError as error:
        kind = type(error).__name__
        return wrong(
            f"{variable}: {host}:{port} không đưa ra chứng thư ({kind})",
            f"{variable}: {host}:{port} shows no certificate ({kind})",
            "bật TLS ở máy chủ, hoặc sửa địa chỉ",
            "let the server speak TLS, or mend the address",
        )
    return _judged(f"{variable}: {host}:{port}", x509.load_der_x509_certificate(shown or b"").not_valid_after_utc, now)


def _judged(what: str, until: datetime, now: Now) -> Finding:
    days = int((until.astimezone(UTC).timestamp() - now()) // DAY)
    if days < 0:
        return wrong(f"{what}: chứng thư đã hết hạn", f"{what}: the certificate has expired", *_RENEW)
    if days < SOON:
        return wrong(f"{what}: chứng thư còn {days} ngày", f"{what}: the certificate ends in {days} days", *_RENEW)
    said = f"{what}: chứng thư còn {days} ngày", f"{what}: the certificate is valid for {days} days"
    return note(*said, *_RENEW) if days < WATCHED else right(*said)


_RENEW = ("gia hạn chứng thư", "renew the certificate")
