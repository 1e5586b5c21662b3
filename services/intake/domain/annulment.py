"""Taking a wrong record back: refused where a later fact would be impossible without it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts import CONFERENCE_ACTS, CONFERENCE_CREATING, PETITION_ACTS, PETITION_CREATING
from services.intake.domain.acts.act import check_conference, check_petition
from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import AnyFact
from services.intake.domain.folding import evolve_conference, evolve_petition
from services.intake.domain.petition import Petition
from shared.cases.facts import annulled_ids, standing
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.petition import PersonalDataErased, PetitionMerged


def annulled(event: RecordAnnulled, target: Petition | Conference, context: DecisionContext) -> RecordAnnulled:
    """The annulment, naming the topic of the record that it takes back. Raises AnnulmentRefused, WrongContent."""
    fact = next((fact for fact in target.facts if fact.event_id == event.event_id), None)
    if fact is None:
        raise errors.UnknownRecord("event_id", event_id=event.event_id)
    if fact.event_id in annulled_ids(target.facts):
        raise errors.AlreadyAnnulled("event_id")
    _check_annullable(fact.event)
    if event.effective_on < fact.on:
        raise errors.InvalidValue("effective_on", "before-record", day=event.effective_on, record_day=fact.on)
    _check_own(standing(target.facts), fact)
    for resting in _resting_on(fact, target, context):
        raise errors.LaterFactsRestOnIt("event_id", "petition", topic=resting.event.TOPIC, day=resting.on)
    return replace(event, annulled_topic=fact.event.TOPIC)


def survivor_of_annulled(event: RecordAnnulled, petition: Petition) -> Iterable[UUID]:
    """The petition into which the record that is taken back merged this one, if it did."""
    for fact in petition.facts:
        if fact.event_id == event.event_id and isinstance(fact.event, PetitionMerged):
            yield fact.event.into


def _check_annullable(event: DatedEvent) -> None:
    if isinstance(event, RecordAnnulled):
        raise errors.NotAnnullable("event_id", "annulment", topic=event.TOPIC)
    if isinstance(event, PersonalDataErased):
        raise errors.NotAnnullable("event_id", "erasure", topic=event.TOPIC)


def _check_own(facts: Sequence[AnyFact], taken_back: AnyFact) -> None:
    before = _refusals(facts)
    after = _refusals([fact for fact in facts if fact is not taken_back])
    for fact in facts:
        # What was impossible before (a rule that came later) does not rest on the record.
        if fact.event_id in after and fact.event_id not in before:
            raise errors.LaterFactsRestOnIt(
                "event_id", topic=fact.event.TOPIC, day=fact.on, reason=after[fact.event_id]
            )


def _refusals(facts: Sequence[AnyFact]) -> dict[UUID, str]:
    """Which facts their own stream would refuse, folded one after the other, and by which code."""
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
    """Judge a recorded fact by its own stream alone. Raises Refused."""
    if petition is not None:
        act = PETITION_ACTS[type(event)]
        act.possible(petition)
        check_petition(act, petition, event)
    elif conference is not None:
        conference_act = CONFERENCE_ACTS[type(event)]
        conference_act.possible(conference)
        check_conference(conference_act, conference, event)
    elif type(event) not in PETITION_CREATING and type(event) not in CONFERENCE_CREATING:
        raise errors.UnknownRecord(None, "case")


def _resting_on(fact: AnyFact, target: Petition | Conference, context: DecisionContext) -> Iterable[AnyFact]:
    """Facts of other cases that would be impossible without the record."""
    match target:
        case Petition():
            petition_act = PETITION_ACTS.get(type(fact.event))
            return petition_act.resting_on(fact, context) if petition_act else ()
        case Conference():
            conference_act = CONFERENCE_ACTS.get(type(fact.event))
            return conference_act.resting_on(fact, context) if conference_act else ()
