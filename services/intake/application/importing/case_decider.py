"""A batch of cases decided by the domain, against the store and against what the same file said before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.intake.application.deciding import LoadedAggregates, rests_on, with_receipt
from services.intake.application.importing.bodies import Bodies
from services.intake.application.importing.case_events import body_of, with_ids
from services.intake.application.importing.headings import CASE, Columns
from services.intake.application.importing.refusals import RowRefused, reason_of, shown
from services.intake.application.importing.register import COLUMN_OF, events_of
from services.intake.application.importing.rows import Row, is_id
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
from services.intake.domain.facts import unrecorded
from services.intake.domain.folding import conference_after, fold_conference, fold_petition, petition_after
from shared.events import DatedEvent, public_data
from shared.events.petition import PetitionReceived
from shared.identifiers import NATION

IMPORT = Caller("import", frozenset({"office", "chair", "operations"}), NATION)
#: What the service drew or filled in itself says nothing about whether two records are the same.
_FILLED = frozenset({"petitioner_ids", "receipt_code", "notice_id"})


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


class Known:
    """What was loaded or decided so far: aggregates, and the ids behind the names of cases."""

    def __init__(self) -> None:
        self.loaded = LoadedAggregates()
        self.ids: dict[str, UUID] = {}
        self.facts: dict[UUID, Sequence[AnyFact]] = {}
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
        except Refused as refused:
            work.undo()
            return self._rejected(row, refused.field or "", reason_of(refused), work.topic, stale=True)
        return work.done()

    def _row(self, work: "_Work", row: Row) -> None:
        if row.register is not None:
            case = work.case(row.case)
            petition = self._known.loaded.petitions.get(case)
            for event in events_of(row.register, work, petition.received_on if petition else None):
                work.do(case, row.case, event)
            return
        assert row.act is not None
        if not row.case:
            raise RowRefused(CASE, "is empty: which case is it? Any name that is unique in its source will do")
        case = work.case(row.case)
        body = body_of(row.act, with_ids(row.act, work.id_of), from_text=self._of_text)
        assert body.effective_on is not None
        work.do(case, row.case, row.act.codec.event(body, body.effective_on))

    def _rejected(self, row: Row | None, field: str, reason: str, topic: str, *, stale: bool = False) -> Rejected:
        assert row is not None
        if row.register is not None:
            field = self._columns.heading(COLUMN_OF.get(topic, {}).get(field, field)) if field else ""
        return Rejected(row.index, field, reason, stale)


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
        self._records: dict[UUID, set[bytes]] = {}
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
            raise RowRefused(field, f"{shown(name)} is no conference")
        return conference_id, found

    def id_of(self, name: str, field: str) -> UUID:
        """The id of a case that a row names. Raises RowRefused."""
        found = self._known.ids.get(name)
        if found is None or found not in self._known.loaded.versions:
            raise RowRefused(field, f"there is no case {shown(name)}: import it first, or in the same file")
        self._rest_on(found)
        return found

    def case(self, name: str) -> UUID:
        """The case of a row: known, or new."""
        loaded = self._known.loaded
        if (found := self._known.ids.get(name) if name else None) is None:
            if is_id(name) is not None:
                raise RowRefused(CASE, f"there is no case {name}")
            found = self._mint()
            loaded.versions[found] = 0
            if name:
                self._known.ids[name] = found
                self._names.append(name)
        elif loaded.of(found) is None and loaded.versions[found]:
            raise RowRefused(CASE, f"{name!r} is the reference of something else: take another name")
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

    def do(self, case: UUID, name: str, event: DatedEvent) -> None:
        """Decide one event and fold what it comes to. Raises RowRefused, Refused."""
        self.topic = event.TOPIC
        event = with_petitioner_ids(event, lambda: str(self._mint()))
        target = self._known.loaded.of(case)
        if self._is_recorded(case, event):
            return
        _check_kind(name, target, event)
        may(IMPORT, event, target, self._regulation_cache.regulation)
        for number, fact in enumerate(with_receipt(decide(event, target, self._world, case))):
            self._fold(fact)
            self._told.append(Told(fact, self._name_of(fact, case, name), number > 0))

    def _is_recorded(self, case: UUID, event: DatedEvent) -> bool:
        """Whether the case holds the same record: same event, same day, same public content."""
        facts = self._known.facts.get(case, ())
        if not facts and self._rows[case] == 1:
            return False  # a new case, and nothing before this row
        if (records := self._records.get(case)) is None:
            told = [told.fact.event for told in self._told if told.fact.originator_id == case]
            records = self._records[case] = {_record(event) for event in (*(f.event for f in facts), *told)}
        record = _record(event)
        if record in records:
            return True
        records.add(record)
        return False

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
    if isinstance(event, PetitionReceived) and isinstance(target, Petition):
        raise RowRefused(
            CASE, f"{name!r} is a petition received on {target.received_on} in {target.jurisdiction}: take another name"
        )
    if aggregate and aggregate != event.AGGREGATE:
        raise RowRefused(CASE, f"{name!r} is a {aggregate}: {event.TOPIC} is not done to it")
    if not aggregate and event.TOPIC not in ("PetitionReceived", "ConferencePlanned", "ConferenceProposed"):
        raise RowRefused(CASE, f"there is no case {name!r} yet: its receipt, plan or proposal comes first")


def _record(event: DatedEvent) -> bytes:
    data = {name: value for name, value in public_data(event).items() if name not in _FILLED}
    return msgspec.json.encode([event.TOPIC, data], order="sorted")
