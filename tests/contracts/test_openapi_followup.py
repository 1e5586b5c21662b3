"""The OpenAPI document of followup: 3.1, questions only, each with its problems, every reference there."""

from typing import Any

import jsonschema
import pytest

from tests.contracts import openapi
from tests.contracts.test_contracts import references

PATHS = {
    "/healthz",
    "/progressz",
    "/readyz",
    "/v1/agencies",
    "/v1/breaches",
    "/v1/cases",
    "/v1/cases/{subject_id}",
    "/v1/deadlines",
    "/v1/deadlines/{deadline_id}",
    "/v1/differences",
    "/v1/digest",
    "/v1/events",
    "/v1/parked",
    "/v1/sources",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.followup()


def test_it_is_openapi_3_1_and_every_reference_resolves(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for reference in references(document):
        part: Any = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_it_takes_no_commands_but_on_subscriptions(document: dict[str, Any]) -> None:
    assert document["paths"].keys() >= PATHS
    changing = {path for path, methods in document["paths"].items() if methods.keys() != {"get"}}
    assert all(path.startswith("/v1/subscriptions") for path in changing)


def test_operations_have_names_of_their_own_and_say_how_they_refuse(document: dict[str, Any]) -> None:
    operations = {path: methods["get"] for path, methods in document["paths"].items() if "get" in methods}
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for path, operation in operations.items():
        if path.startswith("/v1/") and path != "/v1/events" and operation["security"]:
            assert {"200", "401", "403", "503"} <= operation["responses"].keys(), path
            assert operation["security"][0].keys() == {"token"}, path


def test_what_other_parts_read_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert {"state", "agency", "due_on", "overdue"} <= schemas["CaseFileView"]["properties"].keys()
    told = {"deadline_id", "duty", "due_on", "outcome", "breached", "done_on", "status"}
    assert told <= schemas["DeadlineView"]["properties"].keys()
    assert {"position", "horizon", "complete_to"} <= schemas["SourceView"]["properties"].keys()
    listed = {p["name"] for p in document["paths"]["/v1/cases"]["get"]["parameters"]}
    filters = {"subject", "jurisdiction", "agency", "state", "unresolved", "overdue", "ended", "q", "field", "urgency"}
    filters |= {"conference", "received_from", "received_to", "due_from", "due_to", "sort"}
    assert listed == {*filters, "limit", "cursor"}
    for path in ("/v1/cases/totals", "/v1/cases.csv", "/v1/cases.xlsx"):
        assert {p["name"] for p in document["paths"][path]["get"]["parameters"]} == filters, path
