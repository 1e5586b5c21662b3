"""A deadline as the log of its own events leaves it."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.duty import DutyOutcome
from shared.events import Metadata
from shared.events.deadline import (
    DeadlineBreached,
    DeadlineBreachRetracted,
    DeadlineDueSoon,
    DeadlineEvent,
    DeadlineMet,
    DeadlineMetLate,
    DeadlineMoved,
    DeadlineReinstated,
    DeadlineSet,
    DeadlineWaived,
)

#: One event of a deadline's stream with its metadata, oldest first.
Logged = tuple[DeadlineEvent, Metadata]


def raised_by(log: Iterable[Logged]) -> DeadlineState | None:
    """The deadline as its recorded events leave it; None where there are none.

    What no event carries, the stages to come and a change of owner, is left to `completed`.
    """
    raised: DeadlineState | None = None
    for version, (event, meta) in enumerate(log, 1):
        raised = msgspec.structs.replace(_evolved(raised, event, meta), version=version, debtor=event.debtor)
    return raised


def completed(raised: DeadlineState, folded: DeadlineState) -> DeadlineState:
    """The logged deadline with what its events do not carry, from the same deadline folded out of the facts."""
    last = max(raised.stages, default=None)
    passed = 0 if last is None else sum(stage <= last for stage in folded.stages)
    return msgspec.structs.replace(
        raised,
        starting_event=folded.starting_event,
        debtor=folded.debtor,
        stages=folded.stages,
        stage=len(folded.stages) if raised.breached else passed,
        expected_on=folded.expected_on,
    )


def same(logged: DeadlineState, folded: DeadlineState) -> bool:
    """Whether the log says of a deadline what folding the facts says."""
    return (
        logged.due_on == folded.due_on
        and logged.outcome == folded.outcome
        and logged.breached == folded.breached
        # The event of a waiver says why, not since when.
        and (logged.outcome == DutyOutcome.WAIVED or logged.done_on == folded.done_on)
    )


def _evolved(raised: DeadlineState | None, event: DeadlineEvent, meta: Metadata) -> DeadlineState:
    known = raised or _unraised(event, meta)
    change = msgspec.structs.replace
    match event:
        case DeadlineSet() | DeadlineMoved():
            return change(
                known,
                due_on=event.due_on,
                stages=(),
                clock_cause=event.cause_id,
                clock_stamp=event.at,
                explanation=event.explanation,
                provisional=event.provisional,
                backfilled=meta.backfilled,
                clock_reason=event.reason if isinstance(event, DeadlineMoved) else "",
            )
        case DeadlineReinstated():
            return change(
                known,
                outcome=DutyOutcome.OPEN,
                done_on=None,
                ground="",
                stages=(),
                clock_cause=event.cause_id,
                clock_stamp=event.at,
                backfilled=meta.backfilled,
            )
        case DeadlineDueSoon():
            return change(known, stages=(*known.stages, event.stage_on))
        case DeadlineBreached():
            return change(known, breached=True)
        case DeadlineBreachRetracted():
            return change(
                known,
                breached=False,
                stages=(),
                clock_cause=event.cause_id,
                clock_stamp=event.at,
                backfilled=meta.backfilled,
            )
        case DeadlineMet():
            return change(known, outcome=DutyOutcome.MET, done_on=event.done_on)
        case DeadlineMetLate():
            return change(known, outcome=DutyOutcome.MET_LATE, done_on=event.done_on)
        case DeadlineWaived():
            return change(known, outcome=DutyOutcome.WAIVED, ground=event.reason)
        case _:
            assert_never(event)


def _unraised(event: DeadlineEvent, meta: Metadata) -> DeadlineState:
    return DeadlineState(
        deadline_id=event.deadline_id,
        source=event.source,
        subject=event.subject,
        subject_id=event.subject_id,
        duty=event.duty,
        part=event.part,
        starting_event=event.cause_id,
        debtor=event.debtor,
        jurisdiction=meta.jurisdiction,
        clock_cause=event.cause_id,
        clock_stamp=event.at,
        reference=meta.petition_reference,
    )
