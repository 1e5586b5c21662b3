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
from litestar.openapi.spec import Link
from litestar.params import QueryParameter

from shared.envelope import FeedPage, feed_page, may_be_the_last, topic_of
from shared.events import EVENTS, Recorded
from shared.feed_cursor import LONGEST, FeedFilter
from shared.http.auth import READERS, AuthenticatedCaller, MayRead, caller_of
from shared.http.openapi import READ_STATUSES, answers, problems
from shared.http.permissions import for_roles
from shared.http.problems import ProblemError, problem
from shared.http.scoped_feed import LOOK_EVERY, FeedLog, ScopedReading, Visible, scoped_page
from shared.http.server import stopping
from shared.identifiers import MAX_CODE_LENGTH, MalformedCode, agency_code

DEFAULT_LIMIT = 500
MAX_LIMIT = 5_000
MAX_POSITION = 2**53 - 1  # what every tool of JSON can write exactly
MAX_WAIT = 60.0  # seconds
HTTP_FORBIDDEN = 403
MAX_POLLS = 50  # of one caller that wait at a time; beyond that a poll is answered at once


class FeedSource(FeedLog, Protocol):
    """The log behind a feed."""

    async def head(self) -> int:
        """The last position; 0 when the log is empty."""
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
    externalsource: str | None = None
    externalid: str | None = None
    traceparent: str | None = None
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


class PartialEventPage(msgspec.Struct, kw_only=True):
    """A page of the part of the log that was asked for; `next` is the cursor of the following one."""

    source: str
    epoch: str
    next: str
    complete_to: datetime | None
    events: list[CloudEvent]


_EITHER: Any = EventPage | PartialEventPage  # the framework's types know one class, its OpenAPI any of several
_PAGE = ResponseSpec(_EITHER, generate_examples=False, description="the events after the position")
_NEXT = {"next": Link(operation_id="read_events", parameters={"cursor": "$response.body#/next"})}
_DESCRIPTION = """The bytes of every event as they are stored. A page ends after `limit` events, or with the event that
fills it to 4 MiB, what is hidden from you counted too. `complete_to` stands only in answers that reach the head.

Who may see the whole log goes on by `after` and `epoch`: a stale `epoch` is answered 409 with the new one. Everybody
else, and whoever asks for a part, goes on by `cursor`: the answer's `next`, for the same caller and question. Such a
page may be empty, and `next` goes on all the same. What a caller was not allowed to see when it was passed is not sent
later. Where the store was restored to before the cursor, 409 has another `cursor` to go on from."""


def feed_route(log: FeedSource, may_read: MayRead, visible: Visible, type_prefix: str = "") -> HTTPRouteHandler:
    """The route for one log. `may_read` refuses callers who may not see all of it; `visible` says what those see.

    The types begin with the prefix.
    """
    polling: Counter[str] = Counter()  # by caller
    scoped = ScopedReading(log, visible)

    async def may_read_whole(caller: AuthenticatedCaller) -> None:
        if (looked := may_read(caller)) is not None:
            await looked

    async def reads_whole(caller: AuthenticatedCaller) -> bool:
        try:
            await may_read_whole(caller)
        except ProblemError as refusal:
            if refusal.status == HTTP_FORBIDDEN:
                return False
            raise
        return True

    @get(
        "/v1/events",
        summary="Events after a position, in order",
        description=_DESCRIPTION,
        tags=["feed"],
        opt=for_roles(("agency", *READERS)),
        responses={200: _PAGE, **problems(*READ_STATUSES, 409)},
        operation_class=answers(links=_NEXT),
    )
    async def read_events(
        request: Request[Any, Any, Any],
        after: Annotated[
            int | None, QueryParameter(ge=0, le=MAX_POSITION, description="the last position that you know")
        ] = None,
        epoch: Annotated[str, QueryParameter(description="the epoch that you know; empty: any")] = "",
        cursor: Annotated[
            str | None,
            QueryParameter(max_length=LONGEST, description="`next` of the page before; empty: the beginning"),
        ] = None,
        types: Annotated[
            list[str] | None, QueryParameter(name="type", description="kinds of events; several: once each")
        ] = None,
        jurisdiction: Annotated[str, QueryParameter(description="of this place and those below it")] = "",
        mine: Annotated[bool, QueryParameter(description="of petitions that you pushed under a reference")] = False,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        wait: Annotated[float, QueryParameter(ge=0, le=MAX_WAIT, description="seconds to wait for an event")] = 0.0,
    ) -> Response[bytes]:
        caller = caller_of(request)
        of_part = cursor is not None or bool(types or jurisdiction or mine)
        asked = FeedFilter(tuple(map(_known_type, types or ())), _known_place(jurisdiction), mine, caller.name)
        if of_part and (after is not None or epoch):
            raise problem(400, "feed-parameters", field="epoch" if after is None else "after")
        if not of_part:
            if after is not None or epoch:
                await may_read_whole(caller)
            else:
                of_part = not await reads_whole(caller)
        # A poll that waits keeps its connection, and of these there are as many as all callers share.
        polling[caller.name] += 1
        try:
            waits = min(wait, MAX_WAIT) if polling[caller.name] <= MAX_POLLS else 0.0
            if of_part:
                part = await scoped.page(caller, asked, cursor or "", limit, waits, stopping(request.app))
                return Response(scoped_page(part, type_prefix), media_type="application/json")
            page = await read_feed(log, after or 0, epoch, limit, waits, stopping(request.app))
        finally:
            polling[caller.name] -= 1
        return Response(feed_page(page, type_prefix), media_type="application/json")

    return read_events


def _known_place(given: str) -> str:
    try:
        return agency_code(given) if given else ""
    except MalformedCode as error:
        raise problem(400, "invalid-code", field="jurisdiction", text=error.text, most=MAX_CODE_LENGTH) from None


def _known_type(given: str) -> str:
    topic = topic_of(given)
    if topic not in EVENTS:
        raise problem(400, "unknown-event-type", field="type", members={"allowed": sorted(EVENTS)}, given=given)
    return topic
