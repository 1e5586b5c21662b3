"""Facts: what is recorded, what is about to be, and which records still stand."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled

E_co = TypeVar("E_co", bound=DatedEvent, covariant=True)


class Fact(msgspec.Struct, Generic[E_co], frozen=True):
    """A recorded event with its place in the log."""

    event: E_co
    event_id: UUID
    version: int
    position: int
    recorded_at: datetime

    @property
    def on(self) -> date:
        """The day on which the event took effect."""
        return self.event.effective_on


class NewFact(msgspec.Struct, Generic[E_co], frozen=True):
    """A decided event, not yet recorded."""

    originator_id: UUID
    aggregate: str
    jurisdiction: str
    event: E_co


#: A fact of any event, and a new one.
AnyFact = Fact[DatedEvent]
AnyNewFact = NewFact[DatedEvent]


def annulled_ids(facts: Iterable[AnyFact]) -> set[UUID]:
    """The records that were taken back."""
    return {fact.event.event_id for fact in facts if isinstance(fact.event, RecordAnnulled)}


def standing(facts: Iterable[AnyFact]) -> tuple[AnyFact, ...]:
    """The facts that no annulment took back, in the order recorded; annulments are left out."""
    known = tuple(facts)
    annulled = annulled_ids(known)
    if not annulled:
        return known
    return tuple(f for f in known if f.event_id not in annulled and not isinstance(f.event, RecordAnnulled))
