"""Each operation of both documents shows what it takes and gives, names its problems, and has a page for people."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from litestar.testing import TestClient

from services.followup.entrypoints.app import make_app as followup_app
from services.intake.entrypoints.app import make_app as intake_app
from services.intake.entrypoints.openapi import WORDS
from shared.http.auth import Callers
from shared.http.docs import pages_of
from shared.http.examples import ExampleMaker
from shared.http.openapi_details import PROBLEM_JSON, operations
from shared.http.problems import TYPE_PREFIX
from shared.http.tokens import mint_token
from shared.problem_words import DOOR_WORDS
from tests.contracts import openapi, problems

DOCUMENTS = {"intake": openapi.intake(), "followup": openapi.followup()}
NAMELESS = "văn bản"  # what a text is shown as whose field has no sample
SERVICES = sorted(DOCUMENTS)


def shown(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON body and good answer, with where it stands."""
    for operation in operations(document):
        parts = {"body": operation.get("requestBody", {})}
        parts |= {status: answer for status, answer in operation["responses"].items() if status < "300"}
        for place, part in parts.items():
            for name, media in part.get("content", {}).items():
                if name.endswith("json"):
                    yield f"{operation['operationId']} {place}", media


@pytest.mark.parametrize("service", SERVICES)
def test_every_body_and_good_answer__has_an_example_that_its_schema_takes(service: str) -> None:
    document, checker = DOCUMENTS[service], jsonschema.FormatChecker()
    for place, media in shown(document):
        values = [each["value"] for each in media["examples"].values()] if "examples" in media else [media["example"]]
        schema = {**media["schema"], "components": document["components"]}
        for value in values:
            errors = list(jsonschema.Draft202012Validator(schema, format_checker=checker).iter_errors(value))
            assert errors == [], place


@pytest.mark.parametrize("service", SERVICES)
def test_every_field__has_a_sample_of_its_own(service: str) -> None:
    document = DOCUMENTS[service]
    maker, missing = ExampleMaker(document["components"]["schemas"]), set[str]()

    def look(value: Any, name: str) -> None:
        for key, part in value.items() if isinstance(value, dict) else ():
            look(part, key)
        for part in value if isinstance(value, list) else ():
            look(part, name)
        if value == NAMELESS:
            missing.add(name)

    for place, media in shown(document):
        if "examples" not in media:  # such a route shows its own
            look(maker.of(media["schema"], whole=True), place)
    assert missing == set(), "add what it looks like to shared/events/field_samples.py"


def test_example__of_a_field_that_leads_to_its_own_struct_ends() -> None:
    inner = {"$ref": "#/components/schemas/Node"}
    properties = {"inner": inner, "nodes": {"type": "array", "items": inner}}
    maker = ExampleMaker({"Node": {"type": "object", "properties": properties}})
    assert maker.of({"$ref": "#/components/schemas/Node"}, whole=True) == {"nodes": []}


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal__names_its_problems_and_each_has_a_page(service: str) -> None:
    document = DOCUMENTS[service]
    app = (intake_app if service == "intake" else followup_app)(
        getattr(openapi, f"{service}_routes")(), Callers(local_allowed=True)
    )
    client, named = TestClient(app, base_url="http://127.0.0.1"), set[str]()
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400":
                name = answer["$ref"].rsplit("/", 1)[1]
                response = document["components"]["responses"][name]
                assert response["x-problem-types"], f"{operation['operationId']} {status}: no problem has this status"
                assert response["content"][PROBLEM_JSON]["example"]["status"] == int(status)
                named.update(response["x-problem-types"])
    for each in named:
        found = client.get(f"/v1/problems/{each.removeprefix(TYPE_PREFIX)}").json()
        assert found["type"] == each and found["title"]["vi"] and found["sentences"]


def test_problems__of_rules_stand_where_the_rule_is_asked() -> None:
    document = DOCUMENTS["intake"]

    def types(path: str, method: str, status: str) -> set[str]:
        name = document["paths"][path][method]["responses"][status]["$ref"].rsplit("/", 1)[1]
        return {each.removeprefix(TYPE_PREFIX) for each in document["components"]["responses"][name]["x-problem-types"]}

    closing, opening = "/v1/petitions/{target}/closure", "/v1/conferences/{target}/opening"
    assert "closing-without-reply-or-ground" in types(closing, "post", "409")
    assert "already-escalated" not in types(closing, "post", "409")
    pushing = types("/v1/petitions/by-reference/{source}/{external_id}", "put", "409")
    assert pushing >= {"reference-annulled", "reference-erased", "source-version-reused", "contended"}
    assert pushing.isdisjoint({"already-raised", "already-escalated", "conference-already-opened"})
    for decision in ("acceptance", "refusal"):
        assert "conflict-decided" in types(f"/v1/conflicts/{{conflict_id}}/{decision}", "post", "409")
    assert "already-escalated" not in types(opening, "post", "409")
    of_feed = types("/v1/events", "get", "409")
    assert of_feed >= {"stale-epoch", "beyond-head", "history-changed"}
    assert of_feed.isdisjoint({"already-escalated", "reference-differs"})


def test_every_problem__has_words_and_every_word_a_status() -> None:
    found = problems.statuses()
    assert found["intake"].keys() - WORDS.keys() == set()
    assert found["followup"].keys() - DOOR_WORDS.keys() == set()
    assert WORDS.keys() - found["intake"].keys() - found["followup"].keys() == set(), "run `make contracts`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer__names_its_request(service: str) -> None:
    document = DOCUMENTS[service]
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            found = (
                document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]] if "$ref" in answer else answer
            )
            assert "X-Request-Id" in found["headers"], f"{operation['operationId']} {status}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_good_answer__to_a_known_caller_says_the_rate(service: str) -> None:
    for operation in operations(DOCUMENTS[service]):
        for status, answer in operation["responses"].items():
            if status < "400":
                said = {"RateLimit", "RateLimit-Policy"} <= answer["headers"].keys()
                assert said == (operation["security"] != []), f"{operation['operationId']} {status}"


def test_links__lead_from_a_push_to_its_answer_and_from_a_subscription_to_its_deliveries() -> None:
    def links(service: str, path: str, method: str, status: str) -> dict[str, Any]:
        return dict(DOCUMENTS[service]["paths"][path][method]["responses"][status]["links"])

    pushed = "/v1/petitions/by-reference/{source}/{external_id}"
    for path, method, status in (
        (pushed, "put", "200"),
        (pushed, "put", "201"),
        ("/v1/petitions", "post", "201"),
        ("/v1/petitions/{target}", "get", "200"),
    ):
        assert "answer" in links("intake", path, method, status), path
    assert links("intake", "/v1/conflicts/{conflict_id}", "get", "200").keys() == {"acceptance", "refusal"}
    made = links("followup", "/v1/subscriptions", "post", "201")
    assert made.keys() == {"subscription", "test", "deliveries"}


def test_name_of_a_file__is_taken_where_a_file_is() -> None:
    taking = {
        operation["operationId"]
        for operation in operations(DOCUMENTS["intake"])
        if any(each["name"] == "Content-Disposition" for each in operation.get("parameters", ()))
    }
    assert taking == {"upload_file"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_link__leads_to_an_operation_that_takes_its_parameters(service: str) -> None:
    document = DOCUMENTS[service]
    takes = {o["operationId"]: {p["name"] for p in o.get("parameters", ())} for o in operations(document)}
    links = [
        link
        for operation in operations(document)
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert links
    for link in links:
        assert link["operationId"] in takes and link["parameters"].keys() <= takes[link["operationId"]]


@pytest.mark.parametrize("service", SERVICES)
def test_docs__show_every_operation_with_no_script_and_no_other_host(service: str) -> None:
    make_app = intake_app if service == "intake" else followup_app
    app = make_app(getattr(openapi, f"{service}_routes")(), Callers(local_allowed=False, entries=_entries()))
    client = TestClient(app, base_url="http://127.0.0.1")
    listed = client.get("/docs")
    assert listed.headers["content-type"] == "text/html; charset=utf-8"
    for found in pages_of(DOCUMENTS[service]):
        assert f"docs/{found.id}" in listed.text
        shown_page = client.get(f"/docs/{found.id}")
        assert shown_page.status_code == 200 and found.path in shown_page.text
        assert "`" not in shown_page.text, found.id
        assert re.fullmatch(r"[^{}…#%]*", found.curl.splitlines()[0]), found.curl
        assert "<script" not in shown_page.text and not re.search(r'(src|href)="https?:', shown_page.text)
    assert listed.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in listed.headers["content-security-policy"]
    assert client.get("/docs/nothing").status_code == 404


def test_docs__are_searched() -> None:
    client = TestClient(intake_app(openapi.intake_routes(), Callers(local_allowed=True)), base_url="http://127.0.0.1")
    found = client.get("/docs", params={"q": "petitions withdrawal"}).text
    assert "docs/PetitionsWithdrawal" in found and "docs/ConferencesOpening" not in found
    assert "&lt;b&gt;" in client.get("/docs", params={"q": "<b>"}).text


def test_problems__are_pages_for_browsers_and_json_for_programs() -> None:
    client = TestClient(intake_app(openapi.intake_routes(), Callers(local_allowed=True)), base_url="http://127.0.0.1")
    shown_page = client.get("/v1/problems/reference-annulled", headers={"Accept": "text/html"})
    assert shown_page.headers["content-type"].startswith("text/html") and "urn:doithoai:problem:" in shown_page.text
    assert 'href="problems/not-found"' in client.get("/v1/problems", headers={"Accept": "text/html"}).text
    assert client.get("/v1/problems").json()["items"][0]["code"]
    refused = client.get("/v1/problems/none-such")
    assert (refused.status_code, refused.headers["link"]) == (404, '</v1/problems/not-found>; rel="help"')


def test_schemas__are_found_under_either_name_and_are_those_of_the_contracts() -> None:
    client = TestClient(intake_app(openapi.intake_routes(), Callers(local_allowed=True)), base_url="http://127.0.0.1")
    by_topic = {each["topic"]: each for each in client.get("/v1/schemas").json()["items"]}
    assert by_topic["PetitionReceived"]["id"] == "urn:doithoai:schema:PetitionReceived"
    short, long = (client.get(f"/v1/schemas/{name}PetitionReceived") for name in ("", "vn.doithoai."))
    assert short.json() == long.json() and short.json()["$id"] == by_topic["PetitionReceived"]["id"]
    assert short.headers["content-type"] == "application/schema+json"
    assert client.get("/v1/schemas/Nothing").status_code == 404


def _entries() -> Any:
    return (mint_token("someone", "office")[1],)
