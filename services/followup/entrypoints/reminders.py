"""The routes of reminders: whom to urge now, with a letter ready to send. The source records what is sent."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.followup.adapters.read.listings import DeadlineFilter
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Proposal, Reminders
from services.followup.domain.letters.reminder import reminder
from services.followup.domain.letters.when_to_remind import Stage
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.access import READING, scope_of
from services.followup.entrypoints.json_views import DeadlineView, deadline_view
from services.followup.entrypoints.query_parameters import (
    DEFAULT_LIMIT,
    PAGE,
    READ_PROBLEMS,
    Body,
    Code,
    Cursor,
    HttpRequest,
    Limit,
    body_of,
    code_of,
    linked,
    or_400,
    or_404,
)
from shared.calendar import Language
from shared.http.openapi import problems
from shared.http.permissions import permitted
from shared.http.problems import problem


class ReminderCommand(msgspec.Struct, frozen=True):
    """The command that records at the source that the debtor was urged; sent by whoever urges, under their token."""

    # Clients of the OpenAPI document know it by this name.
    __qualname__ = "Command"
    __schema_name__: ClassVar[str] = "Command"

    method: str
    path: str
    body: dict[str, Any]


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline whose debtor should be urged, the stage that it reached, and the letter."""

    deadline: DeadlineView
    title: str
    receipt_code: str
    debtor_name: str
    stage: Stage
    urged_on: date | None
    letter: Bilingual
    recording: ReminderCommand


class Proposals(msgspec.Struct, frozen=True):
    """A page of proposals."""

    items: list[ProposalView]


def reminder_routes(queries: Queries, reminders: Reminders) -> list[HTTPRouteHandler]:
    """The routes `GET /v1/reminders/proposed` and `GET /v1/deadlines/{id}/letter`."""

    @get(
        "/v1/reminders/proposed",
        summary="Deadlines whose debtor should be urged now, each with a letter",
        description="Those that reached a warning stage or passed, and were not urged since. Pages may be short: go on "
        "by `Link`. Sending is recorded with the command in `recording`.",
        tags=["reminder"],
        responses=READ_PROBLEMS,
        operation_class=PAGE,
    )
    async def list_proposed_reminders(
        request: HttpRequest,
        jurisdiction: Code = "",
        agency: Body = "",
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = "",
    ) -> Response[Proposals]:
        wanted = DeadlineFilter(jurisdiction=code_of(jurisdiction), agency=body_of(agency))
        page = await or_400(reminders.proposed(scope_of(request), wanted, limit, cursor))
        return linked(request, Proposals([_view(proposal) for proposal in page.items]), page.next)

    @get(
        "/v1/deadlines/{deadline_id:uuid}/letter",
        summary="The letter that urges the debtor of an open deadline",
        tags=["reminder"],
        responses=READ_PROBLEMS | problems(409),
        media_type="text/plain",
    )
    async def get_letter(
        request: HttpRequest, deadline_id: FromPath[UUID], lang: FromQuery[Language] = "vi"
    ) -> Response[str]:
        deadline, _ = or_404(await queries.deadline(scope_of(request), deadline_id), "deadline")
        made_of = await reminders.letter(deadline)
        if made_of is None:
            raise problem(409, "nothing-to-urge")
        text = reminder(made_of)
        return Response(text.vi if lang == "vi" else text.en, media_type="text/plain")

    return permitted(READING, [list_proposed_reminders, get_letter])


def _view(proposal: Proposal) -> ProposalView:
    letter = reminder(proposal.letter)
    return ProposalView(
        deadline=deadline_view(proposal.deadline),
        title=proposal.row.title,
        receipt_code=proposal.row.receipt_code,
        debtor_name=proposal.letter.debtor,
        stage=proposal.stage,
        urged_on=proposal.letter.urged_on,
        letter=letter,
        recording=_recording(proposal, letter),
    )


def _recording(proposal: Proposal, letter: Bilingual) -> ReminderCommand:
    raised = proposal.deadline.raised
    body = {"deadline_id": str(raised.deadline_id), "to": raised.debtor, "channel": "letter", "text": letter.vi}
    return ReminderCommand("POST", f"/v1/{raised.subject}s/{raised.subject_id}/reminders", body)
