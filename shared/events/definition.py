"""How an event is defined: one frozen struct, each field marked public, internal or sealed."""

import enum
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints
from uuid import UUID

import msgspec

T = TypeVar("T")


class Visibility(enum.StrEnum):
    """Who may see a field (see docs/reference/events.md)."""

    PUBLIC = "public"
    INTERNAL = "internal"
    SEALED_EACH = "sealed-each"
    SEALED_ALL = "sealed-all"
    SEALED_OWN = "sealed-own"

    @property
    def sealed(self) -> bool:
        return self.value.startswith("sealed")


def _marker(visibility: Visibility) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"x-visibility": visibility.value}, extra={"visibility": visibility})


#: Anyone may see it.
Public = Annotated[T, _marker(Visibility.PUBLIC)]
#: Staff and connected systems may see it.
Internal = Annotated[T, _marker(Visibility.INTERNAL)]
#: Personal data: a mapping by petitioner, each value sealed under that petitioner's key alone.
SealedEach = Annotated[T, _marker(Visibility.SEALED_EACH)]
#: Belongs to all the petitioners of the matter, or to the person of a post: one part each; to the aggregate when there
#: is none.
SealedAll = Annotated[T, _marker(Visibility.SEALED_ALL)]
#: Belongs to no petitioner (minutes, an official's reasons): under the aggregate's own key.
SealedOwn = Annotated[T, _marker(Visibility.SEALED_OWN)]


#: A file by its SHA-256. Commands are held to its form; what came from a register of the past may lack it.
Digest = Annotated[str, msgspec.Meta(description="The SHA-256 of the file, in hexadecimal digits.")]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A recorded fact. TOPIC is its stored name, AGGREGATE the kind of stream, VERSION that of its fields."""

    TOPIC: ClassVar[str] = ""
    AGGREGATE: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1


class DatedEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A human act: it took effect on a day, which is never in the future."""

    effective_on: Public[date]


class PetitionReference(msgspec.Struct, frozen=True, gc=False):
    """Under which name the system that pushed a petition knows it: its source, and its id there."""

    source: str
    external_id: str


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who recorded an event, for whom, through what; equal for every event."""

    event_id: UUID
    aggregate: str
    jurisdiction: str
    actor: str
    correlation_id: UUID
    on_behalf_of: str = ""
    causation_id: UUID | None = None
    source: str = ""
    external_id: str = ""
    sealed_sha256: str = ""
    backfilled: bool = False
    #: The post in which a person acted, and the delegation by which, where the post alone would not have allowed it.
    post: UUID | None = None
    delegation: UUID | None = None
    #: Of every event on a petition that was pushed under a reference, and of its deadlines: that reference.
    petition_reference: PetitionReference | None = None
    #: Of what a push recorded: which version of its sender's own record it was.
    source_version: str = ""
    #: The trace (W3C) of the command that caused it; never that of a deadline event, which a replay raises the same.
    traceparent: str = ""

    @property
    def received_as(self) -> PetitionReference | None:
        """Of the receipt of a petition: under which reference it was pushed. Receipts of 0.5.0 say it by two fields."""
        if self.petition_reference is None and self.external_id:
            return PetitionReference(self.source, self.external_id)
        return self.petition_reference


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One stored event as its readers meet it: its place in the log, and the bytes as they were stored."""

    #: The name of the log that it stands in.
    source: str
    #: The history of that log: another one after a restore from a backup. "" where it was read from the projection.
    epoch: str
    #: The place in the log, without gaps from 1 on.
    position: int
    #: The id of the event at the position before; None for the first, and where it was read from the projection.
    previous_id: UUID | None
    #: The id of the event, ordered by time.
    event_id: UUID
    #: The stream that holds it.
    originator_id: UUID
    #: The place in its stream, without gaps from 1 on.
    version: int
    #: The stored name of the kind of event.
    topic: str
    #: When it was recorded, by the store's clock.
    recorded_at: datetime
    #: The canonical JSON as it was stored, sealed fields left out.
    state: bytes


def visibility_of(event_type: type[Event]) -> dict[str, Visibility]:
    """The visibility of each field of an event type, by field name."""
    hints = get_type_hints(event_type, include_extras=True)
    return {name: _visibility(event_type, name, hints[name]) for name in event_type.__struct_fields__}


def _visibility(event_type: type[Event], name: str, hint: Any) -> Visibility:
    for meta in getattr(hint, "__metadata__", ()):
        extra = getattr(meta, "extra", None) or {}
        if "visibility" in extra:
            return Visibility(extra["visibility"])
    raise TypeError(f"{event_type.__name__}.{name} says neither public, internal nor sealed")
