"""`GET /v1/problems`: every kind of problem that a service answers with, and a page for each.

Browsers get a page in both languages, programs JSON. `type` names a problem for ever; where it is told of is its page.
"""

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Example
from litestar.params import FromPath, ParameterKwarg

from shared.http.html import page, prefers_html
from shared.http.openapi import problems
from shared.http.permissions import OPEN, permitted
from shared.http.problems import PAGES, TYPE_PREFIX, problem
from shared.sentences import ProblemWords, Sentence

PATH = PAGES.rstrip("/")


class SaidProblem(msgspec.Struct, frozen=True):
    """One of the sentences of a problem; `{name}` is a place for a value. `key` tells it from the others."""

    key: str
    vi: str
    en: str


class ProblemKind(msgspec.Struct, frozen=True):
    """A kind of problem: its `type`, the statuses that it comes with, its title and its sentences."""

    code: str
    type: str
    statuses: list[int]
    title: dict[str, str]
    sentences: list[SaidProblem]


class ProblemKinds(msgspec.Struct, frozen=True):
    """Every kind of problem of a service."""

    items: list[ProblemKind]


@functools.cache
def statuses_of(service: str) -> Mapping[str, list[int]]:
    """The statuses of each problem of a service, by its code."""
    text = resources.files("shared.http").joinpath("problem_statuses.json").read_bytes()
    found: dict[str, dict[str, list[int]]] = msgspec.json.decode(text)
    return found[service]


class OperationProblems(msgspec.Struct, frozen=True):
    """The problems of a service by their codes, with their statuses: those of its door, so of every operation, and
    those of each operation."""

    door: dict[str, list[int]]
    operations: dict[str, dict[str, list[int]]]


@functools.cache
def operation_problems(service: str) -> OperationProblems:
    """Which problems each operation of a service may be answered with, as read from the code behind it."""
    text = resources.files("shared.http").joinpath("operation_problems.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, OperationProblems])[service]


def problems_of(service: str, kinds: Mapping[str, ProblemKind], operation_id: str, status: int) -> list[ProblemKind]:
    """The problems with a status that an operation may be answered with."""
    known = operation_problems(service)
    answers = (known.door, known.operations.get(operation_id, {}))
    return [kind for kind in kinds.values() if any(status in each.get(kind.code, ()) for each in answers)]


def kinds_of(service: str, words: Mapping[str, ProblemWords]) -> dict[str, ProblemKind]:
    """The problems of a service by their codes, in the words that it has."""
    return {
        code: ProblemKind(
            code=code,
            type=TYPE_PREFIX + code,
            statuses=statuses,
            title=words[code].title._asdict(),
            sentences=[SaidProblem(key, *_plain(sentence)) for key, sentence in words[code].sentences.items()],
        )
        for code, statuses in statuses_of(service).items()
        if code in words
    }


def _plain(sentence: Sentence) -> Sentence:
    return Sentence(*(text.replace("{{", "{").replace("}}", "}") for text in sentence))


_CODE = ParameterKwarg(
    description="what follows `urn:doithoai:problem:` in its type", examples=[Example(value="invalid-body")]
)


def problem_routes(service: str, words: Mapping[str, ProblemWords]) -> list[HTTPRouteHandler]:
    """The list of problems, and each of them."""
    kinds = kinds_of(service, words)

    @get(
        PATH,
        summary="Every kind of problem",
        description="What each `type` of a problem means, in both languages. Browsers get a page.",
        tags=["problem"],
        responses=problems(400),
    )
    async def list_problems(request: Request[Any, Any, Any]) -> Response[ProblemKinds]:
        found = list(kinds.values())
        return page("problems.html", kinds=found) if prefers_html(request) else Response(ProblemKinds(found))

    @get(
        PATH + "/{code:str}",
        summary="One kind of problem",
        description="What a problem means and what is said of it, in both languages. Browsers get a page.",
        tags=["problem"],
        responses=problems(400, 404),
    )
    async def get_problem(
        request: Request[Any, Any, Any],
        code: Annotated[FromPath[str], _CODE],
    ) -> Response[ProblemKind]:
        if (found := kinds.get(code)) is None:
            raise problem(404, "not-found", "problem", field="code")
        return page("problem.html", kind=found) if prefers_html(request) else Response(found)

    return permitted(OPEN, [list_problems, get_problem])
