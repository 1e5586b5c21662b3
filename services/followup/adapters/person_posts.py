"""Which posts a person holds, as each intake says to the person's own access token."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec

TIMEOUT = 5.0  # seconds for an answer
FRESH = 3.0  # seconds for which an answer holds: a post that is ended stops within seconds
OLDEST = 300.0  # seconds for which it holds while no intake answers, so that pages can be read meanwhile
KEPT = 4096  # sessions that are remembered
POST_HEADER = "Doithoai-Post"


class IntakesAway(Exception):
    """No intake says which posts a person holds."""


class TokenRefused(Exception):
    """The intakes do not take the access token of the person."""


class _DelegationAnswer(msgspec.Struct, frozen=True):
    stands: bool


class CallerPost(msgspec.Struct, frozen=True):
    """A post that a person can act in, at the intake of an address."""

    id: UUID
    position: str
    roles: list[str]
    jurisdiction: str
    agency: str = ""
    delegations: list[_DelegationAnswer] = []
    url: str = ""

    @property
    def is_chairs_deputy(self) -> bool:
        """Whether the chair has delegated to who holds it."""
        return any(delegation.stands for delegation in self.delegations)


class KnownPosts(msgspec.Struct, frozen=True):
    """The posts of a person, and the name that stands beside them."""

    name: str
    posts: tuple[CallerPost, ...]


class _Said(NamedTuple):
    """What one intake said, and when."""

    name: str
    posts: tuple[CallerPost, ...]
    at: float


class _Remembered(NamedTuple):
    """What each intake said of a person, by its address, and when they were asked."""

    by_url: dict[str, _Said]
    asked_at: float

    @property
    def known(self) -> KnownPosts:
        """All of it together."""
        said = self.by_url.values()
        name = next((each.name for each in said if each.name), "")
        return KnownPosts(name, tuple(post for each in said for post in each.posts))


class _Me(msgspec.Struct, frozen=True):
    name: str = ""
    posts: list[CallerPost] = []


class PersonPosts:
    """Asks the intakes, and remembers what they said for a moment."""

    def __init__(
        self, client: httpx.AsyncClient, feeds: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._feeds, self._clock = client, tuple(feeds), clock
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def of(self, session: bytes, token: str) -> KnownPosts:
        """The posts that stand. What an intake that does not answer said lately holds meanwhile: nobody comes to act
        in another post because of it. Raises IntakesAway, TokenRefused.
        """
        now, before = self._clock(), self._remembered.get(session)
        if before is not None and now - before.asked_at < FRESH:
            return before.known
        answers = await asyncio.gather(*(self._asked(url, token) for url in self._feeds))
        kinds = {type(answer) for answer in answers}
        if TokenRefused in kinds and _Said not in kinds:
            self.forget(session)
            raise TokenRefused
        by_url = {}
        for url, answer in zip(self._feeds, answers, strict=True):
            old = before.by_url.get(url) if before is not None else None
            if isinstance(answer, _Said):
                by_url[url] = answer
            elif answer is None and old is not None and now - old.at < OLDEST:
                by_url[url] = old
        if not by_url:
            raise IntakesAway
        found = self._remembered[session] = _Remembered(by_url, now)
        self._remembered.move_to_end(session)
        if len(self._remembered) > KEPT:
            self._remembered.popitem(last=False)
        return found.known

    def forget(self, session: bytes) -> None:
        """Ask anew the next time."""
        self._remembered.pop(session, None)

    async def _asked(self, url: str, token: str) -> _Said | TokenRefused | None:
        """What one intake says; None where it does not answer."""
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._client.get(
                    f"{url}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=None
                )
        except (httpx.HTTPError, TimeoutError):
            return None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return TokenRefused()
        try:
            me = msgspec.json.decode(answer.content, type=_Me)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not answer.is_success:
            return None
        posts = tuple(msgspec.structs.replace(post, url=url) for post in me.posts)
        return _Said(me.name, posts, self._clock())


class ActingPosts:
    """Names the post that a person chose to the intake that it is of, with whatever goes there in the person's name."""

    def __init__(self) -> None:
        self._of_token: OrderedDict[str, CallerPost] = OrderedDict()

    def chosen(self, token: str, post: CallerPost) -> None:
        """Remember in which post an access token acts."""
        self._of_token[token] = post
        self._of_token.move_to_end(token)
        if len(self._of_token) > KEPT:
            self._of_token.popitem(last=False)

    async def name_post(self, request: httpx.Request) -> None:
        """Add the header to a request that is about to go out."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        post = self._of_token.get(token) if scheme == "Bearer" else None
        if post is not None and str(request.url).startswith(f"{post.url}/"):
            request.headers[POST_HEADER] = str(post.id)
