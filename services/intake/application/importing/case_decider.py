"""A batch of cases decided by the domain, against the store and against what the same file said before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.deciding import LoadedAggregates, rests_on, with_receipt
from services.intake.application.errors import ReferenceAnnulled
from services.intake.application.importing.bodies import Bodies
from services.intake.application.importing.case_events import body_of, with_ids
from services.intake.application.importing.headings import CASE, Columns
from services.intake.application.importing.known_case import CaseRecords, RowSaid
from services.intake.application.importing.refusals import RowDiffers, RowRefused, reason_of, shown
from services.intake.application.importing.register import COLUMN_OF, events_of, said_of
from services.intake.application.importing.rows import Row, is_id
from services.intake.application.importing.values import in_words
from services.intake.application.petitioners import with_petitioner_ids
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import (
    AnyFact,
    AnyNewFact,
    Caller,
    Conference,
    DecisionContext,
    Petition,
    Refused,
    decide,
    may,
)
from services.intake.domain.catalogues import canonical
from services.intake.domain.facts import unrecorded
from services.intake.domain.field_checks import check_reference
from services.intake.domain.folding import conference_after, fold_conference, fold_petition, petition_after
from shared.events import DatedEvent, PetitionReference
from shared.events.titles import EVENT_TITLES
from shared.identifiers import NATION
from shared.sentences import Sentence

IMPORT = Caller("import", frozenset({"office", "chair", "operations"}), NATION)


class Rejected(msgspec.Struct, frozen=True):
    """The row of a case that kept the case out, and why; `stale` when other knowledge might change the answer."""

    index: int
    column: str
    reason: str
    stale: bool = False


class Told(msgspec.Struct, frozen=True):
    """A decided fact, the name of its case, and whether the event before it brought it with it."""

    fact: AnyNewFact
    case: str
    follows: bool


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Cases that are recorded together, whole or not at all."""

    told: tuple[Told, ...]
    expected: dict[UUID, int]
    petitioners: dict[UUID, tuple[str, ...]]
    references: dict[UUID, PetitionReference]


class Known:
    """What was loaded or decided so far: aggregates, and the ids behind the names of cases."""

    def __init__(self) -> None:
        self.loaded = LoadedAggregates()
        self.ids: dict[str, UUID] = {}
        self.facts: dict[UUID, Sequence[AnyFact]] = {}
        #: What can still be read of their sealed words, by version, of the cases that rows are of.
        self.opened: dict[UUID, dict[int, Mapping[str, Any]]] = {}
        #: The petitions of the store that were merged into each.
        self.merged: dict[UUID, list[UUID]] = {}
        #: How many events were decided; they are recorded in that order.
        self.decided = 0

    def take(self, found: Mapping[UUID, Sequence[AnyFact]]) -> None:
        """What the store holds of some aggregates."""
        self.loaded.take(found)
        self.facts.update(found)
        for originator in found:
            petition = self.loaded.petitions.get(originator)
            if petition is not None and petition.merged_into is not None:
                self.merged.setdefault(petition.merged_into, []).append(originator)

    def conferences_only(self) -> None:
        """Petitions are not met again; conferences are, by every petition raised there."""
        kept = self.loaded.conferences.keys()
        self.loaded.petitions.clear()
        self.merged.clear()
        self.loaded.versions = {i: v for i, v in self.loaded.versions.items() if i in kept}
        self.ids = {name: i for name, i in self.ids.items() if i in kept}
        self.facts = {i: facts for i, facts in self.facts.items() if i in kept}
        self.opened = {i: opened for i, opened in self.opened.items() if i in kept}


class Decisions:
    """Decides the groups of one batch, one after the other."""

    def __init__(
        self,
        regulation_cache: RegulationCache,
        known: Known,
        bodies: Bodies,
        columns: Columns,
        mint: Callable[[], UUID],
        of_text: bool,
    ) -> None:
        self._regulation_cache, self._known, self._bodies = regulation_cache, known, bodies
        self._columns, self._mint, self._of_text = columns, mint, of_text
        loaded = known.loaded
        self._world = DecisionContext(
            regulation_cache.regulation,
            regulation_cache.today,
            loaded.conferences,
            loaded.petitions,
            historic=True,
            attributes=regulation_cache.attributes,
        )

    def group(self, rows: Iterable[Row]) -> Group | Rejected:
        """The facts of some rows that belong together; none when everything is known."""
        work = _Work(self._regulation_cache, self._known, self._bodies, self._world, self._mint)
        row: Row | None = None
        contents: set[bytes] = set()
        try:
            for row in rows:
                if row.content not in contents:
                    contents.add(row.content)
                    self._row(work, row)
        except RowRefused as refused:
            work.undo()
            return self._rejected(row, refused.column, refused.reason, "")
        except RowDiffers as differs:
            work.undo()
            return self._rejected(row, differs.columns[0].column, self._told(row, differs), "")
        except Refused as refused:
            work.undo()
            return self._rejected(row, refused.field or "", reason_of(refused), work.topic, stale=True)
        return work.done()

    def _row(self, work: "_Work", row: Row) -> None:
        if row.register is not None:
            case = work.case(row.case)
            petition = self._known.loaded.petitions.get(case)
            differs: list[RowDiffers] = []
            try:
                for event in events_of(row.register, work, petition, row.columns):
                    said = RowSaid(said_of(event, row.columns), row.register, row.columns)
                    try:
                        work.do(case, row.case, event, said)
                    except RowDiffers as found:
                        differs.append(found)
            except (RowRefused, Refused):
                # What follows is decided without what differs: that is what the row is told of.
                if not differs:
                    raise
            if differs:
                raise RowDiffers([column for each in differs for column in each.columns], differs[0].to_do)
            return
        assert row.act is not None
        if not row.case:
            raise RowRefused(
                CASE,
                "để trống; hãy ghi mã của vụ việc, mã nào cũng được miễn là không trùng trong cùng nguồn",
                "is empty: which case is it? Any name that is unique in its source will do",
            )
        case = work.case(row.case)
        body = body_of(row.act, with_ids(row.act, work.id_of), from_text=self._of_text)
        assert body.effective_on is not None
        event = row.act.codec.event(body, body.effective_on)
        work.do(case, row.case, event, RowSaid(frozenset(row.act.fields)))

    def _rejected(self, row: Row | None, field: str, reason: str, topic: str, *, stale: bool = False) -> Rejected:
        assert row is not None
        if field == "external_id":
            field = CASE
        elif row.register is not None:
            field = COLUMN_OF.get(topic, {}).get(field, field)
        return Rejected(row.index, self._heading(row, field), reason, stale)

    def _heading(self, row: Row, column: str) -> str:
        """A column as the file has it; a row that names its act has the names of the event's fields."""
        return self._columns.heading(column) if column and (row.register is not None or column == CASE) else column

    def _told(self, row: Row | None, differs: RowDiffers) -> str:
        assert row is not None
        found = {self._heading(row, each.column): each.recorded for each in differs.columns}
        vi = ", ".join(name + (f" (đã ghi nhận: {in_words(value)})" if value else "") for name, value in found.items())
        en = ", ".join(name + (f" (recorded: {value})" if value else "") for name, value in found.items())
        return Sentence(
            f"khác với nội dung đã ghi nhận của vụ việc này ở cột: {vi}. Hãy ghi ô đó cho khớp, hoặc để trống; nếu nội "
            f"dung mới là đúng thì {differs.to_do[0]}",
            f"something else was recorded of this case under: {en}; write the cell as recorded, or leave it empty; "
            f"where the row is right, {differs.to_do[1]}",
        ).both


class _Work:
    """One group under decision; what its rows refer to."""

    def __init__(
        self,
        regulation_cache: RegulationCache,
        known: Known,
        bodies: Bodies,
        context: DecisionContext,
        mint: Callable[[], UUID],
    ) -> None:
        self._regulation_cache, self._known, self._bodies, self._world, self._mint = (
            regulation_cache,
            known,
            bodies,
            context,
            mint,
        )
        self._told: list[Told] = []
        self._expected: dict[UUID, int] = {}
        self._before: dict[UUID, Petition | Conference | None] = {}
        self._names: list[str] = []
        self._rows: dict[UUID, int] = {}
        self._records: dict[UUID, CaseRecords] = {}
        self.topic = ""

    # --- what a row refers to ---

    def agency(self, text: str, on: date, field: str) -> str:
        return self._bodies.agency(text, on, field)

    def place(self, text: str, on: date, field: str) -> str:
        return self._bodies.place(text, on, field)

    def conference(self, name: str, field: str) -> tuple[UUID, Conference]:
        conference_id = self.id_of(name, field)
        found = self._known.loaded.conferences.get(conference_id)
        if found is None:
            raise RowRefused(
                field, f"{shown(name)} không phải là hội nghị đã ghi nhận", f"{shown(name)} is no conference"
            )
        return conference_id, found

    def id_of(self, name: str, field: str) -> UUID:
        """The id of a case that a row names. Raises RowRefused."""
        found = self._known.ids.get(name)
        if found is None or found not in self._known.loaded.versions:
            raise RowRefused(
                field,
                f"chưa có {shown(name)}; hãy nhập trước, hoặc trong cùng tệp",
                f"there is no case {shown(name)}: import it first, or in the same file",
            )
        self._rest_on(found)
        return found

    def case(self, name: str) -> UUID:
        """The case of a row: known, or new. Raises InvalidValue, ReferenceAnnulled, RowRefused."""
        loaded = self._known.loaded
        if (found := self._known.ids.get(name) if name else None) is None:
            if is_id(name) is not None:
                raise RowRefused(CASE, f"không có vụ việc {name}", f"there is no case {name}")
            check_reference("", name)
            found = self._mint()
            loaded.versions[found] = 0
            if name:
                self._known.ids[name] = found
                self._names.append(name)
        elif loaded.of(found) is None and loaded.versions[found]:
            if self._known.facts[found][0].event.AGGREGATE in ("petition", "conference"):
                raise ReferenceAnnulled  # the same case, taken back
            raise RowRefused(
                CASE,
                f"{shown(name)} là mã của một ghi nhận khác, không phải vụ việc; hãy dùng mã khác",
                f"{shown(name)} is the reference of something else: take another name",
            )
        self._rows[found] = self._rows.get(found, 0) + 1
        self._rest_on(found)
        return found

    def _rest_on(self, originator: UUID) -> None:
        if originator in self._expected:
            return
        loaded = self._known.loaded
        self._expected[originator] = loaded.versions[originator]
        petition = loaded.petitions.get(originator)
        for other in petition.conferences if petition else ():
            self._expected.setdefault(other, loaded.versions[other])
        for merged in self._known.merged.get(originator, ()):
            self._rest_on(merged)

    # --- events ---

    def do(self, case: UUID, name: str, event: DatedEvent, said: RowSaid) -> None:
        """Decide what an event adds to its case and fold what it comes to. Raises RowRefused, RowDiffers, Refused."""
        self.topic = event.TOPIC
        target = self._known.loaded.of(case)
        _check_kind(name, target, event)
        if (news := self._news(case, event, said)) is None:
            return
        self.topic = news.TOPIC
        news = with_petitioner_ids(news, lambda: str(self._mint()))
        may(IMPORT, news, target, self._regulation_cache.regulation)
        for number, fact in enumerate(with_receipt(decide(news, target, self._world, case))):
            self._fold(fact)
            self._told.append(Told(fact, self._name_of(fact, case, name), number > 0))
            if (records := self._records.get(fact.originator_id)) is not None:
                records.add(fact.event)

    def _news(self, case: UUID, event: DatedEvent, said: RowSaid) -> DatedEvent | None:
        """What of an event the case does not hold yet."""
        facts = self._known.facts.get(case, ())
        if not facts and self._rows[case] == 1:
            return event  # a new case, and nothing before this row
        if (records := self._records.get(case)) is None:
            told = [told.fact.event for told in self._told if told.fact.originator_id == case]
            target, catalogues = self._known.loaded.of(case), self._regulation_cache.regulation.catalogues
            place = target.jurisdiction if target is not None else ""
            records = self._records[case] = CaseRecords(
                facts, self._known.opened.get(case, {}), told, lambda each: canonical(each, place, catalogues)
            )
        return records.news(event, said)

    def _fold(self, fact: AnyNewFact) -> None:
        loaded, case = self._known.loaded, fact.originator_id
        self._before.setdefault(case, loaded.of(case))
        self._rest_on(case)
        decided = unrecorded(fact.event, self._known.decided)
        self._known.decided += 1
        if fact.aggregate == "petition":
            before = loaded.petitions.get(case)
            petition = petition_after(before, decided) if before else fold_petition([decided])
            assert petition is not None
            loaded.petitions[case] = petition
        else:
            held = loaded.conferences.get(case)
            conference = conference_after(held, decided) if held else fold_conference([decided])
            assert conference is not None
            loaded.conferences[case] = conference

    def _name_of(self, fact: AnyNewFact, case: UUID, name: str) -> str:
        return name if fact.originator_id == case and is_id(name) is None else ""

    # --- the end ---

    def done(self) -> Group:
        """What the group comes to; later groups build on it."""
        loaded = self._known.loaded
        facts = [told.fact for told in self._told]
        for fact in facts:
            loaded.versions[fact.originator_id] += 1
        return Group(
            told=tuple(self._told),
            expected=self._expected | rests_on(facts, self._regulation_cache.versions),
            petitioners={i: loaded.petitioners_of(i) for i in self._expected if i in loaded.petitions},
            references={i: loaded.references[i] for i in self._expected if i in loaded.references},
        )

    def undo(self) -> None:
        """As if the group had never been seen."""
        loaded = self._known.loaded
        for case, state in self._before.items():
            loaded.petitions.pop(case, None)
            loaded.conferences.pop(case, None)
            if isinstance(state, Petition):
                loaded.petitions[case] = state
            elif state is not None:
                loaded.conferences[case] = state
        for name in self._names:
            loaded.versions.pop(self._known.ids.pop(name), None)


def _check_kind(name: str, target: Petition | Conference | None, event: DatedEvent) -> None:
    aggregate = "" if target is None else "petition" if isinstance(target, Petition) else "conference"
    if aggregate and aggregate != event.AGGREGATE:
        kind = "kiến nghị" if aggregate == "petition" else "hội nghị"
        raise RowRefused(
            CASE,
            f"{shown(name)} là {kind}, không ghi việc này được: {EVENT_TITLES[event.TOPIC].vi}",
            f"{shown(name)} is a {aggregate}: {event.TOPIC} is not done to it",
        )
    if not aggregate and event.TOPIC not in ("PetitionReceived", "ConferencePlanned", "ConferenceProposed"):
        raise RowRefused(
            CASE,
            f"chưa có {shown(name)}; hãy ghi việc tiếp nhận, kế hoạch hoặc đề xuất trước",
            f"there is no case {shown(name)} yet: its receipt, plan or proposal comes first",
        )
