"""A deadline as its events have left it, and the next thing that time alone will raise on it."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.events.deadline import (
    Explanation,
    Subject,
)
from shared.identifiers import breach_instant, midnight


class DeadlineState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A deadline as its events have left it. `breached` says that a breach stands; `stage` is the next warning."""

    deadline_id: UUID
    source: str
    subject: Subject
    subject_id: UUID
    duty: str
    starting_event: UUID
    debtor: str
    jurisdiction: str
    clock_cause: UUID
    clock_stamp: datetime
    part: str = ""
    due_on: date | None = None
    stages: tuple[date, ...] = ()
    stage: int = 0
    breached: bool = False
    outcome: str = ""
    done_on: date | None = None
    ground: str = ""
    explanation: Explanation | None = None
    provisional: bool = False
    expected_on: date | None = None
    backfilled: bool = False
    version: int = 0
    clock_reason: str = ""

    @property
    def breached_at(self) -> datetime | None:
        """The local midnight after the due date."""
        return breach_instant(self.due_on) if self.due_on is not None else None

    @property
    def next_fire_at(self) -> datetime | None:
        """When the next warning or the breach is raised in event time; None when nothing more is to come."""
        timer = next_timer(self)
        return timer.fire_at if timer else None


class Timer(msgspec.Struct, frozen=True):
    """The next thing that time alone will raise on a deadline."""

    fire_at: datetime
    kind: Literal["due_soon", "breached"]
    stage: int = 0


def next_timer(raised: DeadlineState) -> Timer | None:
    """The next timer: of the stages already past when the clock started only the last, none once it is overdue.

    A timer at T, set by an event stamped S, fires at max(T, S).
    """
    breached_at = raised.breached_at
    if raised.outcome or raised.breached or breached_at is None:
        return None
    set_at = raised.clock_stamp
    for stage in range(raised.stage, len(raised.stages)):
        falls_at = midnight(raised.stages[stage])
        if falls_at > set_at:
            return Timer(falls_at, "due_soon", stage)
        last_past = stage + 1 == len(raised.stages) or midnight(raised.stages[stage + 1]) > set_at
        if last_past and set_at < breached_at:
            return Timer(set_at, "due_soon", stage)
    return Timer(max(breached_at, set_at), "breached")
