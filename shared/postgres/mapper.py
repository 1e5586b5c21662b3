"""Maps stored events for whoever reads the store with the `eventsourcing` library and its own recorder."""

from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent

from shared.events import Event, Metadata, Undecodable, UnknownTopic, decode_state, encode_state


class Occurred(msgspec.Struct, frozen=True):
    """An event at its place in its stream, named as the library names the two."""

    originator_id: UUID
    originator_version: int
    event: Event
    meta: Metadata


class EventMapper(Mapper[UUID]):
    """Turns rows of the `eventsourcing` layout into events and back. Old versions are upcast, sealed fields stay empty.

    The library's own mapper reads attributes from `__dict__` and takes Python paths for topics: these structs have
    neither.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return the event of a row. Raises MapperDeserialisationError."""
        try:
            event, meta = decode_state(stored_event.topic, bytes(stored_event.state))
        except (UnknownTopic, Undecodable) as error:
            raise MapperDeserialisationError(f"{stored_event.topic}: {error}") from error
        return Occurred(UUID(str(stored_event.originator_id)), stored_event.originator_version, event, meta)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return the row of an event, without what is sealed."""
        occurred = msgspec.convert(domain_event, Occurred, from_attributes=True)
        return StoredEvent(
            originator_id=occurred.originator_id,
            originator_version=occurred.originator_version,
            topic=occurred.event.TOPIC,
            state=encode_state(occurred.event, occurred.meta),
        )
