"""The decision: a deed, the aggregate that it is done to, and the world; out come the facts to record, or a refusal."""

from uuid import UUID

import msgspec

from services.intake.domain import errors
from services.intake.domain.annulment import annulled_fact
from services.intake.domain.conference import Conference, conference_ids
from services.intake.domain.conference_rules import check_conference
from services.intake.domain.context import World
from services.intake.domain.facts import NewFact
from services.intake.domain.field_checks import checked
from services.intake.domain.petition import Petition
from services.intake.domain.petition_rules import check_petition
from services.intake.domain.regulation_rules import check_regulation
from services.intake.domain.successors import inherited
from services.intake.domain.surroundings import (
    check_around_conference,
    check_around_petition,
    check_assignment,
    check_lines,
    check_proposal,
    check_receipt,
)
from shared.events import Deed
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import (
    ConclusionAssignment,
    ConclusionNoticeIssued,
    ConferencePlanned,
    ConferenceProposed,
    DialogueRequested,
    SpeakerCalled,
    SpeakerRegistered,
)
from shared.events.petition import (
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionMerged,
    PetitionRaised,
    PetitionReceived,
    PetitionScheduled,
)
from shared.identifiers import agency_code

#: Stands for the id of the notice that is being recorded; the recorder, which draws the ids, puts it in.
THIS_NOTICE = UUID(int=0)


def decide(deed: Deed, target: Petition | Conference | None, world: World, originator_id: UUID) -> tuple[NewFact, ...]:
    """The facts that the deed comes to; the deed itself first. Raises Refused."""
    deed = checked(deed, world)
    match target:
        case Petition():
            event = _on_petition(deed, inherited(target, world.regulation, deed.effective_on), world, originator_id)
            return (NewFact(originator_id, "petition", target.jurisdiction, event),)
        case Conference():
            return _on_conference(deed, target, world, originator_id)
        case _:
            return (_first(deed, world, originator_id),)


def related(deed: Deed, target: Petition | Conference | None) -> tuple[UUID, ...]:
    """The aggregates that must be loaded for the decision, besides the petitions of a conference."""
    found: list[UUID] = []
    match target:
        case Petition():
            found.extend(target.conferences)
            if isinstance(deed, RecordAnnulled):
                found.extend(
                    f.event.into
                    for f in target.facts
                    if f.event_id == deed.event_id and isinstance(f.event, PetitionMerged)
                )
        case Conference():
            found.extend(conference_ids(target.facts))
        case None:
            pass
    match deed:
        case PetitionScheduled() | PetitionRaised() | PetitionAnsweredAtConference():
            found.append(deed.conference_id)
        case PetitionMerged():
            found.append(deed.into)
        case SpeakerRegistered(petition_id=petition_id) if petition_id is not None:
            found.append(petition_id)
        case ConferenceProposed():
            found.extend(deed.petition_ids)
        case ConclusionNoticeIssued():
            found.extend(line.petition_id for line in deed.assignments)
        case _:
            pass
    return tuple(dict.fromkeys(found))


def _first(deed: Deed, world: World, originator_id: UUID) -> NewFact:
    """The first fact of an aggregate, or any fact of the regulation."""
    match deed:
        case PetitionReceived():
            check_receipt(deed, world)
            return NewFact(originator_id, "petition", deed.jurisdiction, deed)
        case ConferenceProposed() | DialogueRequested():
            check_proposal(deed, world)
            return NewFact(originator_id, "conference", deed.jurisdiction, deed)
        case ConferencePlanned():
            check_around_conference(None, deed, world)
            return NewFact(originator_id, "conference", deed.jurisdiction, deed)
        case _ if deed.AGGREGATE == "petition":
            raise errors.UnknownPetition(f"there is no petition {originator_id}")
        case _ if deed.AGGREGATE in ("conference", ""):
            raise errors.UnknownConference(f"there is no conference {originator_id}")
        case _:
            return NewFact(originator_id, deed.AGGREGATE, check_regulation(deed, world.regulation), deed)


def _on_petition(deed: Deed, petition: Petition, world: World, originator_id: UUID) -> Deed:
    if deed.AGGREGATE not in ("petition", "") or isinstance(deed, PetitionReceived):
        raise TypeError(f"{deed.TOPIC} is not done to a petition that exists")
    check_petition(petition, deed)
    check_around_petition(petition, deed, world, originator_id)
    match deed:
        case RecordAnnulled():
            return _naming_topic(deed, petition, world, originator_id)
        case PetitionMerged():
            return msgspec.structs.replace(deed, petitioner_ids=petition.petitioner_ids)
        case _:
            return deed


def _on_conference(deed: Deed, conference: Conference, world: World, originator_id: UUID) -> tuple[NewFact, ...]:
    if deed.AGGREGATE not in ("conference", "") or isinstance(deed, ConferenceProposed | DialogueRequested):
        raise TypeError(f"{deed.TOPIC} is not done to a conference that exists")
    check_conference(conference, deed)
    check_around_conference(conference, deed, world)
    match deed:
        case RecordAnnulled():
            deed = _naming_topic(deed, conference, world, originator_id)
        case ConclusionNoticeIssued():
            return _concluded(deed, conference, world, originator_id)
        case SpeakerRegistered(petition_id=petition_id) if petition_id is not None and not deed.petitioner_ids:
            # Nobody in particular is everybody: otherwise erasing them would leave these words behind.
            everybody = world.petition(petition_id, "petition_id").petitioner_ids
            deed = msgspec.structs.replace(deed, petitioner_ids=everybody)
        case SpeakerCalled() if not deed.petitioner_ids:
            deed = msgspec.structs.replace(deed, petitioner_ids=conference.speaking_for.get(deed.speaker, ()))
        case _:
            pass
    return (NewFact(originator_id, "conference", conference.jurisdiction, deed),)


def _naming_topic(
    deed: RecordAnnulled, target: Petition | Conference, world: World, originator_id: UUID
) -> RecordAnnulled:
    fact = annulled_fact(target, deed, world, originator_id)
    return msgspec.structs.replace(deed, annulled_topic=fact.event.TOPIC)


def _concluded(
    deed: ConclusionNoticeIssued, conference: Conference, world: World, originator_id: UUID
) -> tuple[NewFact, ...]:
    """The notice, then one assignment for each petition that it names."""
    lines = tuple(_line(index, line) for index, line in enumerate(deed.assignments))
    deed = msgspec.structs.replace(deed, assignments=lines)
    check_lines(deed)
    facts = [NewFact(originator_id, "conference", conference.jurisdiction, deed)]
    for index, line in enumerate(lines):
        field = f"assignments[{index}]."
        petition = world.petition(line.petition_id, f"{field}petition_id")
        if originator_id not in petition.raised:
            raise errors.NeverRaised(f"{field}petition_id: {line.petition_id} was not raised at this conference")
        assigned = PetitionAssigned(
            effective_on=deed.effective_on,
            agency=line.agency,
            assisting=line.assisting,
            due_on=line.due_on,
            notice_id=THIS_NOTICE,
        )
        check_petition(petition, assigned)
        # The conference at hand is part of what the reply's clock is counted from.
        around = msgspec.structs.replace(world, conferences={**world.conferences, originator_id: conference})
        check_assignment(petition, assigned, around, field)
        facts.append(NewFact(line.petition_id, "petition", petition.jurisdiction, assigned))
    return tuple(facts)


def _line(index: int, line: ConclusionAssignment) -> ConclusionAssignment:
    try:
        assisting = tuple(agency_code(code) for code in line.assisting)
        return msgspec.structs.replace(line, agency=agency_code(line.agency), assisting=assisting)
    except ValueError as error:
        raise errors.InvalidCode(f"assignments[{index}].agency: {error}") from error
