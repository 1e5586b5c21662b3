"""A receipt says something else than was understood at first: what its sender corrects, or the office."""

from datetime import date

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, PetitionAct, always
from services.intake.domain.acts.petition.receive import check_receipt
from services.intake.domain.catalogues import with_code
from services.intake.domain.context import DecisionContext
from services.intake.domain.petition import Petition, recorded_ids
from services.intake.domain.receipt_fields import with_receipt_fields
from shared.cases.corrections import CORRECTABLE
from shared.cases.facts import standing
from shared.events.petition import PersonalDataErased, PetitionCorrected, PetitionReceived

#: What a correction says of every field, where it says nothing else.
_NOTHING = PetitionCorrected(effective_on=date.min)

#: What may be dated before the receipt, or is the receipt itself as it was understood at some time.
_NO_ACTS = (PetitionReceived, PetitionCorrected, PersonalDataErased)


def correctable(petition: Petition) -> bool:
    """Whether who pushed a petition corrects it alone: until an official has classified it, or the case has ended."""
    return not petition.subject and not petition.ended


def _named(event: PetitionCorrected) -> tuple[str, ...]:
    """The fields that it corrects: those that it names, and those that it gives."""
    given = [name for name in CORRECTABLE if getattr(event, name) != getattr(_NOTHING, name)]
    return tuple(sorted({*event.corrected, *given}))


def _check(petition: Petition, event: PetitionCorrected) -> None:
    """It corrects something, and leaves the receipt before all that was done to it."""
    if unknown := sorted({*event.corrected} - CORRECTABLE.keys()):
        raise errors.InvalidValue("corrected", "not-correctable", name=unknown[0], allowed=sorted(CORRECTABLE))
    if not (named := _named(event)):
        raise errors.InvalidValue("corrected", "none-listed")
    if "received_on" in named:
        if event.received_on is None:
            raise errors.InvalidValue("received_on", "empty")
        acts = [fact for fact in standing(petition.facts) if not isinstance(fact.event, _NO_ACTS)]
        first = min(acts, key=lambda fact: fact.on, default=None)
        if first is not None and first.on < event.received_on:
            raise errors.InvalidValue("received_on", "after-acts", day=event.received_on, first=first.on)
    erased = {fact.event.petitioner_id for fact in petition.facts if isinstance(fact.event, PersonalDataErased)}
    if unknown := sorted(
        {*event.identities} & erased or {*event.identities} - {*petition.petitioner_ids, *event.petitioner_ids}
    ):
        raise errors.InvalidValue("identities", "no-petitioner", label=unknown[0])


def _check_day(petition: Petition, event: PetitionCorrected, context: DecisionContext) -> None:
    """A corrected day of receipt is one on which it could have come in."""
    if event.received_on is None:
        return
    if event.received_on > context.today:
        raise errors.FutureDeed("received_on", day=event.received_on, today=context.today)
    context.regulation.require_calendar(event.received_on, "received_on")
    check_receipt(petition.jurisdiction, event.received_on, context)


def _filled(petition: Petition, event: PetitionCorrected, context: DecisionContext) -> PetitionCorrected:
    named = _named(event)
    ids: tuple[str, ...] = ()
    if "petitioner_ids" in named:
        ids = tuple(
            dict.fromkeys((*petition.petitioner_ids, *recorded_ids(event.petitioner_ids, petition.petitioner_ids)))
        )
    filled = with_receipt_fields(replace(event, corrected=named, petitioner_ids=ids), context)
    return with_code(filled, petition.jurisdiction, context)


def _fold(petition: Petition, event: PetitionCorrected) -> Petition:
    named = event.corrected
    return replace(
        petition,
        received_on=event.received_on or petition.received_on,
        petitioner_ids=event.petitioner_ids if "petitioner_ids" in named else petition.petitioner_ids,
        channel=event.channel if "channel" in named else petition.channel,
    )


PETITION_ACTS = (
    PetitionAct(
        event=PetitionCorrected,
        path="correction",
        roles=OFFICE_OR_CHAIR,
        # What was received can be found wrong whatever has become of it since.
        possible=always,
        check=_check,
        check_in_context=_check_day,
        fill=_filled,
        fold=_fold,
    ),
)
