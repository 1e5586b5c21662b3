"""A petition as its standing facts make it, and what several acts ask of it."""

import functools
from collections.abc import Collection, Iterable
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from services.intake.domain import errors
from services.intake.domain.facts import AnyFact
from shared.cases.facts import standing
from shared.cases.rounds import ENDINGS, Ending, ReplyCase, fold_reply_case
from shared.events import DatedEvent
from shared.events.petition import (
    AgencyResultReported,
    AnswerPrepared,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionMarkedComplex,
)
from shared.identifiers import normalised
from shared.policy import Step
from shared.policy.schema import Trait


class Reply(msgspec.Struct, frozen=True):
    """A written reply."""

    number: str
    on: date
    answers: tuple[str, ...] = ()


class Petition(msgspec.Struct, frozen=True, dict=True):
    """The state on which the next command is judged."""

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
    #: The day of the assignment that made the lead agency the lead.
    led_since: date | None = None
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
    def facts(self) -> tuple[AnyFact, ...]:
        """The facts behind the state, annulled ones too; outside the fields, so that views do not repeat them."""
        found: tuple[AnyFact, ...] = self.__dict__.get("facts_behind", ())
        return found

    @functools.cached_property
    def reply_case(self) -> ReplyCase[AnyFact]:
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
        return frozenset((*self.forwarded, *self.assigned_to))

    @property
    def assigned_to(self) -> frozenset[str]:
        """The agency that leads the case now, and those that assist in it."""
        return frozenset((*((self.lead,) if self.lead else ()), *self.assisting))

    @property
    def in_charge(self) -> frozenset[str]:
        """The agencies that act on the case and read it: lead and assistants, or who prepares while nobody leads."""
        return self.assigned_to if self.lead else frozenset(self.forwarded)

    def did(self, agency: str, kind: type[AnswerPrepared | AgencyResultReported]) -> bool:
        """Whether an agency has prepared its answer, or reported its result."""
        return any(isinstance(fact.event, kind) and fact.event.agency == agency for fact in standing(self.facts))


def recorded_ids(named: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The petitioners named, by the ids on record: releases up to 0.2 kept blanks around an id."""
    if all(each in known for each in named):
        return tuple(named)
    kept = {normalised(each): each for each in known}
    return tuple(kept.get(normalised(each), each) for each in named)


def require_open(petition: Petition) -> None:
    """Nothing is done to a case that has ended, but what an act says otherwise. Raises CaseEnded."""
    if petition.merged_into is not None:
        raise errors.CaseEnded(None, "merged", ended_on=petition.ended_on, survivor=petition.merged_into)
    if petition.ended:
        raise errors.CaseEnded(ended=petition.ended, ended_on=petition.ended_on)


def require_answerable(petition: Petition) -> None:
    """An open case, whatever it waits for. Raises AnsweringWithdrawnPetition, CaseEnded."""
    if petition.ended == "withdrawn":
        raise errors.AnsweringWithdrawnPetition
    require_open(petition)


def require_in_charge(petition: Petition, agency: str) -> None:
    """The agency leads the case or assists in it. Raises NeverAssigned."""
    if agency not in (petition.lead, *petition.assisting):
        raise errors.NeverAssigned("agency", "other-agency", agency=agency)


def ended(petition: Petition, event: DatedEvent) -> Petition:
    """The petition with its end."""
    return msgspec.structs.replace(petition, ended=ENDINGS[type(event)], ended_on=event.effective_on)


ClockEvent = PetitionMarkedComplex | ExtensionGranted | ClockSuspended | ClockResumed
