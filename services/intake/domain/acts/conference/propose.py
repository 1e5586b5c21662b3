"""A dialogue is proposed, or asked for by those whom a law entitles to it, and the chair answers (plan II.3)."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OR_OFFICE, OFFICE_OR_CHAIR, ConferenceAct, CreatingAct, any_body
from services.intake.domain.conference import Conference, require_not_cancelled
from services.intake.domain.context import DecisionContext, require_countable
from shared.events.conference import (
    ConferenceProposalDecided,
    ConferenceProposed,
    DialogueRequested,
    RequestAnswered,
)

_CLOCKS = ("proposal_decision", "convene")


def _check_proposal(event: ConferenceProposed, context: DecisionContext) -> None:
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    for petition_id in event.petition_ids:
        context.petition(petition_id, "petition_ids")
    require_countable(context, event.jurisdiction, _CLOCKS, event.effective_on)


def _check_own_name(event: ConferenceProposed, agency: str) -> None:
    if event.proposer != agency:
        raise errors.AgencyMayNot("proposer", "proposer", agency=agency)


def _check_request(event: DialogueRequested, context: DecisionContext) -> None:
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    require_countable(context, event.jurisdiction, _CLOCKS, event.effective_on, event.audience)


def _possible_decision(conference: Conference) -> None:
    require_not_cancelled(conference)
    if not conference.proposed:
        raise errors.NeverProposed
    _require_undecided(conference)


def _possible_answer(conference: Conference) -> None:
    require_not_cancelled(conference)
    if not conference.requested:
        raise errors.NeverRequested
    _require_undecided(conference)


def _require_undecided(conference: Conference) -> None:
    if conference.accepted is not None:
        raise errors.ProposalAlreadyDecided


def _decided(conference: Conference, event: ConferenceProposalDecided | RequestAnswered) -> Conference:
    return replace(conference, accepted=event.accepted)


CREATING_ACTS = (
    CreatingAct(
        event=ConferenceProposed,
        path="/v1/proposals",
        # The inspectorate and the Front, who watch a place, may propose a dialogue too (plan III.2, III.4).
        roles=AGENCY_OR_OFFICE | OFFICE_OR_CHAIR | {"auditor"},
        names=lambda event: event.petition_ids,
        check_in_context=_check_proposal,
        check_agency=_check_own_name,
        begin=lambda event: Conference(event.jurisdiction, event.effective_on, proposed=True, kind=event.kind),
    ),
    CreatingAct(
        event=DialogueRequested,
        path="/v1/dialogue-requests",
        roles=OFFICE_OR_CHAIR,
        check_in_context=_check_request,
        begin=lambda event: Conference(event.jurisdiction, event.effective_on, requested=True, audience=event.audience),
    ),
)
CONFERENCE_ACTS = (
    ConferenceAct(
        event=ConferenceProposalDecided,
        path="decision",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_decision,
        check=any_body,
        fold=_decided,
    ),
    ConferenceAct(
        event=RequestAnswered,
        path="answer",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_answer,
        check=any_body,
        fold=_decided,
    ),
)
