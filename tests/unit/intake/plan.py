"""A small intake in memory: deeds are decided, recorded and folded, one after the other."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.domain import (
    Conference,
    DecisionContext,
    Fact,
    Petition,
    decide,
    fold_conference,
    fold_petition,
    fold_regulation,
)
from services.intake.domain.regulation import Regulation
from shared.calendar import DayOff
from shared.events import DATED_EVENTS, DatedEvent
from shared.events.conference import ConclusionAssignment
from shared.events.regulation import AgencyClosed, AgencyRegistered, CalendarPublished, JurisdictionRegistered
from shared.identifiers import derived_id

DISTRICT, COMMUNE, OTHER = "H35.10", "H35.10.31", "H36"
OFFICE, EDUCATION, HEALTH, CLOSED = "H35.10.1", "H35.10.4", "H35.10.5", "H35.10.9"
RECEIVED, PLANNED, HELD, NOTICE, DUE = (
    date(2019, 7, 1),
    date(2019, 7, 22),
    date(2019, 8, 23),
    date(2019, 8, 30),
    date(2019, 9, 16),
)
TODAY = date(2019, 12, 2)
A, B, C = (derived_id("case", name) for name in "ABC")


class Register:
    """Facts by aggregate, in the order recorded."""

    def __init__(self, *, historic: bool = False) -> None:
        self.historic = historic
        self.facts: dict[UUID, list[Fact]] = {}
        self.position = 0
        self.rules: list[Fact] = []
        since, start = date(2004, 1, 1), date(2019, 1, 1)
        for code, level in (("H35", "province"), (DISTRICT, "district"), (COMMUNE, "commune"), (OTHER, "province")):
            self._rule(JurisdictionRegistered(effective_on=start, code=code, name=code, level=level, valid_from=since))  # type: ignore[arg-type]
        for code in (OFFICE, EDUCATION, HEALTH, CLOSED):
            self._rule(
                AgencyRegistered(effective_on=start, code=code, name=code, jurisdiction=DISTRICT, valid_from=since)
            )
        self._rule(AgencyClosed(effective_on=date(2019, 3, 1), code=CLOSED, successor=EDUCATION))
        off = (DayOff(date=date(2019, 9, 2), name="Quốc khánh"),)
        self._rule(CalendarPublished(effective_on=start, year=2019, holidays=off))
        self.regulation: Regulation = fold_regulation(self.rules)

    def _rule(self, event: DatedEvent) -> None:
        self.rules.append(self._fact(event, len(self.rules) + 1))

    def rule(self, event: DatedEvent) -> "Register":
        """Record a fact of the regulation."""
        self._rule(event)
        self.regulation = fold_regulation(self.rules)
        return self

    def _fact(self, event: DatedEvent, version: int) -> Fact:
        self.position += 1
        stamp = datetime(2019, 12, 2, tzinfo=UTC)
        return Fact(event, derived_id("event", self.position), version, self.position, stamp)

    def petition(self, target: UUID) -> Petition | None:
        """The petition of that id."""
        facts = self.facts.get(target, [])
        return fold_petition(facts) if facts and facts[0].event.AGGREGATE == "petition" else None

    def conference(self, target: UUID) -> Conference | None:
        """The conference of that id."""
        facts = self.facts.get(target, [])
        return fold_conference(facts) if facts and facts[0].event.AGGREGATE == "conference" else None

    def context(self) -> DecisionContext:
        """Everything recorded."""
        petitions = {i: p for i in self.facts if (p := self.petition(i)) is not None}
        conferences = {i: c for i in self.facts if (c := self.conference(i)) is not None}
        return DecisionContext(self.regulation, TODAY, conferences, petitions, historic=self.historic)

    def do(self, target: UUID, topic: str, on: date = NOTICE, **fields: Any) -> UUID:
        """Decide and record; the id of the first fact."""
        event = DATED_EVENTS[topic](effective_on=on, **fields)
        found = decide(event, self.petition(target) or self.conference(target), self.context(), target)
        first: UUID | None = None
        for new in found:
            stream = self.facts.setdefault(new.originator_id, [])
            event = new.event
            if getattr(event, "notice_id", None) == UUID(int=0):
                event = msgspec.structs.replace(event, notice_id=first)
            stream.append(self._fact(event, len(stream) + 1))
            first = first or stream[-1].event_id
        assert first is not None
        return first

    def receive(self, *petitions: UUID) -> "Register":
        """Petitions as they come in."""
        for petition in petitions or (A,):
            self.do(petition, "PetitionReceived", RECEIVED, jurisdiction=COMMUNE, petitioner_ids=("p1",))
        return self

    def planned(self) -> "Register":
        """A conference with its day."""
        days = {"first_day": HELD, "last_day": HELD}
        self.do(C, "ConferencePlanned", PLANNED, jurisdiction=DISTRICT, kind="periodic", place="Hội trường", **days)
        return self

    def opened(self) -> "Register":
        """Opened on its day."""
        self.planned().do(C, "ConferenceOpened", HELD)
        return self

    def raised(self) -> "Register":
        """A petition raised at an open conference."""
        self.opened().receive(A).do(A, "PetitionRaised", HELD, conference_id=C)
        return self

    def closed(self) -> "Register":
        """The conference is over, the petition left open."""
        self.raised().do(C, "ConferenceClosed", HELD)
        return self

    def assigned(self) -> "Register":
        """An agency owes the reply."""
        lines = [{"petition_id": A, "agency": EDUCATION}]
        self.closed().conclude(lines)
        return self

    def conclude(self, lines: list[dict[str, Any]]) -> UUID:
        """The conclusion notice."""
        made = tuple(ConclusionAssignment(**line) for line in lines)
        return self.do(
            C, "ConclusionNoticeIssued", NOTICE, number="1/TB", signatory="Chủ tịch", digest="d" * 64, assignments=made
        )
