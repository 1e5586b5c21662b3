"""A conference as its page shows it, phase by phase: prepared, held, concluded, followed up. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from services.followup.adapters.read.models import CaseFile, Deadline
from services.followup.console.pages import annulled_ids
from services.followup.console.typed_numbers import typed_number
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.json_views import EventView, event_view

#: Digits of a speaker's number beyond which it is something else, such as a telephone's, from which nobody counts on.
MAX_NUMBER_DIGITS = 4


class Phase(StrEnum):
    """The phases of a conference in their order (plan II.4.1 to II.4.3)."""

    PREPARE = "prepare"
    HOLD = "hold"
    CONCLUDE = "conclude"
    FOLLOW_UP = "follow_up"


PHASES = {
    Phase.PREPARE: Bilingual("Chuẩn bị", "Prepare"),
    Phase.HOLD: Bilingual("Tổ chức", "Hold"),
    Phase.CONCLUDE: Bilingual("Kết luận", "Conclude"),
    Phase.FOLLOW_UP: Bilingual("Theo dõi", "Follow up"),
}


class PreparationTask(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the preparation: who has it, and whether it is done."""

    name: str
    kind: str
    agency: str
    description: str = ""
    done_on: str = ""
    deadline: Deadline | None = None


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who asked to speak: the records of the registration and, once there is one, of the call."""

    number: str
    event_id: UUID
    petition_id: UUID | None
    called_id: UUID | None


class ConferencePage(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded of a conference, without what was annulled. Days are as recorded, "" where there is none."""

    phase: Phase
    kind: str = ""
    first_day: str = ""
    last_day: str = ""
    place: str = ""
    programme: str = ""
    audience: str = ""
    office: str = ""
    station: str = ""
    tasks: tuple[PreparationTask, ...] = ()
    notices: tuple[EventView, ...] = ()
    invitations: tuple[EventView, ...] = ()
    report: EventView | None = None
    opened_on: str = ""
    closed_on: str = ""
    attendance: EventView | None = None
    speakers: tuple[Speaker, ...] = ()
    minutes: EventView | None = None
    conclusion: EventView | None = None
    reviewed_on: str = ""
    publications: tuple[EventView, ...] = ()

    @property
    def next_number(self) -> str:
        """The number of the speaker who registers next."""
        return str(max(len(self.speakers) + 1, next_speaker_number(each.number for each in self.speakers)))

    def is_in_hall(self, state: CaseState, today: date | None) -> bool:
        """Whether it is being held, or planned for today."""
        is_planned = state == CaseState.PLANNED and today is not None
        return state == CaseState.OPEN or (is_planned and self.first_day <= str(today) <= self.last_day)


def conference_view(
    events: Iterable[EventView], annulled: frozenset[UUID], deadlines: Sequence[Deadline], state: CaseState
) -> ConferencePage:
    """A conference from its recorded events."""
    found: dict[str, list[EventView]] = {}
    for event in events:
        if event.event_id not in annulled:
            found.setdefault(event.topic, []).append(event)

    def last(*topics: str) -> EventView | None:
        of_topics = [event for topic in topics for event in found.get(topic, [])]
        return max(of_topics, key=lambda event: event.position, default=None)

    def day(topic: str) -> str:
        event = last(topic)
        return str(event.data.get("effective_on", "")) if event else ""

    planned, moved = last("ConferencePlanned"), last("ConferenceRescheduled")
    plan = _data(planned) | {name: value for name, value in _data(moved).items() if value}
    return ConferencePage(
        phase=_phase(state, bool(last("ConferenceClosed")), bool(last("ConclusionNoticeIssued"))),
        **{
            name: str(plan.get(name, ""))
            for name in ("kind", "first_day", "last_day", "place", "programme", "audience", "office", "station")
        },
        tasks=tuple(_tasks(found, deadlines)),
        notices=tuple(found.get("PublicNoticePublished", ())),
        invitations=tuple(found.get("InvitationsSent", ())),
        report=last("PreparationReported"),
        opened_on=day("ConferenceOpened"),
        closed_on=day("ConferenceClosed"),
        attendance=last("AttendanceRecorded"),
        speakers=tuple(_speakers(found)),
        minutes=last("MinutesAdopted"),
        conclusion=last("ConclusionNoticeIssued"),
        reviewed_on=day("InternalReviewHeld"),
        publications=tuple(found.get("PublicationStarted", ())),
    )


def view_of(file: CaseFile) -> ConferencePage:
    """The same, of a conference with everything about it."""
    events = [event_view(event) for event in file.events]
    return conference_view(events, annulled_ids(file.events), file.deadlines, file.case.row.state)


def _phase(state: CaseState, is_closed: bool, is_concluded: bool) -> Phase:
    if is_concluded:
        return Phase.FOLLOW_UP
    if is_closed or state == CaseState.HELD:
        return Phase.CONCLUDE
    return Phase.HOLD if state == CaseState.OPEN else Phase.PREPARE


def _tasks(found: dict[str, list[EventView]], deadlines: Sequence[Deadline]) -> Iterable[PreparationTask]:
    done = {
        event.data.get("task"): str(event.data.get("effective_on", ""))
        for event in found.get("PreparationTaskDone", ())
    }
    clocks = {each.raised.part: each for each in deadlines if each.raised.duty == "preparation_task"}
    for event in found.get("PreparationTaskAssigned", ()):
        data = event.data
        name = str(data.get("task", ""))
        yield PreparationTask(
            name=name,
            kind=str(data.get("kind", "")),
            agency=str(data.get("agency", "")),
            description=str(data.get("description", "")),
            done_on=done.get(name, ""),
            deadline=clocks.get(name),
        )


def _speakers(found: dict[str, list[EventView]]) -> Iterable[Speaker]:
    called = {event.data.get("speaker"): event.event_id for event in found.get("SpeakerCalled", ())}
    for event in found.get("SpeakerRegistered", ()):
        number, petition = event.data.get("speaker", ""), event.data.get("petition_id")
        yield Speaker(
            number=str(number), event_id=event.event_id, petition_id=_id(petition), called_id=called.get(number)
        )


def _id(text: Any) -> UUID | None:
    try:
        return UUID(str(text)) if text else None
    except ValueError:  # an event that waits may hold anything
        return None


def _data(event: EventView | None) -> dict[str, Any]:
    return event.data if event else {}


def next_speaker_number(taken: Iterable[str]) -> int:
    """The number of who speaks after all others, by the numbers that are taken; some may be words."""
    return max((typed_number(each) or 0 for each in taken if len(each) <= MAX_NUMBER_DIGITS), default=0) + 1
