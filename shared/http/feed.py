"""`GET /v1/events`: the log after a position, gapless and in order, as pages of CloudEvents."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from shared.envelope import FeedPage, feed_page, may_be_the_last
from shared.events import Recorded
from shared.http.auth import MayRead, caller_of
from shared.http.openapi import READ_STATUSES, problems
from shared.http.problems import problem
from shared.http.server import stopping

DEFAULT_LIMIT = 500
MAX_LIMIT = 5_000
MAX_POSITION = 2**53 - 1  # what every tool of JSON can write exactly
MAX_WAIT = 60.0  # seconds
MAX_POLLS = 50  # of one caller that wait at a time; beyond that a poll is answered at once
LOOK_EVERY = 1.0  # seconds: a notification may be lost, and a stopping server waits for nobody


class FeedSource(Protocol):
    """The log behind a feed."""

    async def identity(self) -> tuple[str, str]:
        """The source and its epoch."""
        ...

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        """The events after a position, in order."""
        ...

    async def event_id_at(self, position: int) -> UUID | None:
        """The event at a position; None when there is none."""
        ...

    async def head(self) -> int:
        """The last position; 0 when the log is empty."""
        ...

    async def state_complete_to(self) -> tuple[datetime, int] | None:
        """Store and return the instant up to which the log is complete, with the head at that time; None if unknown."""
        ...

    async def wait_for_events(self, timeout: float) -> None:
        """Wait until something may have been appended, or for `timeout` seconds."""
        ...


async def read_feed(
    log: FeedSource,
    after: int,
    epoch: str = "",
    limit: int = DEFAULT_LIMIT,
    wait: float = 0.0,
    is_stopping: Callable[[], bool] = lambda: False,
) -> FeedPage:
    """One page. Raises ProblemError for a stale epoch (it names the new one) or a position beyond the head."""
    source, current = await log.identity()
    if epoch and epoch != current:
        raise problem(409, "stale-epoch", members={"source": source, "epoch": current})
    previous_id = await log.event_id_at(after) if after else None
    if after and previous_id is None:
        raise problem(409, "beyond-head", members={"source": source, "epoch": current, "head": await log.head()})
    events = await _events_or_wait(log, after, limit, wait, is_stopping)
    last = events[-1].position if events else after
    # A full page says that more may follow: only a page that may be the last is worth the ordering lock.
    stated = await log.state_complete_to() if may_be_the_last(events, limit) else None
    instant, head = stated or (None, await log.head())
    # An event that came in between is not on this page: then the statement would claim too much for it.
    complete_to = instant if head == last else None
    return FeedPage(
        source=source, epoch=current, previous_id=previous_id, head=head, complete_to=complete_to, events=list(events)
    )


async def _events_or_wait(
    log: FeedSource, after: int, limit: int, wait: float, is_stopping: Callable[[], bool]
) -> Sequence[Recorded]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wait, MAX_WAIT)
    while not (events := await log.events_after(after, limit)):
        left = deadline - loop.time()
        if left <= 0 or is_stopping():
            break
        await log.wait_for_events(min(left, LOOK_EVERY))
    return events


class CloudEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event as a CloudEvent in structured mode: `data` are the stored bytes, by the schema of `type`."""

    id: UUID
    source: str
    type: str
    time: datetime
    subject: UUID
    position: str
    epoch: str
    recordedat: datetime
    aggregateversion: str
    dataschema: str
    previousid: UUID | None = None
    data: dict[str, Any]
    specversion: Literal["1.0"]
    datacontenttype: Literal["application/json"]


class EventPage(msgspec.Struct, kw_only=True):
    """A page of the log. `complete_to` stands only in answers that reach the head."""

    source: str
    epoch: str
    previous_id: UUID | None
    head: int
    complete_to: datetime | None
    events: list[CloudEvent]


_PAGE = ResponseSpec(EventPage, generate_examples=False, description="the events after the position")


def feed_route(log: FeedSource, may_read: MayRead, type_prefix: str = "") -> HTTPRouteHandler:
    """The route for one log. `may_read` refuses callers who may not see all of it. The types begin with the prefix."""

    polling: Counter[str] = Counter()  # by caller

    @get(
        "/v1/events",
        summary="Events after a position, in order",
        description="The bytes of every event as they are stored. A page ends after `limit` events, or with the event "
        "that fills it to 4 MiB. `complete_to` stands only in answers that reach "
        "the head. A stale `epoch` is answered 409 with the new one.",
        tags=["feed"],
        responses={200: _PAGE, **problems(*READ_STATUSES, 409)},
    )
    async def read_events(
        request: Request[Any, Any, Any],
        after: Annotated[int, QueryParameter(ge=0, le=MAX_POSITION, description="the last position that you know")] = 0,
        epoch: Annotated[str, QueryParameter(description="the epoch that you know; empty: any")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        wait: Annotated[float, QueryParameter(ge=0, le=MAX_WAIT, description="seconds to wait for an event")] = 0.0,
    ) -> Response[bytes]:
        if (looked := may_read(caller_of(request))) is not None:
            await looked
        caller = caller_of(request).name
        # A poll that waits keeps its connection, and of these there are as many as all callers share.
        polling[caller] += 1
        try:
            waits = wait if polling[caller] <= MAX_POLLS else 0.0
            page = await read_feed(log, after, epoch, limit, waits, stopping(request.app))
        finally:
            polling[caller] -= 1
        return Response(feed_page(page, type_prefix), media_type="application/json")

    return read_events
