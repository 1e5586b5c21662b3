"""Questions about people: who has which posts, and who the caller is."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from services.intake.application.people_directory import PeopleDirectory
from services.intake.domain.people import Delegation, HeldPost, person_id
from services.intake.entrypoints import openapi
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.people_callers import ME
from services.intake.entrypoints.queries import DEFAULT_LIMIT, MAX_LIMIT
from shared.http.auth import Callers, caller_of
from shared.http.caller_view import WhoCalls, who_calls
from shared.http.openapi import answers
from shared.http.permissions import KNOWN, for_roles, permitted
from shared.http.problems import problem

#: Who may know who works where, by name.
STAFF = ("admin", "chair", "office")


class DelegationView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delegation of the chair to who holds a post. `stands`: it is in force today."""

    id: UUID
    valid_from: date
    valid_until: date
    ended_on: date | None = None
    stands: bool


class PostView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post. `stands`: it is held today; `ended_on` is the first day without it; `annulled`: it was never held.

    `may_deputise`: the chair may delegate to it.
    """

    id: UUID
    position: str
    roles: list[str]
    jurisdiction: str
    valid_from: date
    agency: str = ""
    valid_until: date | None = None
    ended_on: date | None = None
    annulled: bool = False
    stands: bool
    may_deputise: bool = False
    delegations: list[DelegationView] = []


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person with every post that the caller sees, those that have ended too."""

    id: UUID
    subject: str
    name: str
    posts: list[PostView]


class PeoplePage(msgspec.Struct, frozen=True):
    """One page of a list; the `Link` header names the next."""

    items: list[PersonView]


class CallerView(WhoCalls, frozen=True, kw_only=True, omit_defaults=True):
    """Who calls: of a person the posts that stand today, and which of them this call is made in."""

    subject: str = ""
    name: str = ""
    post: UUID | None = None
    delegation: UUID | None = None
    posts: list[PostView] = []


def people_routes(directory: PeopleDirectory, callers: Callers) -> list[HTTPRouteHandler]:
    """The list of people, and who the caller is."""

    @get(
        "/v1/people",
        summary="People with their posts and delegations",
        description="For those who see to a place: administrators, office, chair. Names are opened from where they "
        "are sealed.",
        tags=["person"],
        responses=openapi.READ_PROBLEMS,
        operation_id="list_people",
        opt=for_roles(STAFF),
        operation_class=answers("Link"),
    )
    async def list_people(
        request: Request[Any, Any, Any],
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[str, QueryParameter(max_length=40, description="from the `Link` of the page before")] = "",
    ) -> Response[PeoplePage]:
        caller = domain_caller(caller_of(request))
        entries, after = await directory.page(caller, limit, _after(cursor))
        items = [
            PersonView(
                id=person_id(entry.subject),
                subject=entry.subject,
                name=entry.name,
                posts=[_post(post, entry.delegations[post.post_id], directory.today) for post in entry.posts],
            )
            for entry in entries
        ]
        headers = {"Cache-Control": "no-store"}
        if after is not None:
            headers["Link"] = f'</v1/people?limit={limit}&cursor={after}>; rel="next"'
        return Response(PeoplePage(items), headers=headers)

    @get(
        ME,
        summary="Who the caller is, what it may, and which posts a person may choose",
        tags=["person"],
        responses=openapi.READ_PROBLEMS,
        operation_id="get_me",
        operation_class=answers(),
    )
    async def get_me(request: Request[Any, Any, Any]) -> Response[CallerView]:
        caller = caller_of(request)
        people, today = directory.regulation_cache.regulation.people, directory.today
        posts = people.standing_posts(caller.subject, today) if caller.subject else ()
        view = CallerView(
            **who_calls(request, callers),
            subject=caller.subject,
            name=await directory.name_of(person_id(caller.subject)) if posts else "",
            post=caller.post,
            delegation=caller.delegation,
            posts=[_post(post, people.delegations_of(post.post_id), today) for post in posts],
        )
        return Response(view, headers={"Cache-Control": "no-store"})

    return permitted(KNOWN, [list_people, get_me])


def _post(post: HeldPost, delegations: tuple[Delegation, ...], today: date) -> PostView:
    return PostView(
        id=post.post_id,
        position=post.position,
        roles=sorted(post.roles),
        jurisdiction=post.jurisdiction,
        agency=post.agency,
        valid_from=post.valid_from,
        valid_until=post.valid_until,
        ended_on=post.ended_on,
        annulled=post.is_annulled,
        stands=post.stands(today),
        may_deputise=post.may_deputise,
        delegations=[
            DelegationView(
                id=each.delegation_id,
                valid_from=each.valid_from,
                valid_until=each.valid_until,
                ended_on=each.ended_on,
                stands=each.stands(today),
            )
            for each in delegations
        ],
    )


def _after(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise problem(400, "invalid-cursor", field="cursor") from None
