"""The regulation: jurisdictions and agencies valid over time, calendars, policies, plans, catalogues."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.errors import (
    AgencyClosedThen,
    CalendarYearMissing,
    JurisdictionClosedThen,
    UnknownAgency,
    UnknownJurisdiction,
)
from services.intake.domain.facts import Fact
from services.intake.domain.people import People
from shared.calendar import Calendar, CalendarYear
from shared.cases.calendars import CalendarLog
from shared.cases.catalogues import CatalogueLog
from shared.cases.successors import NOBODY, successor
from shared.events.regulation import FrequencyDutyWaived, PolicyAdopted
from shared.identifiers import NATION, is_within, lineage
from shared.policy import Adopted, AdoptionRegister, InForce, Policy, RuleInForce
from shared.policy.effect import PolicyEffect, policy_effects


class PublicBody(msgspec.Struct, frozen=True):
    """A jurisdiction or an agency: `jurisdiction` is the parent of the one, the seat of the other."""

    code: str
    name: str
    jurisdiction: str
    valid_from: date
    closed_on: date | None = None
    successor: str = ""
    level: str = ""

    def existed(self, day: date) -> bool:
        """Whether the body existed on a day; `closed_on` is the first day without it."""
        return self.valid_from <= day and (self.closed_on is None or day < self.closed_on)


class Regulation:
    """What the facts of the regulation say, folded."""

    def __init__(self) -> None:
        self.jurisdictions: dict[str, PublicBody] = {}
        self.agencies: dict[str, PublicBody] = {}
        self.calendars = CalendarLog()
        #: The adoptions that stand, in the order recorded.
        self.adoptions: list[Fact[PolicyAdopted]] = []
        #: The waivers of periodic duties, in the order recorded.
        self.waivers: list[Fact[FrequencyDutyWaived]] = []
        #: The records that were taken back.
        self.annulled: set[UUID] = set()
        self.in_force = InForce(AdoptionRegister())
        self.plans: set[tuple[str, str, int]] = set()
        self.catalogues = CatalogueLog(self.jurisdictions)
        self.people = People()

    @property
    def years(self) -> Mapping[int, CalendarYear]:
        """The years that have a calendar."""
        return self.calendars.years

    @property
    def calendar(self) -> Calendar:
        """The calendar as it is known now."""
        return self.calendars.current

    def rule_in_force(self, jurisdiction: str, duty: str, day: date, audience: str = "") -> RuleInForce | None:
        """The rule in force for a duty on a day, and its document; None where nobody owes it."""
        return self.in_force.rule_in_force(jurisdiction, duty, day, audience)

    def successor_of(self, agency: str, day: date, named: Mapping[str, str] = NOBODY) -> str:
        """Who has taken over by a day what an agency was charged with: itself while it exists.

        Where its closing names no successor, the document may (`named`).
        """
        return successor(agency, day, self.agencies, named)

    def perhaps_before(self, agency: str, day: date) -> frozenset[str]:
        """An agency, and every body that it may have taken over from by a day: no other can have.

        Of a body that ended without a successor documents say who follows it, each for its place.
        """
        found = {agency}
        for code, body in self.agencies.items():
            if body.closed_on is not None:
                last = self.successor_of(code, day)
                if last == agency or ((end := self.agencies.get(last)) is not None and end.closed_on is not None):
                    found.add(code)
        return frozenset(found)

    def heirs_named(self, jurisdiction: str, duty: str, day: date, audience: str = "") -> Mapping[str, str]:
        """The successors that the document in force for a duty names for bodies that have ended."""
        rule_in_force = self.rule_in_force(jurisdiction, duty, day, audience)
        return rule_in_force.policy.heirs if rule_in_force else NOBODY

    def successor_of_jurisdiction(self, code: str, day: date) -> str:
        """Whose cases a jurisdiction's are by a day: its own while it exists."""
        return successor(code, day, self.jurisdictions)

    def lies_within(self, code: str, place: str, day: date) -> bool:
        """Whether a jurisdiction's cases are by a day those of a place or of one below it.

        What an ended one left is its successor's too, and stays with those above it.
        """
        return is_within(code, place) or is_within(self.successor_of_jurisdiction(code, day), place)

    def left_to(self, place: str, day: date) -> frozenset[str]:
        """The ended jurisdictions whose cases are by a day those of a place or of one below it."""
        ended = (code for code, body in self.jurisdictions.items() if body.closed_on is not None)
        return frozenset(code for code in ended if self.lies_within(code, place, day))

    def agency_on(self, code: str, day: date, field: str = "agency") -> PublicBody:
        """The agency as it was on a day. Raises UnknownAgency, AgencyClosedThen."""
        agency = self.agencies.get(code)
        if agency is None:
            raise UnknownAgency(field, code=code)
        if not agency.existed(day):
            if agency.successor:
                raise AgencyClosedThen(field, "successor", code=code, day=day, successor=agency.successor)
            raise AgencyClosedThen(field, code=code, day=day)
        return agency

    def jurisdiction_on(self, code: str, day: date, field: str = "jurisdiction") -> PublicBody:
        """The jurisdiction as it was on a day. Raises UnknownJurisdiction, JurisdictionClosedThen."""
        found = self.jurisdictions.get(code)
        if found is None:
            raise UnknownJurisdiction(field, code=code)
        if not found.existed(day):
            if found.successor:
                raise JurisdictionClosedThen(field, "successor", code=code, day=day, successor=found.successor)
            raise JurisdictionClosedThen(field, code=code, day=day)
        return found

    def topmost(self, day: date) -> str:
        """The one jurisdiction of the store that is under no other on a day; the nation where there are several."""
        found = [
            code
            for code, body in self.jurisdictions.items()
            if body.existed(day) and not any(above in self.jurisdictions for above in lineage(code) if above != code)
        ]
        return found[0] if len(found) == 1 else NATION

    def require_seat(self, code: str) -> None:
        """Refuse a jurisdiction that is neither registered nor the nation. Raises UnknownJurisdiction."""
        if code != NATION and code not in self.jurisdictions:
            raise UnknownJurisdiction("jurisdiction", code=code)

    def require_calendar(self, day: date, field: str) -> None:
        """Refuse a day in a year without a calendar. Raises CalendarYearMissing."""
        if day.year not in self.years:
            raise CalendarYearMissing(field, day=day, year=day.year)

    def without(self, adoption: Fact[PolicyAdopted]) -> "Regulation":
        """The regulation as it would be if a policy had not been adopted."""
        found = Regulation()
        found.__dict__.update(self.__dict__)
        found.adoptions = [fact for fact in self.adoptions if fact is not adoption]
        found.derive()
        return found

    def derive(self) -> None:
        """Make what is derived from the facts, once all of them are folded."""
        self.in_force = InForce(self._register())

    def effects_of(self, policy: Policy, jurisdiction: str, day: date) -> tuple[PolicyEffect, ...]:
        """What would change if a jurisdiction adopted a policy: who owes what, and which document wins.

        Raises UnknownJurisdiction.
        """
        self.require_seat(jurisdiction)
        planned = {code for code, _, _ in self.plans}
        return policy_effects(Adopted(jurisdiction, policy), self._register(), day, planned)

    def _register(self) -> AdoptionRegister:
        bodies = self.jurisdictions.items()
        return AdoptionRegister(
            adopted=tuple(Adopted(fact.event.jurisdiction, fact.event.policy) for fact in self.adoptions),
            levels={code: body.level for code, body in bodies},
            closed_on={code: body.closed_on for code, body in bodies if body.closed_on is not None},
        )
