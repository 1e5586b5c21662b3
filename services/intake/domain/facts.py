"""Facts: what is recorded, and what is about to be."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from shared.events import DatedEvent


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


#: The positions from here on stand for those that decided facts will get: after all that is recorded.
_UNRECORDED = 1 << 62


def unrecorded(event: DatedEvent, number: int) -> Fact:
    """A decided event in the place that it will have: the `number`-th of those that are not recorded yet."""
    position = _UNRECORDED + number
    return Fact(event, UUID(int=position), 0, position, datetime.max.replace(tzinfo=UTC))
