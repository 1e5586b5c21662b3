"""Who the caller is, as `GET /v1/me` of both services says it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler

from shared.http.auth import Callers, caller_of, proof_of
from shared.http.permissions import permission_of
from shared.http.rate_limits import WINDOW


class CallerLimit(msgspec.Struct, frozen=True):
    """How often the caller may call one process: `most` in `seconds`, of which `left` are left to it."""

    most: int
    seconds: int
    left: int


class WhoCalls(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every caller is told of itself."""

    caller: str
    roles: list[str]
    jurisdiction: str = ""
    agency: str = ""
    sources: Annotated[
        list[str], msgspec.Meta(description="in whose names it may push; `*` any; missing: its own alone")
    ] = []
    rights: Annotated[list[str], msgspec.Meta(description="what it may beyond the acts of its role")] = []
    known_by: Annotated[
        Literal["file", "provider", "person", "local", ""],
        msgspec.Meta(description="a token of the file, one of a provider, a person's sign-in, or this machine"),
    ] = ""
    expires: Annotated[
        datetime | None, msgspec.Meta(description="when the token ends; missing where nothing says so")
    ] = None
    limit: CallerLimit | None = None
    operations: Annotated[
        list[str], msgspec.Meta(description="what its roles may call, by the names of this document")
    ] = []


def who_calls(request: Request[Any, Any, Any], callers: Callers) -> dict[str, Any]:
    """The fields of `WhoCalls` for the caller of a request."""
    caller, proof = caller_of(request), proof_of(request)
    limit = None
    if callers.limits is not None:
        limit = CallerLimit(callers.limits.most, WINDOW, callers.limits.left(caller.name).requests)
    return {
        "caller": caller.name,
        "roles": sorted(caller.roles),
        "jurisdiction": caller.jurisdiction,
        "agency": caller.agency,
        "sources": list(caller.sources),
        "rights": list(caller.may),
        "known_by": proof.kind,
        "expires": datetime.fromtimestamp(proof.expires, UTC) if proof.expires is not None else None,
        "limit": limit,
        "operations": _operations(request, caller.roles),
    }


def _operations(request: Request[Any, Any, Any], roles: frozenset[str]) -> list[str]:
    handlers = {handler for route in request.app.routes for handler in getattr(route, "route_handlers", ())}
    named = {
        handler.operation_id if isinstance(handler.operation_id, str) else str(handler.handler_name)
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler)
        and handler.resolve_include_in_schema()
        and permission_of(handler).allows(roles)
    }
    return sorted(named)
