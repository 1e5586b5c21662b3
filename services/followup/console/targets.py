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
from services.followup.entrypoints.query_parameters import code_of, of_one_source, or_404, several_sources
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
    #: Whether another source has such a place too.
    is_shared: bool = False

    @property
    def place(self) -> str:
        """A place as addresses name it: its code, with the source where several have it."""
        return place_address(self.source, self.named, self.is_shared)

    @property
    def is_registered(self) -> bool:
        """False for a caller's own place that nobody has registered yet."""
        return self.title != NOT_REGISTERED

    @property
    def path(self) -> str:
        """Where intake keeps it."""
        return f"/v1/{self.subject}s/{self.named}"

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"/jurisdictions/{self.place}" if self.subject == "jurisdiction" else f"/cases/{self.named}"

    def own_page(self, command: str) -> str:
        """The address of the page that is made for a command here; empty for one that the general form takes."""
        pattern = _PAGES_OF_THEIR_OWN.get(command, "") if self.subject == "jurisdiction" else ""
        return pattern.format(place=self.place, source=quote(self.source, safe=""))

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


def place_address(source: str, code: str, is_shared: bool) -> str:
    """A place as addresses name it: `H35.10`, or `H35.10@tam-duong` where several sources have one of that code."""
    return f"{code}@{source}" if is_shared else code


NOT_REGISTERED = Bilingual("Địa bàn chưa đăng ký", "A jurisdiction that is not registered")


async def case_target(queries: Queries, scope: Scope, subject_id: UUID, source: str = "") -> FormTarget:
    """A petition or conference that the caller may see. Raises ProblemError 404, and 409 where sources share its id."""
    file = or_404(await of_one_source(queries.case(scope, subject_id, source)), "case")
    row = file.case.row
    if row.subject == "jurisdiction":
        return await place_target(queries, scope, place_address(file.case.source, row.jurisdiction, is_shared=True))
    return FormTarget(file.case.source, row.subject, str(subject_id), row.jurisdiction, title_of(row), file)


async def place_target(queries: Queries, scope: Scope, code: str) -> FormTarget:
    """A registered jurisdiction within what the caller may see, named as in an address.

    Or the caller's own while nobody has registered it: there the first one is, if there is one source alone. Raises
    ProblemError 400, 404, and 409 where several sources have it and none is named.
    """
    text, _, named = code.partition("@")
    known = code_of(text)
    places = await queries.places_by_source(scope)
    having = sorted(source for source, each in places if each == known)
    if not having and known == scope.jurisdiction and not scope.agency:
        sources = await queries.sources()
        only = or_404(sources[0].source if len(sources) == 1 else None, "jurisdiction")
        return FormTarget(only, "jurisdiction", known, known, NOT_REGISTERED, None)
    found = [source for source in having if named in ("", source)]
    if len(found) > 1:
        raise several_sources(found)
    source = or_404(found[0] if found else None, "jurisdiction")
    file, name = await queries.case(scope, derived_id("jurisdiction", known), source), places[source, known]
    return FormTarget(source, "jurisdiction", known, known, Bilingual(name, name), file, len(having) > 1)


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
