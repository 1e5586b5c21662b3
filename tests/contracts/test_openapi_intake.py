"""The OpenAPI document of intake: 3.1, one typed operation for each command, every reference there."""

from typing import Any

import jsonschema

from services.intake.application.command_body import CODECS
from shared.events import DATED_EVENTS, SEALED, VISIBILITY
from tests.contracts import openapi
from tests.contracts.test_contracts import references

#: Recorded by intake itself, never asked for.
NOT_COMMANDED = {"CalendarProposed"}


def document() -> dict[str, Any]:
    return openapi.intake()


def test_it_is_openapi_3_1_and_every_reference_resolves() -> None:
    found = document()
    assert found["openapi"].startswith("3.1")
    for reference in references(found):
        part: Any = found
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_every_event_has_a_command_with_a_typed_body() -> None:
    found = document()
    missing = DATED_EVENTS.keys() - NOT_COMMANDED - {codec.route.topic for codec in CODECS.values()}
    assert missing == set(), "add a line to the table of commands (CONTRIBUTING.md, An act)"
    for path, codec in CODECS.items():
        operation = found["paths"][path.replace("{id}", "{target}")]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{codec.type.__name__}"}
        assert {"201", "403", "409", "412", "422"} <= operation["responses"].keys()
        assert "Idempotency-Key" in {p["name"] for p in operation["parameters"]}


def test_operations_have_names_of_their_own() -> None:
    names = [o["operationId"] for path in document()["paths"].values() for o in path.values()]
    assert len(names) == len(set(names))


def test_a_body_has_the_fields_of_its_event_with_their_visibility() -> None:
    schemas = document()["components"]["schemas"]
    for codec in CODECS.values():
        properties = schemas[codec.type.__name__]["properties"]
        jsonschema.Draft202012Validator.check_schema(schemas[codec.type.__name__])
        left_out = {*codec.route.decided, *codec.route.in_path}
        for name, visibility in VISIBILITY[codec.route.topic].items():
            assert (name in properties) != (name in left_out), (codec.route.topic, name)
            if name in SEALED[codec.route.topic]:
                assert properties[name]["x-visibility"] == visibility.value
        assert schemas[codec.type.__name__]["additionalProperties"] is False
