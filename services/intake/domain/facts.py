"""Facts: what is recorded, and what is about to be."""

import functools
from datetime import UTC, date, datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from shared.events import DatedEvent, PetitionReference

E_co = TypeVar("E_co", bound=DatedEvent, covariant=True)


class Fact(msgspec.Struct, Generic[E_co], frozen=True):
    """A recorded event with its place in the log."""

    event: E_co
    event_id: UUID
    version: int
    position: int
    recorded_at: datetime
    #: Under which reference it came in; None where it had none.
    reference: PetitionReference | None = None
    #: Of what a push recorded: which version of its sender's own record it was.
    source_version: str = ""

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


def agencies_named(event: DatedEvent) -> tuple[str, ...]:
    """The codes of agencies that an event names."""
    found: list[str] = []
    for field in _agency_fields(type(event)):
        if code := getattr(event, field):
            found += (code,) if isinstance(code, str) else code
    return tuple(found)


@functools.cache
def _agency_fields(kind: type[DatedEvent]) -> tuple[str, ...]:
    return tuple(f for f in ("agency", "office", "station", "by", "assisting") if f in kind.__struct_fields__)


#: The positions from here on stand for those that decided events will get: after all that is recorded.
_UNRECORDED = 1 << 62
#: The number of an event that is only thought of: it comes after all that are decided.
NEXT = 1 << 60


def unrecorded(event: DatedEvent, number: int) -> AnyFact:
    """A decided event in the place that it will have: the `number`-th of those that are not recorded yet."""
    position = _UNRECORDED + number
    return Fact(event, UUID(int=position), 0, position, datetime.max.replace(tzinfo=UTC))
