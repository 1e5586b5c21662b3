"""A fact: one recorded event as the domain sees it. A case is the list of its facts, folded when needed."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar
from uuid import UUID

import msgspec

from shared.events import DatedEvent, Event, Metadata, Recorded, decode_state
from shared.events.any_stream import AnyStreamEvent
from shared.events.conference import ConferenceEvent
from shared.events.petition import PetitionCorrected, PetitionEvent, PetitionReceived
from shared.events.regulation import RegulationEvent

if TYPE_CHECKING:
    # The default lets `Fact` alone mean a fact of any event. At run time there is one from Python 3.13 on.
    E = TypeVar("E", bound=Event, covariant=True, default=Event)
else:
    E = TypeVar("E")
K = TypeVar("K", bound=Event)


class Fact(msgspec.Struct, Generic[E], frozen=True, gc=False):
    """A decoded event with its place in its source's log."""

    #: The place in the source's log, without gaps from 1 on.
    position: int
    #: The id of the record, by which others refer to it.
    event_id: UUID
    #: The stream that holds it: a petition, a conference, a jurisdiction, …
    originator_id: UUID
    #: The stored name of the kind of event.
    topic: str
    #: When the source recorded it, which may be long after it took effect.
    recorded_at: datetime
    #: What was recorded; personal data is not in it.
    event: E
    #: Who recorded it, for whom, through what.
    meta: Metadata

    @property
    def on(self) -> date:
        """The day on which the event took effect. Raises TypeError for an event that no person has done."""
        if not isinstance(self.event, DatedEvent):
            raise TypeError(f"{self.topic} has no day on which it took effect")
        return self.event.effective_on


PetitionFact = Fact[PetitionEvent | AnyStreamEvent]
ConferenceFact = Fact[ConferenceEvent | AnyStreamEvent]
RegulationFact = Fact[RegulationEvent | AnyStreamEvent]


def fact_of(recorded: Recorded) -> Fact:
    """Decode a recorded event. Raises UnknownTopic, Undecodable."""
    event, meta = decode_state(recorded.topic, recorded.state)
    if isinstance(event, PetitionReceived | PetitionCorrected) and event.attachments:
        # No rule asks for them, and thousands of cases with long lists of files are held in memory at once.
        event = msgspec.structs.replace(event, attachments=())
    return Fact(
        recorded.position, recorded.event_id, recorded.originator_id, recorded.topic, recorded.recorded_at, event, meta
    )


def is_of_petition(fact: Fact) -> TypeGuard[PetitionFact]:
    """Whether it stands in the stream of a petition."""
    return fact.meta.aggregate == "petition"


def is_of_conference(fact: Fact) -> TypeGuard[ConferenceFact]:
    """Whether it stands in the stream of a conference."""
    return fact.meta.aggregate == "conference"


def is_regulation(fact: Fact) -> TypeGuard[RegulationFact]:
    """Whether it belongs to what binds every case: calendars, policies, authorities and bodies, plans."""
    return fact.meta.aggregate not in ("petition", "conference", "person")


def is_of_person(fact: Fact) -> bool:
    """Whether it stands in the stream of a person, on whose posts no duty depends."""
    return fact.meta.aggregate == "person"


def holding(fact: Any, event: K) -> Fact[K]:
    """The same fact, typed by its event, which the caller has matched: the type checker does not see that."""
    typed: Fact[K] = fact
    return typed


def holding_kind(facts: Iterable[Fact], kind: type[K]) -> list[Fact[K]]:
    """Those of the facts whose event is of a kind, in the same order."""
    return [holding(fact, fact.event) for fact in facts if isinstance(fact.event, kind)]
