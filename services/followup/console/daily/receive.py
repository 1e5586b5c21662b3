"""*Tiếp nhận và phân loại*: a petition is received and classified at once."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.wording.names import Bilingual


def petitioner_fields(situation: Situation) -> Iterable[FormField]:
    """Who asks, and what."""
    for name in ("name", "address", "phone"):
        yield situation.part_field("PetitionReceived.identities", name, is_required=False)
    yield situation.field("PetitionReceived.text", is_required=True)
    yield plain(
        "attachment", "Đơn, tài liệu kèm theo (bản quét, ảnh chụp)", "Its paper, as a scan or a photograph", kind="file"
    )


def classified_fields(situation: Situation, *, is_required: bool) -> Iterable[FormField]:
    """What it is about, in neutral words."""
    yield situation.field("PetitionClassified.subject", is_required=is_required)
    yield situation.field("PetitionClassified.field", is_required=is_required)
    yield situation.field("PetitionClassified.urgency")


def received(filled: dict[str, Any], channel: str = "") -> Part:
    """The part that receives it."""
    person = without_empty({name: filled.get(name) for name in ("name", "address", "phone")})
    body = {
        "jurisdiction": filled["jurisdiction"],
        "kind": filled.get("kind", "petition"),
        "channel": filled.get("channel") or channel,
        "village": filled.get("village"),
        "text": filled.get("text"),
        "identities": {"1": person} if person else None,
        "attachments": [filled["files"]["attachment"]] if "attachment" in filled["files"] else None,
        "effective_on": filled.get("effective_on"),
    }
    return Part("PetitionReceived", without_empty(body), inputs={"identities": "name", "attachments": "attachment"})


def classified(filled: dict[str, Any]) -> Part:
    """The part that classifies what the first part received."""
    names = ("subject", "field", "urgency", "effective_on")
    return Part("PetitionClassified", without_empty({name: filled.get(name) for name in names}), "#0")


def _fields(situation: Situation) -> Iterable[FormField]:
    yield situation.field("PetitionReceived.jurisdiction")
    yield situation.field("PetitionReceived.kind", is_required=True)
    yield situation.field("PetitionReceived.village")
    yield situation.field("PetitionReceived.channel")
    yield from petitioner_fields(situation)
    yield from classified_fields(situation, is_required=True)
    yield situation.field("PetitionReceived.effective_on")


RECEIVE = DailyTask(
    name="receive",
    act="receive-and-classify",
    title=Bilingual("Tiếp nhận và phân loại", "Receive and classify"),
    subject="jurisdiction",
    offered=lambda possible: {"PetitionReceived"} <= possible,
    fields=_fields,
    given=lambda situation: {"jurisdiction": situation.target.jurisdiction, "kind": "petition"},
    parts=lambda situation, filled: [received(filled), classified(filled)],
)
