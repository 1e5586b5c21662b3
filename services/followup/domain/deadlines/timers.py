"""What time alone brings on a deadline, warnings and the breach, and when the next of them is due."""

import heapq
from datetime import datetime
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.deadline_events import Emitted, breach_details, deadline_event
from services.followup.domain.deadlines.raised import DeadlineState, Timer, TimerKind, next_timer
from shared.events.deadline import (
    DeadlineBreached,
    DeadlineDueSoon,
)

#: So many outdated entries may be kept besides as many as there are timers.
HEAP_SLACK = 1000


class Timers:
    """The next instant at which time changes each deadline or authority, the earliest first.

    A timer has the id of its deadline as key; the opening of an authority's next period has that of the authority.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, UUID, UUID]] = []
        self._fire_at: dict[UUID, datetime] = {}

    @property
    def next_fire_at(self) -> datetime | None:
        """An instant before which no timer falls; None where there is none."""
        return self._heap[0][0] if self._heap else None

    def schedule(self, key: UUID, subject_id: UUID, fire_at: datetime | None) -> None:
        """Set the timer of a key to an instant in place of any before it; None takes it off."""
        if fire_at is None:
            self._fire_at.pop(key, None)
        elif self._fire_at.get(key) != fire_at:
            self._fire_at[key] = fire_at
            heapq.heappush(self._heap, (fire_at, key, subject_id))
            # Timers that were moved or taken off leave their entries in the heap; these may not outgrow the live ones.
            if len(self._heap) > 2 * len(self._fire_at) + HEAP_SLACK:
                self._heap = [entry for entry in self._heap if self._fire_at.get(entry[1]) == entry[0]]
                heapq.heapify(self._heap)

    def cancel(self, key: UUID) -> None:
        """Take the timer of a key off, if there is one."""
        self._fire_at.pop(key, None)

    def pop_due(self, to: datetime) -> tuple[datetime, UUID, UUID] | None:
        """Take out the earliest timer up to and including an instant: (instant, key, subject); None where none is."""
        while self._heap and self._heap[0][0] <= to:
            entry = heapq.heappop(self._heap)
            if self._fire_at.get(entry[1]) == entry[0]:
                del self._fire_at[entry[1]]
                return entry
        return None


def fire(raised: DeadlineState, timer: Timer) -> tuple[Emitted, DeadlineState]:
    """Raise what a timer brings; its cause is the event that last set, moved or reinstated the clock."""
    at, cause = timer.fire_at, raised.clock_cause
    backfilled = raised.backfilled and at <= raised.clock_stamp
    if timer.kind == TimerKind.DUE_SOON:
        after = msgspec.structs.replace(raised, stage=timer.stage + 1, version=raised.version + 1)
        stage_on = raised.stages[timer.stage]
        return deadline_event(after, DeadlineDueSoon, cause, at, backfilled, timer.stage, stage_on=stage_on), after
    after = msgspec.structs.replace(raised, breached=True, stage=len(raised.stages), version=raised.version + 1)
    return deadline_event(after, DeadlineBreached, cause, at, backfilled, 0, **breach_details(raised)), after


def fire_until(raised: DeadlineState, to: datetime) -> tuple[list[Emitted], DeadlineState]:
    """Everything that time alone brings on a deadline up to and including an instant."""
    emitted: list[Emitted] = []
    while (timer := next_timer(raised)) is not None and timer.fire_at <= to:
        event, raised = fire(raised, timer)
        emitted.append(event)
    return emitted, raised
