"""What forms are made from, against the schemas of the bodies and against the decoders that take them."""

import json
from typing import Any

import msgspec
import pytest

from services.intake.application.command_body import CODECS
from services.intake.application.definitions import DEFINITIONS, OF_PORTALS
from shared.command_definitions import CommandDefinition, FieldDefinition
from shared.events.field_titles import CHOICE_TITLES, FIELD_HELP, FIELD_TITLES
from shared.events.petition import Consent, Place
from shared.events.titles import EVENT_TITLES
from shared.http.tokens import ROLE_TITLES
from shared.problem_words import DOOR_NAMES

#: A value of each kind as a form would send it.
VALUES: dict[str, Any] = {
    "text": "x",
    "long_text": "x",
    "number": 2,
    "yes_no": True,
    "date": "2026-03-02",
    "place": "H35.10",
    "agency": "H35.10.4",
    "body": "chair",
    "petition": "01890a5d-ac96-774b-bcce-b302099a8057",
    "conference": "01890a5d-ac96-774b-bcce-b302099a8057",
    "record": "01890a5d-ac96-774b-bcce-b302099a8057",
    "deadline": "01890a5d-ac96-774b-bcce-b302099a8057",
    "file": "0" * 64,
    "policy": {"id": "x", "document": "x", "rules": []},
}


def value_of(field: FieldDefinition, choice: int = 0) -> Any:
    match field.kind:
        case "choice":
            one: Any = field.choices[choice % len(field.choices)].value
        case "catalogue":
            one = "dat-dai"
        case "group":
            one = {part.name: value_of(part, choice) for part in field.fields}
        case _:
            one = VALUES[field.kind]
    if field.is_keyed:
        return {"1": one}
    return [one] if field.is_list else one


def schema_of(kind: type[Any]) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([kind])
    return components[schema["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize("path", DEFINITIONS)
def test_definition__says_of_each_field_what_the_schema_says(path: str) -> None:
    definition, schema = DEFINITIONS[path], schema_of(CODECS[path].type)
    of_all = {"on_behalf_of", "source", "external_id", "correlation_id"}
    if path in ("/v1/petitions", "/v1/petitions/{id}/correction"):
        of_all |= OF_PORTALS
    assert {field.name for field in definition.fields} == schema["properties"].keys() - of_all
    assert {field.name for field in definition.fields if field.is_required} == set(schema.get("required", ()))
    for field in definition.fields:
        told = schema["properties"][field.name]
        assert field.is_list == (told.get("type") == "array" or "additionalProperties" in told), field.name
        choices = told.get("items", told) if field.is_list else told
        if field.kind != "catalogue":  # whose choices are those of a place
            assert {choice.value for choice in field.choices} == set(choices.get("enum", ()))
        assert field.is_sealed == told.get("x-visibility", "").startswith("sealed")


@pytest.mark.parametrize("path", [path for path in DEFINITIONS if not path.endswith("policies")])
@pytest.mark.parametrize("choice", range(6))
def test_form_filled_by_its_definition__is_decoded(path: str, choice: int) -> None:
    filled = {field.name: value_of(field, choice) for field in DEFINITIONS[path].fields}
    body = CODECS[path].decode(json.dumps(filled).encode())
    assert {name for name in filled if getattr(body, name) in (None, "", ())} == set()


def every_field(definition: CommandDefinition) -> list[tuple[str, str]]:
    def walk(owner: str, fields: tuple[FieldDefinition, ...]) -> list[tuple[str, str]]:
        return [(owner, f.name) for f in fields] + [pair for f in fields for pair in walk(f.name.title(), f.fields)]

    return walk(definition.command, definition.fields)


def test_titles__are_acts_in_english_and_one_name_for_act_and_event_in_vietnamese() -> None:
    for definition in DEFINITIONS.values():
        event = EVENT_TITLES[definition.command]
        assert definition.title.vi == event.vi
        assert definition.title.en != event.en, definition.command
    titles = {definition.command: definition.title.en for definition in DEFINITIONS.values()}
    assert titles["PetitionClosed"] == "Close the petition"
    assert titles["PublicationStarted"] == "Start the publication"


def test_roles__are_called_alike_in_forms_pages_and_refusals() -> None:
    for role, title in ROLE_TITLES.items():
        said = DOOR_NAMES["roles"][role]
        assert said == title.vi[:1].lower() + title.vi[1:]
        if role in CHOICE_TITLES["roles"]:
            assert CHOICE_TITLES["roles"][role] == title


def test_words__are_of_fields_that_there_are() -> None:
    names = {name for definition in DEFINITIONS.values() for _, name in every_field(definition)}
    names |= OF_PORTALS | {name for part in (Place, Consent) for name in part.__struct_fields__}
    for table in (FIELD_TITLES, FIELD_HELP, CHOICE_TITLES):
        # What the service fills in by itself is in no body, and is told all the same.
        assert {key.rpartition(".")[2] for key in table} - {"receipt_code"} <= names
