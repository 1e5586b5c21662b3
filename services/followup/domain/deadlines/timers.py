"""What time alone brings on a deadline: warnings and the breach."""

from datetime import datetime

import msgspec

from services.followup.domain.deadlines.deadline_events import Emitted, breach_details, deadline_event
from services.followup.domain.deadlines.raised import DeadlineState, Timer, next_timer
from shared.events.deadline import (
    DeadlineBreached,
    DeadlineDueSoon,
)


def fire(raised: DeadlineState, timer: Timer) -> tuple[Emitted, DeadlineState]:
    """Raise what a timer brings; its cause is the event that last set, moved or reinstated the clock."""
    at, cause = timer.fire_at, raised.clock_cause
    backfilled = raised.backfilled and at <= raised.clock_stamp
    if timer.kind == "due_soon":
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
