"""A petition as its standing facts tell it."""

import functools
from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from services.intake.domain.facts import Fact
from shared.cases.facts import standing
from shared.cases.reply_clock import clock_step
from shared.cases.rounds import ENDINGS, Ending, ReplyCase, fold_reply_case
from shared.events import DatedEvent
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    HigherAuthorityAnswered,
    PetitionAssigned,
    PetitionClassified,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    PetitionReassigned,
    PetitionReceived,
    PetitionReopened,
    PetitionScheduled,
    WrittenReplyIssued,
)
from shared.policy import Step
from shared.policy.schema import Trait


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
    channel: str = ""
    accepted_on: date | None = None
    subject: str = ""
    forwarded: tuple[str, ...] = ()
    scheduled: tuple[UUID, ...] = ()
    raised: tuple[UUID, ...] = ()
    lead: str = ""
    assisting: tuple[str, ...] = ()
    assigned: bool = False
    assigned_on: date | None = None
    is_complex: bool = False
    traits: tuple[Trait, ...] = ()
    suspended: bool = False
    steps: tuple[Step, ...] = ()
    escalated: bool = False
    replies: tuple[Reply, ...] = ()
    ended: Ending | Literal[""] = ""
    ended_on: date | None = None
    merged_into: UUID | None = None
    reopened_on: date | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts behind the state, annulled ones too; outside the fields, so that views do not repeat them."""
        found: tuple[Fact, ...] = self.__dict__.get("facts_behind", ())
        return found

    @functools.cached_property
    def reply_case(self) -> ReplyCase[Fact]:
        """The facts on which the clock of the reply depends."""
        case = fold_reply_case(self.facts)
        assert case is not None
        return case

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


def evolve_petition(petition: Petition | None, event: DatedEvent) -> Petition | None:
    """The state after one more deed."""
    if isinstance(event, PetitionReceived):
        return Petition(event.jurisdiction, event.effective_on, event.petitioner_ids, event.channel)
    return None if petition is None else _evolve(petition, event)


def petition_after(petition: Petition, fact: Fact) -> Petition:
    """The state after one more fact, which stays behind it as if it had been recorded."""
    after = msgspec.structs.replace(_evolve(petition, fact.event))
    after.__dict__["facts_behind"] = (*petition.facts, fact)
    return after


def _evolve(petition: Petition, event: DatedEvent) -> Petition:
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
        case AcceptanceNoticeSent():
            return change(petition, accepted_on=event.effective_on)
        case PetitionMarkedComplex() | ExtensionGranted() | ClockSuspended() | ClockResumed():
            return _stepped(petition, event)
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
    cap = clock_step(event)
    steps = petition.steps if cap is None else (*petition.steps, cap)
    return msgspec.structs.replace(
        petition,
        lead=event.agency,
        assisting=event.assisting,
        assigned=True,
        assigned_on=petition.assigned_on or event.effective_on,
        steps=steps,
    )


ClockEvent = PetitionMarkedComplex | ExtensionGranted | ClockSuspended | ClockResumed


def _stepped(petition: Petition, event: ClockEvent) -> Petition:
    step = clock_step(event)
    assert step is not None
    steps = (*petition.steps, step)
    match event:
        case PetitionMarkedComplex():
            traits = (*petition.traits, event.variant)
            return msgspec.structs.replace(petition, is_complex=True, traits=traits, steps=steps)
        case ClockSuspended() | ClockResumed():
            return msgspec.structs.replace(petition, suspended=isinstance(event, ClockSuspended), steps=steps)
        case _:
            return msgspec.structs.replace(petition, steps=steps)


def _reopened(petition: Petition, event: PetitionReopened) -> Petition:
    # A new life with a clock of its own; the agency that had the case keeps sight of it until another gets it.
    return msgspec.structs.replace(
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
