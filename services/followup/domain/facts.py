"""A fact: one recorded event as the domain sees it. A case is the list of its facts, folded when needed."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.events import DatedEvent, Event, Metadata, Recorded, decode_state


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
