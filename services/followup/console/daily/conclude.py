"""*Kết luận và phân công*: the chair's conclusions, with who answers which petition in one table (plan II.4.3)."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from services.followup.adapters.read.models import Case
from services.followup.console.agenda import AgendaItem
from services.followup.console.choices import case_choice
from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import UNASSIGNED
from services.followup.domain.wording.names import Bilingual
from shared.command_definitions import ChoiceDefinition, Translated

LINE = "line-"  # before the id of a petition
#: Said and not left out: whoever gets no agency here has no reply clock, and the table is not opened again.
NOBODY = ChoiceDefinition("nobody", Translated("Không phân công", "Assigned to nobody"))


def _open(situation: Situation) -> Iterable[Case]:
    """The petitions that are not done with: those that were raised, and those on the agenda that nobody called."""
    return (case for case in situation.petitions if case.row.unresolved)


def _fields(situation: Situation) -> Iterable[FormField]:
    for name in ("number", "signatory", "digest"):
        yield situation.field(f"ConclusionNoticeIssued.{name}")
    agency, due_on = (situation.part_field("ConclusionNoticeIssued.assignments", name) for name in ("agency", "due_on"))
    of_line = (msgspec.structs.replace(agency, choices=(*agency.choices, NOBODY)), due_on)
    for case in _open(situation):
        title, told = case_choice(case).title, _told(situation.agenda[case.row.subject_id])
        name = f"{LINE}{case.row.subject_id}"
        yield plain(name, title.vi, title.en, kind="group", fields=of_line, help=told, is_required=True)
    yield situation.field("ConclusionNoticeIssued.effective_on")


def _given(situation: Situation) -> dict[str, str]:
    given: dict[str, str] = {}
    for case in _open(situation):
        item, line = situation.agenda[case.row.subject_id], f"{LINE}{case.row.subject_id}"
        if case.row.agency != UNASSIGNED:
            given[f"{line}.agency"] = case.row.agency
        if item.due_on:
            given[f"{line}.due_on"] = f"{date.fromisoformat(item.due_on):%d/%m/%Y}"
    return given


def _told(item: AgendaItem) -> Translated | None:
    """What of a petition bears on its line."""
    vi, en = [], []
    if not item.is_raised:
        vi.append("Chưa được gọi: phân công ở đây thì hạn trả lời tính từ ngày kết thúc hội nghị")
        en.append("Not called: assigned here, its reply is counted from the end of the conference")
    elif item.case.row.agency != UNASSIGNED:
        vi.append("Đã phân công: giữ nguyên cơ quan là xác nhận, đổi cơ quan là chuyển")
        en.append("Assigned: the same agency is confirmed, another takes it over")
    if item.latest is not None:
        vi.append(f"chậm nhất {item.latest:%d/%m/%Y}")
        en.append(f"no later than {item.latest:%d/%m/%Y}")
    said_vi, said_en = "; ".join(vi), "; ".join(en)
    return Translated(said_vi[:1].upper() + said_vi[1:], said_en[:1].upper() + said_en[1:]) if vi else None


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    names = [name for name in filled if name.startswith(LINE) and filled[name]["agency"] != NOBODY.value]
    lines = [{"petition_id": name.removeprefix(LINE)} | filled[name] for name in names]
    body = {name: filled.get(name) for name in ("number", "signatory", "digest", "effective_on")}
    inputs = {
        f"assignments[{number}].{field}": f"{name}.{field if field != 'petition_id' else 'agency'}"
        for number, name in enumerate(names)
        for field in ("agency", "due_on", "petition_id")
    }
    return [
        Part("ConclusionNoticeIssued", without_empty(body | {"assignments": lines}), situation.target.named, inputs)
    ]


CONCLUDE = DailyTask(
    name="conclude",
    act="conclude",
    title=Bilingual("Kết luận và phân công", "Conclude and assign"),
    subject="conference",
    offered=lambda possible: {"ConclusionNoticeIssued"} <= possible,
    fields=_fields,
    given=_given,
    parts=_parts,
    template="conclude.html",
)
