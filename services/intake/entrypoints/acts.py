"""One HTTP route for each composite act: several commands that are decided and recorded as one."""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from services.intake.application.command_body import CODECS
from services.intake.application.composite.act_handler import ActHandler
from services.intake.application.composite.act_result import ActResult, result_of
from services.intake.application.composite.given_act import GivenAct, Parts, parts_of
from services.intake.application.composite_acts import COMPOSITE_ACTS, CompositeAct
from services.intake.application.json_body import cleaned
from services.intake.entrypoints import openapi
from services.intake.entrypoints.bodies import whole_body
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.commands import headers_of, key_of
from shared.http.auth import caller_of
from shared.http.bodies import check_type
from shared.http.permissions import for_roles
from shared.invalid_body import decoded


class ActInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an act."""

    parts: Parts


_decoder = msgspec.json.Decoder(ActInput)


def act_routes(handler: ActHandler) -> list[HTTPRouteHandler]:
    """The routes of every composite act."""
    return [_route(act, handler) for act in COMPOSITE_ACTS.values()]


def _route(act: CompositeAct, handler: ActHandler) -> HTTPRouteHandler:
    @post(
        act.path,
        operation_class=openapi.act_operation(act),
        operation_id="Acts" + "".join(word.capitalize() for word in act.name.split("-")),
        summary=act.title.en,
        description="Each part is decided on the state that the parts before it leave, and all are recorded together "
        "or none: a refusal names the field of its part, such as `parts[1].subject`. The caller needs the role of "
        f"every command that is given: {', '.join(act.commands)}.",
        tags=["act"],
        opt=for_roles(_roles_of(act)),
        responses=openapi.COMMAND_PROBLEMS,
        raises=[],
    )
    async def handle_act(request: Request[Any, Any, Any]) -> Response[ActResult]:
        headers = headers_of(request)
        body = await whole_body(request, headers)
        check_type(headers, body)
        given = GivenAct(
            definition=act,
            parts=parts_of(act, decoded(_decoder, cleaned(body)).parts),
            caller=domain_caller(caller_of(request)),
            key=key_of(headers),
        )
        outcome = await handler.execute(given)
        return Response(result_of(given, outcome), status_code=200 if outcome.known_reference else 201)

    return handle_act


def _roles_of(act: CompositeAct) -> frozenset[str]:
    """The roles of its commands: who has none of them may give no part of it."""
    routes = (codec.route for codec in CODECS.values())
    return frozenset(role for route in routes if route.topic in act.commands for role in route.roles)
