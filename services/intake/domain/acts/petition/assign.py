"""The chair gives a petition to an agency, which then owes the reply (plan II.4.3).

Neither classification nor forwarding has to come first. The plan asks for both in preparation, of what is known before
the conference (II.4.1); what comes up at the conference itself is assigned there and then (II.4.2, II.4.3).
"""

from uuid import UUID

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, PetitionAct
from services.intake.domain.context import DecisionContext, require_countable
from services.intake.domain.petition import Petition, require_open
from services.intake.domain.reply_clock import reply_due_once_closed
from shared.cases.reply_clock import clock_step
from shared.events.petition import PetitionAssigned, PetitionReassigned


def _possible_assignment(petition: Petition) -> None:
    require_open(petition)
    if petition.assigned:
        raise errors.AlreadyAssigned("agency", agency=petition.lead)


def _check_notice(petition: Petition, event: PetitionAssigned | PetitionReassigned) -> None:
    if event.notice_id is not None and not petition.raised:
        raise errors.NeverRaised(None, "notice")


def _possible_reassignment(petition: Petition) -> None:
    require_open(petition)
    if not petition.lead:
        raise errors.NeverAssigned("agency")


def check_assignee(petition: Petition, event: PetitionAssigned | PetitionReassigned, context: DecisionContext) -> None:
    """The bodies exist on that day; the chair's own date is no later than the reply's, at an open conference too."""
    context.regulation.agency_on(event.agency, event.effective_on, "agency")
    for code in event.assisting:
        context.regulation.agency_on(code, event.effective_on, "assisting")
    require_countable(context, petition.jurisdiction, ("result_report",), event.effective_on)
    if event.due_on is None:
        return
    context.regulation.require_calendar(event.due_on, "due_on")
    due = reply_due_once_closed(petition, context, event.effective_on)
    if due is not None and event.due_on > due:
        raise errors.LaterThanDue("due_on", day=event.due_on, due=due)
    if event.due_on < event.effective_on:
        raise errors.InvalidValue("due_on", "due-before-assignment", due=event.due_on, day=event.effective_on)


def _clock_of_date(event: PetitionAssigned | PetitionReassigned, petition_id: UUID) -> tuple[UUID, ...]:
    """The chair's own date is held against the clock."""
    return (petition_id,) if event.due_on is not None else ()


def _assigned(petition: Petition, event: PetitionAssigned | PetitionReassigned) -> Petition:
    cap = clock_step(event)
    # An assignment that is recorded late is overtaken by those dated after it.
    if petition.led_since is None or event.effective_on >= petition.led_since:
        petition = replace(petition, lead=event.agency, assisting=event.assisting, led_since=event.effective_on)
    return replace(
        petition,
        assigned=True,
        assigned_on=petition.assigned_on or event.effective_on,
        steps=petition.steps if cap is None else (*petition.steps, cap),
    )


ASSIGNMENT = PetitionAct(
    event=PetitionAssigned,
    path="assignment",
    roles=OFFICE_OR_CHAIR,
    decided=("notice_id",),
    clocks=_clock_of_date,
    rests_on_rules=True,
    possible=_possible_assignment,
    check=_check_notice,
    check_in_context=check_assignee,
    fold=_assigned,
)
REASSIGNMENT = PetitionAct(
    event=PetitionReassigned,
    path="reassignment",
    roles=OFFICE_OR_CHAIR,
    decided=("notice_id",),
    clocks=_clock_of_date,
    rests_on_rules=True,
    possible=_possible_reassignment,
    check=_check_notice,
    check_in_context=check_assignee,
    fold=_assigned,
)
PETITION_ACTS = (ASSIGNMENT, REASSIGNMENT)
