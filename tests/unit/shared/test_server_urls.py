"""The password of a URL from a file, and what is said where TLS fails."""

import ssl
from pathlib import Path

import pytest

from shared.server_urls import current, unreachable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of a password that a URL must quote."""
    made = tmp_path / "a.password"
    made.write_bytes("mật/khẩu@1:\n".encode())
    return made


QUOTED = "m%E1%BA%ADt%2Fkh%E1%BA%A9u%401%3A"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("postgresql://intake@db/intake?{}", f"postgresql://intake:{QUOTED}@db/intake"),
        ("postgresql://intake@a:1,b:2/intake?sslmode=verify-full&{}&target_session_attrs=any",
         f"postgresql://intake:{QUOTED}@a:1,b:2/intake?sslmode=verify-full&target_session_attrs=any"),
        ("postgresql://intake:old@db/intake?{}", f"postgresql://intake:{QUOTED}@db/intake"),
        ("postgresql:///intake?{}&host=/run", f"postgresql://:{QUOTED}@/intake?host=/run"),
        ("amqps://in%2Ftake@a,b/v%2Fh?x=%2Fca&{}", f"amqps://in%2Ftake:{QUOTED}@a,b/v%2Fh?x=%2Fca"),
    ],
)  # fmt: skip
def test_password__comes_from_the_file(file: Path, url: str, whole: str) -> None:
    assert current(url.format(f"password_file={file}")) == whole


@pytest.mark.parametrize("url", ["postgresql://u:p@h/d", "amqp://", "", "postgresql:///d?host=/run&x=", "amqp://h/%2F"])
def test_url__without_a_file_stays_as_it_is(url: str) -> None:
    assert current(url) == url


def test_password__is_read_each_time(file: Path) -> None:
    url = f"amqp://intake@broker/?password_file={file}"
    first = current(url)
    file.write_text("new")
    assert current(url) == "amqp://intake:new@broker/" != first


def test_file__that_is_not_there_is_named(tmp_path: Path) -> None:
    url = f"postgresql://u@h/d?password_file={tmp_path / 'none'}"
    with pytest.raises(OSError, match="none") as raised:
        current(url)
    assert told(raised.value) == f"{tmp_path / 'none'} cannot be read (No such file or directory)"


def test_certificate_file__that_is_not_there_is_named_too(tmp_path: Path) -> None:
    for name in ("sslrootcert", "sslkey", "cafile", "certfile"):
        with pytest.raises(OSError, match=r"c a\.crt"):
            current(f"amqps://h/v?{name}={tmp_path}/c%20a.crt")


def told(error: Exception) -> str:
    found = unreachable(error)
    assert found is not None and found.vi != found.en
    return found.en


def verification(code: int) -> ssl.SSLCertVerificationError:
    made = ssl.SSLCertVerificationError(1, "certificate verify failed")
    made.verify_code = code
    return made


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (10, "has expired"),
        (9, "not valid yet"),
        (62, "another host"),
        (64, "another host"),
        (18, "no CA"),
        (20, "no CA"),
    ],
)
def test_certificate__that_is_refused_says_why_however_it_is_wrapped(code: int, said: str) -> None:
    assert said in told(verification(code))
    try:
        try:
            raise verification(code)
        except OSError as error:
            raise ConnectionError(*error.args) from error
    except ConnectionError as wrapped:
        assert said in told(wrapped)


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionRefusedError(111, "refused"), ValueError("x"), OSError(5, "x")]
)
def test_other_errors__are_told_by_nobody_here(error: Exception) -> None:
    assert unreachable(error) is None
