"""An intake without a store, for the console: it tells its real definitions, and answers as a test says.

A command is possible unless its role or the test forbids it; one that is sent is refused unless the test has it taken.
"""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from services.followup.adapters.intake_client import IntakeClient
from services.intake.application.definitions import ACT_DEFINITIONS, DEFINITIONS
from shared.command_definitions import CommandDefinition

URL = "http://intake.example"
EVERY_ROLE = frozenset({"office", "chair", "agency", "system", "auditor", "operations"})
_AT_A_PLACE = frozenset({"jurisdiction", "parent"})


def problem_text(status: int, code: str, vi: str, en: str, field: str = "") -> dict[str, Any]:
    """A problem as intake answers it."""
    said = {"vi": {"title": vi, "detail": vi}, "en": {"title": en, "detail": en}}
    named = {"field": field} if field else {}
    return {"type": f"urn:doithoai:problem:{code}", "status": status, "detail": en, "translations": said} | named


NOT_TAKEN = problem_text(422, "invalid-value", "Giá trị không dùng được.", "No such value.", "number")
ROLE_MAY_NOT = problem_text(403, "role-may-not", "Vai trò này không được làm việc đó.", "This role may not.")


class StubIntake:
    """What it was asked and sent, and how it answers."""

    def __init__(self, roles_of: Callable[[str], frozenset[str]] = lambda token: EVERY_ROLE) -> None:
        self.refused: dict[str, dict[str, Any]] = {}  # by command: the problem
        self.content: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = (422, NOT_TAKEN)
        self.sent: list[tuple[str, dict[str, Any], str]] = []  # path, body, key
        self.asked: list[tuple[str, str]] = []  # path, token
        self._roles_of = roles_of
        self.client = IntakeClient(httpx.AsyncClient(transport=httpx.MockTransport(self._answer)))

    def address(self, source: str) -> str:
        """It is the intake of every source."""
        return URL

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, token = request.url.path, request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.method == "POST":
            self.sent.append((path, msgspec.json.decode(request.content), request.headers["Idempotency-Key"]))
            return httpx.Response(self.answer[0], json=self.answer[1])
        self.asked.append((path, token))
        if path == "/v1/commands":
            if request.headers.get("If-None-Match") == '"1"':
                return httpx.Response(304)
            return httpx.Response(
                200,
                content=msgspec.json.encode({"items": list(DEFINITIONS.values()), "acts": ACT_DEFINITIONS}),
                headers=TAG,
            )
        if path == "/v1/conflicts":
            return httpx.Response(200, json={"items": []})
        if path.endswith("/content"):
            return httpx.Response(200, json={"events": self.content})
        _, _, plural, target, _ = path.split("/")
        aggregate = plural.removesuffix("s")
        on_it = [each for each in DEFINITIONS.values() if _is_on(each, aggregate)]
        return httpx.Response(200, json={"items": [self._possible(each, target, token) for each in on_it]})

    def _possible(self, definition: CommandDefinition, target: str, token: str) -> dict[str, Any]:
        problem = self.refused.get(definition.command)
        if self._roles_of(token).isdisjoint(definition.roles):
            problem = ROLE_MAY_NOT
        path = definition.path.replace("{id}", target)
        answer = {"command": definition.command, "path": path, "possible": problem is None}
        return answer | ({"problem": problem} if problem else {})


TAG = {"ETag": '"1"'}


def _is_on(definition: CommandDefinition, aggregate: str) -> bool:
    if definition.creates:
        return aggregate == "jurisdiction" and not _AT_A_PLACE.isdisjoint(f.name for f in definition.fields)
    return definition.aggregate == aggregate
