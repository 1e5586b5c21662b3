"""A pair in memory for tests of the story: bodies are checked by intake's own codecs, answers kept by key."""

import json
import re
from datetime import datetime
from uuid import UUID

import httpx

from services.intake.application.command_body import CODECS, BodyCodec
from services.story.client import PairClient
from services.story.narrator import BEGIN, Narrator
from shared.events import DatedEvent
from shared.identifiers import derived_id


class FakeIntake:
    """Answers as intake does: by key the first answer, the clock forwards only, bodies checked by the real codecs."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.events: list[tuple[datetime, UUID, DatedEvent]] = []
        self.answers: dict[str, dict[str, object]] = {}
        self.references: dict[tuple[str, str], dict[str, object]] = {}
        self.movable = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/clock":
            if request.method == "POST":
                to = datetime.fromisoformat(json.loads(request.content)["to"])
                assert to > self.now
                self.now = to
            return httpx.Response(200, json={"now": self.now.isoformat(), "movable": self.movable})
        return self.command(path, request)

    def command(self, path: str, request: httpx.Request) -> httpx.Response:
        key = request.headers["idempotency-key"]
        if key in self.answers:
            return httpx.Response(201, json=self.answers[key])
        codec, target = route(path)
        body = codec.decode(request.content)
        assert body.effective_on is not None
        assert body.effective_on <= self.now.date()
        reference = (body.source, body.external_id)
        if body.external_id and reference in self.references:
            return httpx.Response(200, json=self.references[reference])
        if codec.route.topic == "SpeakerCalled" and not body.words:  # type: ignore[attr-defined]
            return httpx.Response(422, json={"title": "No words", "detail": "a speaker said nothing"})
        event = codec.event(body, body.effective_on)
        originator = target or derived_id(codec.route.aggregate, key)
        self.events.append((self.now, originator, event))
        answer: dict[str, object] = {
            "id": str(originator),
            "version": 1,
            "position": len(self.events),
            "recorded_at": self.now.isoformat(),
            "receipt_code": "K7M2Q9X4TD",
        }
        self.answers[key] = answer
        if body.external_id:
            self.references[reference] = answer
        return httpx.Response(201, json=answer)

    def of(self, topic: str) -> list[DatedEvent]:
        return [event for _, _, event in self.events if topic == event.TOPIC]


def route(path: str) -> tuple[BodyCodec, UUID | None]:
    """The codec of a path and the aggregate that it names."""
    if path in CODECS:
        return CODECS[path], None
    match = re.fullmatch(r"(/v1/[a-z]+/)([0-9a-f-]{36})(/[a-z-]+)", path)
    assert match, path
    return CODECS[f"{match[1]}{{id}}{match[3]}"], UUID(match[2])


def followup(intake: FakeIntake) -> httpx.MockTransport:
    """A followup that is always at the head."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/sources":
            source = {"source": "local", "position": len(intake.events), "complete_to": intake.now.isoformat()}
            return httpx.Response(200, json={"items": [source]})
        if request.url.path == "/v1/deadlines":
            row = {
                "deadline_id": str(derived_id("deadline")),
                "duty": "reply",
                "due_on": "2019-09-16",
                "breached": True,
            }
            return httpx.Response(200, json={"items": [row]})
        return httpx.Response(200, json={"state": "assigned", "agency": "H35.10.3"})

    return httpx.MockTransport(answer)


def told(intake: FakeIntake) -> tuple[Narrator, list[str]]:
    lines: list[str] = []
    pair = PairClient(
        httpx.Client(transport=httpx.MockTransport(intake), base_url="http://intake"),
        httpx.Client(transport=followup(intake), base_url="http://followup"),
    )
    return Narrator(pair, lines.append), lines
