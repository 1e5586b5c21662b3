"""Every event by its stored topic; encoding, decoding, upcasting. The list may only grow."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from shared.events import any_stream, conference, deadline, person, petition, regulation
from shared.events.definition import DatedEvent, Event, Metadata, Visibility, visibility_of
from shared.policy.upcasting import policy_from_v1


class UnknownTopic(ValueError):
    """A stored topic that this release does not know: a newer writer, or a foreign row."""


class Undecodable(ValueError):
    """Stored bytes that do not have the shape of their topic."""


def _defined(module: Any) -> list[type[Event]]:
    kinds = (v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Event))
    return [k for k in kinds if k.TOPIC and k.__module__ == module.__name__]


def _by_topic(kinds: Iterable[type[Event]]) -> dict[str, type[Event]]:
    """The events by their topic, which is the name of its class.

    Raises TypeError where two share one, since the second would replace the first, and for a misspelt one.
    """
    found: dict[str, type[Event]] = {}
    for kind in kinds:
        if (other := found.setdefault(kind.TOPIC, kind)) is not kind:
            raise TypeError(f"{other.__name__} and {kind.__name__} both have the topic {kind.TOPIC!r}")
        if kind.__name__ != kind.TOPIC:
            raise TypeError(f"{kind.__name__} has the topic {kind.TOPIC!r}: write it like the class")
    return found


EVENTS: dict[str, type[Event]] = _by_topic(
    kind for module in (regulation, person, conference, petition, any_stream, deadline) for kind in _defined(module)
)
VISIBILITY: dict[str, dict[str, Visibility]] = {topic: visibility_of(kind) for topic, kind in EVENTS.items()}
SEALED: dict[str, dict[str, Visibility]] = {
    topic: {name: v for name, v in fields.items() if v.sealed} for topic, fields in VISIBILITY.items()
}
DATED_EVENTS: dict[str, type[DatedEvent]] = {
    topic: kind for topic, kind in EVENTS.items() if issubclass(kind, DatedEvent)
}

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _plan_v1(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 named the superior plan `parent` and knew one policy only."""
    upcast = {k: v for k, v in data.items() if k != "parent"}
    upcast["parent_plan"] = data.get("parent", "")
    upcast["policy_id"] = "plan-570"
    return upcast


def _policy_v1(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "policy": policy_from_v1(data["policy"])}


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """What was always there may now be missing: an old record has it."""
    return data


#: (topic, version) to the step that lifts its data to version + 1.
UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("DialoguePlanAdopted", 1): _plan_v1,
    ("ExtensionGranted", 1): _unchanged,
    ("PolicyAdopted", 1): _policy_v1,
}


class _Stored(msgspec.Struct):
    data: msgspec.Raw
    meta: Metadata
    v: int = 1


_state_encoder = msgspec.json.Encoder(order="sorted")
_stored_decoder = msgspec.json.Decoder(_Stored)
_data_decoders = {topic: msgspec.json.Decoder(kind) for topic, kind in EVENTS.items()}


def public_data(event: Event) -> dict[str, Any]:
    """The public and internal fields of an event as plain JSON values; sealed ones left out."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    for name in SEALED[event.TOPIC]:
        data.pop(name, None)
    return data


def sealed_data(event: Event) -> dict[str, Any]:
    """The sealed fields that hold something."""
    return {name: value for name in SEALED[event.TOPIC] if (value := getattr(event, name))}


def encode_state(event: Event, meta: Metadata) -> bytes:
    """The canonical stored bytes: JSON with sorted keys, the sealed fields left out."""
    return _state_encoder.encode({"data": public_data(event), "meta": meta, "v": event.VERSION})


def decode_state(topic: str, state: bytes) -> tuple[Event, Metadata]:
    """The event and its metadata from stored bytes; older versions are upcast, sealed fields are empty.

    Raises UnknownTopic, Undecodable.
    """
    kind = EVENTS.get(topic)
    if kind is None:
        raise UnknownTopic(topic)
    try:
        stored = _stored_decoder.decode(state)
        if stored.v == kind.VERSION:
            return _with_sealed_left_empty(topic, stored.data), stored.meta
        return _upcast(topic, kind, stored), stored.meta
    except (msgspec.MsgspecError, KeyError) as error:
        raise Undecodable(f"{topic}: {error}") from error


def decode_metadata(state: bytes) -> Metadata:
    """The metadata alone, whatever the topic."""
    return _stored_decoder.decode(state).meta


def _upcast(topic: str, kind: type[Event], stored: _Stored) -> Event:
    if stored.v > kind.VERSION:
        raise UnknownTopic(f"{topic} version {stored.v}: this release reads up to {kind.VERSION}")
    data: dict[str, Any] = msgspec.json.decode(stored.data)
    for version in range(stored.v, kind.VERSION):
        data = UPCASTERS[topic, version](data)
    return _with_sealed_left_empty(topic, msgspec.Raw(msgspec.json.encode(data)))


def _with_sealed_left_empty(topic: str, data: msgspec.Raw) -> Event:
    event: Event = _data_decoders[topic].decode(data)
    return event


#: Begins the name of the schema of an event's body.
SCHEMA = "urn:doithoai:schema:"


def schema_id(topic: str) -> str:
    """The name of an event's schema, for ever: what changes later only adds to it."""
    return SCHEMA + topic


def json_schema(topic: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a message body: sealed fields are absent, each other says its visibility."""
    kind = EVENTS[topic]
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = components.pop(schema["$ref"].rsplit("/", 1)[1])
    properties = {n: s for n, s in own["properties"].items() if n not in SEALED[topic]}
    (_,), meta = msgspec.json.schema_components([Metadata], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_id(topic),
        "title": topic,
        "description": (kind.__doc__ or "").strip(),
        "type": "object",
        "properties": {
            "data": {
                "type": "object",
                "properties": properties,
                "required": [n for n in own.get("required", ()) if n not in SEALED[topic]],
            },
            "meta": {"$ref": "#/$defs/Metadata"},
            "v": {"const": kind.VERSION},
        },
        "required": ["data", "meta", "v"],
        "$defs": {**components, **meta},
    }
