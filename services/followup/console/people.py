"""People and their posts: granted and ended by the administrator of a place, delegated by the chair."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, PersonAnswer, PostAnswer, Refusal
from services.followup.adapters.read.queries import Queries
from services.followup.console.addresses import PEOPLE, SEE_OTHER
from services.followup.console.choices import FormChoices
from services.followup.console.command_forms import (
    CommandForm,
    FormError,
    body_of,
    form_of,
    input_of,
    kinds_of,
    said_of,
)
from services.followup.console.form_body import read_form
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages
from services.followup.console.problem_pages import refused_page
from services.followup.console.recorded import recorded_now
from services.followup.console.roles import SEEING_PEOPLE
from services.followup.console.targets import TO_PEOPLE
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.entrypoints.access import place_scope_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.command_definitions import CommandDefinition, Translated
from shared.events.person import PersonNameErased
from shared.http.auth import caller_of, need_role, token_of
from shared.http.permissions import for_roles
from shared.http.tokens import ROLE_TITLES
from shared.identifiers import local_day

#: The commands on a post, a delegation or a person, by the address of what they are done to at intake.
ON = {
    "posts": ("PostEnded", "PostAnnulled", "DelegationGranted"),
    "delegations": ("DelegationEnded",),
    "people": ("PersonNameErased",),
}
NAME = Translated("Họ tên", "Name")
ACT = PEOPLE + "/{source:str}/{kind:str}/{named:uuid}/{command:str}"


class _About(NamedTuple):
    """Whom a form is about, and which post; None where it is about the person."""

    person: PersonAnswer
    post: PostAnswer | None


def people_pages(pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> list[HTTPRouteHandler]:
    """The routes of the list and of the forms on posts and delegations."""
    door, choices = IntakeDoor(queries, address), FormChoices(queries)

    async def of_source(source: str, token: str) -> tuple[str, list[PersonAnswer], Refusal | None]:
        try:
            found = await intake.people(door.url(source), token)
        except Refusal as refusal:
            return source, [], refusal
        return source, sorted(found, key=lambda person: vietnamese_order(person.name or person.subject)), None

    @get(PEOPLE, include_in_schema=False, opt=for_roles(SEEING_PEOPLE))
    async def people(
        request: HttpRequest, recorded: Annotated[str, QueryParameter(max_length=60)] = ""
    ) -> Response[str]:
        caller, scope = caller_of(request), place_scope_of(request)
        places = await queries.places(scope)
        read = await queries.sources()
        sources = [source.source for source in read]
        return await pages.show(
            request,
            "people.html",
            recorded=recorded_now(recorded, None),
            people=await asyncio.gather(*(of_source(source, token_of(request)) for source in sources)),
            days={source.source: local_day(source.now) if source.now else date.max for source in read},
            places=places,
            titles=ROLE_TITLES,
            grants_at=caller.jurisdiction if caller.jurisdiction in places and "admin" in caller.roles else "",
            may_administer="admin" in caller.roles,
            may_delegate="chair" in caller.roles,
        )

    async def form_at(
        request: HttpRequest, source: str, kind: str, command: str
    ) -> tuple[CommandDefinition, CommandForm]:
        """A command on what is there, and its form. Raises Refusal, ProblemError 403, 404."""
        need_role(caller_of(request), *SEEING_PEOPLE)
        or_404(command if command in ON.get(kind, ()) else None, "act")
        definitions = await intake.definitions(door.url(source), token_of(request))
        definition = or_404(next((each for each in definitions.values() if each.command == command), None), "act")
        need_role(caller_of(request), *definition.roles)
        offered = await choices.of(place_scope_of(request), source, None, kinds_of(definition))
        return definition, form_of(definition, offered)

    async def about(request: HttpRequest, source: str, named: UUID) -> _About:
        """Whom a form is about. Raises Refusal, ProblemError 404."""
        _, persons, refusal = await of_source(source, token_of(request))
        if refusal is not None:
            raise refusal
        for person in persons:
            if person.id == named:
                return _About(person, None)
            for each in person.posts:
                if named in (each.id, *(delegation.id for delegation in each.delegations)):
                    return _About(person, each)
        return or_404(None, "page")

    async def show(
        request: HttpRequest,
        form: CommandForm,
        source: str,
        whom: _About,
        filled: dict[str, str],
        errors: Sequence[FormError] = (),
        status: int = 200,
    ) -> Response[str]:
        key = filled.get("key") or secrets.token_urlsafe(16)
        return await pages.show(
            request,
            "people_act.html",
            source=source,
            status=status,
            form=form,
            person=whom.person,
            post=whom.post,
            places=await queries.places(place_scope_of(request), source),
            target=TO_PEOPLE,
            filled=filled,
            errors=errors,
            key=key,
        )

    @get(ACT, include_in_schema=False)
    async def empty(
        request: HttpRequest, source: FromPath[str], kind: FromPath[str], named: FromPath[UUID], command: FromPath[str]
    ) -> Response[str]:
        try:
            _, form = await form_at(request, source, kind, command)
            whom = await about(request, source, named)
        except Refusal as refusal:
            return await refused_page(pages, request, TO_PEOPLE, refusal)
        return await show(request, form, source, whom, {})

    @post(ACT, include_in_schema=False, status_code=200)
    async def act(
        request: HttpRequest, source: FromPath[str], kind: FromPath[str], named: FromPath[UUID], command: FromPath[str]
    ) -> Response[Any]:
        try:
            definition, form = await form_at(request, source, kind, command)
            whom = await about(request, source, named)
        except Refusal as refusal:
            return await refused_page(pages, request, TO_PEOPLE, refusal)
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        if filled.pop("back", ""):
            return await show(request, form, source, whom, {k: v for k, v in filled.items() if k != "confirmed"})
        if is_only_language_asked(request) and not filled.pop("confirmed", ""):
            return await show(request, form, source, whom, filled)
        body, errors = body_of(form, filled, await door.today(source))
        if errors:
            return await show(request, form, source, whom, filled, errors, 422)
        if command == PersonNameErased.TOPIC and not filled.get("confirmed"):
            called = whom.person.name or whom.person.subject
            said = [(NAME, Translated(called, called)), *said_of(form, filled)]
            return await pages.show(
                request, "confirm.html", form=form, filled=filled, said=said, target=TO_PEOPLE, undone=()
            )
        try:
            path = definition.path.replace("{id}", str(named))
            await intake.act(door.url(source), path, body, filled.get("key", ""), token_of(request))
        except Refusal as refusal:
            detail = Translated(refusal.detail.vi, refusal.detail.en)
            wrong = [FormError(input_of(form, refusal.field), detail)]
            return await show(request, form, source, whom, filled, wrong, status_of(refusal))
        return Redirect(f"{PEOPLE}?{urlencode({'recorded': definition.command})}", status_code=SEE_OTHER)

    return [people, empty, act]
