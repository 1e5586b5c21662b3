"""The body of a command, made from its event's own fields."""

import functools
import operator
from datetime import date
from types import UnionType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from services.intake.application.commands import ERASURE, ROUTES, CommandRoute
from services.intake.domain.field_checks import DIGEST
from shared.calendar import CalendarYear
from shared.events import DATED_EVENTS, DatedEvent
from shared.invalid_body import decoded

MAX_SHORT = 200  # characters: references and names are indexed
Short = Annotated[str, msgspec.Meta(max_length=MAX_SHORT)]
#: Larger numbers cannot be written again.
_INT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Extras(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every command may carry beside its event's own fields."""

    effective_on: Annotated[
        date | None,
        msgspec.Meta(description="The day on which it was done, never a day to come; left out, the store's today."),
    ] = None
    on_behalf_of: Annotated[Short, msgspec.Meta(description="The official or the body for whom the caller acts.")] = ""
    source: Annotated[
        Short,
        msgspec.Meta(
            description="The system that it comes from, one of the caller's own; left out, the caller's name."
        ),
    ] = ""
    external_id: Annotated[
        Short,
        msgspec.Meta(
            description="The record's own reference at the source: each is recorded once, however often sent."
        ),
    ] = ""
    correlation_id: Annotated[
        UUID | None, msgspec.Meta(description="An id by which the caller knows again what belongs together.")
    ] = None


#: The type of a body: the fields of its event and the extras, nothing else.
Body = type[Extras]


def body_type(route: CommandRoute) -> Body:
    """The struct of a command's body, made from its event: same names, types, visibility marks, defaults."""
    return _body_type(route.topic, frozenset({"effective_on", *route.decided, *route.in_path}))


@functools.cache
def _body_type(topic: str, left_out: frozenset[str]) -> Body:
    # One type for the routes that share an event: they share its name in the OpenAPI document too.
    kind = DATED_EVENTS[topic]
    hints = get_type_hints(kind, include_extras=True)
    fields = [_redefined(f, _typed(f, hints[f.name])) for f in msgspec.structs.fields(kind) if f.name not in left_out]
    made = msgspec.defstruct(
        f"{topic}Command",
        fields,
        bases=(Extras,),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
    )
    return made  # type: ignore[return-value]


def _typed(field: msgspec.structs.FieldInfo, hint: Any) -> Any:
    """The strict type of a field, with what the document says of its form; `field_checks` is what holds it to that."""
    if field.name != "digest":
        return strict(hint)
    pattern = f"^{DIGEST}$" if field.required else f"^({DIGEST})?$"
    return Annotated[strict(hint), msgspec.Meta(extra_json_schema={"pattern": pattern})]


def strict(hint: Any) -> Any:
    """A type whose structs, however deep, refuse unknown fields: stored events are read leniently, commands are not."""
    if hint is int:
        return _INT
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _strict_struct(hint)
    parts = get_args(hint)
    if get_origin(hint) is Annotated:
        if any(getattr(meta, "ge", None) is not None for meta in hint.__metadata__):
            return hint  # has its own bounds
        return Annotated[(strict(parts[0]), *hint.__metadata__)]
    changed = tuple(strict(part) for part in parts)
    if changed == parts:
        return hint
    return functools.reduce(operator.or_, changed) if isinstance(hint, UnionType) else get_origin(hint)[changed]


@functools.cache
def _strict_struct(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind, include_extras=True)
    typed = [(field, _typed(field, hints[field.name])) for field in msgspec.structs.fields(kind)]
    fields = [_redefined(field, hint) for field, hint in typed if hint is not hints[field.name]]
    # The same name: it stands for the same thing in the OpenAPI document. Years are answered too, leniently.
    name = f"{kind.__name__}Input" if kind.__module__ == CalendarYear.__module__ else kind.__name__
    namespace = {"__doc__": kind.__doc__}
    return msgspec.defstruct(
        name,
        fields,
        bases=(kind,),
        namespace=namespace,
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
    )


def _redefined(field: msgspec.structs.FieldInfo, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    """The same field with another type."""
    if field.default is not msgspec.NODEFAULT:
        return (field.name, hint, field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return (field.name, hint, msgspec.field(default_factory=field.default_factory))
    return (field.name, hint)


class BodyCodec:
    """Bytes to a body of one route, strictly: no string stands for a number, no unknown field passes."""

    EMPTY: ClassVar[bytes] = b"{}"

    def __init__(self, route: CommandRoute) -> None:
        self.route = route
        self.type = body_type(route)
        self._decoder: msgspec.json.Decoder[Extras] = msgspec.json.Decoder(self.type)
        self._names = tuple(f for f in self.type.__struct_fields__ if f not in Extras.__struct_fields__)
        self._event_type = route.event_type

    def decode(self, body: bytes) -> Extras:
        """The body. Raises InvalidBody (a wrong field), MalformedJson (not JSON at all)."""
        return decoded(self._decoder, body or self.EMPTY)

    def event(self, body: Extras, effective_on: date, **given: Any) -> DatedEvent:
        """The event that a body asks for; `given` are the fields from the address."""
        values = {name: getattr(body, name) for name in self._names}
        return self._event_type(effective_on=effective_on, **values, **given)


CODECS: dict[str, BodyCodec] = {route.path: BodyCodec(route) for route in (*ROUTES, ERASURE)}
