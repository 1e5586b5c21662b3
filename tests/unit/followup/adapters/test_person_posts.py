"""The posts of a person, as the intakes say: of several some may be away, or take the token no longer."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.followup.adapters.person_posts import FRESH, OLDEST, IntakesAway, PersonPosts, TokenRefused

FEEDS = ("http://one", "http://other")
SESSION = b"session"


class Intakes:
    """Two intakes, each with a post of the person, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.status = {"one": 200, "other": 200}
        self.asked = 0
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._me))
        self.posts = PersonPosts(client, FEEDS, lambda: self.now)

    def _me(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        status = self.status[request.url.host]
        post: dict[str, Any] = {"id": str(UUID(int=len(request.url.host))), "position": request.url.host, "roles": []}
        return httpx.Response(status, json={"name": "An", "posts": [post | {"jurisdiction": "H35"}]})

    async def held(self, after: float = FRESH) -> list[str]:
        """The posts that stand, some seconds later."""
        self.now += after
        return [post.position for post in (await self.posts.of(SESSION, "token")).posts]


async def test_posts__of_an_intake_that_is_away_for_a_moment_stand_meanwhile() -> None:
    intakes = Intakes()
    assert await intakes.held() == ["one", "other"]
    intakes.status["other"] = 503
    assert await intakes.held() == ["one", "other"]
    assert await intakes.held(OLDEST) == ["one"]
    intakes.status["other"] = 200
    assert await intakes.held() == ["one", "other"]


async def test_posts__are_not_asked_for_again_within_a_moment() -> None:
    intakes = Intakes()
    for _ in range(3):
        assert await intakes.held(FRESH / 4) == ["one", "other"]
    assert intakes.asked == len(FEEDS)


async def test_token__that_is_refused_by_whoever_answers_opens_nothing() -> None:
    intakes = Intakes()
    await intakes.held()
    intakes.status = {"one": 401, "other": 503}
    with pytest.raises(TokenRefused):
        await intakes.held()
    intakes.status = {"one": 503, "other": 503}
    with pytest.raises(IntakesAway):
        await intakes.held()
