"""The events: one definition each, from which storage, messages and schemas come. Start at `definition`."""

from shared.events.definition import DatedEvent, Event, Metadata, PetitionReference, Recorded, Visibility
from shared.events.registry import (
    DATED_EVENTS,
    EVENTS,
    SEALED,
    VISIBILITY,
    Undecodable,
    UnknownTopic,
    decode_metadata,
    decode_state,
    encode_state,
    json_schema,
    public_data,
    schema_id,
    sealed_data,
)

__all__ = [
    "DATED_EVENTS",
    "EVENTS",
    "SEALED",
    "VISIBILITY",
    "DatedEvent",
    "Event",
    "Metadata",
    "PetitionReference",
    "Recorded",
    "Undecodable",
    "UnknownTopic",
    "Visibility",
    "decode_metadata",
    "decode_state",
    "encode_state",
    "json_schema",
    "public_data",
    "schema_id",
    "sealed_data",
]
