"""A service under a path that a proxy shows it under."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.prefix import under
from shared.settings import PublicUrl, path_of

Header = tuple[bytes, bytes]


async def asked(path: str, *headers: Header, prefix: str = "/doithoai") -> tuple[str, list[Header]]:
    """The path that the application sees, and the headers of its answer as they go out."""
    seen: list[str] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "path": path, "raw_path": path.encode(), "headers": []}
    await under(prefix, app)(scope, None, send)  # type: ignore[arg-type]
    return seen[0], sent[0]["headers"]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/doithoai/cases", "/cases"),
        ("/doithoai/", "/"),
        ("/healthz", "/healthz"),
        ("/doithoai-intake/v1/clock", "/doithoai-intake/v1/clock"),
        ("/doithoai/doithoai/x", "/doithoai/x"),
    ],
)
async def test_path__is_taken_off_once_and_only_where_it_stands(path: str, seen: str) -> None:
    assert (await asked(path))[0] == seen


@pytest.mark.parametrize(
    ("header", "goes_out"),
    [
        ((b"location", b"/cases?a=/b"), (b"location", b"/doithoai/cases?a=/b")),
        ((b"Location", b"/"), (b"Location", b"/doithoai/")),
        ((b"location", b"https://sso.example.vn/auth"), (b"location", b"https://sso.example.vn/auth")),
        ((b"location", b"//elsewhere.example/"), (b"location", b"//elsewhere.example/")),
        ((b"link", b'</v1/cases?cursor=x>; rel="next"'), (b"link", b'</doithoai/v1/cases?cursor=x>; rel="next"')),
        ((b"x-other", b"/cases"), (b"x-other", b"/cases")),
    ],
)
async def test_answer__names_addresses_of_our_own_under_the_path(header: Header, goes_out: Header) -> None:
    assert (await asked("/", header))[1] == [goes_out]


async def test_answer__without_a_prefix_is_the_application_itself() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert under("", app) is app


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", ""),
        ("https://a.example.vn", ""),
        ("https://a.example.vn/", ""),
        ("https://a.example.vn:8443/doithoai/", "/doithoai"),
        ("http://127.0.0.1:8571/so/doi-thoai", "/so/doi-thoai"),
    ],
)
def test_public_url__has_a_path_or_none(url: str, path: str) -> None:
    assert path_of(TypeAdapter(PublicUrl).validate_python(url)) == path


@pytest.mark.parametrize(
    "url",
    ["/doithoai", "ftp://a.example", "https://a.example/x?y", "https://a.example/đối", 'https://a.example/"x', "a.vn"],
)
def test_public_url__is_an_address_with_a_plain_path(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PublicUrl).validate_python(url)
