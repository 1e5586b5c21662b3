"""A history in memory for tests of the deadline machine: deeds go in with a day and a moment of recording."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.facts import Fact
from shared.calendar import CalendarYear
from shared.events import Event, Metadata
from shared.events.conference import ConferenceClosed, ConferenceOpened, ConferencePlanned
from shared.events.petition import PetitionRaised, PetitionReceived, PetitionScheduled
from shared.events.regulation import CalendarPublished, DialoguePlanAdopted, JurisdictionRegistered, PolicyAdopted
from shared.identifiers import LOCAL_ZONE, derived_id
from shared.policy import Policy, shipped_policy

SEEDS = Path(__file__).parents[2] / "shared" / "calendar" / "shipped.json"
DISTRICT = "H35.10"


def seed_years() -> list[CalendarYear]:
    """The product's calendars, as published on the first day of a history."""
    found = json.loads(SEEDS.read_text())
    return msgspec.convert(found["years"] if isinstance(found, dict) else found, list[CalendarYear], strict=False)


def at(text: str) -> datetime:
    """A local moment: `2019-08-23 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).astimezone(UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


class History:
    """Records facts into a machine, one a call, and remembers them all."""

    def __init__(self, source: str = "test", calendars: list[CalendarYear] | None = None) -> None:
        self.engine = DeadlineEngine(source)
        self.facts: list[Fact] = []
        self.source = source
        self._last = at("2019-01-01 00:00")
        for year in seed_years() if calendars is None else calendars:
            self.publish(year, at("2019-01-01 00:00"))

    def publish(self, year: CalendarYear, when: datetime) -> Fact:
        published = CalendarPublished(
            effective_on=day("2019-01-01"), year=year.year, holidays=year.holidays, makeup_days=year.makeup_days
        )
        return self.record(derived_id("calendar", year.year), published, when, "calendar")

    def record(
        self,
        originator_id: UUID,
        event: Event,
        when: datetime | str | None = None,
        aggregate: str = "",
        jurisdiction: str = DISTRICT,
        backfilled: bool = False,
    ) -> Fact:
        """Record an event at a moment (by default one second after the last)."""
        moment = at(when) if isinstance(when, str) else when or self._last + timedelta(seconds=1)
        self._last = moment
        position = len(self.facts) + 1
        event_id = derived_id("event", position, event.TOPIC, originator_id)
        meta = Metadata(
            event_id=event_id,
            aggregate=aggregate or event.AGGREGATE,
            jurisdiction=jurisdiction,
            actor="test",
            correlation_id=event_id,
            backfilled=backfilled,
        )
        fact = Fact(position, event_id, originator_id, event.TOPIC, moment, event, meta)
        self.engine.apply(fact)
        self.facts.append(fact)
        return fact

    def until(self, moment: str) -> None:
        """Let time pass: the source is complete to a local moment."""
        self.engine.advance(at(moment))

    def told(self, subject: UUID | None = None, duty: str | None = None) -> list[str]:
        """The deadline events so far in short: `DeadlineSet 2019-09-16`."""
        return [
            f"{e.event.TOPIC} {e.event.due_on}"
            for e in self.engine.emitted
            if (subject is None or e.event.subject_id == subject) and (duty is None or e.event.duty == duty)
        ]

    def due(self, subject: UUID, duty: str, part: str = "") -> date | None:
        """The due date of the youngest deadline of a duty."""
        rows = [r for r in self.engine.raised_of(subject) if r.duty == duty and r.part == part]
        return max(rows, key=lambda r: r.deadline_id).due_on

    # --- ready-made stretches of the process ---

    def adopt(self, policy: Policy | str, when: str, jurisdiction: str = DISTRICT) -> Fact:
        """Adopt a policy, or a shipped one by its name, on the day of a moment."""
        adopted = shipped_policy(policy) if isinstance(policy, str) else policy
        event = PolicyAdopted(effective_on=at(when).date(), jurisdiction=jurisdiction, policy=adopted)
        return self.record(derived_id("policy", jurisdiction), event, when, "policy", jurisdiction)

    def adopt_plan_570(self, when: str = "2019-06-24 09:00", jurisdiction: str = DISTRICT) -> Fact:
        """Adopt plan 570/KH-UBND as the dialogue plan of 2019, whose rules are the built-in default."""
        event = DialoguePlanAdopted(
            effective_on=at(when).date(), jurisdiction=jurisdiction, number="570/KH-UBND", year=2019
        )
        return self.record(derived_id("plan", "570", jurisdiction), event, when, jurisdiction=jurisdiction)

    def register(self, code: str, level: str, when: str = "2019-01-01 00:00", parent: str = "") -> Fact:
        event = JurisdictionRegistered(
            effective_on=day("2019-01-01"),
            code=code,
            name=code,
            level=level,  # type: ignore[arg-type]
            valid_from=day("2004-01-01"),
            parent=parent,
        )
        return self.record(derived_id("jurisdiction", code), event, when, "jurisdiction", code)

    def plan(
        self,
        name: str,
        first: str,
        last: str | None = None,
        planned: str = "2019-07-01",
        kind: str = "periodic",
        audience: str = "",
    ) -> UUID:
        conference = derived_id("conference", name)
        event = ConferencePlanned(
            effective_on=day(planned),
            jurisdiction=DISTRICT,
            kind=kind,  # type: ignore[arg-type]
            first_day=day(first),
            last_day=day(last or first),
            place="Nhà văn hoá huyện",
            audience=audience,
        )
        self.record(conference, event, f"{planned} 08:00")
        return conference

    def receive(self, name: str, on: str, petitioners: tuple[str, ...] = ("p1",)) -> UUID:
        petition = derived_id("petition", name)
        event = PetitionReceived(effective_on=day(on), jurisdiction=DISTRICT, petitioner_ids=petitioners)
        self.record(petition, event, max(self._last, at(f"{on} 08:30")))
        return petition

    def raise_at(self, conference: UUID, petition: UUID, on: str) -> None:
        self.record(petition, PetitionScheduled(effective_on=day(on), conference_id=conference))
        self.record(petition, PetitionRaised(effective_on=day(on), conference_id=conference))

    def hold(self, conference: UUID, *petitions: UUID, first: str, last: str | None = None) -> Fact:
        """Open, raise the petitions, close."""
        self.record(conference, ConferenceOpened(effective_on=day(first)), max(self._last, at(f"{first} 08:00")))
        for petition in petitions:
            self.raise_at(conference, petition, first)
        closed = last or first
        return self.record(
            conference, ConferenceClosed(effective_on=day(closed)), max(self._last, at(f"{closed} 17:00"))
        )
