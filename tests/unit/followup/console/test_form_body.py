"""The body of a form: what is refused before it is read, while it comes, and before it is parsed; hashed files."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, post

from services.followup.console.form_body import (
    MAX_FIELDS,
    MAX_FILES,
    MAX_TEXT,
    MIB,
    MULTIPART,
    URL_ENCODED,
    read_form,
    read_url_encoded,
)
from services.followup.entrypoints.signed_in import FORM_TOKEN
from shared.http.problems import ProblemError

FILES = frozenset({"digest_file"})
BOUNDARY = f"{MULTIPART}; boundary=x"


@post("/", request_max_body_size=None)
async def _anything() -> None: ...


APP = Litestar([_anything], openapi_config=None)


def form(
    kind: str, chunks: Iterable[bytes], headers: Mapping[str, str] | None = None, came: list[int] | None = None
) -> Request[Any, Any, Any]:
    """A request whose body comes in these chunks; `came` is given the size of each that was asked for."""
    coming = iter(chunks)

    async def receive() -> dict[str, Any]:
        chunk = next(coming, None)
        if came is not None and chunk is not None:
            came.append(len(chunk))
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    given_headers = {"content-type": kind} | dict(headers or {})
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given_headers.items()],
            "query_string": b"",
            "litestar_app": APP,
            "route_handler": APP.routes[0].route_handlers[0],  # type: ignore[union-attr]
            "state": {},
        },  # type: ignore[arg-type]
        receive=receive,  # type: ignore[arg-type]
    )


def read(request: Request[Any, Any, Any], files: frozenset[str] = FILES) -> dict[str, str]:
    return asyncio.run(read_form(request, files))


def refused(request: Request[Any, Any, Any], files: frozenset[str] = FILES) -> tuple[int, str, str]:
    """Status, code and sentence with which a form is refused."""
    with pytest.raises(ProblemError) as caught:
        read(request, files)
    return caught.value.status, caught.value.code, caught.value.sentence


def part(name: str, text: bytes, more: str = "", head: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"{more}\r\n{head}\r\n'
    return b"--x\r\n" + disposition.encode() + text + b"\r\n"


def file(name: str) -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="trả lời.pdf"\r\n\r\n'.encode()


END = b"--x--\r\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"))


@given(st.dictionaries(TEXTS.filter(lambda name: name != FORM_TOKEN), TEXTS, max_size=8), st.integers(1, 50))
def test_url_encoded__is_read_as_it_was_sent(filled: dict[str, str], size: int) -> None:
    body = urlencode(filled).encode()
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert read(form(URL_ENCODED, chunks)) == filled


@given(st.binary().filter(lambda body: b"%" not in body and b"\xef\xbf\xbd" not in body))
def test_url_encoded__that_no_browser_made_is_read_as_by_others_or_refused(body: bytes) -> None:
    try:
        expected = dict(reversed(parse_qsl(body.decode(), keep_blank_values=True)))
    except UnicodeDecodeError:
        assert refused(form(URL_ENCODED, [body])) == (400, "malformed-form", "malformed-form")
        return
    found = read(form(URL_ENCODED, [body]))
    assert {name: value for name, value in found.items() if name or value} == {
        name: value for name, value in expected.items() if name or value
    }


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [("=41", "=41"), ("a=\nb", "a=\nb"), ("==", "=="), ("%3D41+%2B_", "=41 +_"), ("%0D%0A", "\r\n")],
)
def test_url_encoded__keeps_what_would_be_an_escape_elsewhere(sent: str, read_as: str) -> None:
    assert read(form(URL_ENCODED, [f"text={sent}".encode()])) == {"text": read_as}


@pytest.mark.parametrize("kind", [URL_ENCODED, BOUNDARY])
def test_form__that_announces_too_much_is_not_read(kind: str) -> None:
    came = list[int]()
    too_much = str(MAX_TEXT + MAX_FILES + 1)
    assert refused(form(kind, [b"x"], {"content-length": too_much}, came))[:2] == (413, "body-too-large")
    assert refused(form(kind, [b"x"], {"content-length": str(MAX_TEXT + 1)}, came), frozenset())[0] == 413
    assert came == []


def test_url_encoded__has_no_room_for_files() -> None:
    came = list[int]()
    assert refused(form(URL_ENCODED, [b"x"], {"content-length": str(MAX_TEXT + 1)}, came))[0] == 413
    assert came == []
    endless = (b"&".join(b"%x=1" % n for n in range(10_000)) for _ in range(1_000))
    assert refused(form(URL_ENCODED, endless, came=came))[0] == 413
    assert sum(came) < 2 * MAX_TEXT


@pytest.mark.parametrize(("kind", "head"), [(URL_ENCODED, b""), (BOUNDARY, b""), (BOUNDARY, part("text", b"a"))])
def test_form__of_too_many_fields_is_not_parsed(kind: str, head: bytes) -> None:
    fields = [b"%x=1" % n for n in range(200_000)]
    body = b"&".join(fields)[:MAX_TEXT] if kind == URL_ENCODED else head + part("a", b"1") * (MAX_FIELDS + 1) + END
    assert refused(form(kind, [body])) == (400, "malformed-form", "fields")


def test_file__is_hashed_as_it_comes_and_takes_the_place_of_what_was_typed() -> None:
    scan = b"%PDF-1.7 \r\n--y" + b"\r\n--" * 100_000
    body = part("digest", b"") + file("digest_file") + scan + b"\r\n" + part("text", "đã trả lời".encode()) + END
    chunks = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    expected = {"digest": hashlib.sha256(scan).hexdigest(), "text": "đã trả lời"}
    assert read(form(BOUNDARY, chunks)) == expected
    assert read(form(BOUNDARY, [body])) == expected
    assert read(form(BOUNDARY, [body]), frozenset()) == {"digest": "", "text": "đã trả lời"}


def test_file__that_was_not_chosen_leaves_what_was_typed() -> None:
    body = part("digest", b"ab") + part("digest_file", b"", '; filename=""') + END
    assert read(form(BOUNDARY, [body]))["digest"] == "ab"


def test_file__of_which_the_text_is_wanted_is_read_as_a_field_within_the_same_bound() -> None:
    def read_text(body: bytes) -> dict[str, str]:
        return asyncio.run(read_form(form(BOUNDARY, [body]), text_files=("file",)))

    assert read_text(file("file") + "việc: 1\r\n".encode() + b"\r\n" + END) == {"file": "việc: 1\r\n"}
    assert read_text(part("file", b"", '; filename=""') + END) == {"file": ""}
    assert read_text(file("other") + b"x\r\n" + END) == {}
    with pytest.raises(ProblemError) as caught:
        read_text(file("file") + b"\0" * MAX_TEXT + b"\r\n" + END)
    assert caught.value.status == 413
    with pytest.raises(ProblemError) as caught:
        read_text(file("file") + b"\xff\r\n" + END)
    assert caught.value.status == 400


def of_size(size: int) -> Iterable[bytes]:
    return (b"\0" * min(64 * 1024, size - at) for at in range(0, size, 64 * 1024))


def test_file__has_an_end_and_texts_have_a_nearer_one() -> None:
    assert read(form(BOUNDARY, [file("digest_file"), *of_size(MAX_FILES), b"\r\n" + END]))["digest"]
    came = list[int]()
    assert (
        refused(form(BOUNDARY, [file("digest_file"), *of_size(MAX_FILES + 1000), b"\r\n" + END], came=came))[0] == 413
    )
    for head in (part("text", b"")[:-2], file("text"), file("digest"), b""):
        came.clear()
        assert refused(form(BOUNDARY, [head, *of_size(8 * MIB), b"\r\n" + END], came=came))[0] == 413
        assert sum(came) < 2 * MAX_TEXT
    two = [file("digest_file"), *of_size(MAX_FILES - 1000), b"\r\n" + file("scan_file"), *of_size(2000)]
    assert refused(form(BOUNDARY, [*two, b"\r\n" + END]), FILES | {"scan_file"})[0] == 413


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (BOUNDARY, part("token", b"a", head="Content-Type: text/plain; charset=nonsense\r\n") + END, "charset"),
        (BOUNDARY, part("token", b"\xff\xfe", head="Content-Type: text/plain; charset=utf-16\r\n") + END, "charset"),
        (BOUNDARY, part("token", b"a", head="Content-Type: text/plain; charset=rot13\r\n") + END, "charset"),
        (BOUNDARY, part("token", b"\xff\xfe") + END, "malformed-form"),
        (BOUNDARY, part("token", "\ufffd".encode()) + END, "malformed-form"),
        (BOUNDARY, b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\na\r\n' + END, "parts"),
        (BOUNDARY, b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n" + END, "parts"),
        (BOUNDARY, b"", "parts"),
        (BOUNDARY, part("token", b"a"), "parts"),
        (BOUNDARY, b"token=a", "parts"),
        (BOUNDARY, part("a" * 3000, b"a") + END, "fields"),
        (BOUNDARY, part("a", b"a", head="X: y\r\n" * 9) + END, "fields"),
        (BOUNDARY, part("a", b"a") * 2000 + END, "fields"),
        (MULTIPART, part("a", b"a") + END, "boundary"),
        (f"{MULTIPART}; boundary=", part("a", b"a") + END, "boundary"),
        (f'{MULTIPART}; boundary=""', part("a", b"a") + END, "boundary"),
        (f"{MULTIPART}; boundary={'x' * 71}", part("a", b"a") + END, "boundary"),
        (f'{MULTIPART}; boundary="\xff"', part("a", b"a") + END, "boundary"),
        (URL_ENCODED, b"token=%ff%fe", "malformed-form"),
        (URL_ENCODED, b"token=\xff", "malformed-form"),
        (URL_ENCODED, b"token=100%", "percent"),
        (URL_ENCODED, b"token=%zz", "percent"),
        (URL_ENCODED, b"token=%\n", "percent"),
    ],
)
def test_form__that_cannot_be_read_says_what_is_wrong_with_it(kind: str, body: bytes, sentence: str) -> None:
    assert refused(form(kind, [body] if body else [])) == (400, "malformed-form", sentence)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "us-ascii"])
def test_part__may_say_that_it_is_utf_8(charset: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\r\n"
    assert read(form(BOUNDARY, [part("a", b"x", head=head) + END])) == {"a": "x"}


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain"])
def test_form__of_another_type_is_refused(kind: str) -> None:
    assert refused(form(kind, [b"a=b"])) == (415, "unsupported-media-type", "form")


def test_form__without_files_is_url_encoded_where_it_must_be() -> None:
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_url_encoded(form(BOUNDARY, [part("a", b"a") + END])))
    assert (caught.value.status, caught.value.sentence) == (415, "url-encoded")
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_url_encoded(form(URL_ENCODED, [b"a=" + b"a" * 100]), 100))
    assert (caught.value.status, str(caught.value)) == (413, "the body is too large: at most 100 bytes")


def test_file__that_comes_again_under_its_name_is_passed_over() -> None:
    class Sink:
        """Counts what is sent on."""

        begun = ended = 0
        taken = b""

        async def begin(self, name: str, called: str) -> None:
            self.begun += 1

        async def write(self, piece: bytes) -> None:
            self.taken += piece

        async def end(self) -> None:
            self.ended += 1

    sink, head = Sink(), ' filename="a.pdf"'
    body = b"".join(part("digest_file", text, f";{head}") for text in (b"one", b"two", b"three")) + b"--x--\r\n"
    filled = asyncio.run(read_form(form(BOUNDARY, [body]), FILES, sink=sink))
    assert filled == {"digest": hashlib.sha256(b"one").hexdigest()}
    assert (sink.begun, sink.ended, sink.taken) == (1, 1, b"one")
