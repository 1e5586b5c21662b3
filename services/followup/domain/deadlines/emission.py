"""Emit = expected − raised: the deadline events that bring what was raised to what is expected."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.causes import Cause
from services.followup.domain.deadlines.deadline_events import Emitted, breach_details, deadline_event
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import ExpectedDeadline, UncountableDuty
from services.followup.domain.duties.duty import DutyOutcome, WaiverGround
from shared.events import PetitionReference
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
from shared.identifiers import breach_instant, sorted_ids

Explain = Callable[[ExpectedDeadline], Explanation]

D = TypeVar("D", ExpectedDeadline, ExpectedDeadline | UncountableDuty)

#: The grounds of what no fact asks for any more.
NOT_EXPECTED = (WaiverGround.START_ANNULLED.value, WaiverGround.NO_LONGER_OWED.value)


def under_raised_ids(
    expected: dict[UUID, D], raised: Mapping[UUID, DeadlineState], stands: Callable[[UUID], bool]
) -> dict[UUID, D]:
    """The expected deadlines by the ids under which they were raised.

    A record that comes late can be found to have started a duty before the one that was known to: then the deadline
    stands, as long as that one does too, and its start is what is known now. `stands` says so of a record.
    """
    if expected.keys() <= raised.keys():
        return expected
    begun = [
        known
        for deadline_id in sorted_ids(raised.keys() - expected.keys())
        if (known := raised[deadline_id]).ground not in NOT_EXPECTED and stands(known.starting_event)
    ]
    found = dict(expected)
    for deadline_id in sorted_ids(expected.keys() - raised.keys()):
        wanted = expected[deadline_id]
        same = next((r for r in begun if (r.duty, r.part) == (wanted.duty, wanted.part)), None)
        if same is not None:
            begun.remove(same)
            found[same.deadline_id] = found.pop(deadline_id)
    return found


def agrees(raised: DeadlineState | None, expected: ExpectedDeadline | None, at: datetime | None) -> bool:
    """Whether what was raised is what is expected at an instant up to which timers have fired, coming timers aside."""
    if raised is None:
        return False
    if expected is None:
        return raised.outcome == DutyOutcome.WAIVED and raised.ground in NOT_EXPECTED
    return (
        raised.due_on == expected.due_on
        and raised.outcome == expected.outcome
        and (at is None or not _is_breached_falsely(raised, expected, at))
    )


def _is_breached_falsely(raised: DeadlineState, expected: ExpectedDeadline, at: datetime) -> bool:
    """Whether a breach stands on what was ended in time, or can still be at an instant."""
    if not raised.breached or expected.outcome == DutyOutcome.MET_LATE:
        return False
    if expected.due_on is None:  # a clock that stands still is not overdue either
        return True
    if expected.done_on is not None:
        return expected.done_on <= expected.due_on
    return breach_instant(expected.due_on) > at


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
            clock_reason=self.cause.move_reason if self.raised.version else "",
        )

    def warn_on(self, expected: ExpectedDeadline) -> None:
        """Take the warnings that are to come now; one that was given, or a later one, is not given again."""
        raised = self.raised
        given = raised.stages[raised.stage - 1] if raised.stage else None
        passed = 0 if given is None else sum(day <= given for day in expected.stages)
        self.change(
            stages=expected.stages,
            stage=len(expected.stages) if raised.breached else passed,
            clock_stamp=self.cause.at,
            backfilled=self.cause.backfilled,
        )

    def set(self, expected: ExpectedDeadline, explanation: Explanation) -> None:
        self.start_clock(expected, explanation)
        self.emit(DeadlineSet, explanation=explanation, provisional=expected.provisional)

    def restart(self, expected: ExpectedDeadline) -> None:
        """Let time go on from the cause: what it raises again is another event than what it raised before."""
        self.change(
            clock_cause=self.cause.event_id,
            clock_stamp=self.cause.at,
            stages=expected.stages,
            stage=0,
            backfilled=self.cause.backfilled,
        )

    def move(self, expected: ExpectedDeadline, explanation: Explanation) -> None:
        moved_from = self.raised.due_on
        self.start_clock(expected, explanation)
        self.emit(
            DeadlineMoved,
            moved_from=moved_from,
            explanation=explanation,
            provisional=expected.provisional,
            reason=self.cause.move_reason,
        )

    def reinstate(self, expected: ExpectedDeadline) -> None:
        self.restart(expected)
        self.change(outcome=DutyOutcome.OPEN, done_on=None, ground="")
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
        """Raise the outcome. What ended after its due date had been breached, whether that was raised or not."""
        assert expected.done_on is not None
        in_time = expected.due_on is None or expected.done_on <= expected.due_on
        if in_time:
            self.retract()
        else:
            self.breach()
        self.change(outcome=expected.outcome, done_on=expected.done_on, ground=_recorded(expected.ground))
        if expected.outcome == DutyOutcome.WAIVED:
            self.emit(DeadlineWaived, reason=_recorded(expected.ground), breach_stands=self.raised.breached)
        else:
            self.emit(DeadlineMet if in_time else DeadlineMetLate, done_on=expected.done_on)


def emit(
    raised: DeadlineState | None,
    expected: ExpectedDeadline | None,
    cause: Cause,
    explain: Explain,
    unexpected: WaiverGround = WaiverGround.START_ANNULLED,
    reference: PetitionReference | None = None,
) -> tuple[list[Emitted], DeadlineState | None]:
    """The events that bring `raised` to `expected`, and the state after them; the same for the same arguments.

    `unexpected` is the ground on which one that is not expected is waived; under `reference` its petition was pushed.
    """
    if expected is None:
        return _not_expected(raised, cause, unexpected)
    if raised is not None and _stands(raised, expected) and not _is_breached_falsely(raised, expected, cause.at):
        return [], raised
    work = _Emission(raised or _unraised(expected, cause, reference), cause)
    work.change(
        starting_event=expected.start.event_id,
        debtor=expected.debtor,
        jurisdiction=expected.jurisdiction,
        expected_on=expected.expected_on,
        provisional=expected.provisional,
    )
    if raised is None:
        work.set(expected, explain(expected))
    elif (
        not raised.is_open
        and raised.outcome != expected.outcome
        and (raised.outcome, expected.outcome) != LATE_TO_IN_TIME
    ):
        work.reinstate(expected)
    if expected.outcome == work.raised.outcome and _is_breached_falsely(work.raised, expected, cause.at):
        work.retract()
        work.restart(expected)
    if work.raised.due_on != expected.due_on:
        work.move(expected, explain(expected))
    elif raised is not None and _is_explained_anew(raised, expected):
        work.change(explanation=explain(expected))  # the same day for another reason
    if expected.is_open and work.raised.stages != expected.stages:
        work.warn_on(expected)
    if not expected.is_open and work.raised.outcome != expected.outcome:
        work.finish(expected)
    elif not expected.is_open:
        work.change(done_on=expected.done_on, ground=_recorded(expected.ground))
    return work.emitted, work.raised


def _is_explained_anew(raised: DeadlineState, expected: ExpectedDeadline) -> bool:
    return (
        (raised.provisional and not expected.provisional)
        or raised.starting_event != expected.start.event_id
        or (expected.is_open and raised.stages != expected.stages)
    )


def _stands(raised: DeadlineState, expected: ExpectedDeadline) -> bool:
    """Whether nothing of a deadline has changed."""
    return (
        raised.due_on == expected.due_on
        and raised.outcome == expected.outcome
        and raised.provisional == expected.provisional
        and raised.debtor == expected.debtor
        and raised.jurisdiction == expected.jurisdiction
        and raised.expected_on == expected.expected_on
        and raised.starting_event == expected.start.event_id
        and (
            raised.stages == expected.stages
            if expected.is_open
            else (raised.done_on, raised.ground) == (expected.done_on, _recorded(expected.ground))
        )
    )


#: What was done late is found to be in time by a later calendar: it is not owed again in between.
LATE_TO_IN_TIME = (DutyOutcome.MET_LATE, DutyOutcome.MET)


def _recorded(ground: WaiverGround | None) -> str:
    """A ground as states and events carry it."""
    return "" if ground is None else ground.value


def _not_expected(
    raised: DeadlineState | None, cause: Cause, ground: WaiverGround
) -> tuple[list[Emitted], DeadlineState | None]:
    if raised is None or raised.ground in NOT_EXPECTED:
        return [], raised
    work = _Emission(raised, cause)
    work.retract()
    work.change(outcome=DutyOutcome.WAIVED, ground=ground.value, done_on=None)
    work.emit(DeadlineWaived, reason=ground.value)
    return work.emitted, work.raised


def _unraised(expected: ExpectedDeadline, cause: Cause, reference: PetitionReference | None) -> DeadlineState:
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
        reference=reference,
        due_on=expected.due_on,
    )
