"""One HTTP route for each command, made from the table of commands."""

from collections.abc import Awaitable, Callable, Container
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from services.intake.application.command import Command, CommandOutcome
from services.intake.application.command_body import CODECS, BodyCodec
from services.intake.application.command_handler import CommandHandler
from services.intake.application.commands import CommandRoute
from services.intake.application.json_body import cleaned
from services.intake.entrypoints import openapi
from services.intake.entrypoints.bodies import whole_body
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.limits import MAX_KEY
from shared.http.auth import caller_of
from shared.http.bodies import Headers, check_type
from shared.http.entity_tags import InvalidTags, versions_matched
from shared.http.permissions import for_roles
from shared.http.problems import problem


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command was decided and is durable."""

    id: UUID
    version: int
    position: int
    recorded_at: datetime
    receipt_code: str = ""


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
        headers = headers_of(request)
        body = await whole_body(request, headers)
        check_type(headers, body)
        command = Command(
            codec=codec,
            target=target,
            body=codec.decode(cleaned(body)),
            caller=domain_caller(caller_of(request)),
            key=key_of(headers),
            if_match=if_match_of(headers) if has_versions else None,
        )
        return accepted_answer(await handler.execute(command))

    return post(
        route.path.replace("{id}", "{target:str}"),
        operation_class=openapi.operation_of(codec),
        operation_id=_operation_id(route),
        summary=route.summary,
        description=f"Roles: {openapi.in_words(route.roles)}.",
        tags=[route.aggregate],
        opt=for_roles(route.roles),
        responses=openapi.COMMAND_PROBLEMS,
        raises=[],
    )(handle)


def _operation_id(route: CommandRoute) -> str:
    parts = [p for p in route.path.removeprefix("/v1/").split("/") if p != "{id}"]
    return "".join(w.capitalize() for p in parts for w in p.split("-"))


def headers_of(request: Request[Any, Any, Any]) -> Headers:
    """The headers by name. A list that came in several lines is one (RFC 9110, 5.3); two keys are none."""
    given: Any = request.scope["headers"]
    headers = dict(given)
    if len(headers) != len(given):
        if sum(name == b"idempotency-key" for name, _ in given) > 1:
            raise problem(400, "invalid-idempotency-key", "several", field="Idempotency-Key")
        headers[b"if-match"] = b",".join(value for name, value in given if name == b"if-match")
    return headers


def key_of(headers: Headers) -> str:
    key = headers.get(b"idempotency-key", b"").decode("latin-1").strip()
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        raise problem(400, "invalid-idempotency-key", field="Idempotency-Key", most=MAX_KEY)
    return key


def if_match_of(headers: Headers) -> Container[int] | None:
    """The versions of which one must be the current one. Raises ProblemError 400."""
    try:
        return versions_matched(headers.get(b"if-match", b"").decode("latin-1"))
    except InvalidTags:
        raise problem(400, "invalid-if-match", field="If-Match") from None


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


def accepted_answer(done: CommandOutcome) -> Response[Accepted]:
    """What a command came to, as every door over HTTP answers it."""
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
    if plural := openapi.PLURALS.get(done.aggregate):
        headers.append((b"location", f"/v1/{plural}/{done.id}".encode()))
    return _Prepared(200 if done.known_reference else 201, headers, body)
