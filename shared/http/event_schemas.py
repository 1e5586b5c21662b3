"""`GET /v1/schemas`: the JSON Schema of each event's body, where the `dataschema` of an event can be looked up."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromPath, ParameterKwarg

from shared.envelope import topic_of
from shared.events import EVENTS, json_schema, schema_id
from shared.events.titles import EVENT_TITLES
from shared.http.openapi import problems
from shared.http.permissions import OPEN, permitted
from shared.http.problems import problem

PATH = "/v1/schemas"
SCHEMA_JSON = "application/schema+json"


class NamedSchema(msgspec.Struct, frozen=True):
    """An event's schema: the name of the event, that of the schema, the version of its fields, its title, its address.

    `id` is what `dataschema` says of an event, and the `$id` of the schema.
    """

    topic: str
    id: str
    version: int
    title: dict[str, str]
    href: str


class NamedSchemas(msgspec.Struct, frozen=True):
    """The schema of every event."""

    items: list[NamedSchema]


_BEGINNING = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": schema_id("PetitionClosed"),
    "title": "PetitionClosed",
    "type": "object",
    "required": ["data", "meta", "v"],
}
_SCHEMA = ResponseSpec(
    dict[str, Any],
    generate_examples=False,
    description="JSON Schema 2020-12",
    media_type=SCHEMA_JSON,
    examples=[Example(summary="how one begins", value=_BEGINNING)],
)


def schema_routes() -> list[HTTPRouteHandler]:
    """The list of schemas, and each of them."""

    @get(PATH, summary="The schemas of events", tags=["schema"], responses=problems(400))
    async def list_schemas() -> NamedSchemas:
        return NamedSchemas(
            [
                NamedSchema(topic, schema_id(topic), kind.VERSION, EVENT_TITLES[topic]._asdict(), f"{PATH}/{topic}")
                for topic, kind in EVENTS.items()
            ]
        )

    @get(
        PATH + "/{topic:str}",
        summary="The schema of one event",
        description="It holds for the `data` of an event in the feed and for the body of its message.",
        tags=["schema"],
        responses={200: _SCHEMA, **problems(400, 404)},
    )
    async def get_schema(
        topic: Annotated[
            FromPath[str], ParameterKwarg(description="the name of the event, with `vn.doithoai.` before it or without")
        ],
    ) -> Response[bytes]:
        name = topic_of(topic)
        if name not in EVENTS:
            raise problem(404, "not-found", "schema", field="topic")
        return Response(msgspec.json.encode(json_schema(name)), media_type=SCHEMA_JSON)

    return permitted(OPEN, [list_schemas, get_schema])
