"""The filters of CloudEvents Subscriptions, by the attributes of an event."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.envelope import TYPE_PREFIX

MAX_DEPTH = 5
MAX_FILTERS = 50  # of one subscription, the nested ones counted

_Name = Annotated[str, Meta(pattern="^[a-z0-9]{1,20}$")]
_Value = Annotated[str, Meta(min_length=1, max_length=200)]
_Pairs = Annotated[dict[_Name, _Value], Meta(min_length=1, max_length=20)]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One filter: exactly one of its fields stands. `exact`, `prefix`, `suffix` name attributes with their values."""

    exact: _Pairs | None = None
    prefix: _Pairs | None = None
    suffix: _Pairs | None = None
    all: Annotated[list["EventFilter"], Meta(min_length=1)] | None = None
    any: Annotated[list["EventFilter"], Meta(min_length=1)] | None = None
    not_: "EventFilter | None" = msgspec.field(default=None, name="not")

    def __post_init__(self) -> None:
        given = (self.exact, self.prefix, self.suffix, self.all, self.any, self.not_)
        if sum(each is not None for each in given) != 1:
            raise ValueError("a filter is one of exact, prefix, suffix, all, any, not")


def passes(filters: Sequence[EventFilter], attributes: Mapping[str, str]) -> bool:
    """Whether an event passes every filter; an attribute that it lacks passes none that names it.

    The type stands there without a prefix, and filters may name it with one.
    """
    return all(_passes(each, attributes) for each in filters)


def size_of(filters: Sequence[EventFilter], depth: int = 1) -> tuple[int, int]:
    """How many filters there are with those within, and how deep they go."""
    count, deepest = 0, depth
    for each in filters:
        within = [*(each.all or ()), *(each.any or ()), *([each.not_] if each.not_ else ())]
        found, deep = size_of(within, depth + 1) if within else (0, depth)
        count, deepest = count + 1 + found, max(deepest, deep)
    return count, deepest


def _passes(one: EventFilter, attributes: Mapping[str, str]) -> bool:
    if one.exact is not None:
        return all(value in _forms(attributes, name) for name, value in one.exact.items())
    if one.prefix is not None:
        return all(any(f.startswith(value) for f in _forms(attributes, name)) for name, value in one.prefix.items())
    if one.suffix is not None:
        return all(any(f.endswith(value) for f in _forms(attributes, name)) for name, value in one.suffix.items())
    if one.all is not None:
        return passes(one.all, attributes)
    if one.any is not None:
        return any(_passes(each, attributes) for each in one.any)
    return one.not_ is None or not _passes(one.not_, attributes)


def _forms(attributes: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The ways in which an attribute is written: an operator may let types begin with a prefix at any time."""
    value = attributes.get(name)
    if value is None:
        return ()
    return (value, TYPE_PREFIX + value) if name == "type" else (value,)
