"""The regulation that clocks keep: calendars as they were known on a day, policies in force, jurisdictions."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.followup.domain.facts import Fact, standing
from shared.calendar import Calendar, CalendarYear
from shared.events.regulation import (
    CalendarProposed,
    CalendarPublished,
    DialoguePlanAdopted,
    JurisdictionClosed,
    JurisdictionRegistered,
    PolicyAdopted,
)
from shared.identifiers import lineage, local_day
from shared.policy import DEFAULT_POLICY, Policy


class Regulation:
    """Every regulation fact of one source, folded: calendars by version, policies by jurisdiction, the tree."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._facts: list[Fact] = []
        self.extend(facts)

    def extend(self, facts: Iterable[Fact]) -> None:
        """Take further facts in, in the order recorded."""
        self._facts.extend(facts)
        self._fold()

    def without_last(self) -> None:
        """Take the last fact out again."""
        self._facts.pop()
        self._fold()

    def _fold(self) -> None:
        self._years: dict[int, list[tuple[date, CalendarYear]]] = {}
        self._policies: dict[str, list[Policy]] = {}
        self.adoptions: dict[str, list[Fact]] = {}
        self.plans: list[tuple[Fact, DialoguePlanAdopted]] = []
        self.registered: dict[str, tuple[Fact, JurisdictionRegistered]] = {}
        self.closed_on: dict[str, date] = {}
        self._cache: dict[tuple[str, ...], Calendar] = {}
        self._current: Calendar | None = None
        for fact in standing(self._facts):
            match fact.event:
                case CalendarPublished() | CalendarProposed() as calendar:
                    self._add_year(fact, calendar)
                case PolicyAdopted() as adopted:
                    self._policies.setdefault(adopted.jurisdiction, []).append(adopted.policy)
                    self.adoptions.setdefault(adopted.jurisdiction, []).append(fact)
                case DialoguePlanAdopted() as plan:
                    self.plans.append((fact, plan))
                    self.adoptions.setdefault(plan.jurisdiction, []).append(fact)
                case JurisdictionRegistered() as registered:
                    self.registered[registered.code] = (fact, registered)
                case JurisdictionClosed() as closed:
                    self.closed_on[closed.code] = closed.effective_on
                case _:
                    pass

    def _add_year(self, fact: Fact, calendar: CalendarPublished | CalendarProposed) -> None:
        proposed = isinstance(calendar, CalendarProposed)
        versions = self._years.setdefault(calendar.year, [])
        if proposed and any(not known.provisional for _, known in versions):
            return
        year = CalendarYear(
            year=calendar.year,
            holidays=calendar.holidays,
            makeup_days=calendar.makeup_days,
            version=str(fact.event_id),
            provisional=proposed,
            confirmed=isinstance(calendar, CalendarPublished) and calendar.confirmed,
            document=calendar.document if isinstance(calendar, CalendarPublished) else calendar.basis,
        )
        versions.append((local_day(fact.recorded_at), year))

    @property
    def calendar(self) -> Calendar:
        """The calendar as it is known now."""
        if self._current is None:
            self._current = self._calendar(None)
        return self._current

    def calendars_since(self, day: date) -> list[Calendar]:
        """The calendar as known at the end of `day`, then each later one: what a deed of that day may be held to.

        A later publication can turn late into in time, never the reverse for a deed already done.
        """
        later = {known for versions in self._years.values() for known, _ in versions if known > day}
        found: list[Calendar] = []
        for moment in (day, *sorted(later)):
            calendar = self._calendar(moment)
            if not any(calendar is other for other in found):
                found.append(calendar)
        return found

    def _calendar(self, moment: date | None) -> Calendar:
        chosen = [self._version(versions, moment) for versions in self._years.values()]
        key = tuple(sorted(year.version for year in chosen))
        if key not in self._cache:
            self._cache[key] = Calendar(chosen)
        return self._cache[key]

    @staticmethod
    def _version(versions: list[tuple[date, CalendarYear]], moment: date | None) -> CalendarYear:
        known = [year for day, year in versions if moment is None or day <= moment]
        # What is first published later must serve for the days before it too: nothing else is known.
        return known[-1] if known else versions[0][1]

    def policy(self, jurisdiction: str, day: date) -> Policy:
        """The policy in force for a jurisdiction on a day: its own, its nearest superior's, or the default."""
        for code in lineage(jurisdiction):
            valid = [p for p in self._policies.get(code, ()) if p.valid_from <= day]
            if valid:
                return max(valid, key=lambda p: p.valid_from)
        return DEFAULT_POLICY

    def communes_of(self, jurisdiction: str, day: date) -> list[str]:
        """The communes directly under a jurisdiction that existed on a day, in code order."""
        return sorted(
            code
            for code, (_, j) in self.registered.items()
            if j.parent == jurisdiction and j.level == "commune" and j.valid_from <= day < self._end(code)
        )

    def _end(self, code: str) -> date:
        return self.closed_on.get(code, date.max)

    def fact(self, event_id: UUID) -> Fact | None:
        """The regulation fact of that id."""
        return next((f for f in self._facts if f.event_id == event_id), None)
