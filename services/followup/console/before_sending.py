"""What a form says before it is sent: what a deed leaves undone, until when a day may be set, what starts a clock."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.followup.adapters.read.models import CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.agenda import Agendas, conference_end
from services.followup.console.command_forms import CommandForm, FormField
from services.followup.console.conference_view import view_of
from services.followup.console.targets import FormTarget
from services.followup.domain.deadlines.case_rows import CaseState
from shared.command_definitions import ChoiceDefinition, Translated

SHOWN = 20  # titles
ASSIGNING = ("PetitionAssigned", "PetitionReassigned")

_NO_MINUTES = Translated("Chưa thông qua biên bản.", "The minutes are not adopted.")
_NOT_RAISED = Translated(
    "Kiến nghị này chưa được nêu tại hội nghị nào: phân công ở đây không làm thời hạn trả lời bắt đầu. Thời hạn bắt "
    "đầu khi kiến nghị được nêu tại hội nghị và hội nghị kết thúc; của hội nghị đã kết thúc thì phân công trong thông "
    "báo kết luận.",
    "This petition was raised at no conference yet: assigning it here starts no reply clock. The clock starts once it "
    "is raised at a conference and the conference closes; after the closing, assign it in the conclusion notice.",
)


class BeforeSending:
    """Reads what bears on a form."""

    def __init__(self, queries: Queries, agendas: Agendas) -> None:
        self._queries, self._agendas = queries, agendas

    async def left_undone(self, scope: Scope, target: FormTarget, command: str) -> list[Translated]:
        """What the closing of a conference leaves undone; nothing of any other act."""
        if command != "ConferenceClosed" or target.file is None:
            return []
        petitions = await self._queries.at_conference(scope, UUID(target.named))
        left = [] if view_of(target.file).minutes else [_NO_MINUTES]
        items = await self._agendas.of(UUID(target.named), petitions, None)
        uncalled = [each.case.row.title for each in items if not each.is_raised and each.case.row.unresolved]
        unassigned = [case.row.title for case in petitions if case.row.state == CaseState.RAISED]
        if uncalled:
            left.append(
                _counted(
                    uncalled,
                    "kiến nghị trong chương trình chưa được gọi; phân công các kiến nghị này ở bảng của thông báo kết "
                    "luận thì hạn trả lời tính từ ngày kết thúc hội nghị",
                    "petitions of the agenda were not called; once the conclusion notice assigns them, their reply is "
                    "counted from the end of the conference",
                )
            )
        if unassigned:
            left.append(
                _counted(
                    unassigned,
                    "kiến nghị đã nêu mà chưa trả lời và chưa giao cơ quan nào",
                    "petitions were raised and neither answered nor assigned",
                )
            )
        return left

    async def notes(self, target: FormTarget, command: str) -> list[Translated]:
        """What whoever fills in the form should know."""
        if command not in ASSIGNING or target.file is None:
            return []
        return [_NOT_RAISED] if target.file.case.row.state == CaseState.NO_CLOCK else []

    async def with_latest(self, scope: Scope, target: FormTarget, form: CommandForm, today: date) -> CommandForm:
        """A form that assigns says until when the chair's own day may be."""
        if form.command not in ASSIGNING or target.file is None:
            return form
        latest = await self._latest(scope, target.file, today)
        if latest is None:
            return form
        said = Translated(f"Chậm nhất {latest:%d/%m/%Y}.", f"No later than {latest:%d/%m/%Y}.")
        return msgspec.structs.replace(form, fields=tuple(_helped(field, said) for field in form.fields))

    async def _latest(self, scope: Scope, file: CaseFile, today: date) -> date | None:
        row = file.case.row
        conference = await self._queries.case(scope, row.conference_id) if row.conference_id else None
        if conference is None:
            return None
        view = view_of(conference)
        end = conference_end(view.first_day, view.last_day, view.closed_on, today)
        (item,) = await self._agendas.of(conference.case.row.subject_id, [file.case], end)
        return item.latest if item.is_raised else None


def own_first(choices: Sequence[ChoiceDefinition], own: Mapping[str, ChoiceDefinition]) -> list[ChoiceDefinition]:
    """What there is to choose from, those of the case at hand before all others."""
    return [*own.values(), *(each for each in choices if each.value not in own)]


def _counted(titles: Sequence[str], vi: str, en: str) -> Translated:
    named = "; ".join(title for title in titles[:SHOWN] if title)
    more = "; …" if len(titles) > SHOWN else ""
    told = f": {named}{more}." if named else "."
    return Translated(f"{len(titles)} {vi}{told}", f"{len(titles)} {en}{told}")


def _helped(field: FormField, said: Translated) -> FormField:
    if field.name != "due_on":
        return field
    vi, en = (f"{field.help.vi} ", f"{field.help.en} ") if field.help else ("", "")
    return msgspec.structs.replace(field, help=Translated(vi + said.vi, en + said.en))
