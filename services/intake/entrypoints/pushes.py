"""The doors of pushes: one record by its reference, many at once, and what the office decides of conflicts."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.intake.application.case_queries import CaseQueries
from services.intake.application.command_body import MAX_SHORT
from services.intake.application.errors import NotFound
from services.intake.application.json_body import cleaned
from services.intake.application.pushing.conflicts import Conflict, ConflictState
from services.intake.application.pushing.push import FieldConflict, PushBody, PushOutcome, push_in
from services.intake.application.pushing.push_handler import PushHandler, withdrawal_of
from services.intake.domain import Caller
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, SYSTEM_OR_OFFICE
from services.intake.domain.permissions import READERS
from services.intake.entrypoints import openapi
from services.intake.entrypoints.bodies import whole_body
from services.intake.entrypoints.callers import domain_caller, reader
from services.intake.entrypoints.commands import Accepted, accepted_answer, headers_of, if_match_of, key_of
from services.intake.entrypoints.queries import DEFAULT_LIMIT, MAX_LIMIT
from services.intake.entrypoints.refusals import problem_of
from shared.http.auth import caller_of
from shared.http.bodies import check_type
from shared.http.openapi import answers
from shared.http.permissions import for_roles
from shared.http.problems import Problem, ProblemError, language_of, problem, problem_body
from shared.identifiers import normalised
from shared.invalid_body import decoded

MOST_ITEMS = 1_000  # of one batch
AT_ONCE = 8  # items of all batches that are decided together: other commands find room beside them
BY_REFERENCE = "/v1/petitions/by-reference/{source:str}/{external_id:str}"
SEE_CONFLICTS = frozenset({"office", "chair", "operations", "system"})
BATCH, CONFLICTS = "/v1/petitions/batch", "/v1/conflicts"

log = structlog.get_logger("pushes")


class GivenBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pushes in the order in which they are meant: those of one record are decided one after the other."""

    items: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]


class PushBatch(msgspec.Struct, frozen=True):
    """Up to 1000 pushes, each with its own `external_id`, decided each by itself."""

    items: Annotated[tuple[PushBody, ...], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]  # type: ignore[valid-type]


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an item of a batch came to: `push` as for a push by itself, or the problem for which it was refused."""

    index: int
    status: int
    push: PushOutcome | None = None
    problem: Problem | None = None


class BatchResult(msgspec.Struct, frozen=True):
    """What each item of a batch came to, in the order of the items."""

    items: list[BatchItem]


class ConflictItems(msgspec.Struct, frozen=True):
    """One page of conflicts, the oldest first; the `Link` header names the next."""

    items: Sequence[Conflict]


class ConflictView(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict with what stands and what the push would change; what is sealed is shown to the office alone."""

    conflict: Conflict
    fields: tuple[FieldConflict, ...]


class ConflictAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The conflict, and the version of the petition with what it changed."""

    conflict: Conflict
    version: int


_batch = msgspec.json.Decoder(GivenBatch)


def push_routes(handler: PushHandler, reading: CaseQueries) -> list[HTTPRouteHandler]:
    """Every door of pushes."""
    batches = _Batches(handler)

    @put(
        BY_REFERENCE,
        summary="Push a version of a record",
        description="Creates the petition, records what is new, or says that nothing is: the reference and "
        "`source_version` make it safe to send again, and no Idempotency-Key is looked at. The body is the record "
        "whole; a field left out is empty, but for `effective_on` and the petitioners. Roles: chair, office, system.",
        operation_id="PushPetition",
        opt=for_roles(SYSTEM_OR_OFFICE),
        tags=["petition"],
        responses=openapi.COMMAND_PROBLEMS,
        operation_class=openapi.push_operation(PushBody),
        raises=[],
    )
    async def push_petition(
        request: Request[Any, Any, Any], source: FromPath[str], external_id: FromPath[str]
    ) -> Response[PushOutcome]:
        headers = headers_of(request)
        body = await whole_body(request, headers)
        check_type(headers, body)
        caller = domain_caller(caller_of(request))
        done = await handler.push(push_in(cleaned(body), caller, source, external_id, if_match_of(headers)))
        return Response(done, status_code=_status(done), headers={"ETag": f'"{done.version}"'})

    @post(
        BY_REFERENCE + "/withdrawal",
        summary="Withdraw a petition by its reference",
        description="Once it is withdrawn, the same again is answered with 200. Roles: chair, office, system.",
        operation_id="WithdrawPushedPetition",
        opt=for_roles(SYSTEM_OR_OFFICE),
        tags=["petition"],
        responses=openapi.COMMAND_PROBLEMS,
        operation_class=openapi.withdrawal_operation(),
        raises=[],
    )
    async def withdraw_pushed(
        request: Request[Any, Any, Any], source: FromPath[str], external_id: FromPath[str]
    ) -> Response[Accepted]:
        headers = headers_of(request)
        body = await whole_body(request, headers)
        check_type(headers, body)
        command = withdrawal_of(cleaned(body), domain_caller(caller_of(request)), key_of(headers))
        return accepted_answer(await handler.withdraw(normalised(source), normalised(external_id), command))

    @post(
        BATCH,
        summary="Push many records",
        description="Up to 1000 pushes in one body of at most 1 MiB. Each is decided by itself and answered at its "
        "place with what it came to or with its problem; sending the batch again completes what was interrupted. "
        "Roles: chair, office, system.",
        operation_id="PushPetitions",
        opt=for_roles(SYSTEM_OR_OFFICE),
        tags=["petition"],
        status_code=200,
        responses=openapi.BODY_PROBLEMS,
        operation_class=openapi.batch_operation(PushBatch),
        raises=[],
    )
    async def push_batch(request: Request[Any, Any, Any]) -> Response[BatchResult]:
        headers = headers_of(request)
        body = await whole_body(request, headers)
        check_type(headers, body)
        items = decoded(_batch, cleaned(body)).items
        found = await batches.push(items, domain_caller(caller_of(request)), language_of(request))
        return Response(BatchResult(found), status_code=200)

    @get(
        CONFLICTS,
        summary="Pushes that wait for the office",
        opt=for_roles(SEE_CONFLICTS),
        description="What pushes would change of petitions that the office has in hand. Offices and operators see "
        "those of their subtree, a system those of its own sources.",
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=answers("Link"),
    )
    async def list_conflicts(
        request: Request[Any, Any, Any],
        chosen: Annotated[ConflictState | None, QueryParameter(name="state")] = None,
        petition_id: Annotated[UUID | None, QueryParameter()] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[UUID | None, QueryParameter(description="from the `Link` of the page before")] = None,
    ) -> Response[ConflictItems]:
        caller = domain_caller(caller_of(request))
        found = await handler.conflicts(caller, chosen, petition_id, cursor, limit + 1)
        if cursor is not None and not found:  # the end of the list would look the same
            try:
                await handler.conflict(caller, cursor)
            except NotFound:
                raise problem(400, "invalid-cursor", field="cursor") from None
        page, headers = found[:limit], {}
        if len(found) > limit:
            asked = f"&state={chosen}" if chosen else ""
            asked += f"&petition_id={petition_id}" if petition_id else ""
            headers["Link"] = f'<{CONFLICTS}?limit={limit}{asked}&cursor={page[-1].conflict_id}>; rel="next"'
        return Response(ConflictItems(page), headers=headers)

    @get(
        CONFLICTS + "/{conflict_id:uuid}",
        summary="One conflict, with what it would change",
        opt=for_roles(SEE_CONFLICTS),
        tags=["petition"],
        responses=openapi.READ_PROBLEMS,
        operation_class=answers(links=openapi.DECIDE),
    )
    async def get_conflict(
        request: Request[Any, Any, Any],
        conflict_id: FromPath[UUID],
        on_behalf_of: Annotated[
            str, QueryParameter(max_length=MAX_SHORT, description="the official for whom it is read")
        ] = "",
    ) -> ConflictView:
        caller = domain_caller(caller_of(request))
        conflict = await handler.conflict(caller, conflict_id)
        may_read = bool(caller.roles & READERS)
        if may_read:
            person = reader(caller_of(request), on_behalf_of)
            await reading.begin_reading_petition(caller, person, conflict.petition_id)
        fields = await handler.compared(caller, conflict, sealed=may_read)
        return ConflictView(conflict=conflict, fields=fields)

    @post(
        CONFLICTS + "/{conflict_id:uuid}/acceptance",
        summary="Take over what a push says",
        description="Records the correction. Roles: chair, office.",
        operation_id="AcceptConflict",
        opt=for_roles(OFFICE_OR_CHAIR),
        tags=["petition"],
        status_code=200,
        responses=openapi.DECISION_PROBLEMS,
    )
    async def accept_conflict(request: Request[Any, Any, Any], conflict_id: FromPath[UUID]) -> ConflictAccepted:
        conflict, version = await handler.accept(domain_caller(caller_of(request)), conflict_id)
        return ConflictAccepted(conflict=conflict, version=version)

    @post(
        CONFLICTS + "/{conflict_id:uuid}/refusal",
        summary="Let the record of the office stand",
        description="The same value is not asked about again. Roles: chair, office.",
        operation_id="RefuseConflict",
        opt=for_roles(OFFICE_OR_CHAIR),
        tags=["petition"],
        status_code=200,
        responses=openapi.REFUSAL_PROBLEMS,
    )
    async def refuse_conflict(request: Request[Any, Any, Any], conflict_id: FromPath[UUID]) -> Conflict:
        return await handler.refuse(domain_caller(caller_of(request)), conflict_id)

    return [
        push_petition,
        withdraw_pushed,
        push_batch,
        list_conflicts,
        get_conflict,
        accept_conflict,
        refuse_conflict,
    ]


class _Batches:
    """Decides the items of batches, a few at once over all batches."""

    def __init__(self, handler: PushHandler) -> None:
        self._handler = handler
        self._room = asyncio.Semaphore(AT_ONCE)

    async def push(self, items: Sequence[msgspec.Raw], caller: Caller, language: str) -> list[BatchItem]:
        """What each item came to. Once the store is away the rest is not tried."""
        found: list[BatchItem | None] = [None] * len(items)
        away: list[ProblemError] = []
        waiting = iter(enumerate(items))

        async def work() -> None:
            # Each takes the next item; those of one record take turns in the order in which they were taken.
            for index, item in waiting:
                if away:
                    found[index] = _refused(index, away[0], language)
                    continue
                found[index] = await self._item(index, item, caller, language, away)

        await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(items)))))
        return [each for each in found if each is not None]

    async def _item(
        self, index: int, item: msgspec.Raw, caller: Caller, language: str, away: list[ProblemError]
    ) -> BatchItem:
        try:
            done = await self._handler.push(push_in(bytes(item), caller), self._room)
        except Exception as error:
            refusal = _problem(error)
            if refusal.status == 503:
                away.append(refusal)
            return _refused(index, refusal, language)
        return BatchItem(index=index, status=_status(done), push=done)


def _problem(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    try:
        return problem_of(error)
    except Exception as unforeseen:
        # One item that breaks us hinders no other.
        log.error("unforeseen", kind=type(unforeseen).__name__)
        return problem(500, "internal-error")


def _refused(index: int, refusal: ProblemError, language: str) -> BatchItem:
    body = msgspec.json.decode(problem_body(refusal, language), type=Problem)
    return BatchItem(index=index, status=refusal.status, problem=body)


def _status(done: PushOutcome) -> int:
    return 201 if done.result == "created" else 200
