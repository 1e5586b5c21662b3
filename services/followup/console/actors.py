"""Who recorded something, as people call them: by name, else by post, never by the id that the provider gave them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from uuid import UUID

from services.followup.adapters.intake_client import IntakeClient, PersonAnswer, Refusal
from services.followup.console.intake_door import Address
from services.followup.console.roles import SEEING_PEOPLE, has_any
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import caller_of, token_of
from shared.http.tokens import PERSON

FRESH = 30.0  # seconds for which names hold: one that was erased is gone from the pages then
KEPT = 64  # callers for whom names are remembered
_SOMEBODY = Bilingual("một cán bộ", "an official")


class ActorNames:
    """What actors are called. intake opens every name for the answer, so it is asked now and then, and not a page."""

    def __init__(self, intake: IntakeClient, address: Address, clock: Callable[[], float] = time.monotonic) -> None:
        self._intake, self._address, self._clock = intake, address, clock
        self._told: OrderedDict[tuple[str, str, UUID | None], tuple[float, dict[str, str]]] = OrderedDict()

    async def of(self, request: HttpRequest, source: str, actors: Iterable[str]) -> dict[str, Bilingual]:
        """The names of some, and the posts by id. People are asked for only where there are some.

        A program is called what its token is.
        """
        wanted = set(actors)
        people = {actor for actor in wanted if actor.startswith(PERSON)}
        caller = caller_of(request)
        found = {actor: Bilingual(actor, actor) for actor in wanted - people} | dict.fromkeys(people, _SOMEBODY)
        if people and has_any(caller, SEEING_PEOPLE) and (url := self._address(source)) is not None:
            told = await self._asked(url, request)
            named = {each: words for each, words in told.items() if words and (each in people or not _is_person(each))}
            found |= {each: Bilingual(words, words) for each, words in named.items()}
        if caller.name in people and caller.called:
            found[caller.name] = Bilingual(caller.called, caller.called)
        return found

    async def _asked(self, url: str, request: HttpRequest) -> dict[str, str]:
        """What everybody is called whom a caller in this post may know, as intake said lately."""
        token = token_of(request)
        key = (url, token, caller_of(request).post)
        now, known = self._clock(), self._told.get(key)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        try:
            everybody = await self._intake.people(url, token)
        except Refusal:  # the page is of use without names
            return {}
        told = {PERSON + each.subject: told_of(each) for each in everybody}
        told |= {str(post.id): post.position for each in everybody for post in each.posts}
        self._told[key] = now, told
        self._told.move_to_end(key)
        if len(self._told) > KEPT:
            self._told.popitem(last=False)
        return told


def _is_person(known: str) -> bool:
    return known.startswith(PERSON)


def told_of(person: PersonAnswer) -> str:
    """The name, or once it was erased the post that is held, or was last."""
    posts = sorted(person.posts, key=lambda post: (post.stands, post.valid_from))
    return person.name or (posts[-1].position if posts else "")
