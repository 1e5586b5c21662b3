"""Which posts a person holds, as each intake says to the person's own access token."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
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
    at: float


class _Me(msgspec.Struct, frozen=True):
    name: str = ""
    posts: list[CallerPost] = []


class PersonPosts:
    """Asks the intakes, and remembers what they said for a moment."""

    def __init__(
        self, client: httpx.AsyncClient, feeds: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._feeds, self._clock = client, tuple(feeds), clock
        self._known: OrderedDict[bytes, KnownPosts] = OrderedDict()

    async def of(self, session: bytes, token: str) -> KnownPosts:
        """The posts that stand. Raises IntakesAway, TokenRefused."""
        known = self._known.get(session)
        now = self._clock()
        if known is not None and now - known.at < FRESH:
            return known
        answers = await asyncio.gather(*(self._asked(url, token) for url in self._feeds))
        found = [answer for answer in answers if isinstance(answer, KnownPosts)]
        if not found:
            if any(isinstance(answer, TokenRefused) for answer in answers):
                self.forget(session)
                raise TokenRefused
            if known is not None and now - known.at < OLDEST:
                return known
            raise IntakesAway
        name = next((each.name for each in found if each.name), "")
        known = KnownPosts(name, tuple(post for each in found for post in each.posts), now)
        self._known[session] = known
        self._known.move_to_end(session)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return known

    def forget(self, session: bytes) -> None:
        """Ask anew the next time."""
        self._known.pop(session, None)

    async def _asked(self, url: str, token: str) -> KnownPosts | TokenRefused | None:
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
        return KnownPosts(me.name, posts, self._clock())


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
