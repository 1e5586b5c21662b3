"""What followup makes of the answers of intake."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from services.followup.adapters import intake_client
from services.followup.adapters.intake_client import IntakeClient, Refusal

FORBIDDEN = {"type": "role-may-not", "detail": "no", "field": None}


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens", request=request)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (away, 503, "hiện không kết nối được; hãy mở lại trang"),
        (lambda _: httpx.Response(502, text="bad gateway"), 503, "Hệ thống tiếp nhận trả lời lỗi 502"),
        (lambda _: httpx.Response(503, json={"type": "store-unavailable", "detail": "later"}), 503, "later"),
        (lambda _: httpx.Response(403, json=FORBIDDEN), 403, "no"),
        (lambda _: httpx.Response(500, content=b'{"type": "\xff"}'), 503, "Hệ thống tiếp nhận trả lời lỗi 500"),
        (lambda _: httpx.Response(200, text="<html>"), 503, "hiện không kết nối được"),
        (lambda _: httpx.Response(200, json={"events": "\u00e9"}), 503, "hiện không kết nối được"),
    ],
    ids=["away", "proxy", "store", "forbidden", "rubbish", "page", "foreign"],
)
async def test_content__that_is_not_opened_says_why_and_with_which_status(
    answer: httpx.MockTransport, status: int, said: str
) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:  # type: ignore[arg-type]
        with pytest.raises(Refusal) as refused:
            await IntakeClient(client).content("http://intake", "/v1/petitions/1", "")
    assert refused.value.status == status
    assert said in refused.value.detail.vi


class BreaksOff(httpx.AsyncByteStream):
    """A body whose connection is lost."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"type": '
        raise httpx.ReadError("reset")


async def test_download__whose_refusal_breaks_off_is_of_an_intake_that_is_away() -> None:
    answer = httpx.Response(404, stream=BreaksOff())
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        with pytest.raises(Refusal) as refused:
            await IntakeClient(client).download("http://intake", "/v1/petitions/1/files/a", "")
    assert refused.value.status == 503


async def test_intake__that_hangs_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that says nothing nor one that trickles."""
    ended = asyncio.Queue[None]()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.put_nowait(None)

    assert intake_client.TIMEOUT <= 10
    monkeypatch.setattr(intake_client, "TIMEOUT", 0.2)
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        intake = IntakeClient(client)
        with pytest.raises(Refusal, match="wait a moment and send it again, it is recorded once") as acted:
            await asyncio.wait_for(intake.act(url, "/v1/petitions", {}, "k", ""), 5)
        with pytest.raises(Refusal, match="open the page again shortly") as opened:
            await asyncio.wait_for(intake.content(url, "/v1/petitions/1", ""), 5)
        assert acted.value.status == opened.value.status == 503
        for _ in range(2):  # both were hung up on, and nothing of them is left
            await asyncio.wait_for(ended.get(), 5)
