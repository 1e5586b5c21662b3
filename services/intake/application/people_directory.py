"""The people of a place with their posts, and their names, which are kept sealed."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.case_queries import Contents, Opener
from services.intake.application.ports import History, UnopenedSeal
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import Caller
from services.intake.domain.people import Delegation, HeldPost
from shared.events.person import PostGranted
from shared.identifiers import is_within


class PersonEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A person with the posts that a caller may see. `name` is empty where nobody may read it any more."""

    subject: str
    name: str
    posts: tuple[HeldPost, ...]
    delegations: Mapping[UUID, tuple[Delegation, ...]]


class PeopleDirectory:
    """Lists people to those who see to a place."""

    def __init__(self, regulation_cache: RegulationCache, history: History, contents: Contents, opener: Opener) -> None:
        self.regulation_cache = regulation_cache
        self._history, self._contents, self._opener = history, contents, opener

    @property
    def today(self) -> date:
        """The store's day."""
        return self.regulation_cache.today

    async def page(
        self, caller: Caller, limit: int, after: UUID | None = None
    ) -> tuple[list[PersonEntry], UUID | None]:
        """The people with a post within a caller's subtree, some at a time, and where to go on; None at the end."""
        await self.regulation_cache.read()
        people = self.regulation_cache.regulation.people
        seen = [p for p in people.posts.values() if is_within(p.jurisdiction, caller.jurisdiction)]
        by_person: dict[UUID, list[HeldPost]] = {}
        for post in seen:
            by_person.setdefault(post.person_id, []).append(post)
        wanted = [each for each in sorted(by_person) if after is None or each > after]
        page = wanted[:limit]
        names = await self._names(page)
        entries = [
            PersonEntry(
                subject=by_person[each][0].subject,
                name=names.get(each, ""),
                posts=tuple(by_person[each]),
                delegations={post.post_id: people.delegations_of(post.post_id) for post in by_person[each]},
            )
            for each in page
        ]
        return entries, page[-1] if len(wanted) > limit else None

    async def name_of(self, person: UUID) -> str:
        """A person's own name."""
        return (await self._names([person])).get(person, "")

    async def _names(self, people: Iterable[UUID]) -> dict[UUID, str]:
        """The names that still open, each person's as it was given last."""
        wanted = list(people)
        keys = {key.key_id: key for key in await self._history.keys_of(wanted)} if wanted else {}
        found: dict[UUID, str] = {}
        for row in await self._contents.sealed_of(*wanted) if wanted else ():
            if row.topic == PostGranted.TOPIC:
                try:
                    opened: dict[str, Any] = self._opener.opened(row, keys)
                except UnopenedSeal:
                    continue  # it was counted: a list is not withheld for one name
                found[row.originator_id] = opened.get("name") or found.get(row.originator_id, "")
        return found
