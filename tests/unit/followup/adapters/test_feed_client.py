"""Pages of a source's feed: as large as they may be, whatever the source sends."""

import httpx
import pytest

from services.followup.adapters import feed_client
from services.followup.adapters.feed_client import FeedClient
from services.followup.application.ports import SourceUnavailable
from shared.envelope import FeedPage, feed_page

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
