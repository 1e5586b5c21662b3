"""A real mail server on loopback that keeps what it takes, and can refuse, go away and come back."""

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.dev.rabbitmq import free_ports

USER, PASSWORD = "van-thu@example.vn", "p:ss/w@rd%"


class MailServer:
    """Takes mail from its start to its stop; `refuse` is its answer to a recipient whose address holds the text."""

    def __init__(self, *, needs_password: bool = False, tls: str = "", certificate: Path | None = None) -> None:
        """`tls` is "", `starttls` or `smtps`; `certificate` holds certificate and key."""
        (self.port,) = free_ports(1)
        self._tls, self._certificate = tls, certificate
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.refuse: dict[str, str] = {}
        self._needs_password = needs_password
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def url_for(self, user: str, password: str) -> str:
        """The URL with a user and a password, quoted as URLs ask for it."""
        return f"{self._scheme}://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{self.port}"

    @property
    def _scheme(self) -> str:
        return "smtps" if self._tls == "smtps" else "smtp"

    @property
    def ids(self) -> list[str]:
        """The Message-IDs in the order taken."""
        return [str(message["Message-ID"]) for _, message in self.taken]

    def start(self) -> "MailServer":
        options: dict[str, Any] = {}
        if self._needs_password:
            upgraded = self._tls == "starttls"  # aiosmtpd takes a connection that began with TLS for one without
            options = {"authenticator": _authenticate, "auth_required": upgraded, "auth_require_tls": upgraded}
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            name = {"smtps": "ssl_context", "starttls": "tls_context"}[self._tls]
            options[name] = context
            options["require_starttls"] = self._tls == "starttls"
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    # --- what aiosmtpd calls ---

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        for text, answer in self.refuse.items():
            if text in address:
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append((list(envelope.rcpt_tos), message))
        return "250 taken"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=True) if good else AuthResult(success=False, handled=False)


def self_signed(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that it signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


@contextlib.contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """A running server until the block ends."""
    made = MailServer(**options).start()
    try:
        yield made
    finally:
        made.stop()
