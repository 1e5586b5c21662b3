"""*Đôn đốc*: one screen with every late case of an agency, each with its own letter."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.listings import DeadlineFilter
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.command_forms import CommandForm, FormError, body_of, field_of, with_more
from services.followup.console.daily.task import plain
from services.followup.console.form_body import read_form
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages, lateness, names_in_any, names_of
from services.followup.console.problem_pages import refused_page
from services.followup.console.roles import REMINDING
from services.followup.console.targets import Back, title_of
from services.followup.domain.deadlines.status import Status
from services.followup.domain.letters.reminder import Letter, reminder
from services.followup.domain.wording.names import Bilingual, duty_words
from services.followup.domain.wording.notes import day_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.query_parameters import body_of as known_body
from shared.command_definitions import ChoiceDefinition, CommandDefinition, Translated
from shared.http.auth import token_of
from shared.http.permissions import for_roles

LATE_AT_ONCE = 100  # deadlines on one screen
TITLE = Bilingual("Đôn đốc", "Remind")
ADDRESS = "/remind/{agency:str}"


_BACK = Back("/", Bilingual("Việc cần xử lý", "To do"))


class _Screen(NamedTuple):
    """What an agency is late with, all of one source since an act is recorded in one, and the form if it is late."""

    agency: str
    letters: list[Letter]
    form: CommandForm | None

    @property
    def source(self) -> str:
        """Where it is recorded."""
        return self.letters[0].raised.source


def remind_routes(
    pages: Pages, queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The route of the screen."""
    door = IntakeDoor(queries, address)

    async def screen_of(request: HttpRequest, named: str) -> _Screen:
        """The screen of an agency, named as in an address. Raises Refusal, ProblemError 404."""
        code, _, source = named.partition("@")
        agency = known_body(code)
        wanted = DeadlineFilter(status=Status.BREACHED, source=source, agency=agency, held_without=False)
        found = (await queries.deadlines(scope_of(request), wanted, LATE_AT_ONCE)).items
        late = [each for each in found if each.raised.subject != "jurisdiction"]
        of_first = [each for each in late if each.raised.source == late[0].raised.source]
        if not (letters := await reminders.letters(of_first)):
            return _Screen(agency, [], None)
        told = await lateness(queries)
        choices = tuple(_choice(each, told(each.raised)) for each in letters)
        definitions = await intake.definitions(door.url(letters[0].raised.source), token_of(request))
        return _Screen(agency, letters, _form(definitions, choices))

    async def name_of(screen: _Screen) -> Bilingual:
        if not screen.letters:
            return (await names_in_any(queries, [screen.agency]))[screen.agency]
        return (await names_of(queries, screen.source, [screen.agency]))[screen.agency]

    async def show(
        request: HttpRequest,
        screen: _Screen,
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 422,
    ) -> Response[str]:
        return await pages.show(
            request,
            "remind.html",
            status=status if errors else 200,
            source=screen.source if screen.letters else "",
            form=screen.form,
            agency=await name_of(screen),
            target=_BACK,
            filled=filled,
            errors=errors,
            letters=[(title_of(each.row), reminder(each)) for each in screen.letters],
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    @get(ADDRESS, include_in_schema=False, opt=for_roles(REMINDING))
    async def late_cases(request: HttpRequest, agency: FromPath[str]) -> Response[str]:
        try:
            screen = await screen_of(request, agency)
        except Refusal as refusal:
            return await refused_page(pages, request, _BACK, refusal)
        chosen = {f"deadlines.{each.raised.deadline_id}": "yes" for each in screen.letters}
        return await show(request, screen, chosen | {"channel": "letter"})

    @post(ADDRESS, include_in_schema=False, status_code=200, opt=for_roles(REMINDING))
    async def send(request: HttpRequest, agency: FromPath[str]) -> Response[Any]:
        try:
            screen = await screen_of(request, agency)
        except Refusal as refusal:
            return await refused_page(pages, request, _BACK, refusal)
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        if screen.form is None or is_only_language_asked(request):
            return await show(request, screen, filled)
        if more := filled.pop("more", ""):
            return await show(request, screen, with_more(screen.form, filled, more))
        values, errors = body_of(screen.form, filled, await door.today(screen.source))
        if errors:
            return await show(request, screen, filled, errors)
        chosen = [each for each in screen.letters if str(each.raised.deadline_id) in values["deadlines"]]
        parts = [_part(each, values.get("channel", "letter")) for each in chosen]
        try:
            url, token = door.url(screen.source), token_of(request)
            done = await intake.composite(url, "remind", parts, filled.get("key", ""), token)
        except Refusal as refusal:
            error = FormError("", Translated(refusal.detail.vi, refusal.detail.en))
            return await show(request, screen, filled, [error], status_of(refusal))
        await door.until_read(screen.source, done.position)
        return Redirect("/?recorded=ReminderSent", status_code=SEE_OTHER)

    return [late_cases, send]


def _form(definitions: Mapping[str, CommandDefinition], choices: tuple[ChoiceDefinition, ...]) -> CommandForm:
    channel = next(each for each in definitions["/v1/petitions/{id}/reminders"].fields if each.name == "channel")
    which = plain(
        "deadlines",
        "Việc quá hạn",
        "What is overdue",
        kind="deadline",
        is_list=True,
        is_required=True,
        choices=choices,
    )
    title = Translated(TITLE.vi, TITLE.en)
    return CommandForm(command="remind", title=title, is_final=False, fields=(which, field_of(channel, {})))


def _choice(letter: Letter, late: Bilingual | None) -> ChoiceDefinition:
    raised, words = letter.raised, duty_words(letter.raised.duty)
    due = day_words(raised.due_on) if raised.due_on else Bilingual("", "")
    title = title_of(letter.row)
    vi = f"{title.vi}: {words.vi}, hạn {due.vi}" + (f", quá hạn {late.vi}" if late else "")
    en = f"{title.en}: {words.en}, due {due.en}" + (f", overdue by {late.en}" if late else "")
    return ChoiceDefinition(str(raised.deadline_id), Translated(vi, en))


def _part(letter: Letter, channel: str) -> dict[str, Any]:
    raised = letter.raised
    body = {
        "deadline_id": str(raised.deadline_id),
        "to": raised.debtor,
        "channel": channel,
        "text": reminder(letter).vi,
    }
    of_subject = {"command": "ReminderSent", "target": str(raised.subject_id), "aggregate": raised.subject}
    return of_subject | {"body": body}
