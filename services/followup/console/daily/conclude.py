"""*Kết luận và phân công*: the chair's conclusions, with who answers which petition in one table (plan II.4.3)."""

from collections.abc import Iterable
from typing import Any

from services.followup.adapters.read.models import Case
from services.followup.console.choices import case_choice
from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import UNASSIGNED, CaseState
from services.followup.domain.wording.names import Bilingual

LINE = "line-"  # before the id of a petition


def _open(situation: Situation) -> Iterable[Case]:
    """The petitions that were raised and are not done with; nothing is concluded of what was only on the agenda."""
    return (case for case in situation.petitions if case.row.unresolved and case.row.state != CaseState.NO_CLOCK)


def _fields(situation: Situation) -> Iterable[FormField]:
    for name in ("number", "signatory", "digest"):
        yield situation.field(f"ConclusionNoticeIssued.{name}")
    of_line = tuple(situation.part_field("ConclusionNoticeIssued.assignments", name) for name in ("agency", "due_on"))
    for case in _open(situation):
        title = case_choice(case).title
        yield plain(f"{LINE}{case.row.subject_id}", title.vi, title.en, kind="group", fields=of_line)
    yield situation.field("ConclusionNoticeIssued.effective_on")


def _given(situation: Situation) -> dict[str, str]:
    led = {case.row.subject_id: case.row.agency for case in _open(situation) if case.row.agency != UNASSIGNED}
    return {f"{LINE}{petition}.agency": agency for petition, agency in led.items()}


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    names = [name for name in filled if name.startswith(LINE)]
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
