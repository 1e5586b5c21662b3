"""The calendars that were published or proposed: as they are known now, and as they were known on a day."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import msgspec

from shared.calendar import Calendar, CalendarYear
from shared.cases.facts import RecordedFact
from shared.events.regulation import CalendarProposed, CalendarPublished
from shared.identifiers import local_day

T = TypeVar("T")


class _Version(msgspec.Struct, frozen=True):
    """A year as a record stated it."""

    known_on: date
    position: int
    year: CalendarYear


class CalendarLog:
    """Every version of every year. `years` holds the version of each that is in force."""

    def __init__(self) -> None:
        self.years: dict[int, CalendarYear] = {}
        self._versions: dict[int, list[_Version]] = {}
        self._current: Calendar | None = None
        # A calendar is known by the records that state its years, which never change: it survives `clear`.
        self._calendars: dict[tuple[str, ...], Calendar] = {}

    def clear(self) -> None:
        """Forget the versions, so that they can be added again."""
        self.years, self._versions, self._current = {}, {}, None

    def add(self, fact: RecordedFact, event: CalendarPublished | CalendarProposed) -> None:
        """Learn the next version of a year. A proposal says nothing where a version was published."""
        known = self.years.get(event.year)
        if isinstance(event, CalendarProposed) and known is not None and not known.provisional:
            return
        year = _year_of(fact, event)
        self._versions.setdefault(event.year, []).append(_Version(local_day(fact.recorded_at), fact.position, year))
        self.years[event.year] = year
        self._current = None

    @property
    def current(self) -> Calendar:
        """The calendar as it is known now."""
        if self._current is None:
            self._current = self._known_at(None)
        return self._current

    def fairest(self, day: date, judge: Callable[[Calendar], T], is_in_time: Callable[[T], bool]) -> tuple[T, Calendar]:
        """An act of a day as judged under the first calendar that finds it in time, and that calendar.

        It is held to the calendar known at the end of its day or to any later one: a later publication can turn late
        into in time, never the reverse. Raises CalendarMissing.
        """
        held_to = [(judge(calendar), calendar) for calendar in self._since(day)]
        return next((pair for pair in held_to if is_in_time(pair[0])), held_to[0])

    def _since(self, day: date) -> list[Calendar]:
        """The calendar as known at the end of `day`, then each later one."""
        records = sorted((v for versions in self._versions.values() for v in versions), key=lambda v: v.position)
        by_then = max((v.position for v in records if v.known_on <= day), default=0)
        found: list[Calendar] = []
        for moment in (by_then, *(v.position for v in records if v.known_on > day)):
            calendar = self._known_at(moment)
            if not any(calendar is other for other in found):
                found.append(calendar)
        return found

    def _known_at(self, moment: int | None) -> Calendar:
        """The calendar after the record of that position; None: now."""
        chosen = [_version(versions, moment) for versions in self._versions.values()]
        key = tuple(sorted(year.version for year in chosen))
        if key not in self._calendars:
            self._calendars[key] = Calendar(chosen)
        return self._calendars[key]


def _version(versions: list[_Version], moment: int | None) -> CalendarYear:
    known = [v.year for v in versions if moment is None or v.position <= moment]
    # What is first published later must serve for the days before it too: nothing else is known.
    return known[-1] if known else versions[0].year


def _year_of(fact: RecordedFact, event: CalendarPublished | CalendarProposed) -> CalendarYear:
    return CalendarYear(
        year=event.year,
        holidays=event.holidays,
        makeup_days=event.makeup_days,
        version=str(fact.event_id),
        provisional=isinstance(event, CalendarProposed),
        confirmed=isinstance(event, CalendarPublished) and event.confirmed,
        document=event.document if isinstance(event, CalendarPublished) else event.basis,
    )
