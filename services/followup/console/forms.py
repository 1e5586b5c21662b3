"""The office's forms, made on the server, which send commands to intake under the user's token.

followup decides nothing. intake takes the command or refuses it, and a refusal is shown beside the field that it names.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, OpenedEvent, Refusal, away
from services.followup.adapters.read.models import CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.console.cases import IN_THE_FORM
from services.followup.console.form_body import MAX_FILES, MAX_TEXT, read_form
from services.followup.console.form_fields import (
    BY_PATH,
    RECEIVE,
    ActForm,
    body_of_act,
    empty_field,
    field_of_form,
    fields_of,
    file_inputs,
)
from services.followup.console.pages import Pages, annulled_ids
from services.followup.console.sign_in import SEE_OTHER
from services.followup.domain.letters.reminder import reminder
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.json_views import event_view
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.http.auth import caller_of, need_role, token_of
from shared.http.problems import problem
from shared.identifiers import local_day
from shared.problem_words import DOOR_WORDS

WAIT_FOR_READER = 3.0  # seconds that an answer waits until the page shows what was recorded
LOOK_EVERY = 0.05  # seconds
MAX_KEY = 200  # characters of a form's key, as intake takes it
MOST = MAX_TEXT + MAX_FILES  # bytes that the framework lets through; `read_form` says which of them may be what

#: The address of a source's intake; None while the source is not known.
Address = Callable[[str], str | None]


def form_routes(
    queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the office's forms."""
    return _act_routes(_Forms(queries, reminders, intake, address))


def _act_routes(office: "_Forms") -> list[HTTPRouteHandler]:
    @get("/office/petitions/new", include_in_schema=False)
    async def new_petition(request: HttpRequest) -> Response[str]:
        return await office.form(request, RECEIVE, None, {})

    @post("/office/petitions/new", include_in_schema=False, status_code=200, request_max_body_size=MOST)
    async def receive(request: HttpRequest) -> Response[Any]:
        return await office.submit(request, RECEIVE, None)

    @get("/cases/{subject_id:uuid}/acts/{path:str}", include_in_schema=False)
    async def form(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        path: FromPath[str],
        deadline_id: FromQuery[UUID | None] = None,
    ) -> Response[str]:
        file = await office.file(request, subject_id)
        return await office.form(request, _act(path), file, await office.letter(file, deadline_id))

    @post(
        "/cases/{subject_id:uuid}/acts/{path:str}",
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MOST,
    )
    async def act(request: HttpRequest, subject_id: FromPath[UUID], path: FromPath[str]) -> Response[Any]:
        return await office.submit(request, _act(path), await office.file(request, subject_id))

    @get("/cases/{subject_id:uuid}/content", include_in_schema=False)
    async def content(request: HttpRequest, subject_id: FromPath[UUID]) -> Response[str]:
        return await office.content(request, await office.file(request, subject_id))

    return [new_petition, receive, form, act, content]


def _check_key(key: str) -> None:
    """Refuse a key that could not be sent as a header; ours can. Raises ProblemError 400."""
    if len(key) > MAX_KEY or key != key.strip() or not (key.isascii() and key.isprintable()):
        raise problem(400, "invalid-idempotency-key", field="key", most=MAX_KEY)


def _act(path: str) -> ActForm:
    return or_404(BY_PATH.get(path), "act")


class _Forms:
    def __init__(self, queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address) -> None:
        self.pages = Pages()
        self._queries, self._reminders, self._intake, self._address = queries, reminders, intake, address

    async def file(self, request: HttpRequest, subject_id: UUID) -> CaseFile:
        """The case that a form is about, if the caller may see it."""
        return or_404(await self._queries.case(scope_of(request), subject_id), "case")

    async def letter(self, file: CaseFile, deadline_id: UUID | None) -> dict[str, str]:
        """The reminder form prefilled for one open deadline of the case, or nothing if there is no such deadline."""
        deadline = next((d for d in file.deadlines if d.raised.deadline_id == deadline_id), None)
        made_of = await self._reminders.letter(deadline) if deadline else None
        if deadline is None or made_of is None:
            return {}
        return {"deadline_id": str(deadline_id), "to": deadline.raised.debtor, "text": reminder(made_of).vi}

    async def form(
        self,
        request: HttpRequest,
        act: ActForm,
        file: CaseFile | None,
        filled: dict[str, str],
        refusal: Refusal | None = None,
    ) -> Response[str]:
        """The form, empty or as it was filled in, with a refusal beside its field."""
        return self.pages.show(
            "act.html",
            sources=await self._queries.sources(),
            act=act,
            fields=fields_of(act),
            row=file.case.row if file else None,
            events=[event_view(event) for event in file.events] if file else [],
            annulled=annulled_ids(file.events) if file else frozenset(),
            deadlines=file.deadlines if file else [],
            places=await self._queries.places(scope_of(request)),
            agencies=(await self._queries.agencies(scope_of(request), "", IN_THE_FORM)).items,
            filled=filled,
            # One form is one command: sent twice, by a double click or a reload, it is recorded once.
            key=filled.get("key") or secrets.token_urlsafe(16),
            refusal=refusal,
            at=field_of_form(act, refusal.field) if refusal else "",
        )

    async def content(self, request: HttpRequest, file: CaseFile) -> Response[str]:
        """What citizens wrote and what was answered, where intake opens it to the caller; it records each reading."""
        row = file.case.row
        opened: list[OpenedEvent] = []
        refused: Refusal | None = None
        try:
            url = self._address(file.case.source)
            if url is None:
                raise away("unread-source", source=file.case.source)
            opened = await self._intake.content(url, f"/v1/{row.subject}s/{row.subject_id}", token_of(request))
        except Refusal as refusal:
            refused = refusal
        shown = self.pages.show(
            "content.html", sources=await self._queries.sources(), row=row, opened=opened, refusal=refused
        )
        shown.status_code = 200 if refused is None else refused.status
        return shown

    async def submit(self, request: HttpRequest, act: ActForm, file: CaseFile | None) -> Response[Any]:
        """Send the command to intake, then show the case, or the form with the reason of the refusal."""
        # Asked before anything is read: whom intake would refuse may not make this process read a file.
        need_role(caller_of(request), *act.roles)
        filled = await read_form(request, file_inputs(act))
        _check_key(filled.get("key", ""))
        source = await self._source(file, filled)
        row = file.case.row if file else None
        path = f"/v1/{row.subject}s/{row.subject_id}/{act.path}" if row else "/v1/petitions"
        try:
            url = self._address(source)
            if url is None:
                raise away("unread-source", source=source)
            if missing := empty_field(act, filled):
                raise Refusal(DOOR_WORDS["invalid-body"].sentences["empty"], missing)
            body = body_of_act(act, filled | {"today": (await self._today(source)).isoformat()})
            done = await self._intake.act(url, path, body, filled.get("key", ""), token_of(request))
        except Refusal as refusal:
            shown = await self.form(request, act, file, filled, refusal)
            shown.status_code = 503 if refusal.status >= 500 else 422
            return shown
        await self._until_read(source, done.position)
        return Redirect(f"/cases/{done.id}", status_code=SEE_OTHER)

    async def _source(self, file: CaseFile | None, filled: dict[str, str]) -> str:
        """The source of a case. A new petition goes to the source that it names, or to the only one."""
        if file is not None:
            return await self._queries.source_of(file.case.row.subject_id) or ""
        sources = [source.source for source in await self._queries.sources()]
        named = filled.get("source") or (sources[0] if len(sources) == 1 else "")
        if named not in sources:
            raise problem(422, "invalid-value", "source", field="source")
        return named

    async def _today(self, source: str) -> date:
        now = next((s.now for s in await self._queries.sources() if s.source == source), None)
        if now is None:
            raise away("not-read-yet", source=source)
        return local_day(now)

    async def _until_read(self, source: str, position: int) -> None:
        """Wait until followup has read what was recorded, but not for long if it is behind."""
        for _ in range(int(WAIT_FOR_READER / LOOK_EVERY)):
            if any(s.source == source and s.position >= position for s in await self._queries.sources()):
                return
            await asyncio.sleep(LOOK_EVERY)
