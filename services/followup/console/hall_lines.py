"""A line of the hall's page as the act that it becomes: all or none of its parts are recorded. Pure.

The same line makes the same parts whenever it is sent, so that it can be sent again under its key.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.followup.console.command_forms import FormError
from services.followup.console.typed_days import typed_day
from services.followup.console.typed_numbers import typed_number
from shared.command_definitions import translated
from shared.identifiers import composed
from shared.sentences import Sentence

Filled = Mapping[str, str]

CHAIR = "chair"
#: Digits of a speaker's number beyond which it is something else, such as a telephone's, from which nobody counts on.
#: What became of a speaker's petition, as the page offers it.
HEARD, RAISED, ANSWERED, ASSIGNED = "", "raised", "answered", "assigned"

_PART = re.compile(r"parts\[(\d+)\]\.?(.*)")
_NO_PETITION = Sentence(
    "Chưa chọn kiến nghị: trả lời hay giao giải quyết là việc của một kiến nghị.",
    "Choose a petition: what is answered or assigned is one.",
)
_NO_DAY = Sentence(
    "“{text}” không phải là ngày; hãy nhập ngày/tháng/năm, ví dụ 5/9/2026.",
    "“{text}” is no day; type day/month/year, such as 5/9/2026.",
)
_NO_TEXT = Sentence("Biên bản chưa có nội dung.", "The minutes are still empty.")


class HallPart(NamedTuple):
    """A command of an act, with the input from which each of its fields comes; `other` is to blame for all else."""

    command: str
    target: str
    body: dict[str, Any]
    inputs: Mapping[str, str] = {}
    other: str = ""
    version: int | None = None

    def sent(self, *, anew: bool) -> dict[str, Any]:
        """As it is sent. `anew`: whatever others have recorded since."""
        part: dict[str, Any] = {"command": self.command, "body": self.body}
        if self.target:
            part["target"] = self.target
        if self.version is not None and not anew:
            part["if_match"] = self.version
        return part


class HallLine(NamedTuple):
    """A composite act by its name; without one the only part is a command by itself."""

    act: str
    parts: Sequence[HallPart]

    def input_of(self, field: str | None) -> str:
        """The input that a refusal names; empty where it names none of them."""
        found = _PART.fullmatch(field or "")
        number, named = (int(found[1]), found[2]) if found else (0, field or "")
        if number >= len(self.parts) or (self.act and not found):
            return ""
        part = self.parts[number]
        return part.inputs.get(re.split(r"[.\[]", named)[0], part.other)

    @property
    def without_raising(self) -> "HallLine | None":
        """The same of a petition that was raised before; None where nothing is raised."""
        parts = [part for part in self.parts if part.command != "PetitionRaised"]
        return HallLine(self.act, parts) if len(parts) < len(self.parts) else None


def line_of(conference: str, filled: Filled, today: date) -> tuple[HallLine, list[FormError]]:
    """What a form of the page asks for, and what is wrong with it."""
    match filled.get("kind", ""):
        case "slip":
            return slip_line(conference, filled), []
        case "minutes":
            return minutes_line(conference, filled)
        case _:
            return conduct_line(conference, filled, today)


def conduct_line(conference: str, filled: Filled, today: date) -> tuple[HallLine, list[FormError]]:
    """A speaker is called, heard, and answered at once or the matter is assigned; and what is wrong with the line."""
    on, errors = _on(filled), list[FormError]()
    called = {"speaker": filled.get("speaker", ""), **_given(filled, "words", "chair_reason"), **on}
    inputs = {"words": "words", "chair_reason": "chair_reason", "speaker": "chair_reason"}
    parts = [HallPart("SpeakerCalled", conference, called, inputs, "words", _version(filled))]
    outcome, petition = filled.get("outcome", HEARD), filled.get("petition", "")
    if outcome == HEARD:
        return HallLine("conduct", parts), errors
    if not petition:
        errors.append(FormError("petition", translated(_NO_PETITION)))
    at = {"conference_id": conference}
    parts.append(HallPart("PetitionRaised", petition, at | on, other="outcome"))
    agency = _text(filled, "agency")
    if outcome == ANSWERED:
        body = at | {"by": agency or CHAIR, **_given(filled, "answer")} | on
        parts.append(
            HallPart("PetitionAnsweredAtConference", petition, body, {"by": "agency", "answer": "answer"}, "outcome")
        )
    elif outcome == ASSIGNED:
        body = {"agency": agency, **on}
        if typed := _text(filled, "due_on"):
            if (due := typed_day(typed, today)) is None:
                errors.append(FormError("due_on", translated(_NO_DAY.filled({"text": typed[:40]}, {}))))
            else:
                body["due_on"] = due.isoformat()
        parts.append(HallPart("PetitionAssigned", petition, body, {"agency": "agency", "due_on": "due_on"}, "outcome"))
    return HallLine("conduct", parts), errors


def slip_line(conference: str, filled: Filled) -> HallLine:
    """Somebody stands up: a new petition, on the agenda, and its speaker."""
    on = _on(filled)
    received: dict[str, Any] = {**_given(filled, "jurisdiction", "text"), **on}
    if kind := _text(filled, "kind_of_petition"):
        received["kind"] = kind
    if name := _text(filled, "name"):
        received["identities"] = {"1": {"name": name, **_given(filled, "address")}}
    registered = {"petition_id": "#0", **_given(filled, "speaker", "name"), **on}
    if matter := _text(filled, "text"):
        registered["matter"] = matter
    own = {name: name for name in ("jurisdiction", "text", "subject", "field", "speaker", "name", "address")}
    names = own | {"identities": "name", "matter": "text", "kind": "kind_of_petition"}
    return HallLine(
        "record-slip",
        [
            HallPart("PetitionReceived", "", received, names, "text"),
            HallPart("PetitionClassified", "#0", {**_given(filled, "subject", "field"), **on}, names, "subject"),
            HallPart("PetitionScheduled", "#0", {"conference_id": conference, **on}, other="jurisdiction"),
            HallPart("SpeakerRegistered", conference, registered, names, "speaker", _version(filled)),
        ],
    )


def minutes_line(conference: str, filled: Filled) -> tuple[HallLine, list[FormError]]:
    """The minutes are adopted, known by the digest of their text; and what is wrong with them."""
    text = _text(filled, "minutes")
    errors = [] if text else [FormError("minutes", translated(_NO_TEXT))]
    body = {"minutes": text, "digest": hashlib.sha256(text.encode()).hexdigest(), **_on(filled)}
    return HallLine("", [HallPart("MinutesAdopted", conference, body, other="minutes")]), errors


def _text(filled: Filled, name: str) -> str:
    # A form sends other line ends than a script does.
    return composed(filled.get(name, "")).replace("\r\n", "\n").strip()


def _given(filled: Filled, *names: str) -> dict[str, str]:
    return {name: text for name in names if (text := _text(filled, name))}


def _on(filled: Filled) -> dict[str, str]:
    """The day on which it was said, which may not be the day on which it is sent."""
    return {"effective_on": day} if (day := filled.get("on", "")) else {}


def _version(filled: Filled) -> int | None:
    return typed_number(filled.get("version", ""))
