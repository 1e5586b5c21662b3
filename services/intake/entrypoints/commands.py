"""One HTTP route for each command, made from the table of commands."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from services.intake.application.command import Command, CommandOutcome
from services.intake.application.command_body import CODECS, BodyCodec
from services.intake.application.command_handler import CommandHandler
from services.intake.application.commands import CommandRoute
from services.intake.application.json_body import cleaned
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.limits import MAX_BODY, MAX_KEY
from shared.http.auth import caller_of
from shared.http.problems import problem
from shared.identifiers import normalised

_PLURALS = {"petition": "petitions", "conference": "conferences", "jurisdiction": "jurisdictions", "agency": "agencies"}
_JSON = b"application/json"
_VERSION = re.compile(r'"?(\d{1,18})"?')


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command was decided and is durable."""

    id: UUID
    version: int
    position: int
    recorded_at: datetime
    receipt_code: str = ""


#: As they came: names in small letters.
Headers = Mapping[bytes, bytes]

_accepted = msgspec.json.Encoder()


def command_routes(handler: CommandHandler) -> list[HTTPRouteHandler]:
    """The routes of every command."""
    return [_route(codec, handler) for codec in CODECS.values()]


def _route(codec: BodyCodec, handler: CommandHandler) -> HTTPRouteHandler:
    route, has_versions = codec.route, codec.route.has_versions
    handle: Callable[..., Awaitable[Response[Accepted]]]
    if "{id}" in route.path:

        async def handle_target(request: Request[Any, Any, Any], target: FromPath[str]) -> Response[Accepted]:
            return await _handle(request, target)

        handle = handle_target
    else:

        async def handle_creation(request: Request[Any, Any, Any]) -> Response[Accepted]:
            return await _handle(request, "")

        handle = handle_creation

    async def _handle(request: Request[Any, Any, Any], target: str) -> Response[Accepted]:
        headers = dict(request.scope["headers"])
        body = await _body(request, headers)
        _check_type(headers, body)
        command = Command(
            codec=codec,
            target=target,
            body=codec.decode(cleaned(body)),
            caller=domain_caller(caller_of(request)),
            key=_key(headers),
            if_match=_if_match(headers) if has_versions else None,
        )
        return _answer(await handler.execute(command))

    return post(
        route.path.replace("{id}", "{target:str}"),
        operation_class=openapi.operation_of(codec),
        operation_id=_operation_id(route),
        summary=route.summary,
        description=f"Roles: {openapi.in_words(route.roles)}.",
        tags=[route.aggregate],
        responses=openapi.COMMAND_PROBLEMS,
        raises=[],
    )(handle)


def _operation_id(route: CommandRoute) -> str:
    parts = [p for p in route.path.removeprefix("/v1/").split("/") if p != "{id}"]
    return "".join(w.capitalize() for p in parts for w in p.split("-"))


async def _body(request: Request[Any, Any, Any], headers: Headers) -> bytes:
    """The whole body. Litestar's own way streams it, which takes as long as a decision."""
    size, pieces, more = int(headers.get(b"content-length", b"0")), list[bytes](), True
    while more and size <= MAX_BODY:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientException("the caller went away")
        pieces.append(message["body"])
        size, more = max(size, sum(map(len, pieces))), message["more_body"]
    if size > MAX_BODY:
        raise RequestEntityTooLarge
    return b"".join(pieces)


def _check_type(headers: Headers, body: bytes) -> None:
    kind = headers.get(b"content-type", b"")
    # Also a guard: a foreign web page cannot send this type without asking first.
    if kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON and (body or kind):
        raise problem(415, "unsupported-media-type")


def _key(headers: Headers) -> str:
    sent = headers.get(b"idempotency-key", b"")
    try:
        key = normalised(sent.decode())
    except UnicodeDecodeError:
        key = normalised(sent.decode("latin-1"))
    if len(key) > MAX_KEY or not key.isprintable():
        raise problem(400, "invalid-idempotency-key", field="Idempotency-Key", most=MAX_KEY)
    return key


def _if_match(headers: Headers) -> int | None:
    value = headers.get(b"if-match", b"").decode("latin-1").strip()
    if not value or value == "*":
        return None
    found = _VERSION.fullmatch(value)
    if found is None:
        raise problem(400, "invalid-if-match", field="If-Match")
    return int(found[1])


class _Prepared(Response[Accepted]):
    """An answer in the form in which it is sent: this is the hot path, and Litestar's own takes thirty calls."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._start = {"type": "http.response.start", "status": status, "headers": headers}
        self._body = {"type": "http.response.body", "body": body, "more_body": False}

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._sent

    async def _sent(self, _: Scope, __: Receive, send: Send) -> None:
        await send(self._start)  # type: ignore[arg-type]
        await send(self._body)  # type: ignore[arg-type]


def _answer(done: CommandOutcome) -> Response[Accepted]:
    accepted = Accepted(
        id=done.id,
        version=done.version,
        position=done.position,
        recorded_at=done.recorded_at,
        receipt_code=done.receipt_code,
    )
    body = _accepted.encode(accepted)
    headers = [
        (b"etag", b'"%d"' % done.version),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    if plural := _PLURALS.get(done.aggregate):
        headers.append((b"location", f"/v1/{plural}/{done.id}".encode()))
    return _Prepared(200 if done.known_reference else 201, headers, body)
