"""`GET /docs`: the documentation of a service for people, made from its own OpenAPI document, without a script."""

import functools
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from shared.events.field_titles import FIELD_TITLES
from shared.http.examples import ExampleMaker
from shared.http.html import page
from shared.http.permissions import OPEN, permitted
from shared.http.problems import TYPE_PREFIX, problem

PATH = "/docs"
_PLACE = re.compile(r"{(\w+)}")
LONGEST_QUESTION = 100  # characters
LONGEST_EXAMPLE = 6_000  # characters of one that a page shows

Plain = Mapping[str, Any]


class FieldRow(msgspec.Struct, frozen=True):
    """A parameter or a field of a body, as a page shows it."""

    name: str
    type: str
    required: bool
    description: str


class AnswerSection(msgspec.Struct, frozen=True):
    """A good answer, as a page shows it."""

    status: str
    description: str
    headers: list[str]
    links: list[str]
    example: str


class ProblemRow(msgspec.Struct, frozen=True):
    """The problems that come with a status."""

    status: str
    codes: list[str]


class OperationPage(msgspec.Struct, frozen=True, kw_only=True):
    """An operation, as a page shows it."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    is_open: bool
    permissions: list[str]
    parameters: list[FieldRow]
    body: list[FieldRow]
    answers: list[AnswerSection]
    problems: list[ProblemRow]
    curl: str

    def says(self, words: list[str]) -> bool:
        """Whether each of some words stands in it."""
        text = " ".join((self.path, self.method, self.tag, self.summary, self.description, self.id)).lower()
        return all(word in text for word in words)


class TagSection(msgspec.Struct, frozen=True):
    """Operations on the same thing."""

    name: str
    description: str
    operations: list[OperationPage]


def docs_routes() -> list[HTTPRouteHandler]:
    """The list of operations, and a page for each."""
    made: list[OperationPage] = []

    def pages(request: Request[Any, Any, Any]) -> list[OperationPage]:
        if not made:
            made.extend(pages_of(request.app.openapi_schema.to_schema()))
        return made

    @get(PATH, include_in_schema=False, name="docs")
    async def list_operations(
        request: Request[Any, Any, Any], q: Annotated[str, QueryParameter(max_length=LONGEST_QUESTION)] = ""
    ) -> Response[Any]:
        document, words = request.app.openapi_schema.to_schema(), q.lower().split()
        known: dict[str, list[OperationPage]] = {}
        for operation in pages(request):
            if operation.says(words):
                known.setdefault(operation.tag, []).append(operation)
        said = {tag["name"]: tag["description"] for tag in document["tags"]}
        tags = [TagSection(name, said[name], operations) for name, operations in sorted(known.items())]
        info = document["info"]
        return page("docs.html", title=info["title"], description=info["description"], tags=tags, q=q)

    @get(PATH + "/{operation:str}", include_in_schema=False, name="docs_of_operation")
    async def show_operation(request: Request[Any, Any, Any], operation: FromPath[str]) -> Response[Any]:
        found = next((p for p in pages(request) if p.id == operation), None)
        if found is None:
            raise problem(404, "not-found", "address")
        return page("operation.html", operation=found)

    return permitted(OPEN, [list_operations, show_operation])


def pages_of(document: Plain) -> Iterator[OperationPage]:
    """Every operation of an OpenAPI document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield _page(document, path, method, operation)


def _page(document: Plain, path: str, method: str, operation: Plain) -> OperationPage:
    of = functools.partial(_resolved, document)
    parameters = [of(each) for each in operation.get("parameters", ())]
    media = operation.get("requestBody", {}).get("content", {})
    body = media.get("application/json", {})
    schema = of(body.get("schema", {}))
    good = {status: of(answer) for status, answer in operation["responses"].items() if status < "400"}
    bad = {status: of(answer) for status, answer in operation["responses"].items() if status >= "400"}
    return OperationPage(
        id=operation["operationId"],
        method=method,
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        description=operation["description"],
        is_open=not operation["security"],
        permissions=[_permission(operation["x-permission"])] if "x-permission" in operation else [],
        parameters=[
            FieldRow(p["name"], f"{_type(document, p['schema'])}, {p['in']}", p.get("required", False), _said(p))
            for p in parameters
        ],
        body=[
            FieldRow(name, _type(document, part), name in schema.get("required", ()), _said(part, name))
            for name, part in schema.get("properties", {}).items()
        ],
        answers=[
            AnswerSection(
                status,
                answer["description"],
                sorted(answer.get("headers", ())),
                [link["operationId"] for link in answer.get("links", {}).values()],
                _shown(answer),
            )
            for status, answer in good.items()
        ],
        problems=[
            ProblemRow(status, [name.removeprefix(TYPE_PREFIX) for name in answer.get("x-problem-types", ())])
            for status, answer in bad.items()
        ],
        curl=_curl(path, method, operation, parameters, media),
    )


def _permission(permission: Plain) -> str:
    """Who may call it."""
    reach = {"own": " of what is at their place or came from them", "everything": " whose place holds every other"}
    return f"For the roles {', '.join(permission['roles'])}{reach.get(permission['reach'], '')}."


def _resolved(document: Plain, part: Plain) -> Plain:
    """What a reference leads to; what is none itself."""
    if "$ref" not in part:
        return part
    found: Any = document
    for name in str(part["$ref"]).removeprefix("#/").split("/"):
        found = found[name]
    return _resolved(document, found)


def _type(document: Plain, schema: Plain) -> str:
    """The type of a value in a few words."""
    if "$ref" in schema:
        found = _resolved(document, schema)
        return _type(document, found) if "enum" in found else str(schema["$ref"]).rsplit("/", 1)[1]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = (_type(document, part) for part in schema[several] if part.get("type") != "null")
            return " or ".join(dict.fromkeys(kinds))
    kind = str(schema.get("format", schema.get("type", "any")))
    return f"list of {_type(document, schema['items'])}" if kind == "array" and "items" in schema else kind


def _said(part: Plain, name: str = "") -> str:
    """What a parameter or field is: in its own words, else as forms call it."""
    seen = f" ({part['x-visibility']})" if "x-visibility" in part else ""
    title = FIELD_TITLES.get(name)
    return str(part.get("description") or (title.both if title is not None else "")) + seen


def _example(media: Plain) -> Any:
    examples = media.get("examples") or {"": {"value": media.get("example")}}
    return next(iter(examples.values()))["value"]


def _shown(answer: Plain) -> str:
    for media in answer.get("content", {}).values():
        if (example := _example(media)) is not None:
            text = json.dumps(example, ensure_ascii=False, indent=2)
            return text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + "\n…"
    return ""


def _sample(parameter: Plain) -> str:
    """What a parameter may look like."""
    if (given := _example(parameter)) is not None:
        return str(given)
    schema = {"type": "object", "properties": {parameter["name"]: parameter["schema"]}}
    return str(ExampleMaker({}).of(schema, whole=True)[parameter["name"]])


def _curl(path: str, method: str, operation: Plain, parameters: list[Plain], media: Plain) -> str:
    """How to call it from a shell, with what it cannot do without; `$URL` and `$TOKEN` are the caller's own."""
    sample = {p["name"]: quote(_sample(p)) for p in parameters}
    asked = [f"{p['name']}={sample[p['name']]}" for p in parameters if p["in"] == "query" and p.get("required")]
    # Braces would be a pattern to curl.
    address = _PLACE.sub(lambda place: sample[place[1]], path) + ("?" + "&".join(asked) if asked else "")
    lines = [f'curl -X {method.upper()} "$URL{address}"' if method != "get" else f'curl "$URL{address}"']
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if any(p["name"] == "Idempotency-Key" for p in parameters):
        lines.append("-H 'Idempotency-Key: LC-2026-0417'")
    if "application/json" in media:
        body = json.dumps(_example(media["application/json"]), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    elif media:
        lines += [f"-H 'Content-Type: {next(iter(media))}'", "--data-binary @FILE"]
    return " \\\n  ".join(lines)
