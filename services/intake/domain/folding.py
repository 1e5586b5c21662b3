"""From facts to states: each fact is folded by its act."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from services.intake.domain.acts import (
    CONFERENCE_ACTS,
    CONFERENCE_CREATING,
    PETITION_ACTS,
    PETITION_CREATING,
    REGULATION_ACTS,
)
from services.intake.domain.acts.act import after_act
from services.intake.domain.conference import Conference
from services.intake.domain.facts import AnyFact
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from shared.cases.facts import annulled_ids, standing
from shared.events import DatedEvent


def fold_petition(facts: Sequence[AnyFact]) -> Petition | None:
    """The petition in its standing facts; None where nothing was received."""
    petition = None
    for fact in standing(facts):
        petition = evolve_petition(petition, fact.event)
    if petition is not None:
        petition.__dict__["facts_behind"] = tuple(facts)
    return petition


def evolve_petition(petition: Petition | None, event: DatedEvent) -> Petition | None:
    """The state after one more event."""
    if (creating := PETITION_CREATING.get(type(event))) is not None:
        return creating.begin(event)
    return None if petition is None else PETITION_ACTS[type(event)].fold(petition, event)


def petition_after(petition: Petition, fact: AnyFact) -> Petition:
    """The petition after one more fact, which stays behind its state."""
    return after_act(PETITION_ACTS[type(fact.event)], petition, fact)


def fold_conference(facts: Sequence[AnyFact]) -> Conference | None:
    """The conference in its standing facts; None where there is neither proposal nor plan."""
    conference = None
    for fact in standing(facts):
        conference = evolve_conference(conference, fact.event)
    if conference is not None:
        conference.__dict__["facts_behind"] = tuple(facts)
    return conference


def evolve_conference(conference: Conference | None, event: DatedEvent) -> Conference | None:
    """The state after one more event."""
    if conference is not None and (act := CONFERENCE_ACTS.get(type(event))) is not None:
        return act.fold(conference, event)
    creating = CONFERENCE_CREATING.get(type(event))
    return creating.begin(event) if creating is not None else None


def conference_after(conference: Conference, fact: AnyFact) -> Conference:
    """The conference after one more fact, which stays behind its state."""
    after = replace(CONFERENCE_ACTS[type(fact.event)].fold(conference, fact.event))
    after.__dict__["facts_behind"] = (*conference.facts, fact)
    return after


def fold_regulation(facts: Iterable[AnyFact]) -> Regulation:
    """The regulation in its standing facts, which come in the order recorded."""
    regulation, known = Regulation(), list(facts)
    regulation.annulled = annulled_ids(known)
    for fact in standing(known):
        REGULATION_ACTS[type(fact.event)].fold(regulation, fact)
    regulation.derive()
    return regulation
