"""*Nhập phiếu*: a slip filled in at the hall's door (plan II.4.2)."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.command_forms import FormField
from services.followup.console.conference_view import view_of
from services.followup.console.daily.receive import classified, classified_fields, petitioner_fields, received
from services.followup.console.daily.task import DailyTask, Part, Situation, without_empty
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual

#: How a slip comes in where no catalogue of the place says how; where one does, it is chosen.
CHANNEL = "phiếu đăng ký"
CHOSEN_CHANNEL = "catalogue.channel"


def _fields(situation: Situation) -> Iterable[FormField]:
    yield from petitioner_fields(situation)
    yield from classified_fields(situation, is_required=True)
    yield situation.field("PetitionReceived.jurisdiction")
    yield situation.field("PetitionReceived.village")
    if CHOSEN_CHANNEL in situation.choices:
        yield situation.field("PetitionReceived.channel")
    if "SpeakerRegistered" in situation.possible:
        yield situation.field("SpeakerRegistered.speaker")


def _given(situation: Situation) -> dict[str, str]:
    return {"jurisdiction": situation.target.jurisdiction, "speaker": view_of(situation.file).next_number}


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    conference = situation.target.named
    parts = [
        received(filled, "" if CHOSEN_CHANNEL in situation.choices else CHANNEL),
        classified(filled),
        Part("PetitionScheduled", {"conference_id": conference}, "#0"),
    ]
    if filled.get("speaker"):
        said = {name: filled.get(name) for name in ("speaker", "name")} | {"matter": filled.get("text")}
        body = without_empty(said) | {"petition_id": "#0"}
        parts.append(Part("SpeakerRegistered", body, conference, inputs={"matter": "text"}))
    return parts


SLIP = DailyTask(
    name="slip",
    act="record-slip",
    title=Bilingual("Nhập phiếu đăng ký", "Record a slip"),
    subject="conference",
    offered=lambda possible: not possible.isdisjoint({"ConferenceOpened", "AttendanceRecorded"}),
    states=frozenset({CaseState.PLANNED, CaseState.OPEN}),
    fields=_fields,
    given=_given,
    parts=_parts,
    repeats=True,
)
