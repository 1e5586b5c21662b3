"""What the broker has brought: bounded in bytes, and taken in pages that are."""

import msgspec

from services.followup.adapters import prefetch
from services.followup.adapters.prefetch import SourcePrefetch
from services.followup.application.ports import Cursor
from shared.envelope import PAGE_BYTES
from shared.events import Recorded
from shared.rabbit.subscriber import Subscriber
from shared.rabbit.topology import events_of
from tests.support.following import recorded
from tests.support.history import History


def large_events(size: int) -> list[Recorded]:
    return [msgspec.structs.replace(event, state=bytes(size)) for event in recorded(History())]


def waiting(events: list[Recorded]) -> SourcePrefetch:
    buffer = SourcePrefetch(Subscriber("", events_of("local")))
    for event in events:
        buffer.put(event)
    return buffer


def at(event: Recorded) -> Cursor:
    return Cursor(source=event.source, epoch=event.epoch, position=event.position, event_id=event.event_id)


def test_pop__ends_with_the_event_that_fills_a_page() -> None:
    events = large_events(PAGE_BYTES // 2)
    buffer = waiting(events)
    taken, gap = buffer.pop(at(events[0]), 1000)
    assert ([e.position for e in taken], gap) == ([2, 3], False)
    taken, gap = buffer.pop(at(events[2]), 1000)
    assert ([e.position for e in taken], gap) == ([4, 5], False)


def test_put__beyond_the_bytes_has_the_feed_read() -> None:
    size = prefetch.LARGEST_BYTES // 3
    events = large_events(size)
    buffer = waiting(events[:6])
    cursor, found = at(events[0]), []
    while True:
        taken, gap = buffer.pop(cursor, 1000)
        if not taken:
            break
        found += taken
        cursor = at(taken[-1])
    assert ([e.position for e in found], gap) == ([2, 3, 4], True)
    buffer.put(events[4])  # there is room again
    assert [e.position for e in buffer.pop(cursor, 1000)[0]] == [5]
