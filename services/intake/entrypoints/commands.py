"""One HTTP route for each deed, made from the table of deeds."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.intake.application.command import Command, Done
from services.intake.application.commands import CODECS, BodyCodec, DeedRoute
from services.intake.application.desk import Desk
from services.intake.application.texts import cleaned
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.limits import MAX_KEY
from shared.http.auth import caller_of
from shared.http.problems import ProblemError

_PLURALS = {"petition": "petitions", "conference": "conferences", "jurisdiction": "jurisdictions", "agency": "agencies"}
_VERSION = re.compile(r'"?(\d{1,18})"?')


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command was decided and is durable."""

    id: UUID
    version: int
    position: int
    recorded_at: datetime
    receipt_code: str = ""


def command_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """The routes of every deed."""
    return [_route(codec, desk) for codec in CODECS.values()]


def _route(codec: BodyCodec, desk: Desk) -> HTTPRouteHandler:
    route = codec.route
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
        command = Command(
            codec=codec,
            target=target,
            body=codec.decode(cleaned(await _json_body(request))),
            caller=domain_caller(caller_of(request)),
            key=_key(request),
            if_match=_if_match(request) if route.has_versions else None,
        )
        return _answer(route, await desk.execute(command))

    return post(
        route.path.replace("{id}", "{target:str}"),
        operation_class=openapi.operation_of(codec),
        operation_id=_operation_id(route),
        summary=route.summary or (route.event_type.__doc__ or "").strip().split("\n")[0],
        tags=[route.aggregate],
        responses=openapi.COMMAND_PROBLEMS,
        raises=[],
    )(handle)


def _operation_id(route: DeedRoute) -> str:
    parts = [p for p in route.path.removeprefix("/v1/").split("/") if p != "{id}"]
    return "".join(w.capitalize() for p in parts for w in p.split("-"))


async def _json_body(request: Request[Any, Any, Any]) -> bytes:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Also a guard: a foreign web page cannot send this type without asking first.
    if kind != "application/json" and (body or kind):
        raise ProblemError(415, "unsupported-media-type", "send application/json")
    return body


def _key(request: Request[Any, Any, Any]) -> str:
    key = request.headers.get("idempotency-key", "").strip()
    if len(key) > MAX_KEY or not key.isprintable():
        raise ProblemError(400, "invalid-idempotency-key", f"Idempotency-Key: at most {MAX_KEY} printable characters")
    return key


def _if_match(request: Request[Any, Any, Any]) -> int | None:
    value = request.headers.get("if-match", "").strip()
    if not value or value == "*":
        return None
    found = _VERSION.fullmatch(value)
    if found is None:
        raise ProblemError(400, "invalid-if-match", 'If-Match: one version as the ETag gave it, such as "3"')
    return int(found[1])


def _answer(route: DeedRoute, done: Done) -> Response[Accepted]:
    plural = _PLURALS.get(done.aggregate)
    headers = {"ETag": f'"{done.version}"'}
    if plural:
        headers["Location"] = f"/v1/{plural}/{done.id}"
    accepted = Accepted(
        id=done.id,
        version=done.version,
        position=done.position,
        recorded_at=done.recorded_at,
        receipt_code=done.receipt_code,
    )
    return Response(accepted, status_code=200 if done.known_reference else 201, headers=headers)
