"""The client for asyncio. That which blocks (`client.py`) has the same calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from doithoai_client import calls
from doithoai_client.calls import Call, FeedQuestion, ServiceName
from doithoai_client.consuming import PositionStore
from doithoai_client.events import FeedEvent
from doithoai_client.models import BatchEntry, ChangesPage, EventsPage, FileReceipt, PetitionAnswer, PutResult
from doithoai_client.problems import HistoryChanged
from doithoai_client.reconciling import DayComparison, DayDifference, DayRecord, differences, differing_buckets
from doithoai_client.retries import Retries
from doithoai_client.sending import Sending, Token, answer_of

T = TypeVar("T")
Transaction = TypeVar("Transaction")

INTAKE, FOLLOWUP = "http://127.0.0.1:8570", "http://127.0.0.1:8571"
EVERYTHING = FeedQuestion()


class AsyncClient:
    """Calls both services in the name of one source.

    Every call is made again where it may be: after 429, 502, 503, 504 and a lost connection, with the same key. It
    raises CallRefused for a problem, NotReached where no answer came.
    """

    def __init__(
        self,
        source: str,
        token: Token,
        intake: str = INTAKE,
        followup: str = FOLLOWUP,
        *,
        token_header: str = "Authorization",
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Name `X-Doithoai-Token` in `token_header` behind a gateway that keeps `Authorization` to itself.

        `http` is for TLS or a proxy of your own.
        """
        self._sending = Sending(source, token, intake, followup, token_header, retries)
        self._http = http or httpx.AsyncClient()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self, service: ServiceName, method: str, path: str, body: Any = None, *, key: str = "", **params: str
    ) -> Any:
        """Any other call of either service, and its JSON. A command of intake gets a key where none is given.

        A POST to followup, which knows no keys, is made again only where it cannot have been done: after NotReached or
        502 to 504 look what there is.
        """
        return await self._done(calls.send(service, method, path, body, key, params))

    async def put(self, external_id: str, source_version: str, petition: Mapping[str, Any]) -> PutResult:
        """Say how a petition is now: it is created, changed, left as it is, or a conflict that the office decides.

        The version grows with each change on your side: a number, or the instant of the change.
        """
        return await self._done(calls.put(self._sending.source, external_id, source_version, petition))

    async def batch(self, petitions: Iterable[Mapping[str, Any]]) -> AsyncIterator[BatchEntry]:
        """The same for many: each has its `external_id` and `source_version` in it, and a result of its own."""
        for items in calls.in_batches(self._sending.source, petitions):
            for result in await self._done(calls.batch(self._sending.source, items)):
                yield result

    async def withdraw(self, external_id: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Any:
        """Withdraw what you pushed."""
        return await self._done(calls.withdraw(await self._address(external_id), body or {}, key))

    async def answer(self, external_id: str) -> PetitionAnswer:
        """What you may tell the citizen of a petition that you pushed. Each reading is recorded."""
        return await self._done(calls.answer(await self._address(external_id)))

    async def send_file(self, content: bytes, name: str = "") -> FileReceipt:
        """Store a file, which a petition names within 24 hours."""
        return await self._done(calls.send_file(content, name))

    async def fetch_file(self, petition_id: str, digest: str) -> bytes:
        """A file that a record of the petition names. Raises ValueError where another one came."""
        return await self._done(calls.fetch_file(petition_id, digest))

    async def deadlines(self, petition_id: str) -> list[dict[str, Any]]:
        """Who owes what of a petition by when."""
        return await self._done(calls.deadlines(petition_id))

    async def page(
        self, question: FeedQuestion = EVERYTHING, cursor: str = "", *, limit: int = 100, wait: float = 0
    ) -> EventsPage:
        """The events after a cursor, "" for the first ones. `wait` seconds are waited where there is none.

        Raises HistoryChanged.
        """
        try:
            return await self._done(calls.page(question, cursor, limit, wait))
        except HistoryChanged as changed:
            changed.feed = question.feed
            raise

    async def events(self, question: FeedQuestion = EVERYTHING, cursor: str = "") -> AsyncIterator[FeedEvent]:
        """The events after a cursor up to the end that the feed has now."""
        is_last = False
        while not is_last:
            page = await self.page(question, cursor)
            for event in page.events:
                yield event
            cursor, is_last = page.cursor, page.is_last

    async def consume(
        self,
        store: PositionStore[Transaction],
        handle: Callable[[FeedEvent, Transaction], Awaitable[None]],
        question: FeedQuestion = EVERYTHING,
        *,
        follow: bool = False,
        limit: int = 100,
    ) -> None:
        """Take in each event exactly once, up to the end that the feed has now, or for ever with `follow`.

        The events of a page, what `handle` writes for them and the new cursor are one transaction of the store. Where
        `handle` raises nothing of the page is kept. Several processes may do this on one store. Raises HistoryChanged.
        """
        is_last = False
        while follow or not is_last:
            with store.transaction() as transaction:
                cursor = store.cursor(transaction, question.feed)
            page = await self.page(question, cursor, limit=limit, wait=20 if follow else 0)
            is_last = page.is_last
            if page.cursor == cursor:
                continue
            with store.transaction() as transaction:
                if store.cursor(transaction, question.feed) != cursor:
                    is_last = False  # another process took this page
                    continue
                for event in page.events:
                    if store.is_new(transaction, event.id):
                        await handle(event, transaction)
                store.keep(transaction, question.feed, page.cursor)

    async def changes(self, since: datetime | None = None, cursor: str = "") -> ChangesPage:
        """Your petitions that changed since an instant or after a cursor, each as it stands. Raises HistoryChanged."""
        return await self._done(calls.changes(self._sending.source, since, cursor))

    async def reconcile(self, day: date, records: Iterable[DayRecord]) -> DayComparison:
        """Compare the petitions that were received from you on a day with what you have of them.

        One call where both are the same; one more for each bucket of 256 that differs.
        """
        own, source = list(records), self._sending.source
        theirs = await self._done(calls.reconciliation(source, day))
        found = list[DayDifference]()
        for bucket in differing_buckets(own, theirs.buckets):
            listed = await self._done(calls.reconciled_bucket(source, day, bucket, theirs.position))
            found += differences([each for each in own if each.bucket == bucket], listed)
        found.sort(key=lambda each: each.external_id)
        return DayComparison(theirs.is_final, theirs.position, theirs.digest, tuple(found))

    async def _address(self, external_id: str) -> str:
        if calls.has_address(external_id):
            return calls.by_reference(self._sending.source, external_id)
        return calls.by_id(await self._done(calls.find(self._sending.source, external_id)))

    async def _done(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            outcome = await self._attempt(call)
            wait = self._sending.wait(call, attempt, outcome)
            if wait is None:
                return answer_of(call, outcome)
            await asyncio.sleep(wait)
            attempt += 1

    async def _attempt(self, call: Call[Any]) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.send(self._sending.request(self._http, call))
        except httpx.TransportError as error:
            return error
