"""Rows of the read side: each case as the list, the metrics and the digest show it."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.regulation import RegulationLog
from shared.calendar import CalendarMissing
from shared.cases.rounds import ENDINGS
from shared.events.deadline import Subject

UNASSIGNED = "unassigned"


class CaseState(StrEnum):
    """How far a petition, a conference or an authority has come."""

    #: A petition that no clock runs for: it was raised at no conference yet.
    NO_CLOCK = "no_clock"
    #: A petition that was raised at a conference, or whose clock runs; no agency is in charge yet.
    RAISED = "raised"
    #: A petition that an agency is in charge of.
    ASSIGNED = "assigned"
    #: A petition on which the higher authority owes an answer.
    ESCALATED = "escalated"
    #: A petition that was replied to; the agency still owes its result.
    REPLIED = "replied"
    #: A petition that was replied to, with nothing owed any more.
    RESOLVED = "resolved"
    #: A petition that was answered at the conference.
    ANSWERED = "answered"
    #: A petition that the petitioner withdrew.
    WITHDRAWN = "withdrawn"
    #: A petition that belongs to another procedure.
    REDIRECTED = "redirected"
    #: A petition that goes on in another.
    MERGED = "merged"
    #: A petition that was not taken up.
    REFUSED = "refused"
    #: A petition that was closed, or an authority that was abolished.
    CLOSED = "closed"
    #: A conference that was asked for; nothing is planned.
    PROPOSED = "proposed"
    #: A conference with its days and place.
    PLANNED = "planned"
    #: A conference that is being held.
    OPEN = "open"
    #: A conference that has ended.
    HELD = "held"
    #: A conference that will not be held.
    CANCELLED = "cancelled"
    #: An authority that owes dialogues or other duties of its own.
    BOUND = "bound"


#: A petition in one of these is not yet done with.
OPEN_STATES = (CaseState.NO_CLOCK, CaseState.RAISED, CaseState.ASSIGNED, CaseState.ESCALATED, CaseState.REPLIED)


#: A petition in one of these waits for somebody to decide what becomes of it.
UNDECIDED_STATES = (CaseState.NO_CLOCK, CaseState.RAISED)


class Decision(StrEnum):
    """What a petition waits for, or a dialogue that was asked for."""

    #: Nobody has written its neutral title and its field yet.
    CLASSIFY = "classify"
    #: It is on no conference, and no clock runs.
    SCHEDULE = "schedule"
    #: No agency is in charge.
    ASSIGN = "assign"
    #: A dialogue was asked for, and the chair has not said whether it will be held.
    DECIDE = "decide"
    #: The chair has said yes, and nobody has planned the dialogue yet.
    PLAN = "plan"


class Span(msgspec.Struct, frozen=True):
    """The time for which one agency owed the reply; `until` is None while it still does."""

    agency: str
    since: date
    until: date | None
    working_days: int | None


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case as the read side shows it."""

    subject: Subject
    subject_id: UUID
    jurisdiction: str
    state: CaseState
    unresolved: bool
    agency: str
    title: str = ""
    field: str = ""
    urgency: str = ""
    conference_id: UUID | None = None
    received_on: date | None = None
    receipt_code: str = ""
    due_on: date | None = None
    breached_at: datetime | None = None
    merged_into: UUID | None = None
    source: str = ""
    external_id: str = ""
    spans: tuple[Span, ...] = ()
    last_position: int = 0


def awaited_decision(row: CaseRow) -> Decision | None:
    """What a petition waits for; None where nothing has to be decided."""
    if row.state not in UNDECIDED_STATES:
        return None
    if not row.title:
        return Decision.CLASSIFY
    return Decision.ASSIGN if row.state == CaseState.RAISED else Decision.SCHEDULE


def petition_row(
    case: PetitionCase, raised: Sequence[DeadlineState], context: CaseContext, last_position: int
) -> CaseRow:
    """A petition's row."""
    state = _state(case, raised, context)
    reply = _open_reply(raised)
    title = case.classified
    ended_on = case.round.end.on if case.round.end is not None else None
    return CaseRow(
        subject="petition",
        subject_id=case.petition_id,
        jurisdiction=context.regulation.successor_of_jurisdiction(case.jurisdiction, ended_on),
        state=state,
        unresolved=state in OPEN_STATES,
        agency=context.regulation.successor_of_agency(case.lead, ended_on) or UNASSIGNED,
        title=title.subject if title else "",
        field=title.field if title else "",
        urgency=title.urgency if title else "",
        conference_id=next(reversed(case.raised or case.scheduled), None),
        received_on=case.received.on,
        receipt_code=case.receipt.receipt_code,
        due_on=reply.due_on if reply else None,
        breached_at=reply.breached_at if reply else None,
        merged_into=case.survivor,
        source=case.received.meta.source,
        external_id=case.received.meta.external_id,
        spans=_spans(case, context.regulation),
        last_position=last_position,
    )


def _open_reply(raised: Sequence[DeadlineState]) -> DeadlineState | None:
    replies = sorted((r for r in raised if r.duty == "reply"), key=lambda r: (r.is_open, r.deadline_id.int))
    return replies[-1] if replies else None


def _state(case: PetitionCase, raised: Sequence[DeadlineState], context: CaseContext) -> CaseState:
    round_ = case.round
    if round_.end is not None:
        return CaseState(ENDINGS[type(round_.end.event)])
    reply = _open_reply(raised)
    if round_.replies and (reply is None or not reply.is_open):
        result_owed = any(r.duty == "result_report" and r.is_open for r in raised)
        return CaseState.REPLIED if result_owed else CaseState.RESOLVED
    if any(r.duty == "higher_answer" and r.is_open for r in raised):
        return CaseState.ESCALATED
    if case.lead:
        return CaseState.ASSIGNED
    held = (context.conference(c) for c in case.raised)
    standing = any(c is not None and c.cancelled is None for c in held)
    return CaseState.RAISED if standing or reply is not None else CaseState.NO_CLOCK


def _spans(case: PetitionCase, regulation: RegulationLog) -> tuple[Span, ...]:
    found: list[Span] = []
    assignments = case.assignments
    for index, fact in enumerate(assignments):
        until = assignments[index + 1].on if index + 1 < len(assignments) else _end_of(case)
        agency, since = fact.event.agency, fact.on
        for ended, successor in regulation.successions(agency, since, until):
            found.append(Span(agency, since, ended, _working_days(regulation, since, ended)))
            agency, since = successor, ended
        found.append(Span(agency, since, until, _working_days(regulation, since, until)))
    return tuple(found)


def recounted(row: CaseRow, regulation: RegulationLog) -> CaseRow:
    """A row whose case has ended, with the working days of its agencies by the calendar that is known now."""
    spans = tuple(
        msgspec.structs.replace(span, working_days=_working_days(regulation, span.since, span.until))
        for span in row.spans
    )
    return msgspec.structs.replace(row, spans=spans)


def _end_of(case: PetitionCase) -> date | None:
    round_ = case.round
    if round_.end is not None:
        return round_.end.on
    return round_.replies[-1].on if round_.replies else None


def _working_days(regulation: RegulationLog, since: date, until: date | None) -> int | None:
    if until is None or until < since:
        return None
    try:
        return regulation.calendar.working_days_between(since, until)
    except CalendarMissing:
        return None


def conference_row(
    case: ConferenceCase, raised: Sequence[DeadlineState], regulation: RegulationLog, last_position: int
) -> CaseRow:
    """A conference's row."""
    plan = case.plan
    if case.cancelled:
        state = CaseState.CANCELLED
    elif case.closed:
        state = CaseState.HELD
    elif case.opened:
        state = CaseState.OPEN
    elif case.planned:
        state = CaseState.PLANNED
    else:
        state = CaseState.PROPOSED
    return CaseRow(
        subject="conference",
        subject_id=case.conference_id,
        jurisdiction=regulation.successor_of_jurisdiction(case.jurisdiction, case.closed.on if case.closed else None),
        state=state,
        unresolved=False,
        agency="office",
        title=plan.place if plan else "",
        received_on=case.first_day,
        last_position=last_position,
    )


def jurisdiction_row(
    code: str, subject_id: UUID, raised: Sequence[DeadlineState], regulation: RegulationLog
) -> CaseRow:
    """The row of an authority that owes a dialogue a year."""
    known = regulation.registered.get(code)
    return CaseRow(
        subject="jurisdiction",
        subject_id=subject_id,
        jurisdiction=code,
        state=CaseState.CLOSED if regulation.closed_on(code) else CaseState.BOUND,
        unresolved=False,
        agency="chair",
        title=known[1].name if known else code,
    )
