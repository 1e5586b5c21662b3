"""The URL of a server: its hosts, what the files that it names hold now, and what is wrong where TLS to it fails.

A connection reads them when it is opened, the password as the certificates: what is replaced there holds from the next
connection on, without a restart.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from shared.sentences import Sentence

PASSWORD_FILE = "password_file"  # a parameter of our own, for PostgreSQL and RabbitMQ alike
#: Parameters of the drivers that name files, of PostgreSQL and of RabbitMQ. Their errors do not say which is missing.
FILES = ("sslrootcert", "sslcert", "sslkey", "cafile", "certfile", "keyfile")

_NOT_YET, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64  # what OpenSSL calls X509_V_ERR_...


class Host(NamedTuple):
    """A host of a list, and its port where one is named. A folder is one too: PostgreSQL's socket lies in it."""

    name: str
    port: int | None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def hosts_of(url: str) -> list[Host]:
    """The hosts that a URL names, in its order; none where it names none.

    They stand before the path, or, for PostgreSQL, in `host` and `port`. Raises ValueError.
    """
    parts = urlsplit(url)
    named = parts.netloc.rpartition("@")[2]
    if not parts.scheme.startswith("postgres"):
        return [_host(each, quoted=True) for each in named.split(",")] if named else []
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    listed = named or query.get("host", "")
    hosts = [_host(each, quoted=bool(named)) for each in listed.split(",")] if listed else []
    ports = [_port(port) for port in query.get("port", "").split(",") if port]
    if len(ports) > 1 and len(ports) != len(hosts):
        raise ValueError(f"{len(ports)} ports for {len(hosts)} hosts")
    if ports:
        return [Host(host.name, ports[at % len(ports)]) for at, host in enumerate(hosts)]
    return hosts


def broker_hosts_of(url: str) -> list[Host]:
    """The nodes that the URL of a broker names. Raises ValueError, also where it names none."""
    if urlsplit(url).scheme not in ("amqp", "amqps"):
        raise ValueError("it must begin with amqp:// or amqps://")
    if not (hosts := hosts_of(url)):
        raise ValueError("it names no host")
    return hosts


def _host(text: str, *, quoted: bool) -> Host:
    text = text.strip()
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.startswith("/"):
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if not host:
        raise ValueError("it names an empty host in a list")
    return Host(unquote(host) if quoted else host, _port(port) if port else None)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        # Not repeated: in a URL that is cut at the wrong place it may be a piece of the password.
        raise ValueError("a host or port cannot be read; in a password : / @ , ? are written %3A %2F %40 %2C %3F")
    return int(text)


def current(url: str) -> str:
    """The URL with the password of the file that it names; its files can be read. Raises OSError, which names one."""
    parts = urlsplit(url)
    named = [each.partition("=") for each in parts.query.split("&") if each]
    files = {name: unquote(value) for name, _, value in named}
    for name in FILES:
        if file := files.get(name):
            Path(file).open("rb").close()
    if PASSWORD_FILE not in files:
        return url
    # Bytes, so that no password is refused for its encoding; an editor's line end is not part of it.
    password = quote(Path(files[PASSWORD_FILE]).read_bytes().rstrip(b"\r\n"), safe="")
    login, _, hosts = parts.netloc.rpartition("@")
    query = "&".join(name + equals + value for name, equals, value in named if name != PASSWORD_FILE)
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:{password}@{hosts}", query=query))


def unreachable(error: BaseException) -> Sentence | None:
    """Why a server cannot be connected to, where a file or TLS is the reason. It tells no address and no password."""
    for each in _causes(error):
        match each:
            case ssl.SSLCertVerificationError():
                return _REFUSED.get(each.verify_code, _NOT_TRUSTED)
            case ssl.SSLError():
                why = each.reason or "?"
                return Sentence(
                    f"TLS không thành, hoặc máy chủ từ chối chứng thư của ta ({why})",
                    f"TLS fails, or the server refuses our certificate ({why})",
                )
            case OSError(filename=str(file)):
                return Sentence(f"không đọc được {file} ({each.strerror})", f"{file} cannot be read ({each.strerror})")
            case ConnectionError() if "SSL upgrade" in str(each):
                return Sentence("máy chủ không dùng TLS; hãy bật ở đó", "the server offers no TLS; turn it on there")
    return None


_NOT_TRUSTED = Sentence(
    "chứng thư của máy chủ không do CA nào được tin cậy ở đây cấp; hãy nêu tệp CA của nó",
    "the server's certificate is by no CA that is trusted here; name the file of its CA",
)
_FOR_ANOTHER = Sentence(
    "chứng thư của máy chủ cấp cho máy khác; hãy dùng tên hoặc địa chỉ có trong chứng thư",
    "the server's certificate is for another host; use a name or an address that stands in it",
)
_REFUSED = {
    _NOT_YET: Sentence(
        "chứng thư của máy chủ chưa có hiệu lực; hãy xem đồng hồ của máy này",
        "the server's certificate is not valid yet; look at the clock of this machine",
    ),
    _EXPIRED: Sentence(
        "chứng thư của máy chủ đã hết hạn; hãy gia hạn ở đó",
        "the server's certificate has expired; renew it there",
    ),
    _OTHER_NAME: _FOR_ANOTHER,
    _OTHER_ADDRESS: _FOR_ANOTHER,
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it was raised from: drivers wrap what the operating system and OpenSSL say."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__
