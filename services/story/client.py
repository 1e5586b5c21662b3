"""The story's client: commands to intake on its movable clock, and questions to followup, over HTTP only."""

import hashlib
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import httpx

Say = Callable[[str], None]

PATIENCE = 60.0  # seconds to wait for followup before going on without it
PAUSE = 0.1  # seconds between two questions
#: The story's own key space: a step already done answers as it did the first time.
KEY_PREFIX = "plan-570-story"


class StoryRefused(RuntimeError):
    """A step of the story was refused. The message is the service's own."""


class StoryAnswer:
    """What intake answered to a step."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.id = UUID(str(answer["id"]))
        self.position = int(answer["position"])
        self.recorded_at = datetime.fromisoformat(str(answer["recorded_at"]))
        self.receipt_code = str(answer.get("receipt_code", ""))


class PairClient:
    """A running intake and followup as the story meets them."""

    def __init__(self, intake: httpx.Client, followup: httpx.Client, clock_token: str = "") -> None:
        self._clock_headers = {"Authorization": f"Bearer {clock_token}"} if clock_token else {}
        self._intake = intake
        self._followup = followup
        self.last_position = 0

    def act(self, step: str, path: str, day: date, /, **body: Any) -> StoryAnswer:
        """Send one command, dated `day`. Sending it again changes nothing. Raises StoryRefused."""
        response = self._intake.post(
            path,
            json={"effective_on": day.isoformat(), **body},
            headers={"Idempotency-Key": f"{KEY_PREFIX}:{step}"},
        )
        done = StoryAnswer(_accepted(response, step))
        self.last_position = max(self.last_position, done.position)
        return done

    def now(self) -> datetime:
        """The store's clock."""
        return datetime.fromisoformat(str(self.clock()["now"]))

    def clock(self) -> dict[str, Any]:
        """What intake says of its clock."""
        return _accepted(self._intake.get("/v1/clock"), "clock")

    def move_clock(self, to: datetime) -> None:
        """Move the store's clock forwards. It stays where it is if it is later already."""
        if self.now() < to:
            moved = self._intake.post("/v1/clock", json={"to": to.isoformat()}, headers=self._clock_headers)
            _accepted(moved, f"clock {to}")

    def has_caught_up(self, instant: datetime) -> bool:
        """Whether followup holds every event so far and fired every timer up to `instant`."""
        for source in self.ask("/v1/sources").get("items", []):
            horizon = source.get("horizon") or source.get("complete_to")
            if int(source["position"]) >= self.last_position and horizon is not None:
                return datetime.fromisoformat(str(horizon)) >= instant
        return False

    def wait(self, instant: datetime) -> bool:
        """Wait until followup has caught up with `instant`. False means that it took too long."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.has_caught_up(instant):
                return True
            time.sleep(PAUSE)
        return False

    def case(self, petition_id: UUID) -> dict[str, Any]:
        """What followup knows of a petition."""
        return self.ask(f"/v1/cases/{petition_id}")

    def deadlines_of(self, petition_id: UUID) -> list[dict[str, Any]]:
        """A petition's deadlines in order of their clocks."""
        rows: list[dict[str, Any]] = self.ask("/v1/deadlines", subject_id=str(petition_id)).get("items", [])
        return rows

    def ask(self, path: str, **query: str) -> dict[str, Any]:
        """A question to followup. Raises StoryRefused."""
        return _accepted(self._followup.get(path, params=query), path)


def file_digest(name: str) -> str:
    """The SHA-256 (hex) that stands for a file of the story."""
    return hashlib.sha256(name.encode()).hexdigest()


def _accepted(response: httpx.Response, step: str) -> dict[str, Any]:
    if response.is_success:
        answer: dict[str, Any] = response.json()
        return answer
    try:
        problem = response.json()
        why = f"{problem.get('title', '')}: {problem.get('detail', '')}"
    except ValueError:
        why = response.text[:300]
    raise StoryRefused(f"{step}: {response.status_code} {why}")
