"""*Gia hạn*: more time for a reply, of which petitioner and committee were told by two notices (plan II.4.3)."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, without_empty
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual
from shared.command_definitions import Translated

#: Whom the plan has told, each on a day and by a notice.
TOLD = ("petitioner", "committee")
IN_TIME = Translated(
    "Chỉ dời hạn khi đã thông báo trước khi hết hạn trả lời; thông báo sau ngày đó được ghi nhận, hạn giữ nguyên.",
    "It moves the due date only if they were told before that; told later it is recorded, and the date stays.",
)


def _fields(situation: Situation) -> Iterable[FormField]:
    yield situation.field("ExtensionGranted.expected_on", help=IN_TIME)
    yield situation.field("ExtensionGranted.ground", is_required=True)
    for told in TOLD:
        yield situation.field(f"ExtensionGranted.{told}_told_on", is_required=True)
        # Of an agency that extends its own time the documents are asked, of who decides on it the days alone.
        yield situation.field(f"ExtensionGranted.{told}_notice", is_required=bool(situation.agency))
    yield situation.field("ExtensionGranted.effective_on")


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    names = ("expected_on", "ground", *(f"{told}_{what}" for told in TOLD for what in ("told_on", "notice")))
    body = {name: filled.get(name) for name in (*names, "effective_on")}
    return [Part("ExtensionGranted", without_empty(body), situation.target.named)]


EXTEND = DailyTask(
    name="extend",
    act="extend",
    title=Bilingual("Gia hạn trả lời", "Extend the time for the reply"),
    subject="petition",
    states=frozenset({CaseState.RAISED, CaseState.ASSIGNED, CaseState.ESCALATED}),
    offered=lambda possible: "ExtensionGranted" in possible,
    fields=_fields,
    parts=_parts,
)
