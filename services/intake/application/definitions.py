"""What a form has to know of each command, made from its route and its body: fields, types, choices and their words.

Whoever makes forms makes them from this, so that a new command has its form without another line of code.
"""

import types
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from services.intake.application.command_body import CODECS, BodyCodec, Extras
from services.intake.application.composite_acts import COMPOSITE_ACTS
from services.intake.domain.catalogues import CATALOGUE_FIELDS
from shared.command_definitions import (
    ActDefinition,
    ChoiceDefinition,
    CommandDefinition,
    FieldDefinition,
    FieldKind,
    translated,
)
from shared.events import SEALED
from shared.events.field_titles import CHOICE_TITLES, FIELD_HELP, FIELD_TITLES
from shared.events.petition import PetitionCorrected, PetitionReceived
from shared.events.titles import EVENT_TITLES, act_title

#: Fields of text that name or hold something in particular.
_KINDS: dict[str, FieldKind] = {
    "jurisdiction": "place",
    "parent": "place",
    "CatalogueEntry.parent": "text",
    "MappedText.text": "text",
    "JurisdictionClosed.successor": "place",
    "agency": "agency",
    "agencies": "agency",
    "assisting": "agency",
    "by": "agency",
    "office": "agency",
    "station": "agency",
    "AgencyClosed.successor": "agency",
    "to": "body",
    "conference_id": "conference",
    "petition_id": "petition",
    "petition_ids": "petition",
    "into": "petition",
    "event_id": "record",
    "deadline_id": "deadline",
    "digest": "file",
    "policy": "policy",
    **dict.fromkeys(
        (
            "answer",
            "chair_reason",
            "description",
            "ground",
            "matter",
            "minutes",
            "programme",
            "reason",
            "summary",
            "text",
            "words",
        ),
        "long_text",
    ),
}


#: What the system of a portal knows of a petition and nobody at a counter does: no form asks for it.
OF_PORTALS = frozenset({"submitted_at", "place", "area", "category", "consent", "language", "attributes"})
#: The events that have them.
_RECEIPTS = frozenset({PetitionReceived.TOPIC, PetitionCorrected.TOPIC})
#: The fields that a catalogue lists the values of, by event and name.
_CATALOGUES = {
    f"{event.TOPIC}.{name}": kind for event, kinds in CATALOGUE_FIELDS.items() for name, kind in kinds.items()
}
#: The fields that hold ids of petitions and conferences.
CASE_FIELDS = frozenset(name for name, kind in _KINDS.items() if kind in ("petition", "conference"))


def definition_of(codec: BodyCodec) -> CommandDefinition:
    """What a form has to know of one command. Raises KeyError for a field or a choice without words."""
    route = codec.route
    return CommandDefinition(
        command=route.topic,
        path=route.path,
        aggregate=route.aggregate,
        title=translated(act_title(route.topic)),
        roles=tuple(sorted(route.roles)),
        creates=route.creates,
        is_final=route.is_final,
        fields=tuple(_fields(route.topic, codec.type, SEALED[route.topic])),
    )


def _fields(owner: str, kind: type[msgspec.Struct], sealed: Any = ()) -> Iterator[FieldDefinition]:
    """The fields of a body or of a part of one, its own first, the day of the act last."""
    extras = () if owner not in EVENT_TITLES else Extras.__struct_fields__
    found = {field.name: field for field in msgspec.structs.fields(kind)}
    for name, field in found.items():
        if name not in extras and not (owner in _RECEIPTS and name in OF_PORTALS):
            yield _field(owner, field, name in sealed)
    if extras:
        yield _field(owner, found["effective_on"], is_sealed=False)


def _field(owner: str, field: msgspec.structs.FieldInfo, is_sealed: bool) -> FieldDefinition:
    name, (hint, is_list, is_keyed) = field.name, _unwrapped(field.type)
    is_group = isinstance(hint, type) and issubclass(hint, msgspec.Struct) and name != "policy"
    catalogue = _CATALOGUES.get(f"{owner}.{name}", "")
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    words = _of(CHOICE_TITLES, owner, name) if choices else {}
    if catalogue and (words := CHOICE_TITLES.get(f"{owner}.{name}", {})):
        choices = tuple(words)
    help_words = FIELD_HELP.get(f"{owner}.{name}") or FIELD_HELP.get(name)
    return FieldDefinition(
        name=name,
        kind="group" if is_group else "catalogue" if catalogue else _kind(owner, name, hint),
        title=translated(_of(FIELD_TITLES, owner, name)),
        is_required=field.required,
        is_list=is_list,
        is_keyed=is_keyed,
        is_sealed=is_sealed,
        help=translated(help_words) if help_words else None,
        choices=tuple(ChoiceDefinition(value, translated(words[value])) for value in choices),
        catalogue=catalogue,
        fields=tuple(_fields(hint.__name__.removesuffix("Input"), hint)) if is_group else (),
    )


def _kind(owner: str, name: str, hint: Any) -> FieldKind:
    if (known := _KINDS.get(f"{owner}.{name}") or _KINDS.get(name)) is not None:
        return known
    if get_origin(hint) is Literal:
        return "choice"
    kinds: dict[Any, FieldKind] = {str: "text", int: "number", bool: "yes_no", date: "date"}
    return kinds[hint]


def _unwrapped(hint: Any) -> tuple[Any, bool, bool]:
    """The type of one value, whether there may be many, and whether these are a mapping."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _unwrapped(parts[0])
    if origin in (types.UnionType, Union):
        return _unwrapped(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return _unwrapped(parts[0])[0], True, False
    if origin is dict:
        return _unwrapped(parts[1])[0], True, True
    return hint, False, False


def _of(table: Any, owner: str, name: str) -> Any:
    """The words of a field of its own, or of all fields of that name. Raises KeyError."""
    return table.get(f"{owner}.{name}") or table[name]


#: The definition of each command by its path.
DEFINITIONS: dict[str, CommandDefinition] = {path: definition_of(codec) for path, codec in CODECS.items()}
#: The definition of each composite act.
ACT_DEFINITIONS: tuple[ActDefinition, ...] = tuple(
    ActDefinition(name=act.name, path=act.path, title=translated(act.title), commands=act.commands)
    for act in COMPOSITE_ACTS.values()
)
