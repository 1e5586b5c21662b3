"""Pages of a source's feed: as large and as slow as they may be, whatever the source sends."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import httpx
import msgspec
import pytest

from services.followup.adapters import feed_client
from services.followup.adapters.feed_client import FeedClient
from services.followup.application.ports import SourceUnavailable
from shared.envelope import FeedPage, feed_page
from tests.support.following import recorded
from tests.support.history import History

PAGE = feed_page(FeedPage(source="lai-chau", epoch="1", previous_id=None, head=0, complete_to=None, events=[]))


def client(fits: int, asked: list[int]) -> httpx.AsyncClient:
    """A source whose pages of more than `fits` events are larger than what is read."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["limit"]))
        content = PAGE if asked[-1] <= fits else PAGE + b" " * 1000
        return httpx.Response(200, content=content)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_client, "LARGEST", 900)


@pytest.mark.parametrize(("fits", "expected"), [(1000, [1000]), (200, [1000, 125]), (1, [1000, 125, 15, 1])])
async def test_page__that_is_too_large_is_asked_for_with_fewer_events(fits: int, expected: list[int]) -> None:
    asked: list[int] = []
    async with client(fits, asked) as connection:
        page = await FeedClient("http://127.0.0.1", connection).page(0)
    assert (page.source, asked) == ("lai-chau", expected)


async def test_event__that_is_too_large_is_said() -> None:
    async with client(0, []) as connection:
        with pytest.raises(SourceUnavailable, match="the event after 7 is larger"):
            await FeedClient("http://127.0.0.1", connection).page(7)


class DrippingPage(httpx.AsyncByteStream):
    """An answer of which a byte comes now and then, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "


async def test_page__that_drips_in_is_given_up_and_asked_for_with_fewer_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_client, "WHOLE", 0.2)
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["limit"]))
        return httpx.Response(200, stream=DrippingPage()) if len(asked) == 1 else httpx.Response(200, content=PAGE)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as connection:
        feed, begun = FeedClient("http://127.0.0.1", connection), monotonic()
        with pytest.raises(SourceUnavailable, match="took longer"):
            await feed.page(0)
        assert monotonic() - begun < 5
        for _ in range(5):
            await feed.page(0)
    assert asked == [1000, 125, 250, 500, 1000, 1000]


def page_with(**said: Any) -> bytes:
    """A page of one event, of which some members say something else."""
    history = History()
    history.receive("p1", "2019-08-23")
    page = msgspec.json.decode(
        feed_page(
            FeedPage(
                source="lai-chau",
                epoch="1",
                previous_id=None,
                head=1,
                complete_to=history.facts[-1].recorded_at,
                events=recorded(history)[-1:],
            )
        )
    )
    for name, value in said.items():
        (page if name in page else page["events"][0])[name] = value
    return msgspec.json.encode(page)


async def read(content: bytes, status: int = 200) -> FeedPage:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as connection:
        return await FeedClient("http://127.0.0.1", connection).page(0)


OUT_OF_ALL_BOUNDS = [
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "2101-01-01T00:00:00Z",
    "1899-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "2019-08-23T00:00:00",
]


@pytest.mark.parametrize(
    "said",
    [
        *({name: instant} for name in ("complete_to", "recordedat") for instant in OUT_OF_ALL_BOUNDS),
        *({name: number} for name in ("position", "aggregateversion") for number in ("0", "-1", str(2**63))),
        {"head": -1},
        {"head": 2**63},
    ],
    ids=str,
)
async def test_page__that_no_store_can_have_written_is_not_taken(said: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(feed_client, "LARGEST", 100_000)
    assert (await read(page_with())).events
    with pytest.raises(SourceUnavailable, match="InvalidMessage"):
        await read(page_with(**said))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"type": 7}', b'{"type": "x:stale-epoch"}', b"<html>"])
async def test_conflict__that_says_nothing_is_a_source_that_is_away(content: bytes) -> None:
    with pytest.raises(SourceUnavailable):
        await read(content, 409)


async def test_page__that_would_unfold_is_not_taken() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        return httpx.Response(200, content=gzip.compress(PAGE), headers={"Content-Encoding": "gzip"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as connection:
        with pytest.raises(SourceUnavailable, match="encoding"):
            await FeedClient("http://127.0.0.1", connection).page(0)
