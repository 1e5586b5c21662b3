"""The forms of all commands, made on the server, which send them to intake under the user's token.

followup decides nothing. intake says which commands there are and which are possible, takes one or refuses it, and a
refusal is shown beside the input that it names.
"""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, PossibleCommandAnswer, Refusal
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.application.access import Scope
from services.followup.console.addresses import PEOPLE, SEE_OTHER
from services.followup.console.agenda import Agendas
from services.followup.console.before_sending import ASSIGNING, BeforeSending, own_first
from services.followup.console.catalogues import catalogue_rows
from services.followup.console.choices import FormChoices, case_choice
from services.followup.console.command_forms import (
    Choices,
    CommandForm,
    FormError,
    as_filled,
    body_of,
    form_of,
    input_of,
    kinds_of,
    said_of,
    with_more,
)
from services.followup.console.conference_view import view_of
from services.followup.console.content import content_of
from services.followup.console.form_body import MAX_FILES, MAX_TEXT
from services.followup.console.form_files import read_with_files, with_file_errors
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages, names_of
from services.followup.console.problem_pages import refused_page
from services.followup.console.targets import TO_PEOPLE, FormTarget, case_target, place_target
from services.followup.domain.letters.reminder import reminder
from services.followup.entrypoints.access import place_scope_of, scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.command_definitions import CommandDefinition, FieldKind, Translated
from shared.events.conference import SpeakerRegistered
from shared.events.person import PostGranted
from shared.events.regulation import CatalogueKind
from shared.http.auth import caller_of, need_role, token_of
from shared.sentences import Sentence

MAX_PETITIONS = 2000  # characters of the ids of a page of petitions
MAX_GIVEN = 2000  # characters of what a link fills in: the longest name of a task
MOST = MAX_TEXT + MAX_FILES  # bytes that the framework lets through; `read_form` says which of them may be what
OF_AGENCIES: frozenset[FieldKind] = frozenset({"agency"})
DECISIONS = ("ConferenceProposalDecided", "RequestAnswered")
_NOTHING = Sentence("Không có việc này.", "There is no such act.")


def form_routes(
    pages: Pages,
    queries: Queries,
    agendas: Agendas,
    reminders: Reminders,
    intake: IntakeClient,
    address: Address,
) -> list[HTTPRouteHandler]:
    """The routes of the forms, one for every command on a case or a place."""
    forms = _Forms(pages, queries, agendas, reminders, intake, address)

    @get("/cases/{subject_id:uuid}/acts/{command:str}", include_in_schema=False)
    async def form(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        command: FromPath[str],
        deadline_id: FromQuery[UUID | None] = None,
        task: Annotated[str, QueryParameter(max_length=MAX_GIVEN)] = "",
        speaker: Annotated[str, QueryParameter(max_length=MAX_GIVEN)] = "",
    ) -> Response[Any]:
        target = await case_target(queries, scope_of(request), subject_id)
        given = {"task": task, "speaker": speaker} | await forms.letter(target, deadline_id)
        return await forms.empty(request, target, command, given)

    @post(
        "/cases/{subject_id:uuid}/acts/{command:str}",
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MOST,
    )
    async def act(request: HttpRequest, subject_id: FromPath[UUID], command: FromPath[str]) -> Response[Any]:
        return await forms.submit(request, await case_target(queries, scope_of(request), subject_id), command)

    @get("/jurisdictions/{code:str}/acts/{command:str}", include_in_schema=False)
    async def place_form(
        request: HttpRequest,
        code: FromPath[str],
        command: FromPath[str],
        petitions: Annotated[str, QueryParameter(max_length=MAX_PETITIONS)] = "",
        catalogue: FromQuery[CatalogueKind | None] = None,
    ) -> Response[Any]:
        target = await place_target(queries, _scope_of(request, command), code)
        chosen = {f"petition_ids.{each}": "yes" for each in petitions.split(",") if each}
        try:
            if catalogue is not None:
                chosen |= await catalogue_rows(queries, scope_of(request), target, command, catalogue)
        except Refusal as refusal:
            return await refused_page(pages, request, target, refusal)
        return await forms.empty(request, target, command, chosen)

    @post(
        "/jurisdictions/{code:str}/acts/{command:str}",
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MOST,
    )
    async def place_act(request: HttpRequest, code: FromPath[str], command: FromPath[str]) -> Response[Any]:
        return await forms.submit(request, await place_target(queries, _scope_of(request, command), code), command)

    return [form, act, place_form, place_act]


def _scope_of(request: HttpRequest, command: str) -> Scope:
    """What a form at a place may look at: one about people nothing but places, so whoever sees to them alone has it."""
    return place_scope_of(request) if command == PostGranted.TOPIC else scope_of(request)


def _place_fields(target: FormTarget) -> dict[str, str]:
    """The fields that the place of a form fills in: where nobody has registered it yet, it is what is registered."""
    if not target.is_registered:
        return {"jurisdiction": target.jurisdiction, "code": target.jurisdiction}
    return {"jurisdiction": target.jurisdiction, "parent": target.jurisdiction}


def _acting_agency(request: HttpRequest, definition: CommandDefinition) -> str:
    """The agency that gives a command for itself alone; empty where the caller gives it as anybody else."""
    caller = caller_of(request)
    return caller.agency if caller.roles & set(definition.roles) == {"agency"} else ""


class _Forms:
    def __init__(
        self,
        pages: Pages,
        queries: Queries,
        agendas: Agendas,
        reminders: Reminders,
        intake: IntakeClient,
        address: Address,
    ) -> None:
        self._pages, self._queries, self._reminders = pages, queries, reminders
        self._choices, self._before = FormChoices(queries), BeforeSending(queries, agendas)
        self._intake, self._address = intake, address
        self._source = IntakeDoor(queries, address)

    async def letter(self, target: FormTarget, deadline_id: UUID | None) -> dict[str, str]:
        """The reminder form prefilled for one open deadline of the case, or nothing if there is no such deadline."""
        if target.file is None:
            return {}
        deadline = next((d for d in target.file.deadlines if d.raised.deadline_id == deadline_id), None)
        made_of = await self._reminders.letter(deadline) if deadline else None
        if deadline is None or made_of is None:
            return {}
        return {"deadline_id": str(deadline_id), "to": deadline.raised.debtor, "text": reminder(made_of).vi}

    async def empty(
        self, request: HttpRequest, target: FormTarget, command: str, filled: dict[str, str]
    ) -> Response[Any]:
        """A form before anything was filled in, or why there is none."""
        if page := target.own_page(command):
            return Redirect(page, status_code=SEE_OTHER)
        try:
            definition, _ = await self._asked(request, target, command)
        except Refusal as refusal:
            return await refused_page(self._pages, request, target, refusal)
        agency = _acting_agency(request, definition)
        form = await self._form(request, target, definition)
        own = _place_fields(target) | {"agency": caller_of(request).agency}
        own |= {"proposer": agency} if agency else {}
        given = own | filled
        if command == SpeakerRegistered.TOPIC and target.file is not None and not given.get("speaker"):
            given["speaker"] = view_of(target.file).next_number
        return await self._page(request, target, form, given)

    async def submit(self, request: HttpRequest, target: FormTarget, command: str) -> Response[Any]:
        """Send a command to intake, then show its case, or the form with what is wrong."""
        if page := target.own_page(command):
            return Redirect(page, status_code=SEE_OTHER)
        try:
            definition, possible = await self._asked(request, target, command)
        except Refusal as refusal:
            return await refused_page(self._pages, request, target, refusal)
        # Asked before anything is read: whom intake would refuse may not make this process read a file.
        need_role(caller_of(request), *definition.roles)
        form = await self._form(request, target, definition)
        filled, wrong_files = await read_with_files(request, form, self._intake, self._source.url(target.source))
        check_key(filled.get("key", ""))
        if name := filled.pop("more", ""):
            return await self._page(request, target, form, with_more(form, filled, name))
        if filled.pop("back", ""):
            return await self._page(request, target, form, {k: v for k, v in filled.items() if k != "confirmed"})
        undone = await self._before.left_undone(_scope_of(request, command), target, command)
        asks = form.is_final or bool(undone)
        # What was about to be confirmed is asked once more.
        if is_only_language_asked(request) and not (asks and filled.pop("confirmed", "")):
            return await self._page(request, target, form, filled)
        body, errors = body_of(form, filled, await self._source.today(target.source))
        if errors := with_file_errors(wrong_files, errors):
            return await self._page(request, target, form, filled, errors)
        if asks and not filled.get("confirmed"):
            return await self._pages.show(
                request,
                "confirm.html",
                form=form,
                filled=filled,
                said=said_of(form, filled),
                target=target,
                undone=undone,
            )
        try:
            url = self._source.url(target.source)
            done = await self._intake.act(url, possible.path, body, filled.get("key", ""), token_of(request))
        except Refusal as refusal:
            at = input_of(form, as_filled(refusal.field, filled))
            error = FormError(at, Translated(refusal.detail.vi, refusal.detail.en))
            return await self._page(request, target, form, filled, [error], status_of(refusal))
        await self._source.until_read(target.source, done.position)
        if definition.aggregate == "person":
            return Redirect(f"{PEOPLE}?{urlencode({'recorded': definition.command})}", status_code=SEE_OTHER)
        began = definition.creates and await self._queries.case(scope_of(request), UUID(done.id)) is not None
        shown = f"/cases/{done.id}" if began else target.page
        query = {"recorded": definition.command} | ({"on": str(body["effective_on"])} if "effective_on" in body else {})
        return Redirect(f"{shown}?{urlencode(query)}", status_code=SEE_OTHER)

    async def _form(self, request: HttpRequest, target: FormTarget, definition: CommandDefinition) -> CommandForm:
        """The form of a command, with what there is to choose from and what its fields have to keep to."""
        offered, today = await self._offered(request, target, definition), self._source.today
        form = form_of(definition, offered, _acting_agency(request, definition))
        if definition.command not in ASSIGNING:
            return form
        return await self._before.with_latest(scope_of(request), target, form, await today(target.source))

    async def _offered(self, request: HttpRequest, target: FormTarget, definition: CommandDefinition) -> Choices:
        """What there is to choose from."""
        scope, today = _scope_of(request, definition.command), await self._source.today(target.source)
        listed = await self._choices.catalogues(target.source, target.jurisdiction, today)
        kinds = kinds_of(definition)
        if _acting_agency(request, definition):
            kinds |= OF_AGENCIES
        choices = await self._choices.of(scope, target.source, target.file, kinds)
        if definition.command == SpeakerRegistered.TOPIC:
            here = await self._queries.at_conference(scope, UUID(target.named))
            own = {str(case.row.subject_id): case_choice(case) for case in here}
            choices["petition"] = own_first(choices["petition"], own)
        return choices | listed

    async def _asked(
        self, request: HttpRequest, target: FormTarget, command: str
    ) -> tuple[CommandDefinition, PossibleCommandAnswer]:
        """A command on a case that is possible now. Raises Refusal."""
        url, token = self._source.url(target.source), token_of(request)
        definitions, answers = await asyncio.gather(
            self._intake.definitions(url, token), self._intake.possible(url, target.path, token)
        )
        by_command = target.commands(definitions.values())
        answer = next((each for each in answers if each.command == command), None)
        if answer is None or command not in by_command:
            raise Refusal(_NOTHING, status=404)
        if answer.refusal is not None:
            raise answer.refusal
        return by_command[command], answer

    async def _about(self, request: HttpRequest, target: FormTarget, command: str) -> dict[str, Any] | None:
        """What the chair decides upon: who asks for it, why, and on which petitions."""
        if command not in DECISIONS or target.file is None:
            return None
        proposal = (await self._queries.proposals([UUID(target.named)])).get(UUID(target.named))
        if proposal is None:
            return None
        return {
            "proposal": proposal,
            "titles": await self._queries.titles(scope_of(request), proposal.petition_ids),
            "names": await names_of(self._queries, target.source, {proposal.proposer}),
            "content": await content_of(self._intake, self._address, request, target.file),
        }

    async def _page(
        self,
        request: HttpRequest,
        target: FormTarget,
        form: CommandForm,
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 0,
    ) -> Response[str]:
        return await self._pages.show(
            request,
            "act.html",
            source=target.source,
            status=status or (422 if errors else 200),
            form=form,
            # Who grants posts may see no page of the place.
            target=TO_PEOPLE if form.command == PostGranted.TOPIC else target,
            filled=filled,
            errors=errors,
            notes=await self._before.notes(target, form.command),
            about=await self._about(request, target, form.command),
            # One form is one command: sent twice, by a double click or a reload, it is recorded once.
            key=filled.get("key") or secrets.token_urlsafe(16),
        )
