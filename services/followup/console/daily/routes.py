"""Shows the daily tasks and sends them: one screen, one button, all or nothing."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, PossibleCommandAnswer, Refusal
from services.followup.adapters.read.models import Case
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.agenda import AgendaItem, Agendas, by_petition, conference_end
from services.followup.console.choices import FormChoices
from services.followup.console.command_forms import CommandForm, FormError, body_of, input_of, with_more
from services.followup.console.conference_view import view_of
from services.followup.console.daily.task import DailyTask, Part, Situation
from services.followup.console.daily.tasks import TASKS
from services.followup.console.form_body import MAX_FILES, MAX_TEXT
from services.followup.console.form_files import read_with_files, with_file_errors
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages
from services.followup.console.problem_pages import refused_page
from services.followup.console.recorded import recorded_address
from services.followup.console.targets import FormTarget, case_target, place_target
from services.followup.console.typed_numbers import typed_number
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.command_definitions import Translated
from shared.http.auth import caller_of, token_of
from shared.sentences import Sentence

CASE_TASK, PLACE_TASK = "/cases/{subject_id:uuid}/do/{task:str}", "/jurisdictions/{code:str}/do/{task:str}"
MOST = MAX_TEXT + MAX_FILES  # bytes that the framework lets through
_NOT_NOW = Sentence("Lúc này chưa làm được việc này.", "This cannot be done now.")
_NOTHING = Sentence("Chưa nhập gì để ghi nhận.", "Nothing was filled in that could be recorded.")


def daily_routes(
    pages: Pages, queries: Queries, agendas: Agendas, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the daily tasks on cases and at places."""
    desk = _Desk(pages, queries, agendas, intake, address)

    @get(CASE_TASK, include_in_schema=False)
    async def show(request: HttpRequest, subject_id: FromPath[UUID], task: FromPath[str]) -> Response[str]:
        return await desk.show(request, await case_target(queries, scope_of(request), subject_id), task)

    @post(CASE_TASK, include_in_schema=False, status_code=200, request_max_body_size=MOST)
    async def send(request: HttpRequest, subject_id: FromPath[UUID], task: FromPath[str]) -> Response[Any]:
        return await desk.send(request, await case_target(queries, scope_of(request), subject_id), task)

    @get(PLACE_TASK, include_in_schema=False)
    async def show_at(request: HttpRequest, code: FromPath[str], task: FromPath[str]) -> Response[str]:
        return await desk.show(request, await place_target(queries, scope_of(request), code), task)

    @post(PLACE_TASK, include_in_schema=False, status_code=200, request_max_body_size=MOST)
    async def send_at(request: HttpRequest, code: FromPath[str], task: FromPath[str]) -> Response[Any]:
        return await desk.send(request, await place_target(queries, scope_of(request), code), task)

    return [show, send, show_at, send_at]


class _Screen(NamedTuple):
    """A task in its situation."""

    task: DailyTask
    situation: Situation
    form: CommandForm


class _Desk:
    def __init__(
        self, pages: Pages, queries: Queries, agendas: Agendas, intake: IntakeClient, address: Address
    ) -> None:
        self._pages, self._queries, self._agendas, self._intake = pages, queries, agendas, intake
        self._choices, self._source = FormChoices(queries), IntakeDoor(queries, address)

    async def show(self, request: HttpRequest, target: FormTarget, name: str) -> Response[str]:
        """The screen of a task, or why there is none."""
        try:
            screen = await self._screen(request, target, name)
        except Refusal as refusal:
            return await refused_page(self._pages, request, target, refusal)
        return await self._page(request, screen, screen.task.given(screen.situation))

    async def send(self, request: HttpRequest, target: FormTarget, name: str) -> Response[Any]:
        """Send a task as one act, then show its subject or what it created, or the screen with what is wrong."""
        try:
            screen = await self._screen(request, target, name)
        except Refusal as refusal:
            return await refused_page(self._pages, request, target, refusal)
        filled, wrong_files = await read_with_files(request, screen.form, self._intake, self._source.url(target.source))
        check_key(filled.get("key", ""))
        if more := filled.pop("more", ""):
            return await self._page(request, screen, with_more(screen.form, filled, more))
        if is_only_language_asked(request):
            return await self._page(request, screen, filled)
        values, errors = body_of(screen.form, filled, screen.situation.today)
        if errors := with_file_errors(wrong_files, errors):
            return await self._page(request, screen, filled, errors)
        parts = screen.task.parts(screen.situation, values | {"files": _stored(screen.form, filled)})
        if not parts:
            return await self._page(request, screen, filled, [FormError("", Translated(*_NOTHING))])
        sent = [_sent(part) for part in parts]
        try:
            url, token = self._source.url(target.source), token_of(request)
            done = await self._intake.composite(url, screen.task.act, sent, filled.get("key", ""), token)
        except Refusal as refusal:
            at = _input(screen.form, parts, refusal.field)
            error = FormError(at, _of_row(screen.form, at, refusal.detail))
            return await self._page(request, screen, filled, [error], status_of(refusal))
        await self._source.until_read(target.source, max(part.position for part in done.parts))
        created = next((part.id for part in done.parts if part.receipt_code), "")
        visible = await self._queries.visible(scope_of(request), [UUID(created)]) if created else set()
        shown = f"/cases/{created}" if visible else target.page
        told = {"recorded": recorded_address([part.command for part in parts])}
        if visible and screen.task.repeats:
            told["slip_of"] = target.named
        return Redirect(f"{shown}?{urlencode(told)}", status_code=SEE_OTHER)

    async def _screen(self, request: HttpRequest, target: FormTarget, name: str) -> _Screen:
        """A task that is offered on its subject now. Raises Refusal, ProblemError 404."""
        task = or_404(TASKS.get(name), "task")
        url, token, scope = self._source.url(target.source), token_of(request), scope_of(request)
        definitions, answers = await asyncio.gather(
            self._intake.definitions(url, token), self._intake.possible(url, target.path, token)
        )
        possible = frozenset(answer.command for answer in answers if answer.possible)
        if task.subject != target.subject or not task.offered(possible):
            raise _why_not(task, possible, answers)
        today = await self._source.today(target.source)
        petitions, agenda = await self._at_conference(scope, target, today)
        situation = Situation(
            target=target,
            # Of two commands of one name the fields are the same but for the place, which the one that begins has.
            definitions={each.command: each for each in sorted(definitions.values(), key=lambda each: each.creates)},
            choices=await self._choices.of(scope, target.source, target.file)
            | await self._choices.catalogues(target.source, target.jurisdiction, today),
            possible=possible,
            today=today,
            agency=caller_of(request).agency,
            petitions=petitions,
            agenda=agenda,
            forwarded=await self._queries.forwarded([case.row.subject_id for case in petitions]),
        )
        return _Screen(task, situation, task.form(situation))

    async def _at_conference(
        self, scope: Scope, target: FormTarget, today: date
    ) -> tuple[Sequence[Case], Mapping[UUID, AgendaItem]]:
        """The petitions of the conference that a task is about, and what is known of them; none at other subjects."""
        if target.subject != "conference" or target.file is None:
            return [], {}
        conference, view = UUID(target.named), view_of(target.file)
        petitions = await self._queries.at_conference(scope, conference)
        end = conference_end(view.first_day, view.last_day, view.closed_on, today)
        return petitions, by_petition(await self._agendas.of(conference, petitions, end))

    async def _page(
        self,
        request: HttpRequest,
        screen: _Screen,
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 0,
    ) -> Response[str]:
        return await self._pages.show(
            request,
            screen.task.template,
            status=status or (422 if errors else 200),
            form=screen.form,
            target=screen.situation.target,
            filled=filled,
            errors=errors,
            # One form is one act: sent twice, by a double click or a reload, it is recorded once.
            key=filled.get("key") or secrets.token_urlsafe(16),
        )


def _why_not(task: DailyTask, possible: frozenset[str], answers: Sequence[PossibleCommandAnswer]) -> Refusal:
    """Why a task is not offered: what intake says of one of the commands that it needs, the role before all else."""
    refused = {each.command: each.refusal for each in answers if each.refusal is not None}
    every = possible | refused.keys()
    needed = [each for name, each in refused.items() if task.offered(every) and not task.offered(every - {name})]
    # Where one of several commands would do, all of them were refused.
    needed = needed or [each for name, each in refused.items() if task.offered(possible | {name})]
    return min(needed, key=lambda each: each.status != 403, default=Refusal(_NOT_NOW, status=409))


def _stored(form: CommandForm, filled: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The files of a form that intake keeps, by input, as a petition attaches them."""
    names = (each.removesuffix("_file") for each in form.file_inputs)
    return {
        name: {"digest": filled[name], "media_type": filled[f"{name}.media_type"], "size": size}
        for name in names
        if filled.get(name) and filled.get(f"{name}.media_type")
        if (size := typed_number(filled.get(f"{name}.size", ""))) is not None
    }


def _sent(part: Part) -> dict[str, Any]:
    """A part as intake takes it."""
    return {"command": part.command, "body": part.body} | ({"target": part.target} if part.target else {})


def _of_row(form: CommandForm, at: str, said: Sentence) -> Translated:
    """What is said of an input; in a table it names the row."""
    row = next((each for each in form.fields if each.kind == "group" and at.startswith(f"{each.name}.")), None)
    vi, en = (f"{row.title.vi}: ", f"{row.title.en}: ") if row is not None and not row.is_list else ("", "")
    return Translated(vi + said.vi, en + said.en)


def _input(form: CommandForm, parts: Sequence[Part], field: str | None) -> str:
    """The input that a refusal names by its part: `parts[1].subject`."""
    named = (field or "").removeprefix("parts[")
    said, _, rest = named.partition("]")
    number = typed_number(said)
    if number is None or number >= len(parts):
        return input_of(form, field)
    inputs, rest = parts[number].inputs, rest.removeprefix(".").removeprefix("body.")
    return input_of(form, inputs.get(rest) or inputs.get(rest.partition(".")[0].partition("[")[0]) or rest)
