"""A matter beyond the authority's own goes to the higher authority, on the agency's advice (plan II.4.3)."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OR_OFFICE, OFFICE_OR_CHAIR, PetitionAct, any_body, unchanged
from services.intake.domain.context import DecisionContext
from services.intake.domain.petition import Petition, require_in_charge, require_open
from shared.events.petition import EscalationProposed, HigherAuthorityAnswered, PetitionEscalated


def _check_proposal(petition: Petition, event: EscalationProposed) -> None:
    require_in_charge(petition, event.agency)


def _check_proposer(petition: Petition, event: EscalationProposed, context: DecisionContext) -> None:
    context.regulation.agency_on(event.agency, event.effective_on)


def _possible_escalation(petition: Petition) -> None:
    require_open(petition)
    if petition.escalated:
        raise errors.AlreadyEscalated


def _possible_answer(petition: Petition) -> None:
    require_open(petition)
    if not petition.escalated:
        raise errors.NeverEscalated


PETITION_ACTS = (
    PetitionAct(
        event=EscalationProposed,
        path="escalation-proposal",
        roles=AGENCY_OR_OFFICE,
        possible=require_open,
        check=_check_proposal,
        check_in_context=_check_proposer,
        fold=unchanged,
    ),
    PetitionAct(
        event=PetitionEscalated,
        path="escalation",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_escalation,
        check=any_body,
        fold=lambda petition, event: replace(petition, escalated=True),
    ),
    PetitionAct(
        event=HigherAuthorityAnswered,
        path="higher-answer",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_answer,
        check=any_body,
        fold=lambda petition, event: replace(petition, escalated=False),
    ),
)
