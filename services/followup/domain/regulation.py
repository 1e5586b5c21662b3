"""The regulation that clocks keep: calendars as known on a day, rules in force, bodies and their successors."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import assert_never

import msgspec

from services.followup.domain.facts import Fact, RegulationFact, holding, is_regulation
from shared.calendar import Calendar
from shared.cases.calendars import CalendarLog
from shared.cases.catalogues import CatalogueLog
from shared.cases.facts import standing
from shared.cases.successors import NOBODY, successor
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.regulation import (
    AgencyClosed,
    AgencyRegistered,
    CalendarProposed,
    CalendarPublished,
    CatalogueAdopted,
    CatalogueMapped,
    DialoguePlanAdopted,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    PolicyAdopted,
    ReceptionDayHeld,
)
from shared.identifiers import local_day
from shared.policy import DEFAULT_POLICY, Adopted, AdoptionRegister, InForce, RuleInForce


class Ended(msgspec.Struct, frozen=True):
    """A body that is no more: `closed_on` is the first day without it."""

    closed_on: date
    successor: str


class Opening(msgspec.Struct, frozen=True):
    """What makes a jurisdiction owe a periodic duty, and the first day on which it can."""

    fact: Fact
    since: date


class RegulationLog:
    """Every regulation fact of one source, folded."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        #: Every fact, in the order recorded, those too that were annulled.
        self.facts: list[Fact] = []
        self.calendars = CalendarLog()
        self.extend(facts)

    def extend(self, facts: Iterable[Fact]) -> None:
        """Take further facts in, in the order recorded."""
        self.facts.extend(facts)
        self._fold()

    def without_last(self) -> None:
        """Take the last fact out again."""
        self.facts.pop()
        self._fold()

    def _fold(self) -> None:
        self.calendars.clear()
        self.policies: list[tuple[Fact, PolicyAdopted]] = []
        self.plans: list[tuple[Fact, DialoguePlanAdopted]] = []
        self.registered: dict[str, tuple[Fact, JurisdictionRegistered]] = {}
        self.ended_jurisdictions: dict[str, Ended] = {}
        self.ended_agencies: dict[str, Ended] = {}
        self.receptions: dict[str, list[Fact[ReceptionDayHeld]]] = {}
        self.waivers: dict[str, list[Fact[FrequencyDutyWaived]]] = {}
        self.catalogues = CatalogueLog(self.ended_jurisdictions)
        self._openings: dict[tuple[str, str, str], list[Opening]] = {}
        for fact in standing(self.facts):
            if is_regulation(fact):
                self._apply(fact)
        self.in_force = InForce(
            AdoptionRegister(
                adopted=tuple(Adopted(event.jurisdiction, event.policy) for _, event in self.policies),
                levels={code: event.level for code, (_, event) in self.registered.items()},
                closed_on={code: ended.closed_on for code, ended in self.ended_jurisdictions.items()},
                default_since={
                    plan.jurisdiction: date(plan.year, 1, 1) for _, plan in self.plans if _is_of_default(plan)
                },
            )
        )

    def _apply(self, fact: RegulationFact) -> None:
        event = fact.event
        match event:
            case CalendarPublished() | CalendarProposed():
                self.calendars.add(fact, event)
            case PolicyAdopted():
                self.policies.append((fact, event))
            case CatalogueAdopted() | CatalogueMapped():
                self.catalogues.add(event)
            case DialoguePlanAdopted():
                self.plans.append((fact, event))
            case JurisdictionRegistered():
                self.registered[event.code] = (fact, event)
            case JurisdictionClosed():
                self.ended_jurisdictions[event.code] = Ended(event.effective_on, event.successor)
            case AgencyClosed():
                self.ended_agencies[event.code] = Ended(event.effective_on, event.successor)
            case ReceptionDayHeld():
                self.receptions.setdefault(event.code, []).append(holding(fact, event))
            case FrequencyDutyWaived():
                self.waivers.setdefault(event.code, []).append(holding(fact, event))
            case AgencyRegistered() | ReminderSent() | RecordAnnulled():
                pass  # no duty depends on it
            case _:
                assert_never(event)

    # --- calendars ---------------------------------------------------------------------------------------------------

    @property
    def calendar(self) -> Calendar:
        """The calendar as it is known now."""
        return self.calendars.current

    # --- rules -------------------------------------------------------------------------------------------------------

    def rule_in_force(self, jurisdiction: str, duty: str, day: date, audience: str = "") -> RuleInForce | None:
        """The rule in force for a duty on a day, and its document; None where nobody owes it."""
        return self.in_force.rule_in_force(jurisdiction, duty, day, audience)

    def bound(self) -> set[str]:
        """The jurisdictions that an adopted document makes owe something themselves."""
        found = {plan.jurisdiction for _, plan in self.plans}
        for _, adopted in self.policies:
            candidates = self.registered if adopted.policy.levels else [adopted.jurisdiction]
            found |= {code for code in candidates if self._binds(adopted, code)}
        return found

    def _binds(self, adopted: PolicyAdopted, code: str) -> bool:
        """Whether a document makes a jurisdiction owe something itself."""
        known = self.registered.get(code)
        return Adopted(adopted.jurisdiction, adopted.policy).binds(code, known[1].level if known else "")

    def opening(self, code: str, duty: str, audience: str) -> Opening | None:
        """What makes a jurisdiction owe a periodic duty: the first document that says so, or stands on the default."""
        return next(iter(self._opened_by(code, duty, audience)), None)

    def known_on(self, code: str, duty: str, audience: str, last: date) -> date:
        """The day on which it was first known that a jurisdiction owes a periodic duty in a period that ends on `last`.

        That it owed it before a document was known of can come to be known later.
        """
        openings = self._opened_by(code, duty, audience)
        return min(local_day(opening.fact.recorded_at) for opening in openings if opening.since <= last)

    def _opened_by(self, code: str, duty: str, audience: str) -> list[Opening]:
        key = (code, duty, audience)
        if key not in self._openings:
            found = self._find_openings(code, duty, audience)
            self._openings[key] = sorted(found, key=lambda opening: (opening.fact.on, opening.fact.position))
        return self._openings[key]

    def _find_openings(self, code: str, duty: str, audience: str) -> list[Opening]:
        by_default = duty == "annual_dialogue" and not audience
        found: list[Opening] = []
        if by_default:
            found += [Opening(fact, fact.on) for fact, plan in self.plans if plan.jurisdiction == code]
        for fact, adopted in self.policies:
            policy = adopted.policy
            if not self._binds(adopted, code):
                continue
            if policy.stated_rule(duty) is not None and policy.audience == audience:
                found.append(Opening(fact, max(fact.on, policy.valid_from)))
            elif by_default and Adopted(adopted.jurisdiction, policy).stands_on_default():
                found.append(Opening(fact, fact.on))
        return found

    def audiences(self, code: str, duty: str) -> list[str]:
        """The audiences for which some document makes a jurisdiction owe a periodic duty; "" is everyone."""
        found = {""}
        for _, adopted in self.policies:
            if adopted.policy.stated_rule(duty) and self._binds(adopted, code):
                found.add(adopted.policy.audience)
        return sorted(found)

    # --- bodies ------------------------------------------------------------------------------------------------------

    def successor_of_agency(self, code: str, on: date | None, named: Mapping[str, str] = NOBODY) -> str:
        """Who owes on a day (None: now) what a body was charged with: itself, or who took over from it."""
        return successor(code, on, self.ended_agencies, named)

    def successor_of_jurisdiction(self, code: str, on: date | None) -> str:
        """Whose case it is on a day (None: now) that was a jurisdiction's."""
        return successor(code, on, self.ended_jurisdictions)

    def successions(self, code: str, since: date, until: date | None) -> Iterator[tuple[date, str]]:
        """The days within a span on which a body was followed by another, and by which."""
        seen = {code}
        while (gone := self.ended_agencies.get(code)) is not None and gone.successor and gone.successor not in seen:
            if gone.closed_on < since or (until is not None and gone.closed_on > until):
                return
            yield gone.closed_on, gone.successor
            seen.add(gone.successor)
            code = gone.successor

    def communes_of(self, jurisdiction: str, day: date) -> list[str]:
        """The communes directly under a jurisdiction that existed on a day, in code order."""
        return sorted(
            code
            for code, (_, j) in self.registered.items()
            if j.parent == jurisdiction and j.level == "commune" and j.valid_from <= day < self._end(code)
        )

    def _end(self, code: str) -> date:
        ended = self.ended_jurisdictions.get(code)
        return ended.closed_on if ended else date.max

    def closed_on(self, code: str) -> date | None:
        """The first day without a jurisdiction; None while it exists."""
        ended = self.ended_jurisdictions.get(code)
        return ended.closed_on if ended else None


def _is_of_default(plan: DialoguePlanAdopted) -> bool:
    """Whether a plan is the document of the built-in default: numbers begin anew each year."""
    document = DEFAULT_POLICY.document
    return (plan.number, plan.year) == (document.number, document.issued_on.year)
