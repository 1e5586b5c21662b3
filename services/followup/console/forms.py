"""The forms of all commands, made on the server, which send them to intake under the user's token.

followup decides nothing. intake says which commands there are and which are possible, takes one or refuses it, and a
refusal is shown beside the input that it names.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, PossibleCommandAnswer, RecordedCommand, Refusal, away
from services.followup.adapters.read.models import CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.choices import FormChoices
from services.followup.console.command_forms import CommandForm, FormError, FormField, body_of, form_of, input_of
from services.followup.console.form_body import MAX_FILES, MAX_TEXT, read_form
from services.followup.console.pages import Pages
from services.followup.domain.letters.reminder import reminder
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.command_definitions import CommandDefinition, Translated
from shared.http.auth import caller_of, need_role, token_of
from shared.http.problems import problem
from shared.identifiers import local_day
from shared.sentences import Sentence

WAIT_FOR_READER = 3.0  # seconds that an answer waits until the page shows what was recorded
LOOK_EVERY = 0.05  # seconds
MAX_GIVEN = 200  # characters of what a link fills in
MAX_KEY = 200  # characters of a form's key, as intake takes it
MOST = MAX_TEXT + MAX_FILES  # bytes that the framework lets through; `read_form` says which of them may be what
_NOTHING = Sentence("Không có việc này.", "There is no such act.")

#: The address of a source's intake; None while the source is not known.
Address = Callable[[str], str | None]


def form_routes(
    pages: Pages, queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the forms, one for every command on a case or a place."""
    forms = _Forms(pages, queries, reminders, intake, address)

    @get("/cases/{subject_id:uuid}/acts/{command:str}", include_in_schema=False)
    async def form(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        command: FromPath[str],
        deadline_id: FromQuery[UUID | None] = None,
        task: Annotated[str, QueryParameter(max_length=MAX_GIVEN)] = "",
        speaker: Annotated[str, QueryParameter(max_length=MAX_GIVEN)] = "",
    ) -> Response[str]:
        file = await forms.file(request, subject_id)
        given = {"task": task, "speaker": speaker} | await forms.letter(file, deadline_id)
        return await forms.empty(request, file, command, given)

    @post(
        "/cases/{subject_id:uuid}/acts/{command:str}",
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MOST,
    )
    async def act(request: HttpRequest, subject_id: FromPath[UUID], command: FromPath[str]) -> Response[Any]:
        return await forms.submit(request, await forms.file(request, subject_id), command)

    return [form, act]


def possible_path(file: CaseFile) -> str:
    """Where intake keeps a case: a place by its code, all else by its id."""
    row = file.case.row
    named = row.jurisdiction if row.subject == "jurisdiction" else row.subject_id
    return f"/v1/{row.subject}s/{named}"


class _Forms:
    def __init__(
        self, pages: Pages, queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address
    ) -> None:
        self._pages, self._queries, self._reminders = pages, queries, reminders
        self._choices = FormChoices(queries)
        self._intake, self._address = intake, address

    async def file(self, request: HttpRequest, subject_id: UUID) -> CaseFile:
        """The case that a form is about, if the caller may see it. Raises ProblemError 404."""
        return or_404(await self._queries.case(scope_of(request), subject_id), "case")

    async def letter(self, file: CaseFile, deadline_id: UUID | None) -> dict[str, str]:
        """The reminder form prefilled for one open deadline of the case, or nothing if there is no such deadline."""
        deadline = next((d for d in file.deadlines if d.raised.deadline_id == deadline_id), None)
        made_of = await self._reminders.letter(deadline) if deadline else None
        if deadline is None or made_of is None:
            return {}
        return {"deadline_id": str(deadline_id), "to": deadline.raised.debtor, "text": reminder(made_of).vi}

    async def empty(self, request: HttpRequest, file: CaseFile, command: str, filled: dict[str, str]) -> Response[str]:
        """A form before anything was filled in, or why there is none."""
        try:
            definition, _ = await self._asked(request, file, command)
        except Refusal as refusal:
            return await self._refused(request, file, refusal)
        form = form_of(definition, await self._choices.of(scope_of(request), file))
        given = {"jurisdiction": file.case.row.jurisdiction, "agency": caller_of(request).agency} | filled
        return await self._page(request, file, form, given)

    async def submit(self, request: HttpRequest, file: CaseFile, command: str) -> Response[Any]:
        """Send a command to intake, then show its case, or the form with what is wrong."""
        try:
            definition, possible = await self._asked(request, file, command)
        except Refusal as refusal:
            return await self._refused(request, file, refusal)
        # Asked before anything is read: whom intake would refuse may not make this process read a file.
        need_role(caller_of(request), *definition.roles)
        form = form_of(definition, await self._choices.of(scope_of(request), file))
        filled = await read_form(request, form.file_inputs)
        _check_key(filled.get("key", ""))
        if name := filled.pop("more", ""):
            filled[f"{name}.rows"] = str(len(_field(form, name).rows(filled, name)) + 1)
            return await self._page(request, file, form, filled)
        if filled.pop("back", ""):
            return await self._page(request, file, form, {k: v for k, v in filled.items() if k != "confirmed"})
        body, errors = body_of(form, filled, await self._today(file.case.source))
        if errors:
            return await self._page(request, file, form, filled, errors)
        if form.is_final and not filled.get("confirmed"):
            return await self._pages.show(
                request, "confirm.html", form=form, filled=filled, said=_said(form, filled), row=file.case.row
            )
        try:
            url = self._url(file)
            done = await self._intake.act(url, possible.path, body, filled.get("key", ""), token_of(request))
        except Refusal as refusal:
            at = input_of(form, refusal.field, filled)
            error = FormError(at, Translated(refusal.detail.vi, refusal.detail.en))
            return await self._page(request, file, form, filled, [error], 503 if refusal.status >= 500 else 422)
        await self._until_read(file.case.source, done)
        began = definition.creates and await self._queries.case(scope_of(request), UUID(done.id)) is not None
        shown = done.id if began else file.case.row.subject_id
        query = {"recorded": definition.command} | ({"on": str(body["effective_on"])} if "effective_on" in body else {})
        return Redirect(f"/cases/{shown}?{urlencode(query)}", status_code=SEE_OTHER)

    async def _asked(
        self, request: HttpRequest, file: CaseFile, command: str
    ) -> tuple[CommandDefinition, PossibleCommandAnswer]:
        """A command on a case that is possible now. Raises Refusal."""
        url, token = self._url(file), token_of(request)
        definitions, answers = await asyncio.gather(
            self._intake.definitions(url, token), self._intake.possible(url, possible_path(file), token)
        )
        by_command = definitions_by_command(definitions.values(), file)
        answer = next((each for each in answers if each.command == command), None)
        if answer is None or command not in by_command:
            raise Refusal(_NOTHING, status=404)
        if answer.refusal is not None:
            raise answer.refusal
        return by_command[command], answer

    async def _page(
        self,
        request: HttpRequest,
        file: CaseFile,
        form: CommandForm,
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 0,
    ) -> Response[str]:
        return await self._pages.show(
            request,
            "act.html",
            status=status or (422 if errors else 200),
            form=form,
            row=file.case.row,
            filled=filled,
            errors=errors,
            # One form is one command: sent twice, by a double click or a reload, it is recorded once.
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    async def _refused(self, request: HttpRequest, file: CaseFile, refusal: Refusal) -> Response[str]:
        """Why there is no form."""
        status = refusal.status if refusal.status in (403, 404) else 503 if refusal.status >= 500 else 409
        return await self._pages.show(request, "refused.html", status=status, row=file.case.row, detail=refusal.detail)

    def _url(self, file: CaseFile) -> str:
        url = self._address(file.case.source)
        if url is None:
            raise away("unread-source", source=file.case.source)
        return url

    async def _today(self, source: str) -> date:
        now = next((s.now for s in await self._queries.sources() if s.source == source), None)
        if now is None:
            raise problem(503, "intake-away", "not-read-yet", source=source)
        return local_day(now)

    async def _until_read(self, source: str, done: RecordedCommand) -> None:
        """Wait until followup has read what was recorded, but not for long if it is behind."""
        for _ in range(int(WAIT_FOR_READER / LOOK_EVERY)):
            if any(s.source == source and s.position >= done.position for s in await self._queries.sources()):
                return
            await asyncio.sleep(LOOK_EVERY)


def definitions_by_command(definitions: Iterable[CommandDefinition], file: CaseFile) -> dict[str, CommandDefinition]:
    """The definitions of the commands on a case by their names: some names stand for two, one that begins a case."""
    subject = file.case.row.subject
    return {
        each.command: each
        for each in definitions
        if (subject == "jurisdiction" and (each.creates or each.aggregate == subject))
        or (subject != "jurisdiction" and not each.creates and each.aggregate == subject)
    }


def _field(form: CommandForm, name: str) -> FormField:
    found = next((field for field in form.fields if field.name == name and field.kind == "group"), None)
    if found is None:
        raise problem(422, "invalid-value", "more", field="more")
    return found


def _said(form: CommandForm, filled: dict[str, str]) -> list[tuple[Translated, str]]:
    """What was filled in, as it is read before it is confirmed."""
    return [(field.title, filled[field.name]) for field in form.fields if filled.get(field.name)]


def _check_key(key: str) -> None:
    """Refuse a key that could not be sent as a header; ours can. Raises ProblemError 400."""
    if len(key) > MAX_KEY or key != key.strip() or not (key.isascii() and key.isprintable()):
        raise problem(400, "invalid-idempotency-key", field="key", most=MAX_KEY)
