"""The client of a source's feed: pages by long poll, a changed epoch told apart from other refusals."""

from collections.abc import Callable

import httpx
import msgspec

from services.followup.application.ports import HistoryDiffers, SourceUnavailable, StaleEpoch
from shared.envelope import FeedPage, InvalidMessage, parse_feed_page

TIMEOUT = 10.0  # seconds, beyond the wait that was asked for
LARGEST = 32 * 1024 * 1024  # bytes of an answer: a page that ends at its bytes is far smaller


class FeedClient:
    """Reads one source's `GET /v1/events`."""

    def __init__(self, url: str, client: httpx.AsyncClient, token: Callable[[], str] = lambda: "") -> None:
        """`token` is asked before each page: what it names may be replaced at any time."""
        self._url, self._client, self._token = f"{url}/v1/events", client, token

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position. Raises StaleEpoch, HistoryDiffers, SourceUnavailable.

        A source that does not end its pages at their bytes is asked for fewer events until a page fits in memory.
        """
        while (content := await self._content(after, epoch, limit, wait)) is None:
            if limit == 1:
                raise SourceUnavailable(f"the event after {after} is larger than {LARGEST} bytes")
            limit = max(limit // 8, 1)
        try:
            return parse_feed_page(content)
        except InvalidMessage as error:
            raise SourceUnavailable(type(error).__name__) from error

    async def _content(self, after: int, epoch: str, limit: int, wait: float) -> bytes | None:
        """The bytes of a page; None when they are too many."""
        asked: dict[str, str | int | float] = {"after": after, "epoch": epoch, "limit": limit, "wait": wait}
        token, content = self._token(), bytearray()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._client.stream(
                "GET", self._url, params=asked, headers=headers, timeout=wait + TIMEOUT
            ) as answer:
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST:
                        return None
            if answer.status_code == httpx.codes.CONFLICT:
                raise _conflict(bytes(content))
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise SourceUnavailable(f"answered {status}", status) from error
        except httpx.HTTPError as error:
            raise SourceUnavailable(type(error).__name__) from error
        return bytes(content)


def _conflict(content: bytes) -> Exception:
    problem = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    kind = msgspec.json.decode(problem["type"], type=str)
    if kind.endswith(":stale-epoch"):
        return StaleEpoch(msgspec.json.decode(problem["epoch"], type=str))
    return HistoryDiffers(f"the log is shorter than what was read from it ({kind.rsplit(':', 1)[-1]})")
