"""Mail: the text of a digest from a template that an office can edit, the file of recipients, the server it goes to."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from services.followup.application.digest_mailer import Mailed, MailRefused, MailServerUnavailable
from services.followup.domain.letters.digest import DigestLine, MailDigest, Recipient, message_id
from shared.http.loopback import is_loopback
from shared.identifiers import LOCAL_ZONE, NATION, MalformedCode, agency_code
from shared.policy.problem import UncountablePolicy
from shared.policy.reading import parse

TIMEOUT = 10.0  # seconds without a byte of the server
WHOLE = 120.0  # seconds for a whole message: answers that drip in hold no digest
PORTS = {"smtp": 25, "smtps": 465}
BODIES = ("office", "chair")


class InvalidMail(ValueError):
    """A template, a file of recipients or an address that cannot be used; the message says where and why."""


# --- the text ------------------------------------------------------------------------------------------------------


class DigestTemplate:
    """A text whose first line is the subject; the rest, after a blank line, is the body. Raises InvalidMail."""

    def __init__(self, path: str = "") -> None:
        """`path` is an office's own template; empty: the one that comes with the product."""
        self._name = path or "digest.txt"
        try:
            source = Path(path) if path else files(__package__).joinpath("digest.txt")
            text = source.read_text("utf-8")
        except OSError as error:
            raise InvalidMail(f"{self._name}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InvalidMail(f"{self._name}: this is not UTF-8") from None
        environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters.update(date=_date, moment=_moment)
        try:
            self._template = environment.from_string(text)
            self.render(_SAMPLE)  # a mistake is found at start, not on the first morning
        except TemplateError as error:
            raise InvalidMail(f"{self._name}:{_line_of(error)}: {error.message}") from None

    def render(self, digest: MailDigest) -> tuple[str, str]:
        """Subject and body. Raises InvalidMail."""
        values = {name: getattr(digest, name) for name in digest.__struct_fields__}
        try:
            text = self._template.render(**values, until=digest.until, yesterday=digest.yesterday)
        except (TemplateError, TypeError, ValueError, AttributeError) as error:
            raise InvalidMail(f"{self._name}:{_line_of(error)}: {error}") from None
        subject, _, body = text.strip().partition("\n")
        if not body.startswith("\n"):
            raise InvalidMail(f"{self._name}: the first line is the subject, the second is blank, then comes the body")
        return " ".join(subject.split()), body.strip() + "\n"


def _line_of(error: Exception) -> int | str:
    line: int | str = getattr(error, "lineno", "?")
    step = error.__traceback__
    while step is not None:  # Jinja writes the template's lines into the traceback
        if step.tb_frame.f_code.co_filename == "<template>":
            line = step.tb_lineno
        step = step.tb_next
    return line


def _date(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "—"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%H giờ %M ngày %d/%m/%Y}"


_LINE = DigestLine(
    about="Kiến nghị “Sửa đường liên bản” (mã tiếp nhận KN-2019-000001)",
    duty="Trả lời kiến nghị bằng văn bản",
    due_on=date(2019, 9, 16),
    days=3,
    counted="15 ngày làm việc kể từ sau ngày 23/08/2019",
    why="văn bản đề ngày còn trong hạn, vào sổ muộn",
    span="03 ngày làm việc",
)
_SAMPLE = MailDigest(
    source="local", recipient="H35.10.3", name="Phòng Tài nguyên và Môi trường", day=date(2019, 9, 19),
    today=date(2019, 9, 20), read_to=datetime(2019, 9, 20, tzinfo=UTC), overdue=[_LINE], due=[_LINE], retracted=[_LINE],
    overdue_total=2, due_total=2,
)  # fmt: skip


# --- to whom -------------------------------------------------------------------------------------------------------


def load_recipients(path: str) -> list[Recipient]:
    """The recipients of a YAML or JSON file: a body to its address or addresses. Raises InvalidMail."""
    try:
        found, lines = parse(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InvalidMail(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidMail(f"{path}: this is not UTF-8") from None
    except UncountablePolicy as invalid:
        problem = invalid.problems[0]
        raise InvalidMail(f"{path}:{problem.line or 1}: {problem.said.en}") from None
    if not isinstance(found, Mapping) or not found:
        raise InvalidMail(f"{path}: name at least one body with its address, as `H35.10.3: van-thu@example.vn`")
    recipients: dict[str, Recipient] = {}
    for key, value in found.items():
        recipient = _recipient(path, key, value)
        if recipient.key in recipients:
            raise InvalidMail(f"{path}:{lines[key]}: {recipient.key} is written twice; give its addresses in one list")
        recipients[recipient.key] = recipient
    return list(recipients.values())


def _recipient(path: str, key: Any, value: Any) -> Recipient:
    # The file is named, and the body, never an address: it may be a person's.
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(isinstance(a, str) and _is_address(a) for a in given):
        raise InvalidMail(f"{path}: {key}: give one mail address or a list of them")
    body, at, subtree = str(key).partition("@")
    try:
        name = body if body in BODIES else agency_code(body)
        place = agency_code(subtree) if at else ""
    except MalformedCode as error:
        raise InvalidMail(f"{path}: {key}: {error}; or office, chair, each with @JURISDICTION") from None
    return Recipient(f"{name}@{place}" if place and place != NATION else name, tuple(given))


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return bool(address.username and address.domain) and text.isascii()


# --- the server ----------------------------------------------------------------------------------------------------


class _Headers(EmailPolicy):
    """Folds text by the older code: until Python 3.13 the newer one loses blanks between two encoded words."""

    def fold(self, name: str, value: Any) -> str:
        if name == "Subject" and not str(value).isascii():
            text = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        elif name == "From" and (sender := value.addresses[0]).display_name and not sender.display_name.isascii():
            text = Header(sender.display_name, "utf-8", header_name=name).encode(linesep=self.linesep)
            text += f"{self.linesep} <{sender.addr_spec}>"
        else:
            return str(super().fold(name, value))
        return f"{name}: {text}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


_POLICY = _Headers(linesep="\r\n")


class Post:
    """A mail server, `smtp://user:password@host:port` or `smtps://`, and the sender. Raises InvalidMail."""

    def __init__(self, url: str, sender: str, template: DigestTemplate) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in PORTS or not parts.hostname or port == -1:
            raise InvalidMail("the mail server: write smtp://user:password@host:port, or smtps://")
        if not _is_address(parseaddr(sender)[1]):
            raise InvalidMail("the sender: write an address, or `Văn phòng <van-phong@example.vn>`")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._template = parseaddr(sender), template

    async def send(self, digest: MailDigest, recipient: Recipient) -> Mailed:
        """Send a digest. Raises MailRefused when nobody gets it, MailServerUnavailable."""
        try:
            message = self.message(digest, recipient)
        except InvalidMail:  # a template that only some digests break; its text may quote one
            raise MailRefused("the template cannot tell it") from None
        refused = await asyncio.to_thread(self._deliver, message, recipient.addresses)
        return Mailed(str(message["Message-ID"]), refused)

    def message(self, digest: MailDigest, recipient: Recipient) -> EmailMessage:
        """The message as it is sent."""
        name, address = self._sender
        subject, body = self._template.render(digest)
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = subject
        message["From"] = Address(name, addr_spec=address)
        message["To"] = [Address(addr_spec=to) for to in recipient.addresses]
        message["Date"] = format_datetime(datetime.now(LOCAL_ZONE))
        message["Message-ID"] = message_id(digest.source, digest.recipient, digest.day, address.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
        message.set_content(body, cte="quoted-printable")
        message["Content-Language"] = "vi"
        return message

    def _deliver(self, message: EmailMessage, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Hand the message over; the addresses that the server refused while it took it for others."""
        server, done = self._server(), threading.Event()
        threading.Thread(target=_cut_off, args=(server, done), daemon=True).start()
        try:
            with server:
                self._connect(server)
                return tuple(server.send_message(message, to_addrs=addresses))
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise _judged(max(codes), f"every address refused: {codes}") from None
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, f"{type(error).__name__} {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerUnavailable(type(error).__name__) from None
        finally:
            done.set()

    def _server(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=TIMEOUT, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(timeout=TIMEOUT)
        # Whose certificate is asked for: smtplib sets it where it connects by itself.
        vars(server)["_host"] = self._host
        return server

    def _connect(self, server: smtplib.SMTP) -> None:
        code, said = server.connect(self._host, self._port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        server.ehlo_or_helo_if_needed()
        if self._scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif self._scheme == "smtp" and self._user and not is_loopback(self._host):
            raise MailServerUnavailable("PasswordInClear")  # the server offers no encryption
        if self._user:
            server.login(self._user, self._password)


def _cut_off(server: smtplib.SMTP, done: threading.Event) -> None:
    """End a conversation that takes too long, at the socket: a read of it cannot be ended otherwise."""
    pause = WHOLE
    while not done.wait(pause):
        pause = 0.1
        with contextlib.suppress(OSError):
            if server.sock is not None:
                socket.socket.shutdown(server.sock, socket.SHUT_RDWR)


def _judged(code: int, why: str) -> MailRefused | MailServerUnavailable:
    # 4xx may pass later; so may a refused password, once somebody mends it.
    return MailRefused(why) if code >= 500 and code not in (530, 534, 535) else MailServerUnavailable(why)
