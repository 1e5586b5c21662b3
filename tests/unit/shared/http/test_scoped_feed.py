"""A reader who may see a part of a log meets each visible event once, in order, whatever its pages and restarts."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import PAGE_BYTES
from shared.events import Recorded
from shared.feed_cursor import FeedFilter
from shared.http.auth import AuthenticatedCaller
from shared.http.problems import ProblemError
from shared.http.scoped_feed import MAX_SCANNED, SCAN, ScopedPage, ScopedReading

PORTAL = AuthenticatedCaller("portal", frozenset({"system"}))
ASKED = FeedFilter(mine=True, reader="portal")
BEGUN = datetime(2026, 11, 30, tzinfo=UTC)


def event(position: int, *, is_seen: bool, history: int = 0, size: int = 1, minute: int | None = None) -> Recorded:
    """An event of a history; whether the reader sees it stands in its topic."""
    return Recorded(
        source="lai-chau",
        epoch=f"e{history}",
        position=position,
        previous_id=None,
        event_id=UUID(int=history * 10**9 + position),
        originator_id=UUID(int=position),
        version=1,
        topic="Seen" if is_seen else "Hidden",
        recorded_at=BEGUN + timedelta(minutes=position if minute is None else minute),
        state=b"x" * size,
    )


class FakeLog:
    """A log in memory, which also sees to what the visibility is asked."""

    def __init__(self, events: Sequence[Recorded], epoch: str = "e0") -> None:
        self.events, self.epoch, self.looks, self.waits = list(events), epoch, list[int](), 0

    async def identity(self) -> tuple[str, str]:
        return "lai-chau", self.epoch

    async def events_after(self, position: int, limit: int) -> Sequence[Recorded]:
        self.looks.append(limit)
        await asyncio.sleep(0)  # as a database would
        return self.events[position : position + limit]

    async def event_id_at(self, position: int) -> UUID | None:
        return self.events[position - 1].event_id if position <= len(self.events) else None

    async def state_complete_to(self) -> tuple[datetime, int] | None:
        return BEGUN, len(self.events)

    async def wait_for_events(self, timeout: float) -> None:
        self.waits += 1
        await asyncio.sleep(0)

    async def cursor_key(self) -> bytes:
        return b"k" * 32

    async def last_event_until(self, instant: datetime) -> Recorded | None:
        return next((e for e in reversed(self.events) if e.recorded_at <= instant), None)

    async def seen(self, caller: AuthenticatedCaller, asked: FeedFilter, events: Sequence[Recorded]) -> Collection[int]:
        return {e.position for e in events if e.topic == "Seen"}


async def page(log: FakeLog, word: str, limit: int = 500, wait: float = 0.0, asked: FeedFilter = ASKED) -> ScopedPage:
    return await ScopedReading(log, log.seen).page(PORTAL, asked, word, limit, wait, lambda: False)


def log_of(visible: Sequence[bool], **more: int) -> FakeLog:
    return FakeLog([event(n, is_seen=seen, **more) for n, seen in enumerate(visible, 1)])


@given(st.lists(st.booleans(), max_size=60), st.lists(st.integers(1, 9), min_size=1), st.data())
def test_reader__that_stops_anywhere_meets_each_visible_event_once_in_order(
    visible: list[bool], limits: list[int], data: st.DataObject
) -> None:
    async def read() -> list[int]:
        log, grown, word, found = log_of(visible), len(visible), "", list[int]()
        log.events = log.events[: data.draw(st.integers(0, len(visible)))]
        for turn in range(4 * grown + 8):
            got = await page(log, word, limits[turn % len(limits)])
            if data.draw(st.booleans()):  # killed before it kept the page and its cursor: it asks for the same again
                again = await page(log, word, limits[turn % len(limits)])
                assert again.events[: len(got.events)] == got.events
                got = again
            word, found = got.next, found + [e.position for e in got.events]
            if got.complete_to is not None and len(log.events) < grown:
                log.events.append(event(len(log.events) + 1, is_seen=visible[len(log.events)]))
        assert len(log.events) == grown or not limits
        return found

    assert asyncio.run(read()) == [n for n, seen in enumerate(visible, 1) if seen]


@given(st.binary(max_size=60), st.integers(0, 200), st.sampled_from("+/=-_!. Aă\x00"))
def test_cursor__that_was_mutated_is_refused(noise: bytes, place: int, character: str) -> None:
    async def attempt() -> None:
        log = log_of([True, False, True])
        good = (await page(log, "", 1)).next
        at = place % len(good)
        for word in (
            good[:at] + character + good[at + 1 :],
            good[:at] + character + good[at:],
            good[:at] + 4 * character + good[at:],
            good[:at],
            good + noise.hex(),
            noise.decode("latin-1") or "?",
        ):
            if word not in (good, ""):
                with pytest.raises(ProblemError) as refused:
                    await page(log, word)
                assert (refused.value.status, refused.value.field) == (400, "cursor")

    asyncio.run(attempt())


@pytest.mark.parametrize("asked", [FeedFilter(mine=True, reader="other"), FeedFilter(reader="portal")])
async def test_cursor__of_another_caller_or_question_is_refused(asked: FeedFilter) -> None:
    log = log_of([True, True])
    word = (await page(log, "", 1)).next
    with pytest.raises(ProblemError):
        await page(log, word, asked=asked)


async def test_hidden_events__are_passed_in_pages_of_a_bounded_length() -> None:
    log = log_of([False] * (2 * MAX_SCANNED) + [True])
    first = await page(log, "", wait=60.0)
    assert (first.events, first.complete_to, sum(log.looks)) == ([], None, MAX_SCANNED)
    second = await page(log, first.next, wait=60.0)
    third = await page(log, second.next, wait=60.0)
    assert [e.position for e in third.events] == [2 * MAX_SCANNED + 1]


async def test_hidden_events__let_everybody_else_have_their_turns() -> None:
    log, turns = log_of([False] * MAX_SCANNED), 0

    async def everybody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(everybody_else())
    await page(log, "", wait=60.0)
    others.cancel()
    assert turns >= MAX_SCANNED // SCAN


async def test_hidden_events__of_many_bytes_end_a_page_too() -> None:
    log = log_of([False] * 20, size=PAGE_BYTES // 4)
    first = await page(log, "", limit=100)
    assert first.events == [] and first.complete_to is None
    assert (await page(log, first.next, limit=100)).next != first.next
    assert max(log.looks) <= 100


async def test_short_page__reads_no_more_than_it_shows_where_nothing_is_hidden() -> None:
    log = log_of([True] * 1_000)
    await page(log, "", limit=2)
    assert log.looks == [2]
    log.looks.clear()
    sparse = log_of([False] * 30 + [True] * 2)
    await page(sparse, "", limit=2)
    assert sparse.looks == [2, 2, 4, 8, 16]


async def test_epoch__that_lost_nothing_goes_on() -> None:
    log = log_of([True, False, True])
    word = (await page(log, "", 1)).next
    log.epoch = "e1"
    after = await page(log, word)
    assert (after.epoch, [e.position for e in after.events]) == ("e1", [3])


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40))
def test_restore__before_the_cursor_leads_to_where_both_histories_agree(read: int, kept: int, more: int) -> None:
    kept = min(kept, read - 1)

    async def walk() -> None:
        log = log_of([True] * read)
        word, known = "", list[UUID]()
        while len(known) < read:
            got = await page(log, word, 7)
            word, known = got.next, known + [e.event_id for e in got.events]
        # What was appended since is recorded after all that was lost.
        lost = log.events[kept:]
        log.events = log.events[:kept] + [
            event(n, is_seen=True, history=1, minute=read + n) for n in range(kept + 1, kept + more + 1)
        ]
        with pytest.raises(ProblemError) as refused:
            await page(log, word)
        assert refused.value.status == 409
        word, again = str(refused.value.members["cursor"]), list[UUID]()
        while len(again) < len(log.events):
            got = await page(log, word)
            word, again = got.next, again + [e.event_id for e in got.events]
            if got.complete_to:
                break
        everything = dict.fromkeys(known + again)
        assert not {e.event_id for e in lost} & set(again)
        assert set(everything) - {e.event_id for e in lost} == {e.event_id for e in log.events}

    asyncio.run(walk())


async def test_waiting__ends_with_the_first_visible_event_whatever_is_hidden_before() -> None:
    log = log_of([False])

    async def grow() -> None:
        for n in range(2, 30):
            log.events.append(event(n, is_seen=n == 29))
            await asyncio.sleep(0)

    growing = asyncio.create_task(grow())
    got = await page(log, "", wait=60.0)
    await growing
    assert [e.position for e in got.events] == [29]
    assert msgspec.json.encode(got.complete_to) != b"null"
