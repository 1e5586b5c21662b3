"""What a server bears: connections that say nothing, half of something, or do not read; requests read in two ways."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar, Request, Response, get, post
from litestar.response import Stream

from shared.http.connections import ConnectionLimits
from shared.http.problems import EXCEPTION_HANDLERS
from shared.http.server import Server, guarded, server
from tests.support.waiting import until

#: Short times: the server looks once a second.
SHORT = ConnectionLimits(connections=40, head_time=0.5, head_size=8192, stall=0.5, rate=1e6)
BIG = 30_000_000  # bytes: more than what the system takes off a server's hands


class Served:
    """A server over a few routes."""

    def __init__(self, http: Server, begun: asyncio.Event, ended: asyncio.Event, release: asyncio.Event) -> None:
        self.http, self.begun, self.ended, self.release = http, begun, ended, release
        self.port: int = http.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which something was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def close(self) -> None:
        """Close what was opened."""
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def answers(self) -> bool:
        """Whether somebody who comes now is served."""
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.get(f"{self.url}/")).status_code == 200


@pytest.fixture
def limits() -> ConnectionLimits:
    return SHORT


@pytest.fixture
async def served(limits: ConnectionLimits) -> AsyncIterator[Served]:
    begun, ended, release = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @get("/")
    async def hello() -> str:
        return "xin chào"

    @get("/slow")
    async def slow() -> str:
        begun.set()
        await release.wait()
        return "xong"

    @get("/big")
    async def big() -> Response[bytes]:
        return Response(b"x" * BIG, media_type="application/octet-stream")

    @get("/halves")
    async def halves() -> Stream:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            await release.wait()

        return Stream(parts)

    @post("/", status_code=200)
    async def body(request: Request) -> int:  # type: ignore[type-arg]
        begun.set()
        try:
            return len(await request.body())
        finally:
            ended.set()

    app = Litestar([hello, slow, big, halves, body], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None)
    http = server(app, "127.0.0.1", 0, limits)
    task = asyncio.create_task(http.serve())
    await until(lambda: http.started)
    found = Served(http, begun, ended, release)
    try:
        yield found
    finally:
        release.set()
        await found.close()
        http.should_exit = True
        await task


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """All that still comes, until the server closes the connection."""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""


GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def test_idle_connections__shut_nobody_out(served: Served) -> None:
    """More than there may be, and somebody with a request comes after them all."""
    for _ in range(3 * SHORT.connections):
        await served.open()
    assert await served.answers()
    assert len(served.http.server_state.connections) <= SHORT.connections + 1


@pytest.mark.parametrize("limits", [msgspec.structs.replace(SHORT, connections=3, head_time=60.0)])
async def test_connections__in_use_are_not_closed_for_others(served: Served) -> None:
    busy = [await served.open(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(3)]
    await served.begun.wait()
    await until(lambda: len(served.http.server_state.tasks) == 3)
    reader, _ = await served.open(GET + b"\r\n")
    refused = await rest_of(reader)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in refused
    served.release.set()
    for reader, _ in busy:
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"G", b"HTTP/1.1 408 "),
        (GET, b"HTTP/1.1 408 "),
        (GET + b"X: " + b"1" * 500, b"HTTP/1.1 408 "),
        (GET + b"Connection: keep-alive\r\n\r\n", b"HTTP/1.1 200 "),
    ],
)
async def test_request__that_does_not_come_is_not_waited_for(served: Served, sent: bytes, answer: bytes) -> None:
    reader, _ = await served.open(sent)
    found = await rest_of(reader)
    assert found.startswith(answer) and bool(found) == bool(answer)


@pytest.mark.parametrize("framing", [b"Content-Length: 9\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"])
async def test_body__that_does_not_come_is_not_waited_for(served: Served, framing: bytes) -> None:
    reader, _ = await served.open(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing)
    assert (await rest_of(reader)).startswith(b"HTTP/1.1 408 ")
    await asyncio.wait_for(served.ended.wait(), 30)  # and its handler is not left waiting


async def test_body__that_trickles_is_not_waited_for(served: Served) -> None:
    reader, writer = await served.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    reading = asyncio.create_task(rest_of(reader))
    while not reading.done():
        writer.write(b"x")
        with contextlib.suppress(ConnectionResetError):
            await writer.drain()
        await asyncio.sleep(0.05)
    # What is still sent to a closed connection may take the answer from whoever sends it.
    assert (await reading)[:13] in (b"HTTP/1.1 408 ", b"")


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"


@pytest.mark.parametrize(
    "request_body",
    [b"Content-Length: 5\r\n\r\nabcde", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"],
)
@pytest.mark.parametrize("pieces", [1, 7])
async def test_body__is_read_where_another_protocol_is_offered(
    served: Served, request_body: bytes, pieces: int
) -> None:
    """As HTTP clients of Java and `curl --http2` do; what comes after it on the connection is answered too."""
    sent = b"POST / HTTP/1.1\r\nHost: a\r\n" + OFFER + request_body
    sent += GET + OFFER + b"\r\n" + GET + b"Connection: close\r\n\r\n"
    reader, writer = await served.open()
    for each in range(pieces):
        writer.write(sent[each * len(sent) // pieces : (each + 1) * len(sent) // pieces])
        await writer.drain()
        await asyncio.sleep(0.01)  # so that they come one by one
    answers = await rest_of(reader)
    assert [each.splitlines()[-1].decode() for each in answers.split(b"HTTP/1.1 200 OK")[1:]] == [
        "5",
        "xin chào",
        "xin chào",
    ]


@pytest.mark.parametrize("limits", [msgspec.structs.replace(SHORT, head_time=60.0)])
async def test_head__has_an_end(served: Served) -> None:
    reader, writer = await served.open(GET)
    reading = asyncio.create_task(rest_of(reader))
    while not reading.done():
        writer.write(b"X-More: " + b"1" * 1000 + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            await writer.drain()
        await asyncio.sleep(0)
    found = await reading
    assert not found or found.startswith(b"HTTP/1.1 431 ")
    assert await served.answers()


async def test_answer__that_is_not_read_is_not_kept(served: Served) -> None:
    await served.open(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: len(served.http.server_state.connections) == 1)
    await until(lambda: not served.http.server_state.connections)


async def test_answer__that_is_read_comes_whole(served: Served) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        assert len((await client.get(f"{served.url}/big")).content) == BIG


async def test_answer__that_takes_its_time_is_waited_for(served: Served) -> None:
    """A long poll: the request came whole, so none of these times is its own."""
    async with httpx.AsyncClient(timeout=30) as client:
        asked = asyncio.create_task(client.get(f"{served.url}/slow"))
        await served.begun.wait()
        # Others are closed meanwhile, so that the server has looked at the connections more than once.
        for _ in range(2):
            await rest_of((await served.open())[0])
        served.release.set()
        assert (await asked).status_code == 200


# --- requests that can be read in two ways, and what no answer lacks -----------------------------------------------


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "Host"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nauthorization: Bearer y\r\n", "Authorization"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: 1\r\nIdempotency-Key: 2\r\n", "Idempotency-Key"),
        (b"GET / HTTP/1.1\r\n", "Host"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:65536\r\n", "Host"),
        (b"GET / HTTP/1.1\r\nHost: [::1]:x\r\n", "Host"),
    ],
)
async def test_header__that_could_mean_two_things_is_refused(served: Served, head: bytes, field: str) -> None:
    reader, _ = await served.open(head + b"Connection: close\r\n\r\n")
    found = await rest_of(reader)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert msgspec.json.decode(found.partition(b"\r\n\r\n")[2])["field"] == field


@pytest.mark.parametrize("path", ["/", "/nowhere", "/big"])
async def test_answer__is_kept_by_no_cache_and_guessed_at_by_no_browser(served: Served, path: str) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        headers = (await client.get(f"{served.url}{path}")).headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /x HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        GET + b"No colon\r\n\r\n",
    ],
)
async def test_bytes__that_are_no_request_are_refused_like_any_other(served: Served, sent: bytes) -> None:
    reader, _ = await served.open(sent)
    head, _, body = (await rest_of(reader)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    for line in (
        b"content-type: application/problem+json",
        b"cache-control: no-store",
        b"x-content-type-options: nosniff",
    ):
        assert line in head.split(b"\r\n")
    found = msgspec.json.decode(body)
    assert found["type"] == "urn:doithoai:problem:invalid-request"
    assert "hãy kiểm tra chương trình gửi" in found["translations"]["vi"]["detail"]


async def test_bytes__that_are_no_request_do_not_get_into_the_answer_before_them(served: Served) -> None:
    reader, writer = await served.open(b"GET /halves HTTP/1.1\r\nHost: a\r\n\r\n")
    head = await reader.readuntil(b"half")
    writer.write(b"\x16\x03\x01 \r\n\r\n")
    await writer.drain()
    assert head.startswith(b"HTTP/1.1 200 ") and await rest_of(reader) == b"\r\n"


@pytest.mark.parametrize("query", [b"&".join(b"%x" % n for n in range(60)), b"a=" + b"%41" * 2000])
async def test_address__of_too_many_parameters_is_not_read(served: Served, query: bytes) -> None:
    reader, _ = await served.open(b"GET /?" + query + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    found = await rest_of(reader)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert "4096 byte" in msgspec.json.decode(found.partition(b"\r\n\r\n")[2])["translations"]["vi"]["detail"]


@pytest.mark.parametrize("host", [b"a", b"a:1", b"a:65535", b"a:", b"[::1]", b"[::1]:8571"])
async def test_host__with_or_without_a_port_is_served(served: Served, host: bytes) -> None:
    reader, _ = await served.open(b"GET / HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
    assert (await rest_of(reader)).startswith(b"HTTP/1.1 200 ")


async def test_error__that_the_application_does_not_answer_is_answered_like_any_other() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ValueError("what a citizen wrote")

    transport = httpx.ASGITransport(guarded(broken))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:doithoai:problem:internal-error")
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert "citizen" not in answer.text
