"""Certificates: those that servers show, and those in files that URLs name: how long each is valid, and for whom."""

import asyncio
import contextlib
import ipaddress
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
_NO_AUTHORITY = (18, 19, 20, 21)  # what OpenSSL calls X509_V_ERR_… where no issuer is trusted
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # what a client of PostgreSQL asks for TLS with


async def look(urls: Iterable[tuple[str, str]], now: Now) -> Sequence[Finding]:
    """The certificates behind some settings: pairs of a setting's name and its URL."""
    works = list[Callable[[], Finding | None]]()
    servers = dict[tuple[str, int, bool], list[str]]()
    asked_by_https = set[tuple[str, int]]()
    for variable, url in urls:
        works += [partial(_of_file, variable, path, now) for path in files_of(url)]
        for host, port, is_postgres in servers_of(url):
            servers.setdefault((host, port, is_postgres), []).append(variable)
            if urlsplit(url).scheme == "https":  # of the others the driver sees to it, and its check says so
                asked_by_https.add((host, port))
    for (host, port, is_postgres), variables in servers.items():
        named = ", ".join(dict.fromkeys(variables))
        works.append(partial(_of_server, named, host, port, is_postgres, now))
        if (host, port) in asked_by_https:
            works.append(partial(_of_browsers, named, host, port))
    found = [each for each in await asyncio.gather(*map(asyncio.to_thread, works)) if each is not None]
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
        shown = _shown(context, host, port, is_postgres)
    except OSError as error:
        kind = type(error).__name__
        return wrong(
            f"{variable}: {host}:{port} không đưa ra chứng thư ({kind})",
            f"{variable}: {host}:{port} shows no certificate ({kind})",
            "bật TLS ở máy chủ, hoặc sửa địa chỉ",
            "let the server speak TLS, or mend the address",
        )
    return _judged(f"{variable}: {host}:{port}", shown.not_valid_after_utc, now)


def _of_browsers(variable: str, host: str, port: int) -> Finding | None:
    """What browsers, and programs that ask by HTTPS, find wrong with a certificate beside its last day."""
    trusting, any_ = ssl.create_default_context(), ssl.create_default_context()
    trusting.check_hostname = any_.check_hostname = False
    any_.verify_mode = ssl.CERT_NONE
    try:
        shown = _shown(any_, host, port)
        if not is_for(shown, host):
            return wrong(
                f"{variable}: chứng thư không phải cho {host}: trình duyệt từ chối",
                f"{variable}: the certificate is not for {host}: browsers refuse it",
                f"xin chứng thư có subjectAltName {host}, hoặc sửa {variable}",
                f"get a certificate whose subjectAltName has {host}, or mend {variable}",
            )
        _shown(trusting, host, port)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in _NO_AUTHORITY:
            return None
        return note(
            f"{variable}: {host} có chứng thư mà máy này không biết ai cấp (tự ký?): trình duyệt có thể cảnh báo",
            f"{variable}: nobody whom this machine trusts has issued {host}'s certificate (self-signed?): "
            "browsers may warn",
            "dùng chứng thư của tổ chức mà trình duyệt tin",
            "take a certificate of an authority that browsers trust",
        )
    except OSError:
        return None  # that it shows none is told already
    return None


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is for a host: by a name or address in it, as browsers look; the common name is none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        pass
    wanted = host.lower().rstrip(".")
    above = wanted.partition(".")[2]
    return any(
        each.lower() == wanted or (each.startswith("*.") and above and each[2:].lower() == above)
        for each in names.get_values_for_type(x509.DNSName)
    )


def _shown(context: ssl.SSLContext, host: str, port: int, is_postgres: bool = False) -> x509.Certificate:
    """The certificate that a server shows. Raises OSError, of which SSLError is one."""
    with contextlib.closing(socket.create_connection((host, port), ANSWERS / 2)) as plain:
        plain.settimeout(ANSWERS / 2)
        if is_postgres:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise ssl.SSLError("no TLS")
        with context.wrap_socket(plain, server_hostname=host) as secured:
            return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


def _judged(what: str, until: datetime, now: Now) -> Finding:
    days = int((until.astimezone(UTC).timestamp() - now()) // DAY)
    if days < 0:
        return wrong(f"{what}: chứng thư đã hết hạn", f"{what}: the certificate has expired", *_RENEW)
    if days < SOON:
        return wrong(f"{what}: chứng thư còn {days} ngày", f"{what}: the certificate ends in {days} days", *_RENEW)
    said = f"{what}: chứng thư còn {days} ngày", f"{what}: the certificate is valid for {days} days"
    return note(*said, *_RENEW) if days < WATCHED else right(*said)


_RENEW = ("gia hạn chứng thư", "renew the certificate")
