"""The parts that the OpenAPI documents of both services share: problems, headers, the token, names that tools like."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    License,
    Link,
    OpenAPI,
    OpenAPIHeader,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.media_type import OpenAPIMediaType

from shared.http.permissions import permission_of
from shared.http.problems import PROBLEM_JSON, Problem

_TYPE_IN_PATH = re.compile(r":\w+(?=})")
TOKEN = [{"token": list[str]()}]
REF = "#/components/schemas/{name}"
#: What every question may be answered with.
READ_STATUSES = (400, 401, 403, 404, 503)

IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    param_in="header",
    required=False,
    schema=Schema(type=OpenAPIType.STRING),
    description="The version (ETag) that the caller has; while it is the current one the answer is 304.",
)

#: The headers of answers, each with what it says.
HEADERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ETag": ("the version, in quotes; for `If-Match` and `If-None-Match`", {"type": "string"}),
    "Location": ("where the record is read", {"type": "string", "format": "uri-reference"}),
    "Link": (
        'the next page (`rel="next"`), missing on the last; of a problem its page (`rel="help"`)',
        {"type": "string"},
    ),
    "Retry-After": ("seconds to wait before the same is sent again", {"type": "integer"}),
    "WWW-Authenticate": ("how to authenticate", {"type": "string"}),
    "Accept-Encoding": ("the encodings of a body that are taken", {"type": "string"}),
    "RateLimit": ("the requests that are left (`r`), and the seconds until all are again (`t`)", {"type": "string"}),
    "RateLimit-Policy": ("the requests (`q`) that a caller may make in some seconds (`w`)", {"type": "string"}),
    "Content-Language": ("the language of title and detail", {"type": "string", "enum": ["en", "vi"]}),
    "Content-Disposition": ("the name of the file", {"type": "string"}),
    "Allow": ("the methods of the address", {"type": "string"}),
}
_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "401": ("WWW-Authenticate",),
    "412": ("ETag",),
    "415": ("Accept-Encoding",),
    "429": ("Retry-After", "RateLimit", "RateLimit-Policy"),
    "503": ("Retry-After",),
}
_TAGS = {
    "petition": "What citizens and organisations raise.",
    "conference": "Dialogue conferences, from their proposal to their conclusions.",
    "jurisdiction": "Provinces, districts and communes.",
    "agency": "The bodies that answer.",
    "calendar": "The working days of a year.",
    "policy": "The rules by which days are counted.",
    "plan": "Dialogue plans of a year.",
    "catalogue": "The codes from which a place chooses, with their titles.",
    "petitioner": "Those who petition.",
    "file": "The files that records name by their SHA-256.",
    "person": "Who holds which post, and for whom a deputy acts.",
    "act": "Several commands that are decided and recorded as one.",
    "case": "Petitions, conferences and authorities with what is owed on each.",
    "deadline": "What is owed by when, and how it ended.",
    "reminder": "Whom to urge.",
    "report": "Figures of a period.",
    "feed": "The log, in order.",
    "subscription": "Events over HTTP to an address of the caller's.",
    "clock": "The store's time.",
    "operations": "For those who run the service.",
    "problem": "What the types of problems mean.",
    "schema": "The schemas of events.",
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Problem answers by status."""
    words = {
        400: "not JSON, or a parameter that is not valid or not known",
        401: "no token, or one not known here",
        403: "this role, jurisdiction or agency may not",
        404: "no such thing",
        409: "a rule refuses it; `type` names the rule",
        410: "it was there, and is gone for good",
        412: "the version in If-Match is not the current one",
        413: "a body beyond 1 MiB, or a file beyond what is taken",
        429: "this caller asks too often; wait for the seconds of Retry-After",
        415: "a body that is compressed, or not of a type that is taken",
        422: "a field is wrong, or the key was used with another body",
        503: "the store cannot take it now; try again with the same key",
    }
    return {
        s: ResponseSpec(Problem, generate_examples=False, description=words[s], media_type=PROBLEM_JSON)
        for s in (*statuses, *((429,) if 401 in statuses else ()))
    }


class DescribedOperation(Operation):
    """An operation that says more of itself than Litestar sees."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.describe()

    def describe(self) -> None:
        """Say it."""


def document(
    title: str,
    description: str,
    complete: Callable[[OpenAPI], None],
    detail: Callable[[dict[str, Any]], dict[str, Any]],
    prefix: str = "",
    routes: Sequence[HTTPRouteHandler] = (),
) -> OpenAPIConfig:
    """The document of a service, made and completed when it is first asked for; `/schema/openapi.json` serves it.

    `detail` adds to it as plain values. A proxy may show it under a path, the `prefix`. The `routes` say who may call
    them.
    """

    class Document(OpenAPI):
        made: dict[str, Any] | None = None

        def to_schema(self) -> dict[str, Any]:
            if self.made is None:
                complete(self)
                described = _with_permissions(super().to_schema(), routes)
                self.made = detail(msgspec.json.decode(msgspec.json.encode(described)))
            return self.made

    class Config(OpenAPIConfig):
        def to_openapi_schema(self) -> OpenAPI:
            made = super().to_openapi_schema()
            return Document(**{field.name: getattr(made, field.name) for field in fields(made)})

    return Config(
        title=title,
        version="1",
        description=description,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        security=TOKEN,
        servers=[Server(url=prefix or "/")],
        path="/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=False,
        operation_id_creator=_function_name,
    )


def _with_permissions(schema: dict[str, Any], routes: Iterable[HTTPRouteHandler]) -> dict[str, Any]:
    """The document, in which each operation says for which roles it is, and what of it they are answered."""
    for route in routes:
        permission = permission_of(route)
        for path, method in itertools.product(route.paths, route.http_methods):
            operation = schema["paths"].get(_TYPE_IN_PATH.sub("", path), {}).get(method.lower())
            if operation is not None and permission.is_open:
                operation["security"] = []
            elif operation is not None:
                operation["security"] = TOKEN
                operation["x-permission"] = {"roles": sorted(permission.roles), "reach": permission.reach}
    return schema


def _function_name(handler: HTTPRouteHandler, *_: Any) -> str:
    return str(handler.handler_name)


def headers(*names: str) -> dict[str, OpenAPIHeader | Reference]:
    """The descriptions of some headers of an answer."""
    return {
        name: OpenAPIHeader(description=HEADERS[name][0], schema=cast(Schema, dict(HEADERS[name][1]))) for name in names
    }


def answers(
    *names: str,
    status: str = "200",
    schema: Mapping[str, Any] | None = None,
    links: Mapping[str, Link] | None = None,
    cached: bool = False,
) -> type[Operation]:
    """The operation class of a route whose good answer has these headers, this schema in place of the handler's type,
    and links to other operations. `cached`: it may be answered 304."""

    class AnsweringOperation(DescribedOperation):
        def describe(self) -> None:
            describe_answer(self, status, names, schema, links)
            if cached and self.responses is not None:
                self.responses["304"] = OpenAPIResponse(
                    description="the caller has this version already", headers=headers("ETag")
                )
                self.parameters = [*(self.parameters or []), IF_NONE_MATCH]

    return AnsweringOperation


def body_operation(body: type[msgspec.Struct], *media_types: str) -> type[Operation]:
    """The operation class of a route with one plain body, as JSON or as text of other media types."""

    class BodyOperation(DescribedOperation):
        def describe(self) -> None:
            (schema,), _ = msgspec.json.schema_components([body], ref_template=REF)
            content = {"application/json": OpenAPIMediaType(schema=Reference(ref=schema["$ref"]))}
            text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
            self.request_body = RequestBody(content={**content, **dict.fromkeys(media_types, text)}, required=True)

    return BodyOperation


def describe_answer(
    operation: Operation,
    status: str,
    names: Iterable[str] = (),
    schema: Mapping[str, Any] | None = None,
    links: Mapping[str, Link] | None = None,
) -> None:
    """Add headers, links and a schema to one answer of an operation."""
    answer = (operation.responses or {}).get(status)
    if isinstance(answer, OpenAPIResponse):
        answer.headers = {**(answer.headers or {}), **headers(*names)}
        answer.links = {**(answer.links or {}), **(links or {})} or None
        if schema is not None:
            answer.content = {"application/json": OpenAPIMediaType(schema=cast(Schema, dict(schema)))}


def finish(found: OpenAPI) -> None:
    """What every operation has in common: its problems and their headers, its tag."""
    used, refused = set[str](), dict[str, OpenAPIResponse | Reference]()
    for item in (found.paths or {}).values():
        for operation in (item.get, item.post, item.put, item.patch, item.delete):
            if operation is None:
                continue
            used.update(operation.tags or ())
            operation.description = operation.description or f"{operation.summary}."
            for status, answer in (operation.responses or {}).items():
                if operation.responses and isinstance(answer, OpenAPIResponse) and int(status) >= 400:
                    answer.headers = headers("Content-Language", "Link", *_OF_STATUS.get(status, ()))
                    refused[f"Problem{status}"] = answer
                    operation.responses[status] = Reference(ref=f"#/components/responses/Problem{status}")
    found.tags = [Tag(name=name, description=_TAGS[name]) for name in sorted(used)]
    found.components.responses = refused
    for schema in (found.components.schemas or {}).values():
        for part in _within(schema):
            part.default = None
            if part.prefix_items and part.items is None:
                part.items = Schema(type=OpenAPIType.STRING)  # asked for beside `prefixItems` by tools of OpenAPI 3.0


def without_defaults(schema: Any) -> Any:
    """A JSON Schema whose fields may be left out instead of having a default; one that says something is described.

    A generator takes a field with a default for one that is always there: then callers had to write out each of them.
    """
    if isinstance(schema, list):
        return [without_defaults(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: without_defaults(part) for name, part in schema.items()}
    if said := found.pop("default", None):
        found["description"] = f"{found.get('description', '')} If it is left out: {said}.".strip()
    return found


def _within(schema: Any) -> Iterable[Schema]:
    """A schema and those that stand in it."""
    if isinstance(schema, Schema):
        yield schema
        for part in (*(schema.properties or {}).values(), schema.items):
            yield from _within(part)
