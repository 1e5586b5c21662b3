"""Which files an event names: each by its SHA-256, in a `digest` of the event or of a document within it."""

import functools
import re
from typing import Any

import msgspec
from msgspec import inspect

from shared.events import EVENTS, DatedEvent

_SHA_256 = re.compile("[0-9a-f]{64}")


def files_named(event: DatedEvent) -> tuple[str, ...]:
    """The digests of the files that an event names, each once; none where a register of the past did not know it."""
    fields = _file_fields(type(event))
    if not fields:
        return ()
    found = [digest for name in fields for digest in _digests(getattr(event, name))]
    return tuple(dict.fromkeys(digest for digest in found if _SHA_256.fullmatch(digest)))


def topics_that_name_files() -> frozenset[str]:
    """The topics of the events that can name a file."""
    return frozenset(topic for topic, kind in EVENTS.items() if issubclass(kind, DatedEvent) and _file_fields(kind))


@functools.cache
def _file_fields(kind: type[DatedEvent]) -> tuple[str, ...]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return tuple(field.name for field in described.fields if field.name == "digest" or _names_a_file(field.type))


def _names_a_file(kind: inspect.Type) -> bool:
    match kind:
        case inspect.StructType():
            return any(field.name == "digest" or _names_a_file(field.type) for field in kind.fields)
        case inspect.VarTupleType():
            return _names_a_file(kind.item_type)
        case inspect.UnionType():
            return any(map(_names_a_file, kind.types))
        case inspect.Metadata():
            return _names_a_file(kind.type)
        case _:
            return False


def _digests(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case tuple():
            return [digest for each in value for digest in _digests(each)]
        case msgspec.Struct():
            own = [value.digest] if hasattr(value, "digest") else []
            return own + [d for name in value.__struct_fields__ if name != "digest" for d in _within(value, name)]
        case _:
            return []


def _within(value: msgspec.Struct, name: str) -> list[str]:
    inner = getattr(value, name)
    return [] if isinstance(inner, str) else _digests(inner)
