"""What a form is about: a petition, a conference or a place, with where intake keeps it and where its page is."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from services.followup.adapters.read.models import CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.addresses import PEOPLE
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.query_parameters import code_of, or_404
from shared.command_definitions import CommandDefinition
from shared.events.deadline import Subject
from shared.events.regulation import CalendarPublished, PolicyAdopted
from shared.identifiers import derived_id

#: The commands at a place that have pages made for them: a document is tried, and a calendar drawn, before they stand.
_PAGES_OF_THEIR_OWN = {
    PolicyAdopted.TOPIC: "/rules/{place}/adopt",
    CalendarPublished.TOPIC: "/calendars?source={source}",
}


class Back(NamedTuple):
    """Where a page leads back to that is about no case and no place."""

    page: str
    title: Bilingual


TO_PEOPLE = Back(PEOPLE, Bilingual("Người dùng và vị trí công tác", "People and posts"))


class FormTarget(NamedTuple):
    """`named` is the id of a case or the code of a place; `file` is None for a place that owes nothing of its own."""

    source: str
    subject: Subject
    named: str
    jurisdiction: str
    title: Bilingual
    file: CaseFile | None

    @property
    def path(self) -> str:
        """Where intake keeps it."""
        return f"/v1/{self.subject}s/{self.named}"

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"/jurisdictions/{self.named}" if self.subject == "jurisdiction" else f"/cases/{self.named}"

    def own_page(self, command: str) -> str:
        """The address of the page that is made for a command here; empty for one that the general form takes."""
        pattern = _PAGES_OF_THEIR_OWN.get(command, "") if self.subject == "jurisdiction" else ""
        return pattern.format(place=self.named, source=quote(self.source, safe=""))

    def act_page(self, command: str) -> str:
        """The address at which a command is given."""
        return self.own_page(command) or f"{self.page}/acts/{command}"

    def commands(self, definitions: Iterable[CommandDefinition]) -> dict[str, CommandDefinition]:
        """The definitions of the commands on it by their names: some names stand for two, one that begins a case."""
        is_place = self.subject == "jurisdiction"
        return {
            each.command: each
            for each in definitions
            if (each.aggregate == self.subject and not each.creates) or (is_place and each.creates)
        }


NOT_REGISTERED = Bilingual("Địa bàn chưa đăng ký", "A jurisdiction that is not registered")


async def case_target(queries: Queries, scope: Scope, subject_id: UUID) -> FormTarget:
    """A petition or conference that the caller may see. Raises ProblemError 404."""
    file = or_404(await queries.case(scope, subject_id), "case")
    row = file.case.row
    if row.subject == "jurisdiction":
        return await place_target(queries, scope, row.jurisdiction)
    return FormTarget(file.case.source, row.subject, str(subject_id), row.jurisdiction, title_of(row), file)


async def place_target(queries: Queries, scope: Scope, code: str) -> FormTarget:
    """A registered jurisdiction within what the caller may see. Raises ProblemError 400, 404.

    Or the caller's own while nobody has registered it: there the first one is, if there is one source alone.
    """
    known = code_of(code)
    name = (await queries.places(scope)).get(known)
    if name is None and known == scope.jurisdiction and not scope.agency:
        sources = await queries.sources()
        only = or_404(sources[0].source if len(sources) == 1 else None, "jurisdiction")
        return FormTarget(only, "jurisdiction", known, known, NOT_REGISTERED, None)
    name = or_404(name, "jurisdiction")
    source = or_404(await queries.source_of_place(known), "jurisdiction")
    file = await queries.case(scope, derived_id("jurisdiction", known))
    return FormTarget(source, "jurisdiction", known, known, Bilingual(name, name), file)


def title_of(row: CaseRow) -> Bilingual:
    """What a case is called on pages."""
    if row.subject == "conference":
        if row.received_on is None:
            return Bilingual("Đề xuất đối thoại", "Proposed dialogue")
        told = f"{row.received_on:%d/%m/%Y}, {row.title}"
        return Bilingual(f"Hội nghị ngày {told}", f"Conference of {told}")
    if row.title:
        return Bilingual(row.title, row.title)
    return Bilingual("Kiến nghị chưa phân loại", "Petition not yet classified")
