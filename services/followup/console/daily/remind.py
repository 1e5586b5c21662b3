"""*Đôn đốc*: one screen with every late case of an agency, each with its own letter."""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.listings import DeadlineFilter
from services.followup.adapters.read.models import Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminders import Reminders
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.command_forms import CommandForm, FormError, body_of, field_of
from services.followup.console.daily.task import plain
from services.followup.console.form_body import read_form
from services.followup.console.intake_door import Address, IntakeDoor, check_key
from services.followup.console.pages import Pages, lateness, names_of
from services.followup.console.targets import title_of
from services.followup.domain.deadlines.status import Status
from services.followup.domain.letters.reminder import Letter, reminder
from services.followup.domain.wording.names import Bilingual, duty_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.query_parameters import body_of as known_body
from shared.command_definitions import ChoiceDefinition, Translated
from shared.http.auth import caller_of, need_role, token_of

LATE_AT_ONCE = 100  # deadlines on one screen
ROLES = ("chair", "office")
TITLE = Bilingual("Đôn đốc", "Remind")
ADDRESS = "/remind/{agency:str}"


class _Late(NamedTuple):
    """A late deadline with what its letter is made of."""

    deadline: Deadline
    letter: Letter


class _Page(NamedTuple):
    """Where the form leads back to."""

    page: str
    title: Bilingual


def remind_routes(
    pages: Pages, queries: Queries, reminders: Reminders, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The route of the screen."""
    source = IntakeDoor(queries, address)

    async def late_of(request: HttpRequest, agency: str) -> list[_Late]:
        """What an agency is late with, all of one source: an act is recorded in one."""
        wanted = DeadlineFilter(status=Status.BREACHED, agency=agency)
        found = (await queries.deadlines(scope_of(request), wanted, LATE_AT_ONCE)).items
        cases = [each for each in found if each.raised.subject != "jurisdiction"]
        of_first = [each for each in cases if each.raised.source == cases[0].raised.source]
        letters = [(each, await reminders.letter(each)) for each in of_first]
        return [_Late(each, letter) for each, letter in letters if letter is not None]

    async def form_of_late(request: HttpRequest, late: Sequence[_Late]) -> CommandForm:
        definitions = await intake.definitions(source.url(late[0].deadline.raised.source), token_of(request))
        command = definitions["/v1/petitions/{id}/reminders"]
        channel = next(field for field in command.fields if field.name == "channel")
        told = await lateness(queries)
        choices = tuple(_choice(each, told(each.deadline)) for each in late)
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

    async def show(
        request: HttpRequest,
        agency: str,
        late: Sequence[_Late],
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 0,
    ) -> Response[str]:
        name = (await names_of(queries, {agency}))[agency]
        return await pages.show(
            request,
            "remind.html",
            status=status or (422 if errors else 200),
            form=await form_of_late(request, late) if late else None,
            agency=name,
            target=_Page("/", Bilingual("Việc cần xử lý", "To do")),
            filled=filled,
            errors=errors,
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    @get(ADDRESS, include_in_schema=False)
    async def screen(request: HttpRequest, agency: FromPath[str]) -> Response[str]:
        need_role(caller_of(request), *ROLES)
        late = await late_of(request, known_body(agency))
        chosen = {f"deadlines.{each.deadline.raised.deadline_id}": "yes" for each in late}
        return await show(request, known_body(agency), late, chosen | {"channel": "letter"})

    @post(ADDRESS, include_in_schema=False, status_code=200)
    async def send(request: HttpRequest, agency: FromPath[str]) -> Response[Any]:
        need_role(caller_of(request), *ROLES)
        code = known_body(agency)
        late = await late_of(request, code)
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        if not late:
            return await show(request, code, late, filled)
        form, of_source = await form_of_late(request, late), late[0].deadline.raised.source
        values, errors = body_of(form, filled, await source.today(of_source))
        if errors:
            return await show(request, code, late, filled, errors)
        chosen = [each for each in late if str(each.deadline.raised.deadline_id) in values["deadlines"]]
        parts = [_part(each, values.get("channel", "letter")) for each in chosen]
        try:
            url, key = source.url(of_source), filled.get("key", "")
            done = await intake.composite(url, "remind", parts, key, token_of(request))
        except Refusal as refusal:
            error = FormError("", Translated(refusal.detail.vi, refusal.detail.en))
            return await show(request, code, late, filled, [error], 503 if refusal.status >= 500 else 422)
        await source.until_read(of_source, max(part.position for part in done.parts))
        return Redirect("/?recorded=ReminderSent", status_code=SEE_OTHER)

    return [screen, send]


def _choice(each: _Late, late: Bilingual | None) -> ChoiceDefinition:
    raised, words = each.deadline.raised, duty_words(each.deadline.raised.duty)
    due = f"{raised.due_on:%d/%m/%Y}" if raised.due_on else ""
    title = title_of(each.letter.row)
    vi = f"{title.vi}: {words.vi}, hạn {due}" + (f", quá hạn {late.vi}" if late else "")
    en = f"{title.en}: {words.en}, due {due}" + (f", overdue by {late.en}" if late else "")
    return ChoiceDefinition(str(raised.deadline_id), Translated(vi, en))


def _part(each: _Late, channel: str) -> dict[str, Any]:
    raised = each.deadline.raised
    body = {
        "deadline_id": str(raised.deadline_id),
        "to": raised.debtor,
        "channel": channel,
        "text": reminder(each.letter).vi,
    }
    of_subject = {"command": "ReminderSent", "target": str(raised.subject_id), "aggregate": raised.subject}
    return of_subject | {"body": body}
