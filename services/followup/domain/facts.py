"""A fact: one recorded event as the domain sees it. A case is the list of its facts, folded when needed."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.events import DatedEvent, Event, Metadata, Recorded, decode_state
from shared.events.any_stream import RecordAnnulled


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A decoded event with its place in its source's log."""

    position: int
    event_id: UUID
    originator_id: UUID
    topic: str
    recorded_at: datetime
    event: Event
    meta: Metadata

    @property
    def on(self) -> date:
        """The day on which the deed took effect."""
        if not isinstance(self.event, DatedEvent):
            raise TypeError(f"{self.topic} is no deed")
        return self.event.effective_on


def fact_of(recorded: Recorded) -> Fact:
    """Decode a recorded event. Raises UnknownTopic, Undecodable."""
    event, meta = decode_state(recorded.topic, recorded.state)
    return Fact(
        recorded.position, recorded.event_id, recorded.originator_id, recorded.topic, recorded.recorded_at, event, meta
    )


def is_regulation(fact: Fact) -> bool:
    """Whether it belongs to what binds every case: calendars, policies, places, plans."""
    return fact.meta.aggregate not in ("petition", "conference")


def standing(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that no annulment took back, in the order recorded; the annulments themselves are left out."""
    known = list(facts)
    annulled = {f.event.event_id for f in known if isinstance(f.event, RecordAnnulled)}
    if not annulled:
        return known
    return [f for f in known if f.event_id not in annulled and not isinstance(f.event, RecordAnnulled)]


def by_effect(facts: Iterable[Fact]) -> list[Fact]:
    """Facts in the order in which they took effect; of one day, in the order recorded."""
    known = list(facts)
    return sorted(known, key=lambda f: (f.on, f.position)) if len(known) > 1 else known
