"""The way to a sink: to the address that was judged, under the name of the sink, and to no other."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.followup.adapters.webhooks import sink_client
from services.followup.adapters.webhooks.sink_addresses import AllowedSinks
from services.followup.adapters.webhooks.sink_client import SinkClient
from services.followup.adapters.webhooks.webhook_seals import SinkSecrets
from services.followup.application.webhook_ports import Answer, Verdict
from tests.support.tls import Authority
from tests.support.webhooks import sink_served

PORTAL = "portal.example"


def client(resolved_to: list[str], trusted: ssl.SSLContext, allowed: str = "127.0.0.1/32") -> SinkClient:
    """A client whose resolver gives these addresses, one after another, and then the last for ever."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return [resolved_to.pop(0) if len(resolved_to) > 1 else resolved_to[0]]

    return SinkClient(AllowedSinks(allowed), "followup.example", trusted, lambda: datetime.now(UTC), resolve)


async def delivered(sinks: SinkClient, url: str) -> Answer:
    async with sinks.session(url, SinkSecrets(secret=b"s" * 32)) as session:
        return await session.deliver("1", b"{}")


async def test_certificate__is_asked_for_the_name_though_the_address_is_called(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    right, wrong = authority.issue("right", PORTAL), authority.issue("wrong", "other.example")
    trusted = ssl.create_default_context(cafile=str(authority.file))
    for certificate, context, expected in (
        (right, trusted, Answer(Verdict.DELIVERED, 204)),
        (wrong, trusted, Answer(Verdict.FAILED, why="tls")),
        (right, ssl.create_default_context(cafile=str(stranger.file)), Answer(Verdict.FAILED, why="tls")),
    ):
        async with sink_served(ssl_certfile=str(certificate.certificate), ssl_keyfile=str(certificate.key)) as sink:
            port = sink.url.rsplit(":", 1)[1].partition("/")[0]
            url = f"https://{PORTAL}:{port}/hook"
            assert await delivered(client(["127.0.0.1"], context), url) == expected
            if expected.verdict is Verdict.DELIVERED:
                assert sink.requests[0][1]["host"] == f"{PORTAL}:{port}"
            else:
                assert not sink.requests


async def test_name_that_leads_elsewhere_later__is_judged_again() -> None:
    async with sink_served() as sink:
        url = sink.url.replace("127.0.0.1", PORTAL)
        sinks = client(["127.0.0.1", "127.0.0.2"], ssl.create_default_context())
        assert (await delivered(sinks, url)).verdict is Verdict.DELIVERED
        assert await delivered(sinks, url) == Answer(Verdict.FORBIDDEN, why="not-https")
        assert len(sink.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (302, {"Location": "http://127.0.0.1:1/"}, Answer(Verdict.FAILED, 302, "redirect")),
        (410, {}, Answer(Verdict.GONE, 410, "gone")),
        (429, {"Retry-After": "30"}, Answer(Verdict.FAILED, 429, "status", 30.0)),
        (503, {"Retry-After": "soon"}, Answer(Verdict.FAILED, 503, "status")),
        (503, {"Retry-After": "1 Jan 99999999999999999999 00:00:00 GMT"}, Answer(Verdict.FAILED, 503, "status")),
        (503, {"Retry-After": "1 Jan 2020 00:00:00 +99999999999999"}, Answer(Verdict.FAILED, 503, "status")),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, Answer(Verdict.FAILED, 503, "status", 0.0)),
        (500, {"Retry-After": "30"}, Answer(Verdict.FAILED, 500, "status")),
        (204, {"Set-Cookie": "a=b"}, Answer(Verdict.DELIVERED, 204)),
    ],
)
async def test_answer__is_judged_and_nothing_of_it_followed(
    status: int, headers: dict[str, str], expected: Answer
) -> None:
    async with sink_served() as sink:
        sink.status, sink.headers = status, headers
        sinks = client(["127.0.0.1"], ssl.create_default_context())
        async with sinks.session(sink.url, SinkSecrets(secret=b"s" * 32)) as session:
            assert await session.deliver("1", b"{}") == expected
            await session.deliver("1", b"{}")
        assert [method for method, _, _ in sink.requests] == ["POST", "POST"]
        assert "cookie" not in sink.requests[1][1]


async def test_sink_that_is_not_there__is_unreachable() -> None:
    async with sink_served() as sink:
        url = sink.url
    assert await delivered(client(["127.0.0.1"], ssl.create_default_context()), url) == Answer(
        Verdict.FAILED, why="unreachable"
    )


async def test_answer_without_end__is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_client, "WHOLE", 2.0)
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 2000)
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        sinks = client(["127.0.0.1"], ssl.create_default_context())
        assert await delivered(sinks, f"http://127.0.0.1:{port}/") == Answer(Verdict.DELIVERED, 200)
        ended.set()


async def test_proxy_of_the_environment__is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with sink_served() as sink:
        sinks = client(["127.0.0.1"], ssl.create_default_context())
        assert (await delivered(sinks, sink.url)).verdict is Verdict.DELIVERED


async def test_what_nobody_foresaw__is_an_answer_too() -> None:
    async def broken(host: str, port: int) -> list[str]:
        raise RuntimeError(host)

    sinks = SinkClient(AllowedSinks(), "doithoai", ssl.create_default_context(), lambda: datetime.now(UTC), broken)
    assert await delivered(sinks, "https://portal.example/") == Answer(Verdict.FAILED, why="broken-off")
