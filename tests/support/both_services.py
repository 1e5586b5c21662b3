"""Both services in memory over one log: intake decides and records, followup's engine takes in what was recorded."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.facts import Fact as FollowupFact
from services.intake.domain import (
    Conference,
    DecisionContext,
    Fact,
    Petition,
    Refused,
    decide,
    fold_conference,
    fold_petition,
    fold_regulation,
)
from services.intake.domain.reply_clock import reply_due
from shared.events import DATED_EVENTS, DatedEvent, Metadata
from shared.events.petition import PetitionReopened
from shared.events.regulation import AgencyRegistered, CalendarPublished, JurisdictionRegistered
from shared.identifiers import NATION, derived_id, local_day
from tests.support.history import seed_years

DISTRICT = "H35.10"
AGENCIES = tuple(f"{DISTRICT}.{n}" for n in range(1, 4))
BEGIN = datetime(2019, 7, 1, 2, tzinfo=UTC)
SINCE = date(2004, 1, 1)


class BothServices:
    """What is accepted by intake is recorded at `now` and given to followup; `now` moves forwards only."""

    def __init__(self) -> None:
        self.engine = DeadlineEngine("test")
        self.now = BEGIN
        self.facts: dict[UUID, list[Fact]] = {}
        self.log: list[FollowupFact] = []
        self._rules: list[Fact] = []
        self._regulation = fold_regulation(())
        start = local_day(BEGIN)
        for year in seed_years():
            self.rule(
                CalendarPublished(
                    effective_on=start, year=year.year, holidays=year.holidays, makeup_days=year.makeup_days
                )
            )
        for code, level in (("H35", "province"), (DISTRICT, "district")):
            place = JurisdictionRegistered(effective_on=start, code=code, name=code, level=level, valid_from=SINCE)  # type: ignore[arg-type]
            self.rule(place)
        for code in AGENCIES:
            self.rule(
                AgencyRegistered(effective_on=start, code=code, name=code, jurisdiction=DISTRICT, valid_from=SINCE)
            )

    @property
    def today(self) -> date:
        return local_day(self.now)

    # --- recording ---

    def rule(self, event: DatedEvent) -> None:
        """Record a fact of the regulation. Raises Refused."""
        context = DecisionContext(self._regulation, self.today, {}, {})
        (new,) = decide(event, None, context, derived_id("rule", len(self.log)))
        self._record(new.originator_id, new.event, new.aggregate, new.jurisdiction)
        self._regulation = fold_regulation(self._rules)

    def do(self, target: UUID, topic: str, on: date | None = None, **fields: Any) -> UUID:
        """Decide and record an act; the id of its first fact. Raises Refused."""
        event = DATED_EVENTS[topic](effective_on=on or self.today, **fields)
        new_facts = decide(event, self.petition(target) or self.conference(target), self.context(), target)
        first: UUID | None = None
        for new in new_facts:
            event = new.event
            if getattr(event, "notice_id", None) == UUID(int=0):
                event = msgspec.structs.replace(event, notice_id=first)
            recorded = self._record(new.originator_id, event, new.aggregate, new.jurisdiction)
            first = first or recorded
        assert first is not None
        return first

    def tried(self, target: UUID, topic: str, on: date | None = None, **fields: Any) -> bool:
        """Do it, unless intake refuses it."""
        try:
            self.do(target, topic, on, **fields)
        except Refused:
            return False
        return True

    def _record(self, originator: UUID, event: DatedEvent, aggregate: str, jurisdiction: str) -> UUID:
        self.now += timedelta(seconds=1)
        position = len(self.log) + 1
        event_id = derived_id("event", position)
        stream = self._rules if aggregate not in ("petition", "conference") else self.facts.setdefault(originator, [])
        stream.append(Fact(event, event_id, len(stream) + 1, position, self.now))
        meta = Metadata(
            event_id=event_id,
            aggregate=aggregate,
            jurisdiction=jurisdiction or NATION,
            actor="test",
            correlation_id=event_id,
        )
        fact = FollowupFact(position, event_id, originator, event.TOPIC, self.now, event, meta)
        self.log.append(fact)
        self.engine.apply(fact)
        return event_id

    # --- reading ---

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
        return DecisionContext(self._regulation, self.today, conferences, petitions)

    def due_in_intake(self, petition_ids: Iterable[UUID]) -> dict[UUID, date | None]:
        """The due date of each petition's reply as intake counts it; None where there is no petition any more."""
        context = self.context()
        known = context.petitions
        return {i: reply_due(known[i], replace(context, target_id=i)) if i in known else None for i in petition_ids}

    def due_in_followup(self, petition_ids: Iterable[UUID]) -> dict[UUID, date | None]:
        """The same as followup has raised it, in the petition's last round."""
        return {i: self._raised_due(i) for i in petition_ids}

    def _raised_due(self, petition_id: UUID) -> date | None:
        facts = self.facts[petition_id]
        # What was dropped, because its start was annulled, has an outcome but no day.
        standing = [
            r for r in self.engine.raised_of(petition_id) if r.duty == "reply" and not (r.outcome and r.done_on is None)
        ]
        petition = self.petition(petition_id)
        reopenings = {f.event_id: f.on for f in facts if isinstance(f.event, PetitionReopened)}
        if petition is not None and petition.reopened_on is not None:
            standing = [r for r in standing if r.starting_event in reopenings][-1:]
        assert len(standing) <= 1
        return standing[0].due_on if standing else None
