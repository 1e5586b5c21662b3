"""What commands there are, and which of them a caller can give now: what whoever makes forms has to ask."""

import hashlib
from typing import Any, cast

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.intake.application.definitions import ACT_DEFINITIONS, DEFINITIONS
from services.intake.application.possible_commands import PossibleCommand, PossibleCommands
from services.intake.application.stream_ids import target_id
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.refusals import problem_of
from shared.command_definitions import ActDefinition, CommandDefinition
from shared.http.auth import caller_of
from shared.http.entity_tags import is_known
from shared.http.openapi import answers
from shared.http.permissions import KNOWN, KNOWN_OWN, permitted
from shared.http.problems import Problem, problem_body


class CommandDefinitions(msgspec.Struct, frozen=True):
    """Every command that there is, and every composite act."""

    items: tuple[CommandDefinition, ...]
    acts: tuple[ActDefinition, ...]


class PossibleCommandView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command at its address. `problem` is what it would be refused with, whatever its body says."""

    command: str
    path: str
    possible: bool
    problem: Problem | None = None


class PossibleCommandItems(msgspec.Struct, frozen=True):
    """The commands on one subject, those that are refused too."""

    items: list[PossibleCommandView]


_all = CommandDefinitions(tuple(DEFINITIONS.values()), ACT_DEFINITIONS)
_TAG = f'"{hashlib.sha256(msgspec.json.encode(_all)).hexdigest()[:16]}"'
_problem = msgspec.json.Decoder(Problem)


def command_query_routes(commands: PossibleCommands) -> list[HTTPRouteHandler]:
    """The routes."""

    @get(
        "/v1/commands",
        summary="Every command, with what a form has to know of it",
        description="Fields, types, choices and their words in both languages. It changes with a release alone: ask "
        "with `If-None-Match`.",
        tags=["operations"],
        responses=openapi.READ_PROBLEMS,
        operation_class=answers("ETag", cached=True),
    )
    async def list_commands(request: Request[Any, Any, Any]) -> Response[CommandDefinitions]:
        if is_known(",".join(request.headers.getall("if-none-match", [])), _TAG):
            return cast("Response[CommandDefinitions]", Response(None, status_code=304, headers={"ETag": _TAG}))
        return Response(_all, headers={"ETag": _TAG})

    @get(
        "/v1/petitions/{target:str}/commands",
        summary="Which commands the caller can give on a petition now",
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("petition"),
    )
    async def list_petition_commands(
        request: Request[Any, Any, Any], target: FromPath[str]
    ) -> Response[PossibleCommandItems]:
        found = await commands.on_petition(domain_caller(caller_of(request)), target_id("petition", target))
        return _answer(found, target)

    @get(
        "/v1/conferences/{target:str}/commands",
        summary="Which commands the caller can give on a conference now",
        tags=["conference"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("conference"),
    )
    async def list_conference_commands(
        request: Request[Any, Any, Any], target: FromPath[str]
    ) -> Response[PossibleCommandItems]:
        found = await commands.on_conference(domain_caller(caller_of(request)), target_id("conference", target))
        return _answer(found, target)

    @get(
        "/v1/jurisdictions/{target:str}/commands",
        summary="Which commands the caller can give at a jurisdiction",
        description="What begins something there (a petition, a conference, a plan), and what is done to it.",
        tags=["jurisdiction"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("jurisdiction"),
    )
    async def list_jurisdiction_commands(
        request: Request[Any, Any, Any], target: FromPath[str]
    ) -> Response[PossibleCommandItems]:
        return _answer(await commands.at_place(domain_caller(caller_of(request)), target), target)

    targets = [list_petition_commands, list_conference_commands, list_jurisdiction_commands]
    return [*permitted(KNOWN, [list_commands]), *permitted(KNOWN_OWN, targets)]


def _answer(found: list[PossibleCommand], target: str) -> Response[PossibleCommandItems]:
    # It may change with every command of anybody, and with the day.
    return Response(
        PossibleCommandItems([_view(each, target) for each in found]), headers={"Cache-Control": "no-store"}
    )


def _view(each: PossibleCommand, target: str) -> PossibleCommandView:
    return PossibleCommandView(
        command=each.route.topic,
        path=each.route.path.replace("{id}", target),
        possible=each.refusal is None,
        problem=_problem.decode(problem_body(problem_of(each.refusal))) if each.refusal else None,
    )
