"""*Chuyển chuẩn bị*: petitions of a conference go to the agencies that prepare the answers (plan II.4.1)."""

from collections.abc import Iterable
from typing import Any

from services.followup.adapters.read.models import Case
from services.followup.console.choices import case_choice
from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual
from shared.command_definitions import ChoiceDefinition, Translated


def _choice(case: Case, situation: Situation) -> ChoiceDefinition:
    """A petition with its field, and who has it already; else whom the last one of its field was forwarded to."""
    named = {each.value: each.title for each in situation.choices["agency"]}
    vi, en = case_choice(case).title.vi, case_choice(case).title.en
    if case.row.field:
        vi, en = f"{vi} · {case.field_title.vi}", f"{en} · {case.field_title.en}"
    told = [("đã chuyển: {}", "forwarded to {}", code) for code in situation.forwarded.get(case.row.subject_id, ())]
    if not told and (suggested := _last_of_field(case, situation)):
        told = [("gợi ý: {}", "suggested: {}", suggested)]
    for in_vi, in_en, code in told:
        title = named.get(code, Translated(code, code))
        vi, en = f"{vi} · {in_vi.format(title.vi)}", f"{en} · {in_en.format(title.en)}"
    return ChoiceDefinition(str(case.row.subject_id), Translated(vi, en))


def _last_of_field(case: Case, situation: Situation) -> str:
    """The agency to which a petition of the same field was forwarded; "" where none was."""
    alike = (each.row.subject_id for each in situation.petitions if each.row.field == case.row.field != "")
    codes = [code for petition in alike for code in situation.forwarded.get(petition, ())]
    return codes[-1] if codes else ""


def _fields(situation: Situation) -> Iterable[FormField]:
    # Those that nobody was asked about come first: none is forgotten.
    unresolved = [case for case in situation.petitions if case.row.unresolved]
    unresolved.sort(key=lambda case: case.row.subject_id in situation.forwarded)
    open_ones = tuple(_choice(case, situation) for case in unresolved)
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
