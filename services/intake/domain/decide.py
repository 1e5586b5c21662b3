"""The decision: a deed, the aggregate that it is done to, and the world; out come the facts to record, or a refusal."""

from uuid import UUID

import msgspec

from services.intake.domain import errors
from services.intake.domain.annulment import annulled_fact
from services.intake.domain.conference import Conference, conference_after, conference_ids
from services.intake.domain.conference_rules import check_conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import NewFact, unrecorded
from services.intake.domain.field_checks import checked
from services.intake.domain.petition import Petition
from services.intake.domain.petition_rules import check_petition
from services.intake.domain.regulation_rules import check_regulation
from services.intake.domain.reply_clock import NEXT
from services.intake.domain.successors import inherited
from services.intake.domain.surroundings import (
    check_assignment,
    check_conference_context,
    check_lines,
    check_petition_context,
    check_proposal,
    check_receipt,
)
from shared.events import DatedEvent
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


def decide(
    event: DatedEvent, target: Petition | Conference | None, context: DecisionContext, originator_id: UUID
) -> tuple[NewFact, ...]:
    """The facts that the deed comes to; the deed itself first. Raises Refused."""
    event = checked(event, context)
    match target:
        case Petition():
            event = _on_petition(
                event, inherited(target, context.regulation, event.effective_on), context, originator_id
            )
            return (NewFact(originator_id, "petition", target.jurisdiction, event),)
        case Conference():
            return _on_conference(event, target, context, originator_id)
        case _:
            return (_first(event, context, originator_id),)


def related(event: DatedEvent, target: Petition | Conference | None) -> tuple[UUID, ...]:
    """The aggregates that must be loaded for the decision, besides the petitions of a conference."""
    found: list[UUID] = []
    match target:
        case Petition():
            found.extend(target.conferences)
            if isinstance(event, RecordAnnulled):
                found.extend(
                    f.event.into
                    for f in target.facts
                    if f.event_id == event.event_id and isinstance(f.event, PetitionMerged)
                )
        case Conference():
            found.extend(conference_ids(target.facts))
        case None:
            pass
    match event:
        case PetitionScheduled() | PetitionRaised() | PetitionAnsweredAtConference():
            found.append(event.conference_id)
        case PetitionMerged():
            found.append(event.into)
        case SpeakerRegistered(petition_id=petition_id) if petition_id is not None:
            found.append(petition_id)
        case ConferenceProposed():
            found.extend(event.petition_ids)
        case ConclusionNoticeIssued():
            found.extend(line.petition_id for line in event.assignments)
        case _:
            pass
    return tuple(dict.fromkeys(found))


def _first(event: DatedEvent, context: DecisionContext, originator_id: UUID) -> NewFact:
    """The first fact of an aggregate, or any fact of the regulation."""
    match event:
        case PetitionReceived():
            check_receipt(event, context)
            return NewFact(originator_id, "petition", event.jurisdiction, event)
        case ConferenceProposed() | DialogueRequested():
            check_proposal(event, context)
            return NewFact(originator_id, "conference", event.jurisdiction, event)
        case ConferencePlanned():
            check_conference_context(None, event, context)
            return NewFact(originator_id, "conference", event.jurisdiction, event)
        case _ if event.AGGREGATE == "petition":
            raise errors.UnknownPetition(f"there is no petition {originator_id}")
        case _ if event.AGGREGATE in ("conference", ""):
            raise errors.UnknownConference(f"there is no conference {originator_id}")
        case _:
            return NewFact(originator_id, event.AGGREGATE, check_regulation(event, context.regulation), event)


def _on_petition(event: DatedEvent, petition: Petition, context: DecisionContext, originator_id: UUID) -> DatedEvent:
    if event.AGGREGATE not in ("petition", "") or isinstance(event, PetitionReceived):
        raise TypeError(f"{event.TOPIC} is not done to a petition that exists")
    check_petition(petition, event)
    check_petition_context(petition, event, context, originator_id)
    match event:
        case RecordAnnulled():
            return _naming_topic(event, petition, context, originator_id)
        case PetitionMerged():
            return msgspec.structs.replace(event, petitioner_ids=petition.petitioner_ids)
        case _:
            return event


def _on_conference(
    event: DatedEvent, conference: Conference, context: DecisionContext, originator_id: UUID
) -> tuple[NewFact, ...]:
    if event.AGGREGATE not in ("conference", "") or isinstance(event, ConferenceProposed | DialogueRequested):
        raise TypeError(f"{event.TOPIC} is not done to a conference that exists")
    check_conference(conference, event)
    check_conference_context(conference, event, context)
    match event:
        case RecordAnnulled():
            event = _naming_topic(event, conference, context, originator_id)
        case ConclusionNoticeIssued():
            return _concluded(event, conference, context, originator_id)
        case SpeakerRegistered(petition_id=petition_id) if petition_id is not None and not event.petitioner_ids:
            # Nobody in particular is everybody: otherwise erasing them would leave these words behind.
            everybody = context.petition(petition_id, "petition_id").petitioner_ids
            event = msgspec.structs.replace(event, petitioner_ids=everybody)
        case SpeakerCalled() if not event.petitioner_ids:
            event = msgspec.structs.replace(event, petitioner_ids=conference.speaking_for.get(event.speaker, ()))
        case _:
            pass
    return (NewFact(originator_id, "conference", conference.jurisdiction, event),)


def _naming_topic(
    event: RecordAnnulled, target: Petition | Conference, context: DecisionContext, originator_id: UUID
) -> RecordAnnulled:
    fact = annulled_fact(target, event, context, originator_id)
    return msgspec.structs.replace(event, annulled_topic=fact.event.TOPIC)


def _concluded(
    event: ConclusionNoticeIssued, conference: Conference, context: DecisionContext, originator_id: UUID
) -> tuple[NewFact, ...]:
    """The notice, then one assignment for each petition that it names."""
    lines = tuple(_line(index, line) for index, line in enumerate(event.assignments))
    event = msgspec.structs.replace(event, assignments=lines)
    check_lines(event)
    facts = [NewFact(originator_id, "conference", conference.jurisdiction, event)]
    # The notice may be what the replies' clocks are counted from.
    concluded = conference_after(conference, unrecorded(event, NEXT))
    after_notice = msgspec.structs.replace(context, conferences={**context.conferences, originator_id: concluded})
    for index, line in enumerate(lines):
        field = f"assignments[{index}]."
        petition = context.petition(line.petition_id, f"{field}petition_id")
        if originator_id not in petition.raised:
            raise errors.NeverRaised(f"{field}petition_id: {line.petition_id} was not raised at this conference")
        assigned = PetitionAssigned(
            effective_on=event.effective_on,
            agency=line.agency,
            assisting=line.assisting,
            due_on=line.due_on,
            notice_id=THIS_NOTICE,
        )
        check_petition(petition, assigned)
        check_assignment(line.petition_id, petition, assigned, after_notice, field)
        facts.append(NewFact(line.petition_id, "petition", petition.jurisdiction, assigned))
    return tuple(facts)


def _line(index: int, line: ConclusionAssignment) -> ConclusionAssignment:
    try:
        assisting = tuple(agency_code(code) for code in line.assisting)
        return msgspec.structs.replace(line, agency=agency_code(line.agency), assisting=assisting)
    except ValueError as error:
        raise errors.InvalidCode(f"assignments[{index}].agency: {error}") from error
