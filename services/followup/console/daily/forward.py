"""*Chuyển chuẩn bị*: petitions of a conference go to the agencies that prepare the answers (plan II.4.1)."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.choices import case_choice
from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual


def _fields(situation: Situation) -> Iterable[FormField]:
    open_ones = tuple(case_choice(case) for case in situation.petitions if case.row.unresolved)
    yield plain(
        "petitions",
        "Các kiến nghị, phản ánh",
        "Petitions",
        kind="petition",
        is_list=True,
        is_required=True,
        choices=open_ones,
    )
    yield plain(
        "agencies",
        "Các cơ quan chuẩn bị trả lời",
        "Agencies that prepare the answers",
        kind="agency",
        is_list=True,
        is_required=True,
        choices=tuple(situation.choices["agency"]),
    )
    yield situation.field("PetitionForwarded.effective_on")


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    day, inputs = filled.get("effective_on"), {"agency": "agencies"}
    return [
        Part("PetitionForwarded", without_empty({"agency": agency, "effective_on": day}), petition, inputs)
        for petition in filled["petitions"]
        for agency in filled["agencies"]
    ]


FORWARD = DailyTask(
    name="forward",
    act="forward-for-preparation",
    title=Bilingual("Chuyển chuẩn bị trả lời", "Forward for preparation"),
    subject="conference",
    offered=lambda possible: {"PreparationReported"} <= possible,
    states=frozenset({CaseState.PROPOSED, CaseState.PLANNED}),
    fields=_fields,
    parts=_parts,
)
