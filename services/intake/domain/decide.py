"""The decision: from an event, the aggregate that it is done to and the context to the facts to record, or a refusal.

Every rule stands with its act, in `acts`; here the acts are only asked, in the order that `acts.act` says.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec

from services.intake.domain import errors
from services.intake.domain.acts import (
    CONFERENCE_ACTS,
    CONFERENCE_CREATING,
    PETITION_ACTS,
    AnyAct,
    act_on,
)
from services.intake.domain.acts.act import (
    AnyConferenceAct,
    AnyPetitionAct,
    ConferenceAct,
    CreatingAct,
    PetitionAct,
    RegulationAct,
    check_conference,
    check_petition,
)
from services.intake.domain.annulment import annulled, survivor_of_annulled
from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.facts import AnyFact, AnyNewFact, NewFact
from services.intake.domain.field_checks import checked
from services.intake.domain.permissions import Caller, may_ever
from services.intake.domain.petition import Petition
from services.intake.domain.successors import inherited
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.identifiers import derived_id


def decide(
    event: DatedEvent, target: Petition | Conference | None, context: DecisionContext, originator_id: UUID
) -> tuple[AnyNewFact, ...]:
    """The facts that the event comes to; the event itself first. Raises Refused."""
    if context.target_id != originator_id:
        context = msgspec.structs.replace(context, target_id=originator_id)
    act = act_on(type(event), target)
    if act is None:
        raise _without_act(event, target, originator_id)
    _possible(act, target, context)
    event = checked(event, context, act.not_empty)
    match target:
        case Petition():
            return _on_petition(PETITION_ACTS[type(event)], event, target, context)
        case Conference():
            return _on_conference(CONFERENCE_ACTS[type(event)], event, target, context)
        case None:
            return (_first(act, event, context),)


def possible(
    event: type[DatedEvent], target: Petition | Conference | None, context: DecisionContext, caller: Caller
) -> None:
    """Refuse a command that this caller could not give with any body. Raises Refused, TypeError for no such act."""
    act = act_on(event, target)
    if act is None:
        raise TypeError(f"{event.TOPIC} is not done to {'nothing' if target is None else type(target).__name__}")
    may_ever(caller, act, target, context)
    _possible(act, target, context)


def related(event: DatedEvent, target: Petition | Conference | None) -> tuple[UUID, ...]:
    """The aggregates that must be loaded for the decision, besides the petitions of a conference."""
    found = list(named_before(target)) if target is not None else []
    if isinstance(target, Petition) and isinstance(event, RecordAnnulled):
        found.extend(survivor_of_annulled(event, target))
    act = act_on(type(event), target)
    if act is not None:
        found.extend(act.names(event))
    return tuple(dict.fromkeys(found))


def named_before(target: Petition | Conference) -> tuple[UUID, ...]:
    """The aggregates that a case names so far, on which every decision about it may rest."""
    return target.conferences if isinstance(target, Petition) else _named_by(target.facts)


def clocks_looked_at(event: DatedEvent, target: Petition | Conference | None, originator_id: UUID) -> tuple[UUID, ...]:
    """The petitions at whose reply's clock the decision looks."""
    act = act_on(type(event), target)
    return tuple(act.clocks(event, originator_id)) if act is not None else ()


def _named_by(facts: Sequence[AnyFact]) -> tuple[UUID, ...]:
    """The petitions that the facts of a conference name."""
    acts = (CONFERENCE_ACTS.get(type(fact.event)) or CONFERENCE_CREATING[type(fact.event)] for fact in facts)
    named = (act.names(fact.event) for act, fact in zip(acts, facts, strict=True))
    return tuple(dict.fromkeys(chain.from_iterable(named)))


def _possible(act: AnyAct, target: Petition | Conference | None, context: DecisionContext) -> None:
    """Refuse what no body would make possible. Raises Refused."""
    match act, target:
        case PetitionAct(), Petition():
            act.possible(target)
            act.possible_in_context(target, context)
        case ConferenceAct(), Conference():
            act.possible(target)
            act.possible_in_context(target, context)
        case _:
            return  # what begins is judged by its body alone, and so is the register


def _on_petition(
    act: AnyPetitionAct, event: DatedEvent, target: Petition, context: DecisionContext
) -> tuple[AnyNewFact, ...]:
    petition = inherited(target, context.regulation, event.effective_on)
    check_petition(act, petition, event)
    act.check_in_context(petition, event, context)
    if isinstance(event, RecordAnnulled):
        event = annulled(event, petition, context)
    else:
        event = act.fill(petition, event, context)
    return (NewFact(context.target_id, "petition", petition.jurisdiction, event),)


def _on_conference(
    act: AnyConferenceAct, event: DatedEvent, conference: Conference, context: DecisionContext
) -> tuple[AnyNewFact, ...]:
    check_conference(act, conference, event)
    act.check_in_context(conference, event, context)
    if isinstance(event, RecordAnnulled):
        event = annulled(event, conference, context)
    else:
        event = act.fill(conference, event, context)
    own = NewFact(context.target_id, "conference", conference.jurisdiction, event)
    return (own, *act.brings(conference, event, context))


def _first(act: AnyAct, event: DatedEvent, context: DecisionContext) -> AnyNewFact:
    """The first fact of a petition or conference, or any fact of the regulation."""
    match act:
        case CreatingAct():
            act.check_in_context(event, context)
            event = act.fill(event, context)
            first: Any = event  # each names the jurisdiction in which the case begins
            jurisdiction = first.jurisdiction
        case RegulationAct():
            jurisdiction = act.check(event, context.regulation)
            if act.stream and context.target_id != derived_id(act.stream, jurisdiction):
                raise errors.UnknownRecord("event_id", event_id=getattr(event, "event_id", ""))
            return NewFact(context.target_id, act.aggregate, jurisdiction, act.fill(event))
        case _:
            raise TypeError(f"{event.TOPIC} is done to a case that exists")
    return NewFact(context.target_id, event.AGGREGATE, jurisdiction, event)


def _without_act(event: DatedEvent, target: Petition | Conference | None, originator_id: UUID) -> Exception:
    """What is done to a case that is not there is refused; what is done to a case of the wrong kind is a fault."""
    if target is None and event.AGGREGATE == "petition":
        return errors.UnknownPetition(petition_id=originator_id)
    if target is None and event.AGGREGATE in ("conference", ""):
        return errors.UnknownConference(conference_id=originator_id)
    return TypeError(f"{event.TOPIC} is not done to {'nothing' if target is None else type(target).__name__}")
