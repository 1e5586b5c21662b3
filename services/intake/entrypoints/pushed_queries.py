"""What a source pushed: where one reference went, what changed since, and a day by its digests or as a statement."""

from collections import Counter
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIResponse, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.media_type import OpenAPIMediaType
from litestar.params import QueryParameter

from services.intake.application.case_queries import CaseQueries
from services.intake.application.errors import NotFound
from services.intake.application.reconciliation import (
    ROLES,
    DayView,
    PetitionChange,
    Reconciliation,
)
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.statement_text import Statement, statement_text
from shared.cases.reconciliation import BUCKETS
from shared.feed_cursor import LONGEST, FeedFilter, beginning, moved, written
from shared.http.auth import AuthenticatedCaller, caller_of
from shared.http.openapi import READ_STATUSES, DescribedOperation, answers, problems
from shared.http.parameters import no_instant
from shared.http.permissions import KNOWN_OWN, for_roles, permitted
from shared.http.problems import problem
from shared.http.scoped_feed import FeedLog, cursor_of
from shared.identifiers import normalised

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000  # petitions a page
MOST_DAYS = 4  # that one caller may wait for: they are read one at a time, whoever asks
MAX_POSITION = 2**53 - 1  # what every tool of JSON can write exactly
PLAIN = "text/plain"
YEARS = range(1900, 3000)  # beyond them a day may have no midnight
_CHANGES = """With `external_id`: where that reference went. Without it: the petitions of the source that changed,
each as it stands, in the order of their last changes. Go on with `cursor`, the `next` of the page before, which also
moves past what others changed; a page may be empty. `more` says whether there is more to read now. Begin with
`changed_since`, or with neither at the beginning. Where the store was restored to before the cursor, 409 has another
one."""
_DAY = """The petitions of the source that were received on a local day, as they stand now, or as they stood at
`position`, the `at.position` of an answer before. A line is `external_id` TAB `source_version` TAB `state` LF in UTF-8;
`digest` is the SHA-256 of all lines, sorted by the bytes of `external_id`. A petition stands in the bucket that the
first byte of the SHA-256 of its `external_id` names: compare the buckets, then ask for the lines of one that differs.
`final` says that the day is over for the log: no petition joins it any more."""

_Source = Annotated[str, QueryParameter(min_length=1, description="in whose name it was pushed")]
_Day = Annotated[date, QueryParameter(description="the day of receipt in Asia/Ho_Chi_Minh")]
_Position = Annotated[
    int | None, QueryParameter(ge=0, le=MAX_POSITION, description="of the log to that position; left out: as it is now")
]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pushed reference went."""

    id: UUID
    version: int
    position: int


class ChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of changes; `next` is the cursor of the following one."""

    source: str
    next: str
    more: bool
    items: list[PetitionChange]


#: The framework's types know one class, its OpenAPI any of several.
_EITHER: Any = Found | ChangePage
_FOUND = ResponseSpec(_EITHER, generate_examples=False, description="the reference, or a page of changes")


class _StatementOperation(DescribedOperation):
    """A statement is JSON, or plain text for who prefers it."""

    def describe(self) -> None:
        found = (self.responses or {}).get("200")
        if isinstance(found, OpenAPIResponse) and found.content is not None:
            found.content[PLAIN] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


def pushed_routes(reading: CaseQueries, reconciliation: Reconciliation, log: FeedLog) -> list[HTTPRouteHandler]:
    """Every question about what a source pushed."""
    asking = Counter[str]()

    async def read_day(
        caller: AuthenticatedCaller, source: str, day: date, bucket: int | None, position: int | None
    ) -> DayView:
        if asking[caller.name] >= MOST_DAYS:
            raise problem(429, "too-many-requests", "days", headers={"Retry-After": "1"}, most=MOST_DAYS)
        asking[caller.name] += 1
        try:
            return await reconciliation.day(domain_caller(caller), normalised(source), day, bucket, position)
        finally:
            asking[caller.name] -= 1

    @get(
        "/v1/petitions",
        summary="Find what was pushed, or what changed of it",
        description=_CHANGES,
        tags=["petition"],
        responses={200: _FOUND, **problems(*READ_STATUSES, 409)},
        operation_class=answers("Location", links=openapi.FOUND),
    )
    async def find_petition(
        request: Request[Any, Any, Any],
        source: _Source,
        external_id: Annotated[str | None, QueryParameter(min_length=1, description="its id there")] = None,
        changed_since: Annotated[
            datetime | None, QueryParameter(description="an instant with its offset; a cursor takes its place")
        ] = None,
        cursor: Annotated[
            str, QueryParameter(max_length=LONGEST, description="`next` of the page before; empty: the beginning")
        ] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    ) -> Response[Any]:
        if external_id is not None:
            found = await where(request, source, external_id)
            return Response(found, headers={"Location": f"/v1/petitions/{found.id}"})
        if changed_since is not None and (changed_since.tzinfo is None or changed_since.year not in YEARS):
            raise no_instant("changed_since")
        return Response(await changes(request, normalised(source), changed_since, cursor, limit))

    async def where(request: Request[Any, Any, Any], source: str, external_id: str) -> Found:
        place = await reading.referred(source, external_id)
        if place is None:
            raise NotFound(None, "reference")
        try:  # whether it may be seen; what may not is answered as what is not there
            await reading.petition(domain_caller(caller_of(request)), place.originator_id)
        except NotFound:
            raise NotFound(None, "reference") from None
        return Found(id=place.originator_id, version=place.version, position=place.position)

    async def changes(
        request: Request[Any, Any, Any], source: str, since: datetime | None, word: str, limit: int
    ) -> ChangePage:
        store, _ = await log.identity()
        # A cursor is good for the question that it was given for, and for no page of events.
        asked = FeedFilter((f"petitions of {source}",), reader=caller_of(request).name)
        key = await log.cursor_key()
        cursor = await cursor_of(log, word, store, asked, key)
        after = cursor.position
        if not word and since is not None:
            after = await reconciliation.position_before(since)
        found = await reconciliation.changes(domain_caller(caller_of(request)), source, after, limit)
        following = beginning(store, asked)
        if found.scanned_to:
            (last,) = await log.events_after(found.scanned_to - 1, 1)
            following = moved(following, last.position, last.event_id, last.recorded_at)
        return ChangePage(source=source, next=written(following, key), more=found.more, items=found.items)

    @get(
        "/v1/reconciliation",
        summary="What a source pushed on a day, as counts and digests",
        description=_DAY,
        tags=["petition"],
        responses=problems(*READ_STATUSES, 409),
        operation_id="reconciliation",
        opt=for_roles(ROLES),
    )
    async def of_day(
        request: Request[Any, Any, Any],
        source: _Source,
        day: _Day,
        bucket: Annotated[
            int | None, QueryParameter(ge=0, le=BUCKETS - 1, description="only this bucket, with its lines")
        ] = None,
        position: _Position = None,
    ) -> Response[DayView]:
        await check(day, position)
        found = await read_day(caller_of(request), source, day, bucket, position)
        return Response(found)

    @get(
        "/v1/reconciliation/statement",
        summary="A day in short, for both sides to sign",
        description="For the same `position` the petitions and their states are the same, whenever it is asked for. "
        "A later version that brought nothing new counts at every position: keep what you sign. JSON, or text "
        "to print for who prefers `text/plain`.",
        tags=["petition"],
        responses=problems(*READ_STATUSES, 409),
        operation_id="reconciliation_statement",
        operation_class=_StatementOperation,
        opt=for_roles(ROLES),
    )
    async def statement(
        request: Request[Any, Any, Any], source: _Source, day: _Day, position: _Position = None
    ) -> Response[Statement]:
        await check(day, position)
        found = await read_day(caller_of(request), source, day, None, position)
        said = Statement(
            format="doithoai-reconciliation-1",
            source=found.source,
            day=found.day,
            final=found.final,
            at=found.at,
            count=found.count,
            digest=found.digest,
            states=found.states,
        )
        if request.accept.best_match(["application/json", PLAIN], default="application/json") == PLAIN:
            return Response(statement_text(said), media_type=PLAIN)  # type: ignore[arg-type]
        return Response(said)

    async def check(day: date, position: int | None) -> None:
        if day.year not in YEARS:
            raise problem(400, "invalid-request", "kind", field="day", parameter="day", kind="date")
        if position and await log.event_id_at(position) is None:
            store, epoch = await log.identity()
            raise problem(409, "beyond-head", field="position", members={"source": store, "epoch": epoch})

    return permitted(KNOWN_OWN, [find_petition, of_day, statement])
