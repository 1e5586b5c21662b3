"""The way of what people record: to the intake of the source, under a key, and back when it can be read."""

import asyncio
from collections.abc import Callable
from datetime import date

from services.followup.adapters.intake_client import Refusal, away
from services.followup.adapters.read.queries import Queries
from shared.http.problems import problem
from shared.identifiers import local_day

WAIT_FOR_READER = 3.0  # seconds that an answer waits until the page shows what was recorded
LOOK_EVERY = 0.05  # seconds
MAX_KEY = 200  # characters of a form's key, as intake takes it

#: The address of a source's intake; None while the source is not known.
Address = Callable[[str], str | None]


class IntakeDoor:
    """Where the intake of each source is, which day it has, and when followup has read what it recorded."""

    def __init__(self, queries: Queries, address: Address) -> None:
        self._queries, self._address = queries, address

    def url(self, source: str) -> str:
        """The address of a source's intake. Raises Refusal."""
        url = self._address(source)
        if url is None:
            raise away("unread-source", source=source)
        return url

    async def today(self, source: str) -> date:
        """The day of a source. Raises ProblemError 503."""
        now = next((s.now for s in await self._queries.sources() if s.source == source), None)
        if now is None:
            raise problem(503, "intake-away", "not-read-yet", source=source)
        return local_day(now)

    async def until_read(self, source: str, position: int) -> None:
        """Wait until followup has read what was recorded, but not for long if it is behind."""
        for _ in range(int(WAIT_FOR_READER / LOOK_EVERY)):
            if any(s.source == source and s.position >= position for s in await self._queries.sources()):
                return
            await asyncio.sleep(LOOK_EVERY)


def status_of(refusal: Refusal, otherwise: int = 422) -> int:
    """The status of a page that says a refusal: that intake is away, that the caller may not or there is no such thing.

    `otherwise` is for all else: what was filled in has to be mended, or nothing can be filled in now (409).
    """
    if refusal.status >= 500:
        return 503
    return refusal.status if refusal.status in (403, 404, 410) else otherwise


def check_key(key: str) -> None:
    """Refuse a key that could not be sent as a header; ours can. Raises ProblemError 400."""
    if len(key) > MAX_KEY or key != key.strip() or not (key.isascii() and key.isprintable()):
        raise problem(400, "invalid-idempotency-key", field="key", most=MAX_KEY)
