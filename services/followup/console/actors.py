"""Who recorded something, as people call them: by name, else by post, never by the id that the provider gave them."""

from collections.abc import Iterable

from services.followup.adapters.intake_client import IntakeClient, PersonAnswer, Refusal
from services.followup.console.intake_door import Address
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import caller_of, token_of
from shared.http.tokens import PERSON

#: Those to whom intake tells who works where.
STAFF = ("admin", "chair", "office")
_SOMEBODY = Bilingual("một cán bộ", "an official")


async def actor_names(
    intake: IntakeClient, address: Address, request: HttpRequest, source: str, actors: Iterable[str]
) -> dict[str, Bilingual]:
    """What actors are called, and their posts by id. People are asked for only where there are some.

    A program is called what its token is.
    """
    wanted = set(actors)
    people = {actor for actor in wanted if actor.startswith(PERSON)}
    caller = caller_of(request)
    found = {actor: Bilingual(actor, actor) for actor in wanted - people} | dict.fromkeys(people, _SOMEBODY)
    if people and not caller.roles.isdisjoint(STAFF) and (url := address(source)) is not None:
        found |= await _asked(intake, url, token_of(request), people)
    if caller.name in people and caller.called:
        found[caller.name] = Bilingual(caller.called, caller.called)
    return found


async def _asked(intake: IntakeClient, url: str, token: str, people: set[str]) -> dict[str, Bilingual]:
    try:
        known = await intake.people(url, token)
    except Refusal:  # the page is of use without names
        return {}
    told = {PERSON + person.subject: told_of(person) for person in known}
    named = {actor: told[actor] for actor in people if told.get(actor)}
    named |= {str(post.id): post.position for person in known for post in person.posts}
    return {each: Bilingual(words, words) for each, words in named.items()}


def told_of(person: PersonAnswer) -> str:
    """The name, or once it was erased the post that is held, or was last."""
    posts = sorted(person.posts, key=lambda post: (post.stands, post.valid_from))
    return person.name or (posts[-1].position if posts else "")
