"""The client of a source's feed: pages by long poll, a changed epoch told apart from other refusals."""

import httpx
import msgspec

from shared.envelope import FeedPage, parse_feed_page

TIMEOUT = 10.0  # seconds, beyond the wait that was asked for


class StaleEpoch(Exception):
    """The source has a new epoch."""

    def __init__(self, epoch: str) -> None:
        super().__init__(f"the source has the new epoch {epoch}")
        self.epoch = epoch


class HistoryDiffers(Exception):
    """The source's log is shorter than what was read from it."""


class FeedClient:
    """Reads one source's `GET /v1/events`."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = f"{url}/v1/events", client

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position. Raises StaleEpoch, HistoryDiffers, InvalidMessage, httpx.HTTPError."""
        asked: dict[str, str | int | float] = {"after": after, "epoch": epoch, "limit": limit, "wait": wait}
        answer = await self._client.get(self._url, params=asked, timeout=wait + TIMEOUT)
        if answer.status_code == httpx.codes.CONFLICT:
            problem = msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw])
            kind = msgspec.json.decode(problem["type"], type=str)
            if kind.endswith(":stale-epoch"):
                raise StaleEpoch(msgspec.json.decode(problem["epoch"], type=str))
            raise HistoryDiffers(kind)
        answer.raise_for_status()
        return parse_feed_page(answer.content)
