"""What the OpenAPI document says of a command: its body from the event, its headers, its problems."""

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Link, OpenAPI, OpenAPIResponse, Operation, Parameter, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.openapi.spec.media_type import OpenAPIMediaType

from services.intake.application.case_queries import FactView
from services.intake.application.command_body import CODECS, BodyCodec
from services.intake.application.composite_acts import COMPOSITE_ACTS, MAX_PARTS, CompositeAct
from services.intake.domain.refusal_words import REFUSAL_WORDS
from services.intake.entrypoints.limits import MAX_KEY
from shared.events import EVENTS
from shared.events.field_samples import FIELD_SAMPLES, FORM_SAMPLES
from shared.http.openapi import (
    READ_STATUSES,
    REF,
    DescribedOperation,
    answers,
    body_operation,
    describe_answer,
    document,
    finish,
    headers,
    problems,
    without_defaults,
)
from shared.http.openapi_details import problem_example, with_details
from shared.http.problem_registry import ProblemKind, kinds_of, problems_of
from shared.problem_words import DOOR_WORDS

#: The words of every problem that intake answers with.
WORDS = {**DOOR_WORDS, **REFUSAL_WORDS}

_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=False,
    schema=Schema(type=OpenAPIType.STRING, max_length=MAX_KEY, pattern="^[ -~]*$"),
    description="Kept for ever: the same key with the same body gets the first answer, with another body 422.",
)
_IF_MATCH = Parameter(
    name="If-Match",
    param_in="header",
    required=False,
    schema=Schema(type=OpenAPIType.STRING),
    description="The versions (ETags) that the caller rests on; if none of them is the current one, the answer is 412.",
    example='"3"',
)
#: What was recorded can be read at an address of its own; the bodies, policies and calendars stand in lists alone.
PLURALS = {"petition": "petitions", "conference": "conferences"}
_ID_IN_ANSWER = {"target": "$response.body#/id"}
#: How to go on from a petition that is known by its id: to what is recorded of it, and to what its citizen may be told.
FOUND = {
    "petition": Link(operation_id="get_petition", parameters=_ID_IN_ANSWER),
    "answer": Link(operation_id="petition_answer", parameters=_ID_IN_ANSWER),
}
#: How to go on from a petition that was read.
READ = {"answer": Link(operation_id="petition_answer", parameters={"target": "$request.path.target"})}
#: How to go on from a conflict that was read.
DECIDE = {
    "acceptance": Link(operation_id="AcceptConflict", parameters={"conflict_id": "$request.path.conflict_id"}),
    "refusal": Link(operation_id="RefuseConflict", parameters={"conflict_id": "$request.path.conflict_id"}),
}
#: How to go on from a petition or conference that was just recorded.
_LINKS = {
    "petition": {
        **FOUND,
        "classification": Link(operation_id="PetitionsClassification", parameters={"target": "$response.body#/id"}),
        "withdrawal": Link(operation_id="PetitionsWithdrawal", parameters={"target": "$response.body#/id"}),
    },
    "conference": {
        "conference": Link(operation_id="get_conference", parameters={"target": "$response.body#/id"}),
        "opening": Link(operation_id="ConferencesOpening", parameters={"target": "$response.body#/id"}),
    },
}
#: Bodies that show what a command looks like. All data is invented.
_EXAMPLES: dict[str, dict[str, Any]] = {
    "PetitionReceived": {
        "jurisdiction": "H35.10.31",
        "kind": "petition",
        "channel": "portal",
        "petitioner_ids": ["cong-tinh-5821"],
        "identities": {
            "cong-tinh-5821": {"name": "Lò Thị Mai", "address": "Bản Thẳm, xã Bản Hon", "phone": "0900000000"}
        },
        "text": "Đường vào bản bị sạt lở, xe không qua được.",
        "submitted_at": "2026-03-01T21:47:05+07:00",
        "area": "H35.10.31",
        "category": "giao-thong",
        "language": "vi",
        "effective_on": "2026-03-02",
        "source": "cong-tinh",
        "external_id": "LC-2026-0417",
    },
    "PetitionClassified": {"subject": "Đường vào bản", "field": "transport", "urgency": "urgent"},
    "PetitionAssigned": {"agency": "H35.10.4"},
    "WrittenReplyIssued": {"number": "123/UBND-KT", "signatory": "Chủ tịch UBND", "digest": "9f86d081884c7d65" * 4},
    "PetitionClosed": {},
}


_ACT_EXAMPLES: dict[str, dict[str, Any]] = {
    "record-slip": {
        "parts": [
            {"command": "PetitionReceived", "body": {"jurisdiction": "H35.10.31", "channel": "conference"}},
            {
                "command": "PetitionClassified",
                "target": "#0",
                "body": {"subject": "Đường vào bản", "field": "transport"},
            },
            {
                "command": "PetitionScheduled",
                "target": "#0",
                "body": {"conference_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
            },
            {
                "command": "SpeakerRegistered",
                "target": "01890a5d-ac96-774b-bcce-b302099a8057",
                "body": {"speaker": "S-07"},
            },
        ]
    },
}


def operation_of(codec: BodyCodec) -> type[Operation]:
    """The operation class of a command: Litestar builds it, then it adds the typed body and the headers."""

    class CommandOperation(DescribedOperation):
        def describe(self) -> None:
            ref = Reference(ref=REF.format(name=codec.type.__name__))
            required = any(f.required for f in msgspec.structs.fields(codec.type))
            example = _EXAMPLES.get(codec.route.topic)
            self.request_body = RequestBody(
                content={"application/json": OpenAPIMediaType(schema=ref, example=example)}, required=required
            )
            route = codec.route
            is_read = PLURALS.keys() & {route.aggregate, EVENTS[route.topic].AGGREGATE}
            sent = ("ETag", "Location") if is_read else ("ETag",)
            conditions = [_KEY, _IF_MATCH] if codec.route.has_versions else [_KEY]
            self.parameters = [*(self.parameters or []), *conditions]
            for parameter in self.parameters:
                if isinstance(parameter, Parameter) and parameter.name == "target":
                    _describe_target(parameter, codec.route.aggregate)
            if self.responses is not None:
                recorded = self.responses["201"]
                assert isinstance(recorded, OpenAPIResponse)
                recorded.description = "decided and recorded"
                if codec.route.creates:
                    self.responses["200"] = OpenAPIResponse(
                        description="the external reference is known and says the same: nothing new was recorded",
                        content=recorded.content,
                        headers=headers(*sent),
                    )
            describe_answer(self, "201", sent, links=_LINKS.get(codec.route.aggregate, {}))

    return CommandOperation


@functools.cache
def act_body(act: CompositeAct) -> type[msgspec.Struct]:
    """The type of an act's body: its parts, told apart by their command, each with the body of that command."""
    part: Any = functools.reduce(operator.or_, (_part(codec) for codec in _codecs_of(act)))
    parts: Any = Annotated[tuple[part, ...], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]
    name = "".join(word.capitalize() for word in act.name.split("-"))
    namespace = {"__doc__": f"{act.title.en}: one or more of these, in the order in which they were done."}
    return msgspec.defstruct(f"{name}Act", [("parts", parts)], namespace=namespace)


def _codecs_of(act: CompositeAct) -> Iterable[BodyCodec]:
    """The codec of each of its commands: those of one command on several things have the same body."""
    return {codec.route.topic: codec for codec in CODECS.values() if codec.route.topic in act.commands}.values()


def act_operation(act: CompositeAct) -> type[Operation]:
    """The operation class of an act."""

    class ActOperation(DescribedOperation):
        def describe(self) -> None:
            ref = Reference(ref=REF.format(name=act_body(act).__name__))
            example = _ACT_EXAMPLES.get(act.name)
            content = {"application/json": OpenAPIMediaType(schema=ref, example=example)}
            self.request_body = RequestBody(content=content, required=True)
            self.parameters = [*(self.parameters or []), _KEY]
            if self.responses is not None:
                recorded = self.responses["201"]
                assert isinstance(recorded, OpenAPIResponse)
                recorded.description = "decided and recorded, whole"
                self.responses["200"] = OpenAPIResponse(
                    description="every part's external reference is known and says the same: nothing new was recorded",
                    content=recorded.content,
                )

    return ActOperation


@functools.cache
def _part(codec: BodyCodec) -> Any:
    """The type of a part of an act."""
    route = codec.route
    body: tuple[Any, ...] = ("body", codec.type)
    if not any(field.required for field in msgspec.structs.fields(codec.type)):
        body = (*body, msgspec.field(default_factory=codec.type))
    target = Annotated[str, msgspec.Meta(description="the id of the case, or `#0` for that of the first part")]
    aggregate = Annotated[str, msgspec.Meta(description="what the target is, where the command is done to several")]
    version = Annotated[int | None, msgspec.Meta(description="the version of the target that the caller knows")]
    fields: list[Any] = [] if route.creates else [("target", target), ("aggregate", aggregate, "")]
    fields += [body] if route.creates else [body, ("if_match", version, None)]
    namespace = {"__doc__": f"{route.summary} In the body `#0` may stand for the id of the first part's case."}
    return msgspec.defstruct(
        f"{route.topic}Part", fields, tag_field="command", tag=route.topic, kw_only=True, namespace=namespace
    )


def _describe_target(parameter: Parameter, aggregate: str) -> None:
    match aggregate:
        case "petition" | "conference":
            parameter.schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID)
            parameter.description = f"the id of the {aggregate}"
        case "jurisdiction" | "agency":
            parameter.description = f"the code of the {aggregate}, such as H35.10, or its id"
            parameter.example = FIELD_SAMPLES[aggregate]
        case _:
            parameter.description = f"the id of the {aggregate}"
            parameter.example = FIELD_SAMPLES["petitioner_id"] if aggregate == "petitioner" else FORM_SAMPLES["uuid"]


def target_operation(
    aggregate: str, *, cached: bool = False, links: Mapping[str, Link] | None = None
) -> type[Operation]:
    """The operation class of a question about one petition or conference."""
    headers_of = ("ETag",) if cached else ()

    class TargetOperation(answers(*headers_of, links=links, cached=cached)):  # type: ignore[misc]
        def describe(self) -> None:
            super().describe()
            for parameter in self.parameters or ():
                if isinstance(parameter, Parameter) and parameter.name == "target":
                    _describe_target(parameter, aggregate)

    return TargetOperation


def listing_operation(aggregate: str) -> type[Operation]:
    """The operation class of a list of facts of the regulation, each with its own data."""
    schema = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$ref": REF.format(name=_fact_name(aggregate))}}},
        "required": ["items"],
    }
    return answers("Link", schema=schema)


def _fact_name(aggregate: str) -> str:
    return f"{aggregate.capitalize()}Fact"


def in_words(roles: Iterable[str]) -> str:
    """Roles as a list for people."""
    return ", ".join(sorted(roles))


_PUSHED = {
    "jurisdiction": "H35.10.31",
    "source_version": "2",
    "text": "Rác ở chợ trung tâm ba ngày mới thu gom một lần.",
    "petitioner_ids": ["cong-thu-nghiem-5821"],
}
_CREATED = {
    "result": "created",
    "id": "0195536a-4c00-7a31-9d6e-5b7c1f0e2a44",
    "version": 1,
    "position": 4711,
    "recorded_at": "2026-03-02T02:15:00Z",
    "source_version": "1",
    "receipt_code": "GSGXS60D54",
}
_CHANGED = {**_CREATED, "result": "changed", "version": 2, "position": 4712, "source_version": "2"}


def push_operation(body: type[msgspec.Struct]) -> type[Operation]:
    """The operation class of a push."""

    class PushOperation(body_operation(body)):  # type: ignore[misc]
        def describe(self) -> None:
            super().describe()
            self.request_body.content["application/json"].example = _PUSHED
            operation: Any = self
            operation.parameters = [*(operation.parameters or []), _IF_MATCH]
            _describe_reference(operation.parameters)
            if self.responses is not None:
                known = self.responses.pop("200")
                assert isinstance(known, OpenAPIResponse)
                known.description = "the reference was known: `result` says what became of the push"
                shown = {name: replace(media) for name, media in (known.content or {}).items()}
                received = OpenAPIResponse(description="received", content=shown)
                self.responses |= {"200": known, "201": received}
            for status, example in (("200", _CHANGED), ("201", _CREATED)):
                describe_answer(self, status, ("ETag",), links=FOUND)
                answer: Any = operation.responses[status]
                answer.content["application/json"].example = example

    return PushOperation


def batch_operation(body: type[msgspec.Struct]) -> type[Operation]:
    """The operation class of many pushes."""

    class BatchOperation(body_operation(body)):  # type: ignore[misc]
        def describe(self) -> None:
            super().describe()
            self.request_body.content["application/json"].example = {
                "items": [
                    {"external_id": "TN-1", **_PUSHED},
                    {"external_id": "TN-2", **_PUSHED, "jurisdiction": "H35.99"},
                ]
            }
            answer: Any = (self.responses or {})["200"]
            refused = problem_example(_kinds()["unknown-jurisdiction"], 422) | {"field": "jurisdiction"}
            answer.content["application/json"].example = {
                "items": [
                    {"index": 0, "status": 201, "push": _CREATED},
                    {"index": 1, "status": 422, "problem": refused},
                ]
            }

    return BatchOperation


def withdrawal_operation() -> type[Operation]:
    """The operation class of a withdrawal by reference."""

    class WithdrawalOperation(operation_of(CODECS["/v1/petitions/{id}/withdrawal"])):  # type: ignore[misc]
        def describe(self) -> None:
            super().describe()
            operation: Any = self
            operation.parameters = [each for each in operation.parameters or [] if each is not _IF_MATCH]
            _describe_reference(operation.parameters)
            if self.responses is not None:
                recorded = self.responses["201"]
                assert isinstance(recorded, OpenAPIResponse)
                self.responses["200"] = OpenAPIResponse(
                    description="it was withdrawn before", content=recorded.content, headers=headers("ETag")
                )

    return WithdrawalOperation


def _describe_reference(parameters: Iterable[Any]) -> None:
    said = {
        "source": "the system whose record it is",
        "external_id": "the record's id there; in a batch it may hold a slash",
    }
    for parameter in parameters:
        if isinstance(parameter, Parameter) and parameter.name in said:
            parameter.description = said[parameter.name]


_BINARY = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


def upload_operation(types: Iterable[str]) -> type[Operation]:
    """The operation class of a route whose body is a file of one of these media types."""

    class UploadOperation(DescribedOperation):
        def describe(self) -> None:
            content = dict.fromkeys([*types, "application/octet-stream"], _BINARY)
            self.request_body = RequestBody(content=content, required=True)
            called = Parameter(
                name="Content-Disposition",
                param_in="header",
                required=False,
                description="what the file is called, `attachment; filename*=UTF-8''…` (RFC 6266); it is kept sealed",
                schema=Schema(type=OpenAPIType.STRING),
            )
            self.parameters = [*(self.parameters or ()), called]
            if self.responses is not None:
                stored = self.responses["201"]
                assert isinstance(stored, OpenAPIResponse)
                stored.description = "stored"
                known = "the caller had stored the same file before: nothing new was stored"
                self.responses["200"] = OpenAPIResponse(description=known, content=stored.content)

    return UploadOperation


def download_operation(aggregate: str, types: Mapping[str, Any]) -> type[Operation]:
    """The operation class of a question for a file of one petition or conference."""

    class DownloadOperation(target_operation(aggregate)):  # type: ignore[misc]
        def describe(self) -> None:
            super().describe()
            for parameter in self.parameters or ():
                if isinstance(parameter, Parameter) and parameter.name == "digest":
                    parameter.description = "the SHA-256 of the file, as the record names it"
                    parameter.schema = Schema(type=OpenAPIType.STRING, pattern="^[0-9A-Fa-f]{64}$")
            describe_answer(self, "200", ("Content-Disposition",))
            if self.responses is not None:
                found = self.responses["200"]
                assert isinstance(found, OpenAPIResponse)
                found.description, found.content = "the file itself", dict.fromkeys(types, _BINARY)

    return DownloadOperation


COMMAND_PROBLEMS = problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 503)
DECISION_PROBLEMS = problems(400, 401, 403, 404, 409, 422, 503)
REFUSAL_PROBLEMS = problems(400, 401, 403, 404, 409, 503)
BODY_PROBLEMS = problems(400, 401, 403, 413, 415, 422, 503)
READ_PROBLEMS = problems(*READ_STATUSES)
FILE_PROBLEMS = problems(400, 401, 403, 404, 413, 415, 422, 503)
FILE_READ_PROBLEMS = problems(*READ_STATUSES, 410)


def config(*more: type[msgspec.Struct], prefix: str = "", routes: Sequence[HTTPRouteHandler] = ()) -> OpenAPIConfig:
    """The document of intake; `more` are further bodies. A proxy may show it under a path, the `prefix`."""
    return document(
        "Đối thoại – intake",
        "The system of record of citizens' dialogue conferences: commands in, events out.",
        functools.partial(_complete, more),
        functools.partial(with_details, problems_of=_problems_of),
        prefix,
        routes,
    )


@functools.cache
def _kinds() -> dict[str, ProblemKind]:
    return kinds_of("intake", WORDS)


def _problems_of(operation: Mapping[str, Any], status: int) -> list[ProblemKind]:
    return problems_of("intake", _kinds(), operation["operationId"], status)


def _complete(more: Iterable[type[msgspec.Struct]], found: OpenAPI) -> None:
    """Add the bodies of every command, of `more`, and the facts of the regulation.

    Litestar describes only what it parses itself; msgspec writes JSON Schema 2020-12, the dialect of OpenAPI 3.1.
    Raises ValueError where two schemas would have one name.
    """
    types = {*(codec.type for codec in CODECS.values()), *map(act_body, COMPOSITE_ACTS.values()), *more}
    _, bodies = msgspec.json.schema_components(sorted(types, key=lambda t: t.__name__), ref_template=REF)
    components = found.components
    answered = dict(components.schemas or {})
    del answered["Items"]  # each list says of what
    if twice := bodies.keys() & answered.keys():
        raise ValueError(f"{sorted(twice)}: asked and answered under one name")
    components.schemas = {**cast(dict[str, Schema], without_defaults(_facts() | bodies)), **answered}
    finish(found)


def _facts() -> dict[str, Any]:
    """The facts of the regulation as the lists show them: the fields that they have in common, and the event's own."""
    (_,), found = msgspec.json.schema_components([FactView], ref_template=REF)
    fact = found.pop("FactView")
    schemas: dict[str, Any] = {}
    for aggregate in ("jurisdiction", "agency", "calendar", "policy", "plan", "catalogue"):
        topics = [topic for topic, kind in EVENTS.items() if aggregate == kind.AGGREGATE]
        for topic in topics:
            (_,), parts = msgspec.json.schema_components([EVENTS[topic]], ref_template=REF)
            schemas |= parts
        data = {"anyOf": [{"$ref": REF.format(name=topic)} for topic in topics]}
        properties = fact["properties"] | {
            "topic": {"type": "string", "enum": topics},
            "data": data if len(topics) > 1 else data["anyOf"][0],
        }
        schemas[_fact_name(aggregate)] = fact | {"title": _fact_name(aggregate), "properties": properties}
    return schemas
