"""What the OpenAPI document says of a command: its body from the event, its headers, its problems."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Operation, Parameter, Reference, RequestBody, Schema
from litestar.openapi.spec.media_type import OpenAPIMediaType

from services.intake.application.command_body import CODECS, BodyCodec
from shared.http.openapi import document, problems

_REF = "#/components/schemas/{name}"

_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=False,
    schema=Schema(type=cast(Any, "string"), max_length=200),
    description="Kept for ever: the same key with the same body gets the first answer, with another body 422.",
)
_IF_MATCH = Parameter(
    name="If-Match",
    param_in="header",
    required=False,
    schema=Schema(type=cast(Any, "string")),
    description="The version (ETag) that the caller knows; another one is answered 412.",
)


def operation_of(codec: BodyCodec) -> type[Operation]:
    """The operation class of a command: Litestar builds it, then it adds the typed body and the headers."""

    @dataclass
    class CommandOperation(Operation):
        def __post_init__(self) -> None:
            ref = Reference(ref=_REF.format(name=codec.type.__name__))
            required = any(f.required for f in msgspec.structs.fields(codec.type))
            self.request_body = RequestBody(
                content={"application/json": OpenAPIMediaType(schema=ref)}, required=required
            )
            headers = [_KEY, _IF_MATCH] if codec.route.has_versions else [_KEY]
            self.parameters = [*(self.parameters or []), *headers]
            self.security = [{"token": []}]

    return CommandOperation


def in_words(roles: Iterable[str]) -> str:
    """Roles as a list for people."""
    return ", ".join(sorted(roles))


def body_operation(body: type[msgspec.Struct]) -> type[Operation]:
    """The operation class of a route with one plain body."""

    @dataclass
    class BodyOperation(Operation):
        def __post_init__(self) -> None:
            (schema,), _ = msgspec.json.schema_components([body], ref_template=_REF)
            ref = Reference(ref=schema["$ref"])
            self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=ref)}, required=True)
            self.security = [{"token": []}]

    return BodyOperation


COMMAND_PROBLEMS = problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 503)
READ_PROBLEMS = problems(400, 401, 403, 404)


def config() -> OpenAPIConfig:
    """The document of intake."""
    return document(
        "Đối thoại – intake",
        "The system of record of citizens' dialogue conferences: commands in, events out.",
    )


def describe_bodies(app: Litestar, *more: type[msgspec.Struct]) -> None:
    """Add the bodies of every command, and of `more`, to the document of an application.

    Litestar describes only what it parses itself; msgspec writes JSON Schema 2020-12, the dialect of OpenAPI 3.1.
    """
    types = {*(codec.type for codec in CODECS.values()), *more}
    _, schemas = msgspec.json.schema_components(sorted(types, key=lambda t: t.__name__), ref_template=_REF)
    components = app.openapi_schema.components
    components.schemas = {**(components.schemas or {}), **cast(dict[str, Schema], schemas)}
