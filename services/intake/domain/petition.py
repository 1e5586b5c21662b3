"""A petition as its standing facts tell it."""

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from services.intake.domain.facts import Fact, standing
from shared.events import Deed
from shared.events.petition import (
    ExtensionGranted,
    HigherAuthorityAnswered,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    PetitionReassigned,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    WrittenReplyIssued,
)

Ending = Literal["", "answered", "withdrawn", "redirected", "merged", "closed"]

#: How a case can end, by the deed that ends it.
ENDINGS: dict[type[Deed], Ending] = {
    PetitionAnsweredAtConference: "answered",
    PetitionWithdrawn: "withdrawn",
    PetitionRedirected: "redirected",
    PetitionMerged: "merged",
    PetitionClosed: "closed",
}


class Step(msgspec.Struct, frozen=True):
    """A deed that may change the due date of the reply: complexity, extension, the chair's own date."""

    kind: Literal["complex", "extension", "chair_date"]
    on: date
    day: date | None = None
    told_on: date | None = None


class Reply(msgspec.Struct, frozen=True):
    """A written reply."""

    number: str
    on: date
    answers: tuple[str, ...] = ()


class Petition(msgspec.Struct, frozen=True, dict=True):
    """The state on which the next deed is judged."""

    jurisdiction: str
    received_on: date
    petitioner_ids: tuple[str, ...] = ()
    subject: str = ""
    forwarded: tuple[str, ...] = ()
    scheduled: tuple[UUID, ...] = ()
    raised: tuple[UUID, ...] = ()
    lead: str = ""
    assisting: tuple[str, ...] = ()
    assigned: bool = False
    is_complex: bool = False
    steps: tuple[Step, ...] = ()
    escalated: bool = False
    replies: tuple[Reply, ...] = ()
    ended: Ending = ""
    ended_on: date | None = None
    merged_into: UUID | None = None
    reopened_on: date | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts behind the state, annulled ones too; outside the fields, so that views do not repeat them."""
        found: tuple[Fact, ...] = self.__dict__.get("facts_behind", ())
        return found

    @property
    def conferences(self) -> tuple[UUID, ...]:
        """Every conference that the petition was scheduled for or raised at."""
        return tuple(dict.fromkeys((*self.scheduled, *self.raised)))

    @property
    def bodies(self) -> frozenset[str]:
        """The agencies that have a part in the case."""
        return frozenset((*self.forwarded, *((self.lead,) if self.lead else ()), *self.assisting))


def fold_petition(facts: Sequence[Fact]) -> Petition | None:
    """The petition in its standing facts; None where nothing was received."""
    petition = None
    for fact in standing(facts):
        petition = evolve_petition(petition, fact.event)
    if petition is not None:
        petition.__dict__["facts_behind"] = tuple(facts)
    return petition


def evolve_petition(petition: Petition | None, event: Deed) -> Petition | None:
    """The state after one more deed."""
    if isinstance(event, PetitionReceived):
        return Petition(event.jurisdiction, event.effective_on, event.petitioner_ids)
    return None if petition is None else _evolve(petition, event)


def _evolve(petition: Petition, event: Deed) -> Petition:
    change = msgspec.structs.replace
    match event:
        case PetitionClassified():
            return change(petition, subject=event.subject)
        case PetitionForwarded():
            return change(petition, forwarded=(*petition.forwarded, event.agency))
        case PetitionScheduled():
            return change(petition, scheduled=(*petition.scheduled, event.conference_id))
        case PetitionRaised():
            return change(petition, raised=(*petition.raised, event.conference_id))
        case PetitionAssigned() | PetitionReassigned():
            return _assigned(petition, event)
        case PetitionMarkedComplex():
            step = Step("complex", event.effective_on)
            return change(petition, is_complex=True, steps=(*petition.steps, step))
        case ExtensionGranted():
            told = max(event.petitioner_told_on, event.committee_told_on)
            step = Step("extension", event.effective_on, event.expected_on, told)
            return change(petition, steps=(*petition.steps, step))
        case PetitionEscalated():
            return change(petition, escalated=True)
        case HigherAuthorityAnswered():
            return change(petition, escalated=False)
        case WrittenReplyIssued():
            reply = Reply(event.number, event.effective_on, event.answers)
            return change(petition, replies=(*petition.replies, reply))
        case PetitionReopened():
            return _reopened(petition, event)
        case _ if type(event) in ENDINGS:
            into = event.into if isinstance(event, PetitionMerged) else None
            return change(petition, ended=ENDINGS[type(event)], ended_on=event.effective_on, merged_into=into)
        case _:
            return petition


def _assigned(petition: Petition, event: PetitionAssigned | PetitionReassigned) -> Petition:
    steps = petition.steps
    if event.due_on is not None:
        steps = (*steps, Step("chair_date", event.effective_on, event.due_on))
    return msgspec.structs.replace(petition, lead=event.agency, assisting=event.assisting, assigned=True, steps=steps)


def _reopened(petition: Petition, event: PetitionReopened) -> Petition:
    # A new life with a clock of its own; the agency that had the case keeps sight of it until another gets it.
    return msgspec.structs.replace(
        petition,
        ended="",
        ended_on=None,
        merged_into=None,
        assigned=False,
        is_complex=False,
        steps=(),
        escalated=False,
        reopened_on=event.effective_on,
    )
