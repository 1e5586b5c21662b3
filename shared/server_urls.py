"""The URL of a server: what the files that it names hold now, and what is wrong where TLS to it fails.

A connection reads them when it is opened, the password as the certificates: what is replaced there holds from the next
connection on, without a restart.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from shared.sentences import Sentence

PASSWORD_FILE = "password_file"  # a parameter of our own, for PostgreSQL and RabbitMQ alike
#: Parameters of the drivers that name files, of PostgreSQL and of RabbitMQ. Their errors do not say which is missing.
FILES = ("sslrootcert", "sslcert", "sslkey", "cafile", "certfile", "keyfile")

_NOT_YET, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64  # what OpenSSL calls X509_V_ERR_...


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
