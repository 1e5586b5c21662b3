"""What is added to every operation of an OpenAPI document, whatever it is for: examples, the types of its problems, the
id of its request. A route that is added gets all of this without a line of its own."""

import itertools
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.http.examples import ExampleMaker
from shared.http.openapi import HEADERS
from shared.http.problem_registry import ProblemKind

Document = dict[str, Any]
#: Says which problems an operation may be answered with, of those that come with a status.
ProblemsOf = Callable[[Mapping[str, Any], int], list[ProblemKind]]

PROBLEM_JSON = "application/problem+json"
_RESPONSES = "#/components/responses/"
#: What every answer to a caller who is known says of the rate at which that caller may ask.
_RATE = ("RateLimit", "RateLimit-Policy")
_METHODS = ("get", "post", "put", "patch", "delete")
_REQUEST_ID = {
    "description": "the id of the request: the caller's own `X-Request-Id`, or a new one; it stands in the log too",
    "schema": {"type": "string"},
    "example": "portal-17",
}


def with_details(document: Document, problems_of: ProblemsOf) -> Document:
    """The document with these details; what a route says itself stays as it is."""
    components = document["components"]
    _open_any(components["schemas"])
    makers = ExampleMaker(components["schemas"])
    components["headers"] = {
        **components.get("headers", {}),
        "X-Request-Id": _REQUEST_ID,
        **{name: {"description": HEADERS[name][0], "schema": dict(HEADERS[name][1])} for name in _RATE},
    }
    shared = components.get("responses", {})
    components["responses"] = answered = dict[str, Any]()
    for operation in operations(document):
        for media in _json_of(operation.get("requestBody", {})):
            _give_example(media, makers, whole=False)
        for status, response in operation["responses"].items():
            name = str(response.get("$ref", "")).removeprefix(_RESPONSES)
            if name:
                kinds = problems_of(operation, int(status))
                name = _named(name, operation, kinds, answered)
                answered.setdefault(name, _with_kinds(shared[f"Problem{status}"], int(status), kinds))
                operation["responses"][status] = {"$ref": _RESPONSES + name}
            else:
                _name_request(response)
                if operation.get("security") != []:
                    response["headers"] |= {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE}
                for media in _json_of(response):
                    _give_example(media, makers, whole=True)
    components["responses"] = dict(sorted(answered.items()))
    return document


def _open_any(part: Any) -> None:
    """Leave out choices of which one takes any value: linters take them for a mistake, and nothing is said by them."""
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _open_any(value)
    if isinstance(part, dict) and isinstance(choices := part.get("oneOf"), list) and {} in choices:
        del part["oneOf"]


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for item in document["paths"].values():
        yield from (item[method] for method in _METHODS if method in item)


def _json_of(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, media in part.get("content", {}).items():
        if name.endswith("json") and name != PROBLEM_JSON:
            yield media


def _give_example(media: dict[str, Any], maker: ExampleMaker, *, whole: bool) -> None:
    if "schema" in media and not media.keys() & {"example", "examples"}:
        media["example"] = maker.of(media["schema"], whole=whole)


def _name_request(response: dict[str, Any]) -> None:
    response["headers"] = {
        **response.get("headers", {}),
        "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
    }


def _named(name: str, operation: Mapping[str, Any], kinds: list[ProblemKind], known: Mapping[str, Any]) -> str:
    """The name of a response with these problems: two operations share one that is the same."""
    types = [kind.type for kind in kinds]
    tagged = name + "".join(part.capitalize() for part in str(operation["tags"][0]).split("-"))
    for called in itertools.chain((name, tagged), (f"{tagged}{number}" for number in itertools.count(2))):
        if called not in known or known[called]["x-problem-types"] == types:
            return called
    raise AssertionError("numbers do not end")


def _with_kinds(response: Mapping[str, Any], status: int, kinds: list[ProblemKind]) -> dict[str, Any]:
    """A response that names the types of its problems, and shows the first."""
    made = {**response, "x-problem-types": [kind.type for kind in kinds]}
    _name_request(made)
    if kinds:
        media = {**made["content"][PROBLEM_JSON], "example": problem_example(kinds[0], status)}
        made["content"] = {PROBLEM_JSON: media}
        made["description"] = f"{response['description']}: {', '.join(f'`{kind.code}`' for kind in kinds)}"
    return made


def problem_example(kind: ProblemKind, status: int) -> dict[str, Any]:
    """What a problem of a kind looks like, in its first sentence; a place for a value is three dots."""
    said = kind.sentences[0]
    texts = {"vi": _filled(said.vi), "en": _filled(said.en)}
    return {
        "type": kind.type,
        "title": kind.title["en"],
        "status": status,
        "detail": texts["en"],
        "translations": {name: {"title": kind.title[name], "detail": text} for name, text in texts.items()},
        "request_id": "portal-17",
    }


def _filled(text: str) -> str:
    places = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    for place in places:
        text = text.replace("{" + place + "}", "…")
    return text
