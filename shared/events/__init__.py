"""The events: one definition each, from which storage, messages and schemas come. Start at `definition`."""

from shared.events.definition import Deed, Event, Metadata, Recorded, Visibility
from shared.events.registry import (
    DEEDS,
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
    sealed_data,
)

__all__ = [
    "DEEDS",
    "EVENTS",
    "SEALED",
    "VISIBILITY",
    "Deed",
    "Event",
    "Metadata",
    "Recorded",
    "Undecodable",
    "UnknownTopic",
    "Visibility",
    "decode_metadata",
    "decode_state",
    "encode_state",
    "json_schema",
    "public_data",
    "sealed_data",
]
