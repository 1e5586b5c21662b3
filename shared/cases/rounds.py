"""A petition from its receipt, or from a reopening, to its end: what its reply depends on of its own facts."""

from collections.abc import Iterable
from typing import Any, Generic, Literal, assert_never
from uuid import UUID

import msgspec

from shared.cases.corrections import corrected
from shared.cases.facts import F, by_effect, standing
from shared.events import Event
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClosed,
    PetitionCorrected,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    PetitionReassigned,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionWithdrawn,
    RefusalNoticeSent,
    WrittenReplyIssued,
)

Ending = Literal["answered", "withdrawn", "redirected", "merged", "closed", "refused"]

#: The events that end a case.
EndingEvent = (
    PetitionAnsweredAtConference
    | PetitionWithdrawn
    | PetitionRedirected
    | PetitionMerged
    | PetitionClosed
    | RefusalNoticeSent
)
#: The events after the receipt that a reply depends on.
ReplyEvent = (
    PetitionCorrected
    | PetitionRaised
    | PetitionAssigned
    | PetitionReassigned
    | PetitionMarkedComplex
    | ExtensionGranted
    | ClockSuspended
    | ClockResumed
    | AcceptanceNoticeSent
    | WrittenReplyIssued
    | PetitionReopened
    | EndingEvent
)

#: How a case can end, by the event that ends it.
ENDINGS: dict[type[Event], Ending] = {
    PetitionAnsweredAtConference: "answered",
    PetitionWithdrawn: "withdrawn",
    PetitionRedirected: "redirected",
    PetitionMerged: "merged",
    PetitionClosed: "closed",
    RefusalNoticeSent: "refused",
}


class Round(msgspec.Struct, Generic[F]):
    """One round of a case, from its receipt or a reopening to its end. `steps` happened to its reply clock."""

    reopened: F | None = None
    accepted: list[F] = []
    steps: list[F] = []
    replies: list[F] = []
    end: F | None = None

    @property
    def complex(self) -> list[F]:
        """The decisions that the case has another limit."""
        return [fact for fact in self.steps if isinstance(fact.event, PetitionMarkedComplex)]

    @property
    def extensions(self) -> list[F]:
        """The times that more time was granted."""
        return [fact for fact in self.steps if isinstance(fact.event, ExtensionGranted)]


class ReplyCase(msgspec.Struct, Generic[F]):
    """A petition as far as its reply depends on it. `assigned` is in the order in which it took effect.

    `received` is the receipt as it reads now; `overtaken` as it read before each correction, with that one's position.
    """

    received: F
    rounds: list[Round[F]]
    raised: list[UUID] = []
    assigned: list[F] = []
    overtaken: list[tuple[int, F]] = []

    @property
    def receipt(self) -> PetitionReceived:
        assert isinstance(self.received.event, PetitionReceived)
        return self.received.event

    @property
    def jurisdiction(self) -> str:
        return self.receipt.jurisdiction

    @property
    def round(self) -> Round[F]:
        """The round that goes on, or the last one."""
        return self.rounds[-1]

    def round_at(self, position: int) -> int:
        """The index of the round to which a place in the log belongs; what lies before the case is of the first."""
        starts = [0, *(r.reopened.position for r in self.rounds if r.reopened)]
        return max(i for i, start in enumerate(starts) if start <= position)

    @property
    def survivor(self) -> UUID | None:
        """The petition into which this one was merged."""
        end = self.round.end
        return end.event.into if end and isinstance(end.event, PetitionMerged) else None


def fold_reply_case(facts: Iterable[F]) -> ReplyCase[F] | None:
    """The case in its standing facts; None where nothing was received."""
    case: ReplyCase[F] | None = None
    for fact in standing(facts):
        if isinstance(fact.event, PetitionReceived):
            case = ReplyCase(fact, [Round()])
        elif case is not None and isinstance(fact.event, ReplyEvent):
            evolve_reply_case(case, fact, fact.event)
    return case


def evolve_reply_case(case: ReplyCase[F], fact: F, event: ReplyEvent) -> None:
    """Apply the next fact, with its event, to a case."""
    round_ = case.round
    match event:
        case PetitionCorrected():
            case.overtaken.append((fact.position, case.received))
            case.received = _reading(case.received, corrected(case.receipt, event))
        case PetitionRaised():
            case.raised.append(event.conference_id)
        case PetitionAssigned() | PetitionReassigned():
            # One that is recorded late is overtaken by those dated after it.
            case.assigned = by_effect([*case.assigned, fact])
            if event.due_on is not None:
                round_.steps.append(fact)
        case PetitionMarkedComplex() | ExtensionGranted() | ClockSuspended() | ClockResumed():
            round_.steps.append(fact)
        case AcceptanceNoticeSent():
            round_.accepted.append(fact)
        case WrittenReplyIssued():
            round_.replies.append(fact)
        case PetitionReopened():
            case.rounds.append(Round(reopened=fact))
        case (
            PetitionAnsweredAtConference()
            | PetitionWithdrawn()
            | PetitionRedirected()
            | PetitionMerged()
            | PetitionClosed()
            | RefusalNoticeSent()
        ):
            round_.end = fact
        case _:
            assert_never(event)


def _reading(fact: F, event: PetitionReceived) -> F:
    """The same record in its place in the log, as it reads now."""
    known: Any = fact  # each service has a struct of its own for it
    found: F = msgspec.structs.replace(known, event=event)
    return found
