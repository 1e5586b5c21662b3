"""A change of the contracts that would break a consumer fails; `make lint` says whether they are current."""

import copy
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shared.envelope import to_message
from shared.events import EVENTS, Metadata, PetitionReference, Recorded, encode_state, json_schema
from shared.events.petition import PetitionAssigned
from shared.identifiers import derived_id
from tests.contracts import asyncapi, generate
from tests.contracts.compatibility import broken_channels, incompatibilities, missing_operations

#: Of a petition that was pushed, so that every attribute that an event may have is there.
META = Metadata(
    petition_reference=PetitionReference("portal", "A-1"),
    event_id=derived_id("e"),
    aggregate="petition",
    jurisdiction="H35.10",
    actor="local",
    correlation_id=derived_id("c"),
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


def test_topics__may_only_grow() -> None:
    assert generate.removed_topics() == []


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_schema__is_valid_and_compatible_with_the_committed_one(topic: str) -> None:
    schema = json_schema(topic)
    jsonschema.Draft202012Validator.check_schema(schema)
    path = generate.SCHEMAS / f"{topic}.json"
    assert path.exists(), "run `make contracts` and commit what it writes"
    committed = json.loads(path.read_text("utf-8"))
    assert incompatibilities(committed, schema) == []


def test_schema__accepts_the_stored_bytes() -> None:
    event = PetitionAssigned(effective_on=date(2019, 8, 30), agency="H35.10.3", due_on=date(2019, 9, 6))
    state = encode_state(event, META)
    jsonschema.validate(json.loads(state), json_schema("PetitionAssigned"))


def test_schema__names_no_sealed_field() -> None:
    for path in generate.SCHEMAS.glob("*.json"):
        assert '"sealed-' not in path.read_text("utf-8"), path.name


@pytest.fixture
def schema() -> dict[str, Any]:
    return copy.deepcopy(json_schema("PetitionAssigned"))


def changed(schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    new = copy.deepcopy(schema)
    return new, new["properties"]["data"]


def test_removed_field__is_incompatible(schema: dict[str, Any]) -> None:
    new, data = changed(schema)
    del data["properties"]["assisting"]
    assert incompatibilities(schema, new) == ["$.data.assisting: removed"]


def test_new_required_field__is_incompatible(schema: dict[str, Any]) -> None:
    new, data = changed(schema)
    data["properties"]["ground"] = {"type": "string"}
    data["required"].append("ground")
    assert incompatibilities(schema, new) == ["$.data.ground: newly required"]


def test_changed_type__is_incompatible(schema: dict[str, Any]) -> None:
    new, data = changed(schema)
    data["properties"]["agency"] = {**data["properties"]["agency"], "type": "integer"}
    assert incompatibilities(schema, new) == ["$.data.agency: type string became integer"]


def test_changed_visibility__is_incompatible(schema: dict[str, Any]) -> None:
    new, data = changed(schema)
    data["properties"]["agency"]["x-visibility"] = "internal"
    assert incompatibilities(schema, new) == ["$.data.agency: visibility public became internal"]


def test_field_of_the_metadata__is_compared_through_its_reference(schema: dict[str, Any]) -> None:
    new, _ = changed(schema)
    del new["$defs"]["Metadata"]["properties"]["actor"]
    assert "$.meta.actor: removed" in incompatibilities(schema, new)


def test_new_optional_field__is_compatible(schema: dict[str, Any]) -> None:
    new, data = changed(schema)
    data["properties"]["ground"] = {"type": "string"}
    assert incompatibilities(schema, new) == []


def test_writing__refuses_an_incompatible_change(tmp_path: Path, schema: dict[str, Any]) -> None:
    path = tmp_path / "PetitionAssigned.json"
    path.write_text(json.dumps(schema), "utf-8")
    new, data = changed(schema)
    del data["properties"]["assisting"]
    assert generate.breaking(path, json.dumps(new))
    new["properties"]["v"] = {"const": 2}
    assert generate.breaking(path, json.dumps(new)) == []


def test_operation__removed_is_incompatible() -> None:
    old = {"paths": {"/v1/petitions": {"post": {}, "get": {}}}}
    assert missing_operations(old, {"paths": {"/v1/petitions": {"get": {}}}}) == ["POST /v1/petitions: removed"]


@pytest.fixture
def channels() -> tuple[dict[str, Any], dict[str, Any]]:
    """The AsyncAPI document twice, the second to be changed."""
    found = json.loads(json.dumps(asyncapi.document()))
    return found, copy.deepcopy(found)


def test_asyncapi__is_compatible_with_itself_and_with_what_is_added(
    channels: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = channels
    new["channels"]["more"] = new["channels"]["events"]
    new["components"]["messageTraits"]["CloudEvent"]["headers"]["properties"]["ce-more"] = {"type": "string"}
    assert broken_channels(old, new) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("channels", "events"), None, "channel events: removed"),
        (("channels", "events", "messages", "PetitionReceived"), None, "channel events: message PetitionReceived"),
        (("channels", "events", "address"), "{event}", "channel events: address"),
        (("channels", "commands", "bindings", "amqp", "exchange", "name"), "x", "channel commands: bindings"),
        (("operations", "deliverWebhooks"), None, "operation deliverWebhooks: removed"),
        (("operations", "receiveCommands", "action"), "send", "operation receiveCommands: became another"),
        (("components", "messages", "Command", "payload", "properties", "data"), None, "message Command payload.data"),
        (("components", "messages", "WebhookEvent", "contentType"), "text/plain", "message WebhookEvent: content type"),
        (("components", "messageTraits", "CloudEvent", "headers", "properties", "ce-id"), None, "headers.ce-id"),
        (("components", "messages", "PetitionClosed"), None, "message PetitionClosed: removed"),
    ],
    ids=str,
)  # fmt: skip
def test_asyncapi__that_breaks_its_readers_is_refused(
    channels: tuple[dict[str, Any], dict[str, Any]], path: tuple[str, ...], value: Any, said: str
) -> None:
    old, new = channels
    found = new
    for name in path[:-1]:
        found = found[name]
    if value is None:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    assert any(change.startswith(said) for change in broken_channels(old, new))


def test_asyncapi__is_compatible_with_the_committed_one() -> None:
    committed = (generate.ROOT / "contracts" / "asyncapi.yaml").read_text("utf-8")
    assert broken_channels(yaml.safe_load(committed), json.loads(json.dumps(asyncapi.document()))) == []


def test_asyncapi__describes_the_headers_that_are_sent() -> None:
    document = yaml.safe_load((generate.ROOT / "contracts" / "asyncapi.yaml").read_text("utf-8"))
    assert document["asyncapi"] == "3.0.0"
    described = set(document["components"]["messageTraits"]["CloudEvent"]["headers"]["properties"])
    recorded = Recorded(
        source="local",
        epoch="1",
        position=2,
        previous_id=derived_id("p"),
        event_id=META.event_id,
        originator_id=derived_id("o"),
        version=1,
        topic="PetitionAssigned",
        recorded_at=datetime(2019, 8, 30, tzinfo=UTC),
        state=encode_state(PetitionAssigned(effective_on=date(2019, 8, 30), agency="H35.10.3"), META),
    )
    assert set(to_message(recorded).headers) == described


def test_asyncapi__has_every_event_and_every_reference_resolves() -> None:
    document = yaml.safe_load((generate.ROOT / "contracts" / "asyncapi.yaml").read_text("utf-8"))
    missing = set(EVENTS) - set(document["components"]["messages"])
    assert missing == set(), "run `make contracts` and commit what it writes"
    for reference in references(document):
        if reference.startswith("./"):
            assert (generate.ROOT / "contracts" / reference).exists(), reference
            continue
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in references(part)]
    if isinstance(value, list):
        return [found for part in value for found in references(part)]
    return []
