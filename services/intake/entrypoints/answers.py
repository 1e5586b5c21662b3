"""What became of a petition, for whoever pushed it: by its id, or by the reference under which it was pushed."""

from typing import Annotated, Any
from uuid import UUID

import structlog
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.intake.application.answers import Answers, AnswerView
from services.intake.application.command_body import MAX_SHORT
from services.intake.application.errors import NotFound
from services.intake.application.stream_ids import target_id
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller, reader
from services.intake.entrypoints.queries import is_tag_known
from shared.http.auth import caller_of
from shared.http.openapi import answers as answered
from shared.http.permissions import KNOWN_OWN, permitted

DESCRIPTION = (
    "The public state, the reply with its text and file, a refusal with its ground, where the matter belongs. A system "
    "reads the answer to what came from it, unless its token lacks the right `read-answers`; each reading of sealed "
    "words is recorded. The `ETag` changes with the answer: ask with `If-None-Match`, and 304 reads nothing."
)
BY_REFERENCE = "/v1/petitions/by-reference/{source:str}/{external_id:str}/answer"

log = structlog.get_logger("content")

_Person = Annotated[str, QueryParameter(max_length=MAX_SHORT, description="the person who reads")]


def answer_routes(answers: Answers) -> list[HTTPRouteHandler]:
    """The two addresses of an answer."""

    async def answer(request: Request[Any, Any, Any], petition_id: UUID, on_behalf_of: str) -> Response[AnswerView]:
        caller = caller_of(request)
        person = reader(caller, on_behalf_of)
        chain = await answers.chain(domain_caller(caller), petition_id)
        headers = {"ETag": chain.tag, "Cache-Control": "no-store"}
        if is_tag_known(request, headers["ETag"]):
            return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
        view = await answers.read(domain_caller(caller), person, chain)
        log.info("answer_read", caller=caller.name, subject_id=str(petition_id), content=view.content)
        return Response(view, headers=headers)

    @get(
        "/v1/petitions/{target:str}/answer",
        summary="What became of a petition; every reading of sealed words is recorded",
        description=DESCRIPTION,
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("petition", cached=True),
        operation_id="petition_answer",
    )
    async def of_petition(
        request: Request[Any, Any, Any], target: FromPath[str], on_behalf_of: _Person = ""
    ) -> Response[AnswerView]:
        return await answer(request, target_id("petition", target), on_behalf_of)

    @get(
        BY_REFERENCE,
        summary="What became of what was pushed under a reference",
        description=DESCRIPTION,
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=answered("ETag", cached=True),
        operation_id="referred_answer",
    )
    async def of_reference(
        request: Request[Any, Any, Any],
        source: FromPath[str],
        external_id: FromPath[str],
        on_behalf_of: _Person = "",
    ) -> Response[AnswerView]:
        petition_id = await answers.referred(source, external_id)
        try:
            return await answer(request, petition_id, on_behalf_of)
        except NotFound:  # out of reach looks like not there
            raise NotFound(None, "reference") from None

    return permitted(KNOWN_OWN, [of_petition, of_reference])
