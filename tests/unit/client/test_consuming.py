"""What a consumer does with pages, restores, other processes and other ways by which an event comes."""

import contextlib
import inspect
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from doithoai_client import (
    AsyncClient,
    Client,
    FeedEvent,
    FeedQuestion,
    HistoryChanged,
    SqliteStore,
    event_of,
    once,
    resume,
)
from tests.support.feed_stub import StubFeed, event_at

Came = list[int]


@contextlib.contextmanager
def reading(feed: StubFeed) -> Iterator[Client]:
    http = httpx.Client(transport=httpx.MockTransport(feed))
    with Client("cong", "t", "http://intake", "http://followup", http=http) as client:
        yield client


def consume(feed: StubFeed, path: Path, question: FeedQuestion = FeedQuestion()) -> Came:  # noqa: B008
    came: Came = []
    with SqliteStore(path) as store, reading(feed) as client:
        client.consume(store, lambda event, _: came.append(event.position), question)
    return came


def test_consumer__goes_on_where_it_was(tmp_path: Path) -> None:
    feed = StubFeed(5, seen={1, 5})
    assert consume(feed, tmp_path / "s") == [1, 5]
    assert consume(feed, tmp_path / "s") == []
    feed.head, feed.seen = 9, {1, 5, 9}
    assert consume(feed, tmp_path / "s") == [9]


def test_end__is_known_though_no_instant_is_stated() -> None:
    feed = StubFeed(4)
    feed.complete_to = None
    with reading(feed) as client:
        pages = [client.page(cursor=cursor) for cursor in ("", "3", "4")]
    assert [(page.cursor, page.is_last) for page in pages] == [("3", False), ("4", False), ("4", True)]


def test_consumer__passes_pages_in_which_it_may_see_nothing(tmp_path: Path) -> None:
    assert consume(StubFeed(50, seen={49}), tmp_path / "s") == [49]


def test_consumer__that_fails_keeps_nothing_of_the_page(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s") as store, reading(StubFeed(3)) as client:
        store.connection.execute("CREATE TABLE effects (position)")

        def handle(event: FeedEvent, transaction: sqlite3.Connection) -> None:
            transaction.execute("INSERT INTO effects VALUES (?)", (event.position,))
            if event.position == 2:
                raise LookupError

        with pytest.raises(LookupError):
            client.consume(store, handle)
        assert store.connection.execute("SELECT * FROM effects").fetchall() == []
    assert consume(StubFeed(3), tmp_path / "s") == [1, 2, 3]


def test_store__whose_commit_fails_goes_on(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s") as store:
        store.connection.execute("PRAGMA foreign_keys = ON")
        store.connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        store.connection.execute("CREATE TABLE b (a REFERENCES a(id) DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(sqlite3.IntegrityError), store.transaction() as transaction:
            transaction.execute("INSERT INTO b VALUES (7)")
        with store.transaction() as transaction:
            assert transaction.execute("SELECT * FROM b").fetchall() == []


def test_restored_store__is_told_and_what_comes_again_is_not_doubled(tmp_path: Path) -> None:
    feed = StubFeed(8)
    consume(feed, tmp_path / "s")
    feed.restore(to=6, head=10)
    with pytest.raises(HistoryChanged) as raised:
        consume(feed, tmp_path / "s")
    assert (raised.value.code, raised.value.cursor, raised.value.feed) == ("history-changed", "4", "intake")
    with SqliteStore(tmp_path / "s") as store:
        resume(store, raised.value)
    assert consume(feed, tmp_path / "s") == [7, 8, 9, 10]  # other events than those that stood there before


def test_question__has_a_cursor_of_its_own(tmp_path: Path) -> None:
    consume(StubFeed(3), tmp_path / "s")
    question = FeedQuestion("followup", types=["DeadlineBreached", "DeadlineMet"], jurisdiction="H35", mine=True)
    with SqliteStore(tmp_path / "s") as store, store.transaction() as transaction:
        assert question.feed == "followup?type=DeadlineBreached&type=DeadlineMet&jurisdiction=H35&mine=true"
        assert store.cursor(transaction, FeedQuestion().feed) == "3"
        assert store.cursor(transaction, question.feed) == ""


def test_second_process__takes_no_page_that_the_first_took(tmp_path: Path) -> None:
    came: Came = []

    def first_is_faster(request: httpx.Request) -> httpx.Response:
        answer = feed(request)
        if not came:
            came.append(0)
            consume(feed, tmp_path / "s")
        return answer

    feed = StubFeed(5)
    http = httpx.Client(transport=httpx.MockTransport(first_is_faster))
    with SqliteStore(tmp_path / "s") as store, Client("cong", "t", http=http) as client:
        client.consume(store, lambda event, _: came.append(event.position))
        with store.transaction() as transaction:
            assert store.cursor(transaction, "intake") == "5"
    assert came == [0]


def test_event__by_several_ways_is_taken_in_once(tmp_path: Path) -> None:
    came: Came = []
    with SqliteStore(tmp_path / "s") as store, reading(StubFeed(4)) as client:
        by_webhook = event_of(event_at(3))
        assert once(store, by_webhook, lambda event, _: came.append(event.position))
        assert not once(store, by_webhook, lambda event, _: came.append(event.position))
        client.consume(store, lambda event, _: came.append(event.position))
        assert not once(store, event_of(event_at(2)), lambda event, _: came.append(event.position))
    assert came == [3, 1, 2, 4]


async def test_async_client__takes_in_the_same(tmp_path: Path) -> None:
    came: Came = []

    async def handle(event: FeedEvent, _: sqlite3.Connection) -> None:
        came.append(event.position)

    http = httpx.AsyncClient(transport=httpx.MockTransport(StubFeed(7, seen={2, 7})))
    async with AsyncClient("cong", "t", http=http) as client:
        with SqliteStore(tmp_path / "s") as store:
            await client.consume(store, handle)
        assert [event.position async for event in client.events()] == came == [2, 7]


async def test_async_client__names_the_feed_that_was_restored(tmp_path: Path) -> None:
    feed = StubFeed(8)
    consume(feed, tmp_path / "s")
    feed.restore(to=6, head=10)
    async with AsyncClient("cong", "t", http=httpx.AsyncClient(transport=httpx.MockTransport(feed))) as client:
        with SqliteStore(tmp_path / "s") as store, pytest.raises(HistoryChanged) as raised:
            await client.consume(store, ignored)
    assert (raised.value.cursor, raised.value.feed) == ("4", "intake")


async def ignored(event: FeedEvent, _: sqlite3.Connection) -> None:
    """Do nothing."""


async def test_page_that_another_process_took__is_passed_and_the_next_ones_are_taken(tmp_path: Path) -> None:
    came: Came = []
    feed, answered = StubFeed(5), list[str]()

    def first_page_is_taken(request: httpx.Request) -> httpx.Response:
        if not answered:
            with SqliteStore(path) as other, other.transaction() as transaction:
                other.keep(transaction, "intake", "3")
        answered.append(request.url.params["cursor"])
        return feed(request)

    async def handle(event: FeedEvent, _: sqlite3.Connection) -> None:
        came.append(event.position)

    path, transport = tmp_path / "one", httpx.MockTransport(first_page_is_taken)
    with SqliteStore(path) as store, Client("cong", "t", http=httpx.Client(transport=transport)) as client:
        client.consume(store, lambda event, _: came.append(event.position))
    assert (came, answered) == ([4, 5], ["", "3"])
    came.clear()
    answered.clear()
    path = tmp_path / "two"
    async with AsyncClient("cong", "t", http=httpx.AsyncClient(transport=transport)) as by_asyncio:
        with SqliteStore(path) as store:
            await by_asyncio.consume(store, handle)
    assert (came, answered) == ([4, 5], ["", "3"])


def test_clients__have_the_same_calls() -> None:
    def calls(kind: type) -> dict[str, list[str]]:
        public = (name for name in vars(kind) if not name.startswith("_"))
        return {name: list(inspect.signature(getattr(kind, name)).parameters) for name in public}

    blocking, by_asyncio = calls(Client), calls(AsyncClient)
    assert blocking.pop("close") == by_asyncio.pop("aclose")
    assert blocking == by_asyncio
