"""What citizens wrote and what was answered, as intake opens it; it records each reading."""

from typing import Any, NamedTuple
from uuid import UUID

from services.followup.adapters.intake_client import IntakeClient, OpenedEvent, Refusal, away
from services.followup.adapters.read.models import CaseFile
from services.followup.console.intake_door import Address
from services.followup.console.pages import field_title
from services.followup.console.roles import READING_CONTENT, has_any
from services.followup.domain.wording.names import Bilingual, event_words
from services.followup.entrypoints.json_views import event_view
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import caller_of, token_of


class WrittenText(NamedTuple):
    """What was written with one event: each part a text, or the lines about a person."""

    title: Bilingual
    on: str
    parts: list[tuple[Bilingual, str | list[tuple[Bilingual, str]]]]


class Content(NamedTuple):
    """What a case says, or why it is not shown."""

    texts: list[WrittenText]
    refusal: Refusal | None = None
    opened: dict[str, dict[str, Any]] = {}

    def of(self, event_id: UUID) -> dict[str, Any]:
        """What was written with one event."""
        return self.opened.get(str(event_id), {})


async def content_of(intake: IntakeClient, address: Address, request: HttpRequest, file: CaseFile) -> Content | None:
    """The content of a petition or conference; None for those to whom it is never shown."""
    row = file.case.row
    if not has_any(caller_of(request), READING_CONTENT):
        return None
    try:
        if (url := address(file.case.source)) is None:
            raise away("unread-source", source=file.case.source)
        opened = await intake.content(url, f"/v1/{row.subject}s/{row.subject_id}", token_of(request))
    except Refusal as refusal:
        return Content([], refusal)
    days = {str(event.event_id): event_view(event).data.get("effective_on", "") for event in file.events}
    texts = [_text(event, days) for event in opened if event.content]
    return Content(texts, opened={event.event_id: event.content for event in opened})


def _text(event: OpenedEvent, days: dict[str, Any]) -> WrittenText:
    parts: list[tuple[Bilingual, str | list[tuple[Bilingual, str]]]] = []
    for name, value in event.content.items():
        words = field_title(name, event.topic)
        match value:
            case dict():
                people = value.values() if all(isinstance(each, dict) for each in value.values()) else [value]
                titles = "Place" if name == "place" else "Identity"
                for person in people:
                    parts.append((words, [(field_title(k, titles), str(v)) for k, v in person.items() if v]))
            case list():
                parts.append((words, "\n".join(map(str, value))))
            case _:
                parts.append((words, str(value)))
    return WrittenText(event_words(event.topic), str(days.get(event.event_id, "")), [part for part in parts if part[1]])
