"""Facts: what is recorded, what is about to be, and which records still stand."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled


class Fact(msgspec.Struct, frozen=True):
    """A recorded deed with its place in the log."""

    event: DatedEvent
    event_id: UUID
    version: int
    position: int
    recorded_at: datetime

    @property
    def on(self) -> date:
        """The day on which the deed took effect."""
        return self.event.effective_on


class NewFact(msgspec.Struct, frozen=True):
    """A decided deed, not yet recorded."""

    originator_id: UUID
    aggregate: str
    jurisdiction: str
    event: DatedEvent


def annulled_ids(facts: Iterable[Fact]) -> set[UUID]:
    """The records that were taken back."""
    return {fact.event.event_id for fact in facts if isinstance(fact.event, RecordAnnulled)}


def standing(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts that no annulment took back, in the order recorded; annulments are left out."""
    known = tuple(facts)
    annulled = annulled_ids(known)
    if not annulled:
        return known
    return tuple(f for f in known if f.event_id not in annulled and not isinstance(f.event, RecordAnnulled))
