"""The client of a source's feed: pages by long poll, a changed epoch told apart from other refusals."""

import asyncio
from collections.abc import Callable

import httpx
import msgspec

from services.followup.application.ports import HistoryDiffers, SourceUnavailable, StaleEpoch
from shared.envelope import FeedPage, InvalidMessage, parse_feed_page

TIMEOUT = 10.0  # seconds without a byte, beyond the wait that was asked for
WHOLE = 60.0  # seconds for a whole page, beyond that wait: bytes that drip in hold no reader
LARGEST = 32 * 1024 * 1024  # bytes of an answer: a page that ends at its bytes is far smaller


class FeedClient:
    """Reads one source's `GET /v1/events`."""

    def __init__(self, url: str, client: httpx.AsyncClient, token: Callable[[], str] = lambda: "") -> None:
        """`token` is asked before each page: what it names may be replaced at any time."""
        self._url, self._client, self._token = f"{url}/v1/events", client, token
        self._most: int | None = None  # events that a page came with in time; None as long as every one did

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position. Raises StaleEpoch, HistoryDiffers, SourceUnavailable.

        A source that does not end its pages at their bytes is asked for fewer events until a page fits in memory.
        """
        limit = min(limit, self._most or limit)
        while (content := await self._content(after, epoch, limit, wait)) is None:
            if limit == 1:
                raise SourceUnavailable(f"the event after {after} is larger than {LARGEST} bytes")
            limit = max(limit // 8, 1)
        self._most = self._most and self._most * 2
        try:
            return parse_feed_page(content)
        except InvalidMessage as error:
            raise SourceUnavailable(type(error).__name__) from error

    async def _content(self, after: int, epoch: str, limit: int, wait: float) -> bytes | None:
        """The bytes of a page; None when they are too many."""
        asked: dict[str, str | int | float] = {"after": after, "epoch": epoch, "limit": limit, "wait": wait}
        token, content = self._token(), bytearray()
        # The bound holds as a page is sent: what unfolds may be a thousand times as large.
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            async with (
                asyncio.timeout(wait + WHOLE),
                self._client.stream("GET", self._url, params=asked, headers=headers, timeout=wait + TIMEOUT) as answer,
            ):
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise SourceUnavailable("answered in an encoding that it was not asked for")
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
        except TimeoutError:
            self._most = max(limit // 8, 1)  # over a slow line fewer events come in time
            raise SourceUnavailable(f"a page took longer than {wait + WHOLE:.0f} s") from None
        return bytes(content)


def _conflict(content: bytes) -> Exception:
    try:
        problem = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(problem["type"], type=str)
        if kind.endswith(":stale-epoch"):
            return StaleEpoch(msgspec.json.decode(problem["epoch"], type=str))
    except (msgspec.MsgspecError, KeyError):
        return SourceUnavailable(f"answered {httpx.codes.CONFLICT.value} without saying why")
    return HistoryDiffers(f"the log is shorter than what was read from it ({kind.rsplit(':', 1)[-1]})")
