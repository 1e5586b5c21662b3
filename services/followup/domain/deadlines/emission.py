"""Emit = desired − raised: the deadline events that bring what was raised to what ought to be; and the timers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.deadline_events import Emitted, breach_details, deadline_event
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import ExpectedDeadline
from services.followup.domain.facts import Fact
from shared.events.deadline import (
    DeadlineBreached,
    DeadlineBreachRetracted,
    DeadlineEvent,
    DeadlineMet,
    DeadlineMetLate,
    DeadlineMoved,
    DeadlineReinstated,
    DeadlineSet,
    DeadlineWaived,
    Explanation,
)
from shared.identifiers import breach_instant

Explain = Callable[[ExpectedDeadline], Explanation]


class Cause(msgspec.Struct, frozen=True):
    """What makes deadlines change: a fact, or an explicit reconciliation."""

    event_id: UUID
    at: datetime
    reason: str
    backfilled: bool = False
    moves_by: str = ""


_RETRACTED_BY = {
    "ExtensionGranted": "extension",
    "PetitionMarkedComplex": "complex",
    "CalendarPublished": "calendar",
    "CalendarProposed": "calendar",
    "PolicyAdopted": "policy",
    "RecordAnnulled": "annulment",
    "ConferenceRescheduled": "rescheduled",
    "ClockSuspended": "suspended",
}
#: What moves a date is told by more names: none of these makes a breach one that never was.
_MOVED_BY = {
    "ClockResumed": "resumed",
    "PetitionMerged": "merged",
    "PetitionAssigned": "chair_date",
    "PetitionReassigned": "chair_date",
    "PublicationEnded": "taken_down_early",
}


def cause_of(fact: Fact) -> Cause:
    """The cause that a fact is."""
    reason = _RETRACTED_BY.get(fact.topic, "backdated_record")
    return Cause(fact.event_id, fact.recorded_at, reason, fact.meta.backfilled, _MOVED_BY.get(fact.topic, reason))


def agrees(raised: DeadlineState | None, expected: ExpectedDeadline | None) -> bool:
    """Whether what was raised is what ought to be, timers aside."""
    if raised is None or expected is None:
        return raised is not None and raised.outcome == "waived" and raised.ground == START_ANNULLED
    return raised.due_on == expected.due_on and raised.outcome == expected.outcome


START_ANNULLED = "start_annulled"


class _Emission:
    """The events of one deadline for one cause, and the raised state that they leave."""

    def __init__(self, raised: DeadlineState, cause: Cause) -> None:
        self.raised = raised
        self.cause = cause
        self.emitted: list[Emitted] = []

    def change(self, **changes: Any) -> None:
        self.raised = msgspec.structs.replace(self.raised, **changes)

    def emit(self, kind: type[DeadlineEvent], cause_id: UUID | None = None, **fields: Any) -> None:
        self.change(version=self.raised.version + 1)
        cause = cause_id or self.cause.event_id
        self.emitted.append(deadline_event(self.raised, kind, cause, self.cause.at, self.cause.backfilled, 0, **fields))

    def start_clock(self, expected: ExpectedDeadline, explanation: Explanation) -> None:
        self.change(
            due_on=expected.due_on,
            stages=expected.stages,
            stage=0,
            clock_cause=self.cause.event_id,
            clock_stamp=self.cause.at,
            explanation=explanation,
            provisional=expected.provisional,
            backfilled=self.cause.backfilled,
            clock_reason=(self.cause.moves_by or self.cause.reason) if self.raised.version else "",
        )

    def set(self, expected: ExpectedDeadline, explanation: Explanation) -> None:
        self.start_clock(expected, explanation)
        self.emit(DeadlineSet, explanation=explanation, provisional=expected.provisional)

    def move(self, expected: ExpectedDeadline, explanation: Explanation) -> None:
        moved_from = self.raised.due_on
        self.start_clock(expected, explanation)
        self.emit(
            DeadlineMoved,
            moved_from=moved_from,
            explanation=explanation,
            provisional=expected.provisional,
            reason=self.cause.moves_by or self.cause.reason,
        )

    def reinstate(self, expected: ExpectedDeadline) -> None:
        self.change(
            outcome="",
            done_on=None,
            ground="",
            clock_cause=self.cause.event_id,
            clock_stamp=self.cause.at,
            stages=expected.stages,
            stage=0,
            backfilled=self.cause.backfilled,
        )
        self.emit(DeadlineReinstated, reason=self.cause.reason)

    def retract(self) -> None:
        if self.raised.breached:
            self.change(breached=False)
            self.emit(DeadlineBreachRetracted, reason=self.cause.reason)

    def breach(self) -> None:
        if not self.raised.breached:
            self.change(breached=True, stage=len(self.raised.stages))
            self.emit(DeadlineBreached, self.raised.clock_cause, **breach_details(self.raised))

    def finish(self, expected: ExpectedDeadline) -> None:
        """Raise the outcome. A duty done or dropped only after its due date had been breached, seen or not."""
        assert expected.done_on is not None
        in_time = expected.due_on is None or expected.done_on <= expected.due_on
        if in_time:
            self.retract()
        else:
            self.breach()
        self.change(outcome=expected.outcome, done_on=expected.done_on, ground=expected.ground)
        if expected.outcome == "waived":
            self.emit(DeadlineWaived, reason=expected.ground, breach_stands=self.raised.breached)
        else:
            self.emit(DeadlineMet if in_time else DeadlineMetLate, done_on=expected.done_on)


def emit(
    raised: DeadlineState | None, expected: ExpectedDeadline | None, cause: Cause, explain: Explain
) -> tuple[list[Emitted], DeadlineState | None]:
    """The events that bring `raised` to `expected`, and what is raised after them. Deterministic in its arguments."""
    if expected is None:
        return _start_annulled(raised, cause)
    if raised is not None and _stands(raised, expected):
        return [], raised
    work = _Emission(raised or _unraised(expected, cause), cause)
    work.change(
        debtor=expected.debtor,
        jurisdiction=expected.jurisdiction,
        expected_on=expected.expected_on,
        provisional=expected.provisional,
    )
    if raised is None:
        work.set(expected, explain(expected))
    elif (
        raised.outcome and raised.outcome != expected.outcome and (raised.outcome, expected.outcome) != LATE_TO_IN_TIME
    ):
        work.reinstate(expected)
    if work.raised.due_on != expected.due_on:
        # A clock that stands still is not overdue either.
        still_to_come = expected.due_on is None or breach_instant(expected.due_on) > cause.at
        if not expected.outcome and still_to_come:
            work.retract()
        work.move(expected, explain(expected))
    elif raised is not None and raised.provisional and not expected.provisional:
        work.change(explanation=explain(expected))  # the same day, now on a published calendar
    if expected.outcome and work.raised.outcome != expected.outcome:
        work.finish(expected)
    elif expected.outcome:
        work.change(done_on=expected.done_on, ground=expected.ground)
    return work.emitted, work.raised


def _stands(raised: DeadlineState, expected: ExpectedDeadline) -> bool:
    """Whether nothing of a deadline has changed."""
    return (
        raised.due_on == expected.due_on
        and raised.outcome == expected.outcome
        and raised.provisional == expected.provisional
        and raised.debtor == expected.debtor
        and raised.jurisdiction == expected.jurisdiction
        and raised.expected_on == expected.expected_on
        and (not expected.outcome or (raised.done_on == expected.done_on and raised.ground == expected.ground))
    )


LATE_TO_IN_TIME = ("met_late", "met")


def _start_annulled(raised: DeadlineState | None, cause: Cause) -> tuple[list[Emitted], DeadlineState | None]:
    if raised is None or raised.ground == START_ANNULLED:
        return [], raised
    work = _Emission(raised, cause)
    work.retract()
    work.change(outcome="waived", ground=START_ANNULLED, done_on=None)
    work.emit(DeadlineWaived, reason=START_ANNULLED)
    return work.emitted, work.raised


def _unraised(expected: ExpectedDeadline, cause: Cause) -> DeadlineState:
    return DeadlineState(
        deadline_id=expected.deadline_id,
        source=expected.source,
        subject=expected.subject,
        subject_id=expected.subject_id,
        duty=expected.duty,
        part=expected.part,
        starting_event=expected.start.event_id,
        debtor=expected.debtor,
        jurisdiction=expected.jurisdiction,
        clock_cause=cause.event_id,
        clock_stamp=cause.at,
        due_on=expected.due_on,
    )
