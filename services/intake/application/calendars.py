"""Calendars that intake records by itself: the product's seeds at first start, computed proposals daily."""

from collections.abc import Callable, Iterable
from datetime import date

from services.intake.application.append_builder import Recorder
from services.intake.application.command import Command
from services.intake.application.command_body import CODECS, Extras
from services.intake.application.deciding import Decided
from services.intake.application.ports import EventStore
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyNewFact, Caller, NewFact
from shared.calendar import CalendarYear
from shared.event_store.errors import DayChanged, VersionConflict
from shared.events.regulation import CalendarProposed, CalendarPublished
from shared.identifiers import NATION, derived_id

BOOTSTRAP = Caller("bootstrap", frozenset({"operations"}), NATION, "")
YEARS_AHEAD = 2

Propose = Callable[[int, date], CalendarProposed]


class CalendarKeeper:
    """Sees to it that the years that counts will reach have a calendar."""

    def __init__(
        self, regulation_cache: RegulationCache, recorder: Recorder, writer: EventStore, propose: Propose
    ) -> None:
        self._regulation_cache = regulation_cache
        self._recorder = recorder
        self._writer = writer
        self._propose = propose

    async def seed(self, years: Iterable[CalendarYear]) -> int:
        """Record the seeds that no calendar stands for yet, unconfirmed; how many."""
        today = self._regulation_cache.today
        return await self._record(
            CalendarPublished(
                effective_on=today,
                year=year.year,
                holidays=year.holidays,
                makeup_days=year.makeup_days,
                document=year.document,
                confirmed=False,
            )
            for year in years
            if not self._has(year.year)
        )

    async def propose(self) -> int:
        """Record a provisional calendar for the store's year and the two after it where there is none; how many."""
        today = self._regulation_cache.today
        ahead = range(today.year, today.year + YEARS_AHEAD + 1)
        return await self._record(self._propose(year, today) for year in ahead if not self._has(year))

    def _has(self, year: int) -> bool:
        return derived_id("calendar", year) in self._regulation_cache.versions

    async def _record(self, events: Iterable[CalendarPublished | CalendarProposed]) -> int:
        made = list(events)
        if not made:
            return 0
        facts = tuple(_fact(event) for event in made)
        decided = Decided(
            facts=facts,
            expected={fact.originator_id: 0 for fact in facts},
            day=self._regulation_cache.today,
            aggregate="calendar",
        )
        command = Command(codec=CODECS["/v1/calendars"], body=Extras(), caller=BOOTSTRAP)
        try:
            await self._writer.append(await self._recorder.prepare(command, decided, b""))
        except (VersionConflict, DayChanged):
            # Another process was first, or midnight passed: the next round sees what is left.
            await self._regulation_cache.refresh()
            return 0
        await self._regulation_cache.refresh()
        return len(made)


def _fact(event: CalendarPublished | CalendarProposed) -> AnyNewFact:
    return NewFact(
        originator_id=derived_id("calendar", event.year), aggregate="calendar", jurisdiction=NATION, event=event
    )
