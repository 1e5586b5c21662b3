"""A case is closed, with its reply or on a stated ground, and opened again with a new clock."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, PetitionAct, any_body
from services.intake.domain.context import DecisionContext, require_countable
from services.intake.domain.petition import Petition, ended, require_open
from shared.events.petition import PetitionClosed, PetitionReopened


def _check_ground(petition: Petition, event: PetitionClosed, context: DecisionContext) -> None:
    """A rule of commands alone: of a recorded closing the ground is sealed."""
    if not petition.replies and not event.ground.strip():
        raise errors.ClosingWithoutReplyOrGround("ground")


def _possible_reopening(petition: Petition) -> None:
    if not petition.ended or petition.ended_on is None:
        raise errors.NeverEnded
    if petition.merged_into is not None:
        raise errors.ReopeningMergedPetition(survivor=petition.merged_into)


def _check_reopening(petition: Petition, event: PetitionReopened) -> None:
    if petition.ended_on is not None and event.effective_on < petition.ended_on:
        raise errors.ReopenedBeforeEnd("effective_on", ended_on=petition.ended_on)


def _check_clock(petition: Petition, event: PetitionReopened, context: DecisionContext) -> None:
    require_countable(context, petition.jurisdiction, ("reply",), event.effective_on)


def _reopened(petition: Petition, event: PetitionReopened) -> Petition:
    # A new round with a clock of its own; the agency that had the case keeps sight of it until another gets it.
    return replace(
        petition,
        ended="",
        ended_on=None,
        merged_into=None,
        assigned=False,
        is_complex=False,
        traits=(),
        suspended=False,
        steps=(),
        escalated=False,
        reopened_on=event.effective_on,
    )


PETITION_ACTS = (
    PetitionAct(
        event=PetitionClosed,
        path="closure",
        roles=OFFICE_OR_CHAIR,
        possible=require_open,
        check=any_body,
        check_in_context=_check_ground,
        fold=ended,
    ),
    PetitionAct(
        event=PetitionReopened,
        path="reopening",
        roles=OFFICE_OR_CHAIR,
        rests_on_rules=True,
        possible=_possible_reopening,
        check=_check_reopening,
        check_in_context=_check_clock,
        fold=_reopened,
    ),
)
