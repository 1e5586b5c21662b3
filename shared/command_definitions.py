"""How a service tells another, or a client, what a form has to know of its commands. Pure.

One service makes these from its commands, whoever makes forms reads them. A release may add members, which older
readers pass over.
"""

from typing import Literal

import msgspec

from shared.sentences import Sentence

#: What a field is filled in with. `record` is an event of the case itself, `body` an agency, the office or the chair,
#: `group` has fields of its own, and with `is_list` many such rows.
FieldKind = Literal[
    "text",
    "long_text",
    "number",
    "yes_no",
    "date",
    "choice",
    "catalogue",
    "place",
    "agency",
    "body",
    "petition",
    "conference",
    "record",
    "deadline",
    "file",
    "policy",
    "group",
]


class Translated(msgspec.Struct, frozen=True):
    """One thing said in each language."""

    vi: str
    en: str


class ChoiceDefinition(msgspec.Struct, frozen=True):
    """A value that a field may have, and what it is called."""

    value: str
    title: Translated


class FieldDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field of a command's body. `is_keyed`: the rows of a group are a mapping by a key that the sender makes up.

    `catalogue` is the kind of catalogue from which the field is chosen where one stands; where none does, from
    `choices`, and as free text without those.
    """

    name: str
    kind: FieldKind
    title: Translated
    is_required: bool = False
    is_list: bool = False
    is_keyed: bool = False
    is_sealed: bool = False
    help: Translated | None = None
    choices: tuple[ChoiceDefinition, ...] = ()
    catalogue: str = ""
    fields: "tuple[FieldDefinition, ...]" = ()


class CommandDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command: what it is called, where it is sent, who may send it, what its body holds.

    `is_final`: nothing takes back what it records.
    """

    command: str
    path: str
    aggregate: str
    title: Translated
    roles: tuple[str, ...]
    creates: bool = False
    is_final: bool = False
    fields: tuple[FieldDefinition, ...] = ()


class ActDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A composite act: what it is called, where it is sent, which commands its parts may give."""

    name: str
    path: str
    title: Translated
    commands: tuple[str, ...]


def translated(sentence: Sentence) -> Translated:
    """The same as an answer holds it."""
    return Translated(sentence.vi, sentence.en)
