"""A petition leaves the procedure: taken back, merged into another, or redirected to another procedure."""

from collections.abc import Iterator

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, SYSTEM_OR_OFFICE, PetitionAct, any_body
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import AnyFact, Fact
from services.intake.domain.petition import Petition, ended, require_open
from shared.cases.facts import standing
from shared.events.petition import PetitionMerged, PetitionRedirected, PetitionWithdrawn
from shared.identifiers import is_within


def _check_merger(petition: Petition, event: PetitionMerged, context: DecisionContext) -> None:
    if event.into == context.target_id:
        raise errors.MergingWithItself("into")
    survivor = context.petition(event.into, "into")
    places = (survivor.jurisdiction, petition.jurisdiction)
    if not is_within(*places) and not is_within(*reversed(places)):
        raise errors.MergingElsewhere(
            "into", survivor_place=survivor.jurisdiction, petition_place=petition.jurisdiction
        )
    if survivor.ended:
        raise errors.MergingIntoEndedPetition("into", ended=survivor.ended)


def _with_petitioners(petition: Petition, event: PetitionMerged, context: DecisionContext) -> PetitionMerged:
    """The survivor's later events are sealed under the keys of these petitioners too."""
    return replace(event, petitioner_ids=petition.petitioner_ids)


def _resting_on(merger: Fact[PetitionMerged], context: DecisionContext) -> Iterator[AnyFact]:
    """What was done to the survivor since."""
    if (survivor := context.petitions.get(merger.event.into)) is not None:
        yield from (fact for fact in standing(survivor.facts) if fact.position > merger.position)


PETITION_ACTS = (
    PetitionAct(
        event=PetitionWithdrawn,
        path="withdrawal",
        roles=SYSTEM_OR_OFFICE,
        possible=require_open,
        check=any_body,
        fold=ended,
    ),
    PetitionAct(
        event=PetitionMerged,
        path="merger",
        roles=OFFICE_OR_CHAIR,
        decided=("petitioner_ids",),
        names=lambda event: (event.into,),
        possible=require_open,
        check=any_body,
        check_in_context=_check_merger,
        fill=_with_petitioners,
        fold=lambda petition, event: replace(ended(petition, event), merged_into=event.into),
        resting_on=_resting_on,
    ),
    PetitionAct(
        event=PetitionRedirected,
        path="redirection",
        roles=OFFICE_OR_CHAIR,
        possible=require_open,
        check=any_body,
        fold=ended,
    ),
)
