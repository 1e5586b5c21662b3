"""Rows of the read side: a case in one line, as the list, the metrics and the digest show it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.regulation import RegulationLog
from shared.calendar import CalendarMissing
from shared.cases.rounds import ENDINGS
from shared.events.deadline import Subject
from shared.events.petition import PetitionAssigned, PetitionReassigned

UNASSIGNED = "unassigned"
#: A petition in one of these is not yet done with.
OPEN_STATES = ("no_clock", "raised", "assigned", "escalated", "replied")


class Span(msgspec.Struct, frozen=True):
    """The time for which one agency owed the reply; `until` is open while it still does."""

    agency: str
    since: date
    until: date | None
    working_days: int | None


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case as the read side shows it; a petition's `state` is one of no_clock, raised, assigned, …, or its end."""

    subject: Subject
    subject_id: UUID
    jurisdiction: str
    state: str
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
    replies = sorted((r for r in raised if r.duty == "reply"), key=lambda r: (r.outcome == "", r.deadline_id.int))
    return replies[-1] if replies else None


def _state(case: PetitionCase, raised: Sequence[DeadlineState], context: CaseContext) -> str:
    round_ = case.round
    if round_.end is not None:
        return ENDINGS[type(round_.end.event)]
    reply = _open_reply(raised)
    if round_.replies and (reply is None or reply.outcome):
        return "replied" if any(r.duty == "result_report" and not r.outcome for r in raised) else "resolved"
    if any(r.duty == "higher_answer" and not r.outcome for r in raised):
        return "escalated"
    if case.lead:
        return "assigned"
    held = (context.conference(c) for c in case.raised)
    standing = any(c is not None and c.cancelled is None for c in held)
    return "raised" if standing or reply is not None else "no_clock"


def _spans(case: PetitionCase, regulation: RegulationLog) -> tuple[Span, ...]:
    found: list[Span] = []
    for index, fact in enumerate(case.assigned):
        assert isinstance(fact.event, PetitionAssigned | PetitionReassigned)
        until = case.assigned[index + 1].on if index + 1 < len(case.assigned) else _end_of(case)
        agency, since = fact.event.agency, fact.on
        for ended, successor in regulation.successions(agency, since, until):
            found.append(Span(agency, since, ended, _working_days(regulation, since, ended)))
            agency, since = successor, ended
        found.append(Span(agency, since, until, _working_days(regulation, since, until)))
    return tuple(found)


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
        state = "cancelled"
    elif case.closed:
        state = "held"
    elif case.opened:
        state = "open"
    elif case.planned:
        state = "planned"
    else:
        state = "proposed"
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
        state="closed" if regulation.closed_on(code) else "bound",
        unresolved=False,
        agency="chair",
        title=known[1].name if known else code,
    )
