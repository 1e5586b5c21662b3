"""Taking a wrong record back: refused where a later fact would be impossible without it."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain import errors
from services.intake.domain.conference import Conference, evolve_conference
from services.intake.domain.conference_rules import check_conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import Fact
from services.intake.domain.petition import Petition, evolve_petition
from services.intake.domain.petition_rules import check_petition
from shared.cases.facts import annulled_ids, standing
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import (
    ConferenceClosed,
    ConferenceOpened,
    ConferencePlanned,
    ConferenceProposed,
    DialogueRequested,
)
from shared.events.petition import PersonalDataErased, PetitionAssigned, PetitionMerged, PetitionReceived


def annulled_fact(
    target: Petition | Conference, event: RecordAnnulled, context: DecisionContext, target_id: UUID
) -> Fact:
    """The record that is taken back. Raises AnnulmentRefused."""
    fact = next((fact for fact in target.facts if fact.event_id == event.event_id), None)
    if fact is None:
        raise errors.UnknownRecord(f"event_id: this case holds no record {event.event_id}")
    if fact.event_id in annulled_ids(target.facts):
        raise errors.AlreadyAnnulled("event_id: the record was taken back before")
    if isinstance(fact.event, RecordAnnulled | PersonalDataErased):
        raise errors.NotAnnullable(f"event_id: {fact.event.TOPIC} is not taken back")
    if event.effective_on < fact.on:
        raise errors.InvalidValue(f"effective_on: {event.effective_on} is before the record, which is of {fact.on}")
    _check_own(standing(target.facts), fact)
    _check_others(fact, context, target_id)
    return fact


def _check_own(facts: Sequence[Fact], annulled: Fact) -> None:
    before = _refusals(facts)
    after = _refusals([fact for fact in facts if fact is not annulled])
    for fact in facts:
        # What was impossible before (a rule that came later) does not rest on the record.
        if fact.event_id in after and fact.event_id not in before:
            raise errors.LaterFactsRestOnIt(
                f"event_id: {fact.event.TOPIC} of {fact.on} rests on it ({after[fact.event_id]}); annul that first"
            )


def _refusals(facts: Sequence[Fact]) -> dict[UUID, str]:
    """Which facts their own stream would refuse, folded one after the other."""
    petition: Petition | None = None
    conference: Conference | None = None
    refused: dict[UUID, str] = {}
    for fact in facts:
        event = fact.event
        try:
            _judge(petition, conference, event)
        except errors.Refused as refusal:
            refused[fact.event_id] = refusal.code
        petition = evolve_petition(petition, event)
        conference = evolve_conference(conference, event)
    return refused


def _judge(petition: Petition | None, conference: Conference | None, event: DatedEvent) -> None:
    if petition is not None:
        check_petition(petition, event, recorded=True)
    elif conference is not None:
        check_conference(conference, event, recorded=True)
    elif not isinstance(event, PetitionReceived | ConferenceProposed | DialogueRequested | ConferencePlanned):
        raise errors.UnknownRecord("the case itself would be missing")


def _check_others(annulled: Fact, context: DecisionContext, target_id: UUID) -> None:
    """Facts of other cases that rest on the record."""
    match annulled.event:
        case ConferencePlanned() | ConferenceOpened() | ConferenceClosed():
            for petition in context.petitions.values():
                if target_id in petition.conferences:
                    _refuse_later(petition, annulled)
        case PetitionMerged(into=into):
            if (survivor := context.petitions.get(into)) is not None:
                _refuse_later(survivor, annulled)
        case _:
            pass
    for petition in context.petitions.values():
        for fact in standing(petition.facts):
            if isinstance(fact.event, PetitionAssigned) and fact.event.notice_id == annulled.event_id:
                raise errors.LaterFactsRestOnIt("event_id: its assignments rest on it; annul them first")


def _refuse_later(petition: Petition, annulled: Fact) -> None:
    for fact in standing(petition.facts):
        if fact.position > annulled.position:
            raise errors.LaterFactsRestOnIt(
                f"event_id: {fact.event.TOPIC} of {fact.on} in a petition rests on it; annul that first"
            )
