"""The office classifies a petition and asks agencies to prepare its answer (plan II.4.1)."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OR_OFFICE, OFFICE_OR_CHAIR, PetitionAct, any_body, unchanged
from services.intake.domain.catalogues import with_code
from services.intake.domain.context import DecisionContext
from services.intake.domain.field_checks import require_content
from services.intake.domain.petition import Petition, require_open
from shared.events.petition import AnswerPrepared, PetitionClassified, PetitionForwarded


def _check_forwarding(petition: Petition, event: PetitionForwarded) -> None:
    if event.agency in petition.forwarded:
        raise errors.AlreadyForwarded("agency", agency=event.agency)


def _check_answer(petition: Petition, event: AnswerPrepared) -> None:
    if event.agency not in petition.forwarded:
        raise errors.NeverForwarded("agency", agency=event.agency)
    require_content(event, "text", "digest")


def _check_agency(petition: Petition, event: PetitionForwarded | AnswerPrepared, context: DecisionContext) -> None:
    context.regulation.agency_on(event.agency, event.effective_on)


PETITION_ACTS = (
    PetitionAct(
        event=PetitionClassified,
        path="classification",
        roles=OFFICE_OR_CHAIR,
        possible=require_open,
        check=any_body,
        fill=lambda petition, event, context: with_code(event, petition.jurisdiction, context),
        fold=lambda petition, event: replace(petition, subject=event.subject),
    ),
    PetitionAct(
        event=PetitionForwarded,
        path="forwarding",
        roles=OFFICE_OR_CHAIR,
        possible=require_open,
        check=_check_forwarding,
        check_in_context=_check_agency,
        fold=lambda petition, event: replace(petition, forwarded=(*petition.forwarded, event.agency)),
    ),
    PetitionAct(
        event=AnswerPrepared,
        path="prepared-answer",
        roles=AGENCY_OR_OFFICE,
        possible=require_open,
        check=_check_answer,
        is_owed_by=lambda petition, agency: agency in petition.forwarded and not petition.did(agency, AnswerPrepared),
        check_in_context=_check_agency,
        fold=unchanged,
    ),
)
