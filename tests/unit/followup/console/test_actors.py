"""Who recorded something is named as people call them."""

from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.followup.adapters.intake_client import IntakeClient, PersonAnswer, PostAnswer
from services.followup.console.actors import FRESH, ActorNames, told_of
from shared.http import auth
from shared.http.auth import AuthenticatedCaller
from shared.http.tokens import PERSON


def post(position: str, year: int, *, stands: bool) -> PostAnswer:
    return PostAnswer(
        id=UUID(int=year),
        position=position,
        roles=["office"],
        jurisdiction="H35.10",
        valid_from=date(year, 1, 1),
        stands=stands,
    )


@pytest.mark.parametrize(
    ("name", "posts", "told"),
    [
        ("Lò Thị Mai", [post("Chuyên viên", 2020, stands=True)], "Lò Thị Mai"),
        ("", [post("Chuyên viên", 2020, stands=True), post("Phó phòng", 2022, stands=False)], "Chuyên viên"),
        ("", [post("Chuyên viên", 2020, stands=False), post("Phó phòng", 2022, stands=False)], "Phó phòng"),
        ("", [], ""),
    ],
)
def test_person__is_called_by_name_else_by_the_post_that_is_held_or_was_last(
    name: str, posts: list[PostAnswer], told: str
) -> None:
    assert told_of(PersonAnswer(id=UUID(int=1), subject="0c5a77e2", name=name, posts=posts)) == told


class AskedNames(ActorNames):
    """Names over an intake that counts how often it is asked."""

    def __init__(self) -> None:
        self.times, self.now, self.name = 0, 0.0, "Lò Thị Mai"
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._people))
        super().__init__(IntakeClient(client), self._at, self._time)

    def _at(self, source: str) -> str:
        return "http://intake"

    def _time(self) -> float:
        return self.now

    def _people(self, request: httpx.Request) -> httpx.Response:
        self.times += 1
        person = {"id": str(UUID(int=1)), "subject": "0c5a", "name": self.name, "posts": []}
        return httpx.Response(200, json={"items": [person]})

    async def told(self) -> str:
        """What a clerk is told of the person."""
        caller = AuthenticatedCaller("local", frozenset({"office"}), "H35")
        scope = {"state": {auth._CALLER: caller}, "headers": [(b"authorization", b"Bearer t")]}
        request: Any = SimpleNamespace(scope=scope)
        return (await self.of(request, "s", [PERSON + "0c5a", "importer"]))[PERSON + "0c5a"].vi


async def test_names__are_asked_for_now_and_then_and_gone_soon_after_they_are_erased() -> None:
    names = AskedNames()
    assert [await names.told() for _ in range(3)] == ["Lò Thị Mai"] * 3
    names.name = ""
    assert await names.told() == "Lò Thị Mai" and names.times == 1
    names.now += FRESH
    assert await names.told() == "một cán bộ" and names.times == 2
